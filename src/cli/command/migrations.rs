//! `gatehouse migrate`: many moves as one piece of work.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::{Screen, count, table},
    },
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
            Some(id)
                if id.starts_with("mig_")
                    && id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_') =>
            {
                api.post(&format!("/management/migrations/{id}/resume"), &json!({}))?
            }
            Some(id) => return Err(Failure::Usage(format!("{id} is no id of a migration (mig_…)"))),
            None => api.post_once("/management/migrations", &self.wanted())?,
        };
        let mut migration = begun;
        let id = text(&migration, "id").to_owned();
        while !self.no_wait && text(&migration, "status") == "running" {
            let number = |name: &str| number(&migration, name);
            let total: u64 = ["waiting", "moving", "moved", "failed"].map(number).iter().sum();
            let words = format!("tenants moved, {} moving, {} failed", number("moving"), number("failed"));
            screen.progress(&id, number("moved"), total, &words);
            api.environment().pause(Lifetime::seconds(1));
            migration = api.get(&format!("/management/migrations/{id}"))?;
        }
        ended(api, &migration)
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

/// What a migration came to, with the tenants that failed, why, and how to go on.
fn ended(api: &Api<'_>, migration: &Json) -> Result<Outcome, Failure> {
    let (id, status) = (text(migration, "id"), text(migration, "status"));
    let mut lines = vec![format!(
        "{id} {status}: {} moved, {} moving, {} waiting, {} failed",
        count(number(migration, "moved")),
        count(number(migration, "moving")),
        count(number(migration, "waiting")),
        count(number(migration, "failed"))
    )];
    let mut failed = Vec::new();
    if number(migration, "failed") > 0 {
        let found = api.get(&format!("/management/migrations/{id}/tenants?status=failed&per_page=100"))?;
        failed = found.as_array().cloned().unwrap_or_default();
        let row =
            |tenant: &Json| ["tenant_id", "operation_id", "error"].map(|name| text(tenant, name).to_owned());
        lines.push(table(["TENANT", "OPERATION", "ERROR"], &failed.iter().map(row).collect::<Vec<_>>()));
        lines.push(format!(
            "gatehouse migrate --resume {id} tries these again; gatehouse operation abort OPERATION leaves one where it is."
        ));
    }
    let exit = if failed.is_empty() && status != "failed" { Exit::Done } else { Exit::Failed };
    Ok(Outcome { exit, text: lines.join("\n"), document: json!({"migration": migration, "failed": failed}) })
}
