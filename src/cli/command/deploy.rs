//! `gatehouse deploy`: new code for the tenants that are there. It is taken back by itself when they do not answer as
//! before.

use super::{
    super::{
        api::Api,
        environment::Environment,
        exit::{Exit, Failure, Outcome},
        screen::Screen,
    },
    Connect,
    tenants::{self, text},
};
use crate::time::Lifetime;
use clap::Args;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// How it is deployed.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The base domain [env: BASE_DOMAIN]
    #[arg(long)]
    domain: Option<String>,
    /// Leaves the new code in place even if it is found wanting
    #[arg(long)]
    no_rollback: bool,
    /// More arguments for wrangler, after `--`
    #[arg(last = true)]
    wrangler: Vec<String>,
}

/// How long the new code has to reach every place and to upgrade every database.
const PATIENCE: Lifetime = Lifetime::minutes(3);

/// What a tenant shows to the world: its issuer, and the keys that verify its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Face {
    issuer: String,
    keys: BTreeSet<String>,
}

impl Arguments {
    /// The URL of what is deployed, if the domain is said.
    pub fn url(&self, environment: &dyn Environment) -> Option<String> {
        self.domain(environment).map(|domain| format!("https://{domain}"))
    }

    fn domain(&self, environment: &dyn Environment) -> Option<String> {
        self.domain.clone().or_else(|| environment.variable("BASE_DOMAIN"))
    }

    /// Does it: looks at every tenant, deploys, has every database upgraded, looks again.
    ///
    /// # Errors
    /// The deployment failed, or was taken back.
    pub fn run(self, connect: Connect<'_, '_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let environment = screen.environment();
        let domain = self.domain(environment).ok_or_else(|| {
            Failure::Usage("the base domain is missing: BASE_DOMAIN=auth.example.com, or --domain".to_owned())
        })?;
        let began = environment.now();
        let api = connect()?;
        // Nothing answers before the first deployment, and nothing has to be kept.
        let before = match api.open(&format!("{}healthz", api.base())) {
            Ok(_) => faces(&api, screen)?,
            Err(_) => {
                screen.say("nothing answers yet: this is the first deployment");
                BTreeMap::new()
            }
        };
        screen.say(format!(
            "{} tenants answer. Every minute of their databases up to now can be restored (wrangler d1 time-travel restore \
             NAME --timestamp {})",
            before.len(),
            began.iso()
        ));
        let arguments =
            std::iter::once(".scripts/deploy.mjs".to_owned()).chain(self.wrangler).collect::<Vec<_>>();
        if !environment.run("node", &arguments, &[("BASE_DOMAIN", domain)]).map_err(Failure::Other)? {
            return Err(Failure::Other("the deployment failed: what was deployed before goes on".to_owned()));
        }
        let wrong = settle(&api, &before, screen);
        if wrong.is_empty() {
            let text =
                format!("Deployed. {} tenants answer as before, their databases upgraded.", before.len());
            return Ok(Outcome::done(text, json!({"tenants": before.len(), "rolled_back": false})));
        }
        let why = wrong.join("\n  ");
        if self.no_rollback {
            return Err(Failure::Other(format!("the new code is in place, and wrong:\n  {why}")));
        }
        screen.say(format!("the new code is wrong:\n  {why}\nrolling back"));
        let message = "gatehouse deploy: tenants did not answer as before".to_owned();
        let arguments =
            ["wrangler", "rollback", "--yes", "--message"].map(str::to_owned).into_iter().chain([message]);
        if !environment.run("npx", &arguments.collect::<Vec<_>>(), &[]).map_err(Failure::Other)? {
            let words = format!("the new code is wrong, and could not be rolled back:\n  {why}");
            return Err(Failure::Other(words));
        }
        let left = settle(&api, &before, screen);
        let document = json!({"tenants": before.len(), "rolled_back": true, "wrong": wrong, "left": left});
        let after = if left.is_empty() {
            "Everything answers as before again.".to_owned()
        } else {
            format!(
                "Since then:\n  {}\nBindings come back within five minutes by themselves.",
                left.join("\n  ")
            )
        };
        let text = format!("Rolled back. The new code was wrong:\n  {why}\n{after}");
        Ok(Outcome { exit: Exit::Failed, text, document })
    }
}

/// Every tenant that answers, as the world sees it. The first request to each upgrades its database.
fn faces(api: &Api<'_>, screen: &mut Screen<'_>) -> Result<BTreeMap<String, Face>, Failure> {
    let tenants = tenants::all(api, None)?;
    let total = u64::try_from(tenants.len()).unwrap_or_default();
    let mut faces = BTreeMap::new();
    for (done, tenant) in (0..).zip(&tenants) {
        screen.progress("tenants", done, total, "looked at");
        if let Ok(face) = face(api, text(tenant, "issuer")) {
            faces.insert(text(tenant, "id").to_owned(), face);
        }
    }
    screen.finished();
    Ok(faces)
}

fn face(api: &Api<'_>, issuer: &str) -> Result<Face, Failure> {
    api.open(&format!("{issuer}readyz"))?;
    let discovery = api.open(&format!("{issuer}.well-known/openid-configuration"))?;
    let keys = api.open(&format!("{issuer}.well-known/jwks.json"))?;
    let keys = keys.get("keys").and_then(Json::as_array);
    let keys = keys.into_iter().flatten().map(|key| text(key, "kid").to_owned()).collect();
    Ok(Face { issuer: text(&discovery, "issuer").to_owned(), keys })
}

/// Waits until every tenant answers as before; what is still wrong after [`PATIENCE`].
fn settle(api: &Api<'_>, before: &BTreeMap<String, Face>, screen: &mut Screen<'_>) -> Vec<String> {
    let environment = api.environment();
    let until = environment.now().plus(PATIENCE);
    loop {
        let wrong = different(api, before, screen);
        if wrong.is_empty() || environment.now() >= until {
            return wrong;
        }
        screen.say(format!("{} tenants do not answer yet", wrong.len()));
        environment.pause(Lifetime::seconds(5));
    }
}

fn different(api: &Api<'_>, before: &BTreeMap<String, Face>, screen: &mut Screen<'_>) -> Vec<String> {
    let after = match faces(api, screen) {
        Ok(after) => after,
        Err(failure) => return vec![format!("the management API: {failure}")],
    };
    let wrong = before.iter().filter_map(|(tenant, old)| match after.get(tenant) {
        None => Some(format!("{tenant} does not answer")),
        Some(new) if new.issuer != old.issuer => {
            Some(format!("{tenant} calls itself {} and was {}", new.issuer, old.issuer))
        }
        // A key may have been added meanwhile; one that is gone would sign everybody out.
        Some(new) => {
            old.keys.difference(&new.keys).next().map(|kid| format!("{tenant} has lost its key {kid}"))
        }
    });
    wrong.collect()
}
