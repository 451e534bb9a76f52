//! `gatehouse move`: where a tenant's rows live is changed while it is in use.

use super::{
    super::{
        answer::Answered,
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::{Screen, count, table},
    },
    operations::{self, Operation, Until},
    tenants,
};
use crate::operations::moves::api::PlanView;
use clap::Args;
use serde_json::{Map, Value as Json, json};

/// Where to, and how.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenants, one after the other
    #[arg(required = true)]
    tenants: Vec<String>,
    /// `isolated`: to a database of its own; `shared`: to the one that it shares
    #[arg(long, value_name = "PLACEMENT", value_parser = ["isolated", "shared"])]
    to: String,
    /// Where the new database is made: wnam, enam, weur, eeur, apac, oc, eu, fedramp
    #[arg(long)]
    region: Option<String>,
    /// Stops before the switch, which `gatehouse operation switch` then does
    #[arg(long)]
    manual: bool,
    /// For how many days the move can be rolled back without losing anything
    #[arg(long, value_name = "DAYS")]
    rollback_days: Option<u32>,
    /// Does everything but the switch, and clears up
    #[arg(long)]
    rehearse: bool,
    /// Says what it would be: rows, time, cost, and what is in its way
    #[arg(long)]
    plan: bool,
    /// Returns at once; `gatehouse status` then says how far it is
    #[arg(long)]
    no_wait: bool,
    /// With several tenants: goes on with the next one when one fails
    #[arg(long)]
    keep_going: bool,
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        if self.plan {
            return self.planned(api);
        }
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for tenant in &self.tenants {
            match self.one(api, screen, tenant) {
                Ok(operation) => done.push(operation),
                Err(failure) if self.keep_going && failure.exit() != Exit::Unreachable => {
                    screen.say(format!("{tenant}: {failure}"));
                    failed.push((tenant.clone(), failure));
                }
                Err(failure) => return Err(failure),
            }
        }
        let exit = if failed.is_empty() { Exit::Done } else { Exit::Failed };
        let mut lines: Vec<_> = done.iter().map(|operation| operations::describe(operation)).collect();
        lines.extend(failed.iter().map(|(tenant, failure)| format!("{tenant} was not moved: {failure}")));
        let failed: Vec<_> = failed
            .iter()
            .map(|(tenant, failure)| json!({"tenant": tenant, "failure": failure.document()}))
            .collect();
        let document = json!({"moves": done, "failed": failed});
        Ok(Outcome { exit, text: lines.join("\n\n"), document })
    }

    /// Moves one tenant, or takes up its move that is on its way to the same place.
    fn one(&self, api: &Api<'_>, screen: &mut Screen<'_>, tenant: &str) -> Result<Operation, Failure> {
        let mut body = Map::from_iter([("placement".to_owned(), json!(self.to))]);
        body.extend(self.region.as_ref().map(|region| ("region".to_owned(), json!(region))));
        body.extend(self.rollback_days.map(|days| ("rollback_days".to_owned(), json!(days))));
        let switch = if self.manual { "manual" } else { "when_ready" };
        body.insert("switch".to_owned(), json!(switch));
        body.insert("rehearse".to_owned(), json!(self.rehearse));
        let begun = api.post::<Operation>(&format!("{}/moves", tenants::path(tenant)?), &Json::Object(body));
        let id = match begun {
            Ok(operation) => operation.id.to_string(),
            // The answer to the first request was lost, or somebody else has begun it: it is on its way, or there already.
            Err(failure) if failure.is_status(409) || failure.is_status(400) => {
                match operations::on_its_way(api, tenant, &self.to)? {
                    Some(id) => id,
                    None => return Err(failure),
                }
            }
            Err(failure) => return Err(failure),
        };
        if self.no_wait {
            return operations::get(api, &id);
        }
        let until = match (self.rehearse, self.manual) {
            (true, _) => Until::Over,
            (false, true) => Until::Ready,
            (false, false) => Until::Arrived,
        };
        operations::watch(api, screen, &id, until)
    }

    fn planned(&self, api: &Api<'_>) -> Result<Outcome, Failure> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("placement", &self.to);
        if let Some(region) = &self.region {
            query.append_pair("region", region);
        }
        let query = query.finish();
        let plan = |tenant: &String| api.get(&format!("{}/moves/plan?{query}", tenants::path(tenant)?));
        let plans: Vec<Answered<PlanView>> = self.tenants.iter().map(plan).collect::<Result<_, _>>()?;
        let row = |plan: &Answered<PlanView>| {
            [
                plan.tenant_id.clone(),
                count(plan.rows.unsigned_abs()),
                format!("{} s", plan.estimate.seconds),
                format!("${:.2}", plan.estimate.dollars),
                plan.blockers.join("; "),
            ]
        };
        let rows: Vec<_> = plans.iter().map(row).collect();
        let blocked = plans.iter().any(|plan| !plan.blockers.is_empty());
        let shown = table(["TENANT", "ROWS", "TIME", "COST", "IN ITS WAY"], &rows);
        let exit = if blocked { Exit::Differences } else { Exit::Done };
        Ok(Outcome { exit, text: shown, document: json!({"plans": plans}) })
    }
}
