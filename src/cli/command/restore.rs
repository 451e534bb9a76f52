//! `gatehouse restore`: a tenant as an archive shows it, in its place or as another one; or its database as it was at a
//! moment.

use super::{
    super::{
        api::Api,
        exit::{Failure, Outcome},
        screen::Screen,
    },
    backup::{archive, archives, moment},
    operations::{self, Until, is_over, told},
    tenants::{self, text},
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
struct Wish {
    /// The tenant that it is done to.
    to: String,
    /// The kind of its operation.
    kind: &'static str,
    path: String,
    body: Json,
    /// What its operation says of it: a member, and its value.
    mark: (&'static str, String),
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal, or that it failed: then everything is as it was.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let wish = self.wish(api)?;
        let is_ours = |operation: &Json, is_new: bool| {
            let (member, value) = &wish.mark;
            let same = text(operation, "kind") == wish.kind && text(operation, member) == value;
            // Whoever makes a tenant of an archive a second time has the tenant already.
            let is_there = wish.kind == "restore_new" && text(operation, "status") == "succeeded";
            same && (is_new || is_there || !is_over(operation))
        };
        let begun = operations::begin(api, &wish.to, (&wish.path, &wish.body), &is_ours)?;
        let id = text(&begun, "id").to_owned();
        if self.no_wait {
            return Ok(Outcome::done(told(&begun), begun));
        }
        let operation = operations::watch(api, screen, &id, Until::Over)?;
        let tenant = tenants::get(api, &wish.to)?;
        let mut lines =
            vec![format!("{} is as {} shows it: {}", wish.to, wish.mark.1, text(&tenant, "issuer"))];
        let before = if wish.kind == "restore" { archive_before(api, &wish.to, &id)? } else { None };
        lines.extend(before.as_ref().map(|before| {
            format!(
                "What it had before is in {before}: gatehouse restore {0} --from {before} --confirm {0}",
                wish.to
            )
        }));
        let document = json!({"operation": operation, "tenant": tenant, "before": before});
        Ok(Outcome::done(lines.join("\n"), document))
    }

    fn wish(&self, api: &Api<'_>) -> Result<Wish, Failure> {
        let path = tenants::path(&self.tenant)?;
        if let Some(at) = &self.at {
            let moment = moment(at)?.iso();
            self.check_confirmed("it goes back in time: everything since then is lost")?;
            let body = json!({ "timestamp": moment });
            let path = format!("{path}/time-travel");
            return Ok(Wish {
                to: self.tenant.clone(),
                kind: "time_travel",
                path,
                body,
                mark: ("timestamp", moment),
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
                Ok(tenant) => text(&tenant, "status") == "failed",
                Err(failure) if failure.is_status(404) => true,
                Err(failure) => return Err(failure),
            },
        };
        if !is_new {
            self.check_confirmed("what it has now is archived, and then replaced")?;
        }
        Ok(Wish {
            to: self.into.clone().unwrap_or_else(|| self.tenant.clone()),
            kind: if is_new { "restore_new" } else { "restore" },
            path: format!("{path}/restores"),
            body: Json::Object(body),
            mark: ("backup", backup),
        })
    }

    /// Which archive.
    fn backup(&self, api: &Api<'_>) -> Result<String, Failure> {
        let from = self.from.as_deref().unwrap_or_default();
        if from != "newest" {
            return Ok(text(&archive(api, &self.tenant, from)?, "id").to_owned());
        }
        let archives = archives(api, &self.tenant)?;
        let whole = archives.iter().find(|archive| text(archive, "status") == "whole");
        let none = || Failure::Other(format!("the tenant {} has no archive that is whole", self.tenant));
        Ok(text(whole.ok_or_else(none)?, "id").to_owned())
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
    let before = archives.iter().find(|archive| text(archive, "operation_id") == operation);
    Ok(before.map(|archive| text(archive, "id").to_owned()))
}
