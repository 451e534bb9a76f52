//! `gatehouse restore`: a tenant as an archive shows it, in its place or as another one; or its database as it was at a
//! moment.

use super::{
    super::{
        api::Api,
        exit::{Failure, Outcome},
        screen::Screen,
    },
    backup::{archive, archives, moment},
    operations::{self, Details, Until, describe},
    tenants,
};
use crate::{
    operations::{backups::model::State, engine::model::Progress},
    tenant::Status,
    time::Timestamp,
};
use clap::Args;
use serde_json::{Map, Value as Json, json};

/// From what, and where to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenant: one that was deleted comes back
    tenant: String,
    /// The archive (bak_…), or `newest`; `gatehouse backups list` lists them
    #[arg(long, value_name = "BACKUP", required_unless_present = "at")]
    from: Option<String>,
    /// Makes a new tenant of it, under this id, and leaves the tenant alone
    #[arg(long, value_name = "TENANT", conflicts_with = "at")]
    into: Option<String>,
    /// Where a tenant that is made lives: `isolated` or `shared`
    #[arg(long, value_name = "PLACEMENT", value_parser = ["isolated", "shared"], conflicts_with = "at")]
    placement: Option<String>,
    /// Takes the tenant's own database back to this moment (D1 Time Travel; 2027-01-15T08:00:00Z)
    #[arg(long, value_name = "MOMENT", conflicts_with = "from")]
    at: Option<String>,
    /// The tenant's id again, where what it has now is replaced
    #[arg(long, value_name = "TENANT")]
    confirm: Option<String>,
    /// Returns at once; `gatehouse status` then says how far it is
    #[arg(long)]
    no_wait: bool,
}

/// What is asked of the server.
struct Request {
    /// The tenant that it is done to.
    to: String,
    /// The kind of its operation.
    kind: &'static str,
    path: String,
    body: Json,
    /// What its operation says of it.
    mark: Mark,
}

/// What tells an operation from others of its kind.
enum Mark {
    /// The archive that it restores.
    Backup(String),
    /// The moment that it goes back to.
    Moment(Timestamp),
}

impl Mark {
    fn is_of(&self, operation: &Details) -> bool {
        match self {
            Self::Backup(backup) => operation.backup.as_ref() == Some(backup),
            Self::Moment(moment) => operation.timestamp == Some(*moment),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Backup(backup) => backup.clone(),
            Self::Moment(moment) => moment.iso(),
        }
    }
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal, or that it failed: then everything is as it was.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let request = self.request(api)?;
        let is_ours = |operation: &Details, is_new: bool| {
            let same = operation.kind == request.kind && request.mark.is_of(operation);
            // Whoever makes a tenant of an archive a second time has the tenant already.
            let is_there = request.kind == "restore_new" && operation.status == Progress::Succeeded;
            same && (is_new || is_there || !operation.is_over())
        };
        let begun = operations::begin(api, &request.to, (&request.path, &request.body), &is_ours)?;
        let id = begun.id.clone();
        if self.no_wait {
            return Ok(Outcome::done(describe(&begun), begun.into_document()));
        }
        let operation = operations::watch(api, screen, id.as_str(), Until::Over)?;
        let tenant = tenants::get(api, &request.to)?;
        let mut lines =
            vec![format!("{} is as {} shows it: {}", request.to, request.mark.words(), tenant.issuer)];
        let before =
            if request.kind == "restore" { archive_before(api, &request.to, id.as_str())? } else { None };
        lines.extend(before.as_ref().map(|before| {
            format!(
                "What it had before is in {before}: gatehouse restore {0} --from {before} --confirm {0}",
                request.to
            )
        }));
        let document = json!({"operation": operation, "tenant": tenant, "before": before});
        Ok(Outcome::done(lines.join("\n"), document))
    }

    fn request(&self, api: &Api<'_>) -> Result<Request, Failure> {
        let path = tenants::path(&self.tenant)?;
        if let Some(at) = &self.at {
            let moment = moment(at)?;
            self.check_confirmed("it goes back in time: everything since then is lost")?;
            let body = json!({ "timestamp": moment });
            let path = format!("{path}/time-travel");
            return Ok(Request {
                to: self.tenant.clone(),
                kind: "time_travel",
                path,
                body,
                mark: Mark::Moment(moment),
            });
        }
        let backup = self.backup(api)?;
        let mut body = Map::from_iter([("backup".to_owned(), Json::from(backup.as_str()))]);
        body.extend(self.placement.as_ref().map(|placement| ("placement".to_owned(), json!(placement))));
        let is_new = match &self.into {
            Some(into) => {
                tenants::path(into)?;
                body.insert("into".to_owned(), json!(into));
                true
            }
            None => match tenants::get(api, &self.tenant) {
                Ok(tenant) => tenant.status == Status::Failed,
                Err(failure) if failure.is_status(404) => true,
                Err(failure) => return Err(failure),
            },
        };
        if !is_new {
            self.check_confirmed("what it has now is archived, and then replaced")?;
        }
        Ok(Request {
            to: self.into.clone().unwrap_or_else(|| self.tenant.clone()),
            kind: if is_new { "restore_new" } else { "restore" },
            path: format!("{path}/restores"),
            body: Json::Object(body),
            mark: Mark::Backup(backup),
        })
    }

    /// Which archive.
    fn backup(&self, api: &Api<'_>) -> Result<String, Failure> {
        let from = self.from.as_deref().unwrap_or_default();
        if from != "newest" {
            return Ok(archive(api, &self.tenant, from)?.id.clone());
        }
        let archives = archives(api, &self.tenant)?;
        let whole = archives.iter().find(|archive| archive.status == State::Whole);
        let none = || Failure::Other(format!("the tenant {} has no archive that is whole", self.tenant));
        Ok(whole.ok_or_else(none)?.id.clone())
    }

    fn check_confirmed(&self, what: &str) -> Result<(), Failure> {
        if self.confirm.as_ref() == Some(&self.tenant) {
            return Ok(());
        }
        Err(Failure::Usage(format!("--confirm must be {}: {what}", self.tenant)))
    }
}

/// The archive of what a tenant had before an operation replaced it.
fn archive_before(api: &Api<'_>, tenant: &str, operation: &str) -> Result<Option<String>, Failure> {
    let archives = archives(api, tenant)?;
    let before = archives.iter().find(|archive| archive.operation_id.as_str() == operation);
    Ok(before.map(|archive| archive.id.clone()))
}
