//! Whether the server holds what was sent: counts and hashes of every table where a tenant has nothing else, and record by
//! record where it had rows of its own before.

use super::{
    super::{api::Api, authhero, exit::Failure, screen::Screen, source::Source},
    Progress,
    chunks::{Chunk, Chunks},
    first_pass::FirstPass,
    second_pass::{Tally, each_row},
    sender::path,
    target::Target,
};
use crate::importing::{
    fingerprint::Sum,
    model::{Comparison, Different, TablePage},
};
use serde_json::json;

/// What differs, in words.
///
/// # Errors
/// The server's refusal.
pub fn compare(api: &Api<'_>, tenant: &str, tally: &Tally) -> Result<Vec<String>, Failure> {
    let mut differences = Vec::new();
    for (table, volume) in &tally.tables {
        let (count, sum) = held(api, tenant, table)?;
        if count != volume.records {
            differences.push(format!(
                "{tenant}: table {table} has {count} rows of {} that were sent",
                volume.records
            ));
        } else if sum != volume.sum {
            differences.push(format!("{tenant}: table {table} has other rows than were sent"));
        }
    }
    Ok(differences)
}

/// How many rows a table has, and what they add up to.
fn held(api: &Api<'_>, tenant: &str, table: &str) -> Result<(u64, Sum), Failure> {
    let (mut count, mut sum) = (0, Sum::default());
    let mut after: Option<String> = None;
    loop {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(after) = &after {
            query.append_pair("after", after);
        }
        let page: TablePage = api.get(&format!("{}/tables/{table}?{}", path(tenant), query.finish()))?;
        count += page.count;
        sum.add_sum(
            Sum::parse(&page.hash).ok_or_else(|| Failure::Other("the server answers no hash".to_owned()))?,
        );
        after = page.after;
        if after.is_none() {
            return Ok((count, sum));
        }
    }
}

/// What became of records in a tenant that has rows of its own.
#[derive(Debug, Default)]
pub struct Compared {
    /// How many are there as they were sent.
    pub same: u64,
    /// Those that are not there, in words.
    pub missing: Vec<String>,
    /// Those that are different, in words.
    pub different: Vec<String>,
}

/// Sends the records of a target once more, to be compared with the rows that they have become.
///
/// # Errors
/// The source cannot be read again, or the server's refusal.
pub fn compare_records(
    source: &dyn Source,
    target: &Target,
    first: &FirstPass,
    (api, tenant): (&Api<'_>, &str),
    screen: &mut Screen<'_>,
) -> Result<Compared, Failure> {
    let mut progress = Progress::new(screen, "compare", source);
    let mut compared = Compared::default();
    let mut chunks = Chunks::default();
    let mut ask = |Chunk { table, records, .. }: Chunk| {
        let body = json!({"table": table, "records": records});
        let found: Comparison = api.post(&format!("{}/compare", path(tenant)), &body)?;
        compared.take(tenant, table, found);
        Ok(())
    };
    each_row(source, std::slice::from_ref(target), &mut progress, &mut |_, target, table, row| {
        let Some((_, target)) = target else { return Ok(()) };
        let mapped =
            authhero::map(table, &row.values, &target.mapping, &first.survey).map_err(Failure::changed)?;
        mapped.records.into_iter().try_for_each(|record| chunks.put(record, &mut ask))
    })?;
    chunks.flush(&mut ask)?;
    progress.end();
    Ok(compared)
}

impl Compared {
    /// Adds what the server says of a chunk.
    fn take(&mut self, tenant: &str, table: &str, found: Comparison) {
        self.same += found.same;
        let missing = found.missing.iter();
        self.missing.extend(missing.map(|key| format!("{tenant}: table {table}, row {key} is not there")));
        self.different.extend(found.different.iter().map(|Different { key, columns }| {
            format!("{tenant}: table {table}, row {key} is not as it was sent: {}", columns.join(", "))
        }));
    }
}
