//! The third pass: records go to the server, chunk by chunk, from where its checkpoints are.

use super::{
    super::{api::Api, authhero, exit::Failure, screen::Screen, source::Source},
    Progress,
    chunks::{Chunk, Chunks},
    first_pass::FirstPass,
    second_pass::{Tally, each_row},
    target::Target,
};
use crate::importing::{
    model::{Import, Status},
    record::Record,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// What the server says of an import when it is begun, or begun again.
#[derive(Debug, Clone, Default)]
pub struct Begun {
    /// How many records of each table it has already.
    pub taken: BTreeMap<String, i64>,
    /// Whether it is finished: nothing is left to send.
    pub finished: bool,
}

/// The path of the import into a tenant.
pub fn path(tenant: &str) -> String {
    format!("/management/tenants/{tenant}/import")
}

/// Begins an import into a tenant, or takes up the one that was begun with the same records.
///
/// # Errors
/// Another import is open, or the tenant is in use.
pub fn begin(api: &Api<'_>, tenant: &str, target: &Target, tally: &Tally) -> Result<Begun, Failure> {
    let source = format!("authhero {}", tally.digest());
    match api.get::<Import>(&path(tenant)) {
        Ok(import) if import.status == Status::Finished && import.source == source => {
            return Ok(Begun { taken: import.taken, finished: true });
        }
        Ok(_) => {}
        Err(failure) if failure.is_status(404) => {}
        Err(failure) => return Err(failure),
    }
    let wanted = json!({
        "source": source, "tenant": target.destination.from, "issuer": target.mapping.former_issuer,
        "live": target.is_main(),
    });
    let import: Import = api.post(&path(tenant), &wanted).map_err(|failure| match &failure {
        Failure::Refused { code, body, .. } if code == "import_open" => Failure::Other(format!(
            "an import of something else into {tenant} is open ({}): the source or the plan has changed since it began. \
             `gatehouse import --plan PLAN --discard` takes it back",
            body.get("detail").and_then(|open| open.get("id")).and_then(Json::as_str).unwrap_or("unknown")
        )),
        _ => failure,
    })?;
    Ok(Begun { taken: import.taken, finished: false })
}

/// Records on their way to one tenant.
pub struct Sender<'a, 'e> {
    api: &'a Api<'e>,
    tenant: String,
    taken: BTreeMap<String, i64>,
    chunks: Chunks,
}

impl<'a, 'e> Sender<'a, 'e> {
    /// To a tenant whose import has been begun.
    pub fn new(api: &'a Api<'e>, tenant: &str, begun: Begun) -> Self {
        Self { api, tenant: tenant.to_owned(), taken: begun.taken, chunks: Chunks::default() }
    }

    /// One more record; what the server has already is not sent again.
    fn put(&mut self, record: Record) -> Result<(), Failure> {
        let taken = self.taken.get(record.table).copied().unwrap_or_default().unsigned_abs();
        if self.chunks.seen(record.table) < taken {
            self.chunks.skip(record.table);
            return Ok(());
        }
        self.chunks.put(record, &mut |chunk| send_chunk(self.api, &self.tenant, chunk))
    }

    /// Sends what waits.
    fn flush(&mut self) -> Result<(), Failure> {
        self.chunks.flush(&mut |chunk| send_chunk(self.api, &self.tenant, chunk))
    }
}

fn send_chunk(api: &Api<'_>, tenant: &str, Chunk { table, from, records }: Chunk) -> Result<(), Failure> {
    let body = json!({"table": table, "from": from, "records": records});
    api.post::<Json>(&format!("{}/records", path(tenant)), &body).map(drop)
}

/// Sends what has not been sent yet: `senders` are those of the targets, none for one that is finished.
///
/// # Errors
/// The server's refusal, or that it does not answer: what it has taken by then it keeps.
pub fn send(
    source: &dyn Source,
    targets: &[Target],
    first: &FirstPass,
    senders: &mut [Option<Sender<'_, '_>>],
    screen: &mut Screen<'_>,
) -> Result<(), Failure> {
    let mut progress = Progress::new(screen, "import", source);
    let mut current = "";
    each_row(source, targets, &mut progress, &mut |_, target, table, row| {
        // What one table's rows became is there before what refers to it.
        if table != current {
            current = table;
            senders.iter_mut().flatten().try_for_each(Sender::flush)?;
        }
        let Some((index, target)) = target else { return Ok(()) };
        let Some(Some(sender)) = senders.get_mut(index) else { return Ok(()) };
        let mapped =
            authhero::map(table, &row.values, &target.mapping, &first.survey).map_err(Failure::changed)?;
        mapped.records.into_iter().try_for_each(|record| sender.put(record))
    })?;
    senders.iter_mut().flatten().try_for_each(Sender::flush)?;
    progress.end();
    Ok(())
}
