//! `gatehouse deploy`: new code for the tenants that are there. It is taken back by itself when they do not answer as
//! before.

mod baseline;
mod rollback;

use super::{
    super::{
        environment::Environment,
        exit::{Exit, Failure, Outcome},
        screen::Screen,
    },
    Connect,
};
use crate::{json, time::Lifetime};
use baseline::{Baseline, settle};
use clap::Args;
use rollback::Rollback;
use serde_json::{Value as Json, json};

/// How it is deployed.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The base domain [env: BASE_DOMAIN]
    #[arg(long)]
    domain: Option<String>,
    /// Archives nobody first: D1's Time Travel is then the only way back to the data
    #[arg(long)]
    no_backup: bool,
    /// How long the new code has to reach every place and to upgrade every database
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    patience: u32,
    /// Leaves the new code in place even if it is found wanting
    #[arg(long)]
    no_rollback: bool,
    /// More arguments for wrangler, after `--`
    #[arg(last = true)]
    wrangler: Vec<String>,
}

impl Arguments {
    /// The URL of what is deployed, if the domain is said.
    pub fn url(&self, environment: &dyn Environment) -> Option<String> {
        self.domain(environment).map(|domain| format!("https://{domain}"))
    }

    fn domain(&self, environment: &dyn Environment) -> Option<String> {
        self.domain.clone().or_else(|| environment.variable("BASE_DOMAIN"))
    }

    /// Does it: looks at every tenant, archives it, deploys, has every database upgraded, looks again.
    ///
    /// # Errors
    /// A tenant could not be archived and nothing was deployed, or the deployment failed, or was taken back.
    pub fn run(self, connect: Connect<'_, '_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let environment = screen.environment();
        let domain = self.domain(environment).ok_or_else(|| {
            Failure::Usage("the base domain is missing: BASE_DOMAIN=auth.example.com, or --domain".to_owned())
        })?;
        let began = environment.now();
        let api = connect()?;
        // Nothing answers before the first deployment, and nothing has to be kept.
        let (before, rollback) = if api.open(&format!("{}healthz", api.base())).is_ok() {
            let before = Baseline::of(&api, screen)?;
            screen.say(before.words());
            let rollback = Rollback::prepare(&api, screen, began, !self.no_backup)?;
            screen.say(rollback.words());
            (before, rollback)
        } else {
            screen.say("nothing answers yet: this is the first deployment");
            (Baseline::default(), Rollback::at(began))
        };
        let live = live_version(environment)?;
        let arguments =
            std::iter::once(".scripts/deploy.mjs".to_owned()).chain(self.wrangler).collect::<Vec<_>>();
        if !environment.run("node", &arguments, &[("BASE_DOMAIN", domain)]).map_err(Failure::Other)? {
            return Err(Failure::Other("the deployment failed: what was deployed before goes on".to_owned()));
        }
        let patience = Lifetime::seconds(i64::from(self.patience));
        let (after, wrong) = settle(&api, &before, patience, screen);
        let tenants = before.len();
        let document = |rolled_back: bool, left: &[String]| {
            json!({"tenants": tenants, "upgraded": after.upgraded_since(&before), "backup": rollback.document(),
                "wrong": wrong, "rolled_back": rolled_back, "left": left})
        };
        if wrong.is_empty() {
            let text = format!(
                "Deployed. {tenants} tenants answer as before, and their databases are up to date ({} were upgraded).",
                after.upgraded_since(&before)
            );
            return Ok(Outcome::done(text, document(false, &[])));
        }
        let why = wrong.join("\n  ");
        if self.no_rollback {
            return Err(Failure::Other(format!("the new code is in place, and wrong:\n  {why}")));
        }
        screen.say(format!("the new code is wrong:\n  {why}\nrolling back"));
        let message = "gatehouse deploy: tenants did not answer as before".to_owned();
        let mut arguments = vec!["wrangler".to_owned(), "rollback".to_owned()];
        // Without it wrangler takes the deployment before the last one, which may be the new code too: a database that is
        // attached meanwhile is another deployment.
        arguments.extend(live);
        arguments.extend(["--yes".to_owned(), "--message".to_owned(), message]);
        if !environment.run("npx", &arguments, &[]).map_err(Failure::Other)? {
            let words = format!("the new code is wrong, and could not be rolled back:\n  {why}");
            return Err(Failure::Other(words));
        }
        let (_, left) = settle(&api, &before, patience, screen);
        let now = if left.is_empty() {
            "Everything answers as before again.".to_owned()
        } else {
            format!(
                "Since then:\n  {}\nBindings come back within five minutes by themselves. {}",
                left.join("\n  "),
                rollback.words()
            )
        };
        let text = format!("Rolled back. The new code was wrong:\n  {why}\n{now}");
        Ok(Outcome { exit: Exit::Failed, text, document: document(true, &left) })
    }
}

/// The version of the script that has all the traffic now, as far as wrangler knows one.
fn live_version(environment: &dyn Environment) -> Result<Option<String>, Failure> {
    let said =
        environment.ask("npx", &["wrangler", "deployments", "status", "--json"]).map_err(Failure::Other)?;
    let deployment: Json = said.and_then(|said| json::read(&said).ok()).unwrap_or_default();
    let versions = deployment.get("versions").and_then(Json::as_array);
    let whole = |version: &&Json| version.get("percentage").and_then(Json::as_f64) == Some(100.0);
    let live = versions.into_iter().flatten().find(whole);
    Ok(live.and_then(|version| version.get("version_id")?.as_str()).map(str::to_owned))
}
