//! `gatehouse migrate`: many moves as one piece of work.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::{Screen, count, table},
    },
    operations::{self, check_id},
    tenants::text,
};
use crate::time::Lifetime;
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
        let begun = match &self.resume {
            Some(id) => api.post(&format!("{}/resume", path(id)?), &json!({}))?,
            None => api.post_once("/management/migrations", &self.wanted())?,
        };
        let mut migration = begun;
        let id = text(&migration, "id").to_owned();
        while !self.no_wait && text(&migration, "status") == "running" {
            let words = format!(
                "tenants moved, {} moving, {} failed",
                number(&migration, "moving"),
                number(&migration, "failed")
            );
            screen.progress(&id, number(&migration, "moved"), total(&migration), &words);
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

fn number(migration: &Json, name: &str) -> u64 {
    migration.get("tenants").and_then(|tenants| tenants.get(name)).and_then(Json::as_u64).unwrap_or_default()
}

fn total(migration: &Json) -> u64 {
    ["waiting", "moving", "moved", "failed"].map(|name| number(migration, name)).iter().sum()
}

/// How the id of a migration begins.
pub const PREFIX: &str = "mig_";

/// The path of a migration.
fn path(id: &str) -> Result<String, Failure> {
    Ok(format!("/management/migrations/{}", check_id(PREFIX, id)?))
}

/// Pauses or resumes a migration: no further tenant begins, and those that move go on.
///
/// # Errors
/// The server's refusal.
pub fn steer(api: &Api<'_>, id: &str, word: &str) -> Result<Outcome, Failure> {
    let migration = api.post(&format!("{}/{word}", path(id)?), &json!({}))?;
    Ok(Outcome::done(line(&migration), migration))
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
pub fn open(api: &Api<'_>) -> Result<Vec<Json>, Failure> {
    let found = api.get("/management/migrations?per_page=100")?;
    let found = found.as_array().cloned().unwrap_or_default();
    let matters = |place: usize, status: &str| match status {
        "succeeded" => false,
        "failed" => place == 0,
        _ => true,
    };
    let open = found.into_iter().enumerate().filter(|(place, one)| matters(*place, text(one, "status")));
    Ok(open.map(|(_, migration)| migration).collect())
}

/// A migration in a line.
pub fn line(migration: &Json) -> String {
    let count = |name: &str| count(number(migration, name));
    format!(
        "{} to {} {}: {} moved, {} moving, {} waiting, {} failed",
        text(migration, "id"),
        migration.pointer("/to/placement").and_then(Json::as_str).unwrap_or_default(),
        text(migration, "status"),
        count("moved"),
        count("moving"),
        count("waiting"),
        count("failed")
    )
}

/// The tenants of a migration in this state: the first hundred.
fn tenants(api: &Api<'_>, migration: &Json, status: &str) -> Result<Vec<Json>, Failure> {
    if number(migration, status) == 0 {
        return Ok(Vec::new());
    }
    let path = path(text(migration, "id"))?;
    let found = api.get(&format!("{path}/tenants?status={status}&per_page=100"))?;
    Ok(found.as_array().cloned().unwrap_or_default())
}

/// What a migration has come to: how far those are that move, which have failed and why, and how to go on. `if_failed`:
/// what the shell is told then.
fn outcome(api: &Api<'_>, migration: &Json, if_failed: Exit) -> Result<Outcome, Failure> {
    let (id, status) = (text(migration, "id"), text(migration, "status"));
    let mut lines = vec![line(migration)];
    let moving = tenants(api, migration, "moving")?;
    let moving = moving.iter().map(|tenant| operations::get(api, text(tenant, "operation_id")));
    let moving = moving.collect::<Result<Vec<_>, _>>()?;
    lines.extend(moving.iter().map(operations::told));
    let failed = tenants(api, migration, "failed")?;
    if !failed.is_empty() {
        let row =
            |tenant: &Json| ["tenant_id", "operation_id", "error"].map(|name| text(tenant, name).to_owned());
        lines.push(table(["TENANT", "OPERATION", "ERROR"], &failed.iter().map(row).collect::<Vec<_>>()));
        lines.push(format!(
            "gatehouse migrate --resume {id} tries these again; gatehouse operation abort OPERATION leaves one where it is."
        ));
    }
    if status == "paused" {
        lines.push(format!("gatehouse operation resume {id} goes on."));
    }
    let exit = if failed.is_empty() && status != "failed" { Exit::Done } else { if_failed };
    let document = json!({"migration": migration, "moving": moving, "failed": failed});
    Ok(Outcome { exit, text: lines.join("\n"), document })
}
