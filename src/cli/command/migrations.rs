//! `gatehouse migrate`: many moves as one piece of work.

use super::{
    super::{
        answer::Answered,
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::{Screen, count, table},
    },
    operations::{self, check_id},
};
use crate::{
    operations::migrations::{
        model::{PREFIX, Status},
        view::{MigrationView, TenantView},
    },
    time::Lifetime,
};
use clap::Args;
use serde_json::{Map, Value as Json, json};

/// Which tenants, and where to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenants, in this order
    #[arg(required_unless_present_any = ["all", "resume"])]
    tenants: Vec<String>,
    /// All that are not there yet
    #[arg(long, conflicts_with = "tenants")]
    all: bool,
    /// A migration that goes on: those that failed have another turn
    #[arg(long, value_name = "MIGRATION", conflicts_with_all = ["tenants", "all", "to"])]
    resume: Option<String>,
    /// `isolated`: to databases of their own; `shared`: to the one that they share
    #[arg(long, value_name = "PLACEMENT", value_parser = ["isolated", "shared"], required_unless_present = "resume")]
    to: Option<String>,
    /// Where the new databases are made: wnam, enam, weur, eeur, apac, oc, eu, fedramp
    #[arg(long)]
    region: Option<String>,
    /// For how many days each move can be rolled back
    #[arg(long, value_name = "DAYS")]
    rollback_days: Option<u32>,
    /// How many move at once
    #[arg(long)]
    parallelism: Option<u32>,
    /// The first that fails keeps the others from beginning
    #[arg(long)]
    stop_on_failure: bool,
    /// Returns at once
    #[arg(long)]
    no_wait: bool,
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal, or that it does not answer: whether it has begun is then not known.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let mut migration: Migration = match &self.resume {
            Some(id) => api.post(&format!("{}/resume", path(id)?), &json!({}))?,
            None => api.post_once("/management/migrations", &self.wanted())?,
        };
        let id = migration.id.clone();
        while !self.no_wait && migration.status == Status::Running {
            let tenants = migration.tenants;
            let words = format!("tenants moved, {} moving, {} failed", tenants.moving, tenants.failed);
            screen.progress(&id, tenants.moved, tenants.total(), &words);
            api.environment().pause(Lifetime::seconds(1));
            migration = api.get(&path(&id)?)?;
        }
        outcome(api, &migration, Exit::Failed)
    }

    fn wanted(&self) -> Json {
        let tenants = if self.all { json!("all") } else { json!(self.tenants) };
        let mut body = Map::from_iter([
            ("tenants".to_owned(), tenants),
            ("placement".to_owned(), json!(self.to)),
            ("stop_on_failure".to_owned(), json!(self.stop_on_failure)),
        ]);
        body.extend(self.region.as_ref().map(|region| ("region".to_owned(), json!(region))));
        body.extend(self.rollback_days.map(|days| ("rollback_days".to_owned(), json!(days))));
        body.extend(self.parallelism.map(|most| ("parallelism".to_owned(), json!(most))));
        Json::Object(body)
    }
}

/// A migration, as the server shows it.
pub type Migration = Answered<MigrationView>;

/// The path of a migration.
fn path(id: &str) -> Result<String, Failure> {
    Ok(format!("/management/migrations/{}", check_id(PREFIX, id)?))
}

/// Pauses or resumes a migration: no further tenant begins, and those that move go on.
///
/// # Errors
/// The server's refusal.
pub fn set_status(api: &Api<'_>, id: &str, word: &str) -> Result<Outcome, Failure> {
    let migration: Migration = api.post(&format!("{}/{word}", path(id)?), &json!({}))?;
    Ok(Outcome::done(line(&migration), migration.into_document()))
}

/// `gatehouse status` of a migration.
///
/// # Errors
/// The server's refusal.
pub fn status(api: &Api<'_>, id: &str) -> Result<Outcome, Failure> {
    let migration = api.get(&path(id)?)?;
    outcome(api, &migration, Exit::Differences)
}

/// The migrations that are not over, newest first; and the newest one if it failed, since what failed before it may have
/// been done since.
///
/// # Errors
/// The server's refusal.
pub fn open(api: &Api<'_>) -> Result<Vec<Migration>, Failure> {
    let found: Vec<Migration> = api.get("/management/migrations?per_page=100")?;
    let matters = |place: usize, status: Status| match status {
        Status::Succeeded => false,
        Status::Failed => place == 0,
        Status::Running | Status::Paused => true,
    };
    let open = found.into_iter().enumerate().filter(|(place, one)| matters(*place, one.status));
    Ok(open.map(|(_, migration)| migration).collect())
}

/// A migration in a line.
pub fn line(migration: &MigrationView) -> String {
    let tenants = migration.tenants;
    format!(
        "{} to {} {}: {} moved, {} moving, {} waiting, {} failed",
        migration.id,
        migration.to.placement.as_str(),
        migration.status.as_str(),
        count(tenants.moved),
        count(tenants.moving),
        count(tenants.waiting),
        count(tenants.failed)
    )
}

/// The tenants of a migration in this state, of which there are so many: the first hundred.
fn tenants(
    api: &Api<'_>,
    migration: &MigrationView,
    (status, number): (&str, u64),
) -> Result<Vec<Answered<TenantView>>, Failure> {
    if number == 0 {
        return Ok(Vec::new());
    }
    api.get(&format!("{}/tenants?status={status}&per_page=100", path(&migration.id)?))
}

/// What a migration has come to: how far those are that move, which have failed and why, and how to go on. `if_failed`:
/// what the shell is told then.
fn outcome(api: &Api<'_>, migration: &Migration, if_failed: Exit) -> Result<Outcome, Failure> {
    let (id, status) = (&migration.id, migration.status);
    let mut lines = vec![line(migration)];
    let moving = tenants(api, migration, ("moving", migration.tenants.moving))?;
    let moving = moving.iter().filter_map(|tenant| tenant.operation_id.as_deref());
    let moving = moving.map(|id| operations::get(api, id)).collect::<Result<Vec<_>, _>>()?;
    lines.extend(moving.iter().map(|operation| operations::describe(operation)));
    let failed = tenants(api, migration, ("failed", migration.tenants.failed))?;
    if !failed.is_empty() {
        let row = |tenant: &Answered<TenantView>| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            [tenant.tenant_id.clone(), text(&tenant.operation_id), text(&tenant.error)]
        };
        lines.push(table(["TENANT", "OPERATION", "ERROR"], &failed.iter().map(row).collect::<Vec<_>>()));
        lines.push(format!(
            "gatehouse migrate --resume {id} tries these again; gatehouse operation abort OPERATION leaves one where it is."
        ));
    }
    if status == Status::Paused {
        lines.push(format!("gatehouse operation resume {id} goes on."));
    }
    let exit = if failed.is_empty() && status != Status::Failed { Exit::Done } else { if_failed };
    let document = json!({"migration": migration, "moving": moving, "failed": failed});
    Ok(Outcome { exit, text: lines.join("\n"), document })
}
