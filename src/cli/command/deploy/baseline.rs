//! What every tenant shows to the world and to its operator, before and after.

use super::super::{
    super::{api::Api, exit::Failure, screen::Screen},
    tenants::{self, text},
};
use crate::{operations::tenants::databases::api::DatabaseView, time::Lifetime};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What a tenant shows: its issuer, the keys that verify its tokens, and its database.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TenantBaseline {
    issuer: String,
    keys: BTreeSet<String>,
    /// None of a server that does not say.
    database: Option<Database>,
}

/// The database of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Database {
    binding: String,
    is_bound: bool,
    version: i64,
}

/// The tenants that answer, and those that do not.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    answering: BTreeMap<String, TenantBaseline>,
    silent: Vec<String>,
}

impl Baseline {
    /// Looks at every tenant. The first request to each upgrades its database.
    ///
    /// # Errors
    /// The server does not say which tenants there are.
    pub fn of(api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Self, Failure> {
        let tenants = tenants::all(api, None)?;
        let total = u64::try_from(tenants.len()).unwrap_or_default();
        let mut baseline = Self::default();
        for (done, tenant) in (0..).zip(&tenants) {
            screen.progress("tenants", done, total, "looked at");
            let id = tenant.id.clone();
            match tenant_baseline(api, &id, &tenant.issuer) {
                Ok(found) => drop(baseline.answering.insert(id, found)),
                Err(_) => baseline.silent.push(id),
            }
        }
        screen.finished();
        Ok(baseline)
    }

    /// How many answer.
    pub fn len(&self) -> usize {
        self.answering.len()
    }

    /// How many answer, and who does not: of those nothing can be said later either.
    pub fn words(&self) -> String {
        let answering = format!("{} tenants answer", self.answering.len());
        if self.silent.is_empty() {
            return answering;
        }
        format!(
            "{answering}. These do not, so that they are not watched, and upgraded when they are opened: {}",
            self.silent.join(", ")
        )
    }

    /// How many databases have come to a newer schema since.
    pub fn upgraded_since(&self, before: &Self) -> usize {
        let versions = |baseline: &Self| {
            let of =
                |face: &TenantBaseline| face.database.as_ref().map(|it| (it.binding.clone(), it.version));
            baseline.answering.values().filter_map(of).collect::<BTreeMap<_, _>>()
        };
        let (old, new) = (versions(before), versions(self));
        old.iter().filter(|(binding, version)| new.get(*binding).is_some_and(|now| now > version)).count()
    }

    /// What is not as it was, in words.
    fn wrong_since(&self, before: &Self) -> Vec<String> {
        let wrong = before.answering.iter().filter_map(|(tenant, old)| {
            let Some(new) = self.answering.get(tenant) else {
                return Some(format!("{tenant} does not answer"));
            };
            if new.issuer != old.issuer {
                return Some(format!("{tenant} calls itself {} and was {}", new.issuer, old.issuer));
            }
            // A key may have been added meanwhile; one that is gone would sign everybody out.
            if let Some(kid) = old.keys.difference(&new.keys).next() {
                return Some(format!("{tenant} has lost its key {kid}"));
            }
            let was_bound = old.database.as_ref().is_some_and(|database| database.is_bound);
            let lost = new.database.as_ref().filter(|database| was_bound && !database.is_bound)?;
            Some(format!("{tenant} is reached without its binding: {} is gone", lost.binding))
        });
        wrong.collect()
    }
}

fn tenant_baseline(api: &Api<'_>, tenant: &str, issuer: &str) -> Result<TenantBaseline, Failure> {
    api.open(&format!("{issuer}readyz"))?;
    let discovery = api.open(&format!("{issuer}.well-known/openid-configuration"))?;
    let keys = api.open(&format!("{issuer}.well-known/jwks.json"))?;
    let keys = keys.get("keys").and_then(Json::as_array);
    let keys = keys.into_iter().flatten().map(|key| text(key, "kid").to_owned()).collect();
    let database = match api.get::<DatabaseView>(&format!("{}/database", tenants::path(tenant)?)) {
        Ok(DatabaseView { binding, bound, schema_version, .. }) => {
            Some(Database { binding, is_bound: bound, version: schema_version })
        }
        // The server is of a release that does not say.
        Err(failure) if failure.is_status(404) || failure.is_status(405) => None,
        Err(failure) => return Err(failure),
    };
    Ok(TenantBaseline { issuer: text(&discovery, "issuer").to_owned(), keys, database })
}

/// Waits until every tenant answers as before: what they show then, and what is still wrong after so long.
pub fn settle(
    api: &Api<'_>,
    before: &Baseline,
    patience: Lifetime,
    screen: &mut Screen<'_>,
) -> (Baseline, Vec<String>) {
    let environment = api.environment();
    let until = environment.now().plus(patience);
    loop {
        let (after, wrong) = match Baseline::of(api, screen) {
            Ok(after) => {
                let wrong = after.wrong_since(before);
                (after, wrong)
            }
            Err(failure) => (Baseline::default(), vec![format!("the management API: {failure}")]),
        };
        if wrong.is_empty() || environment.now() >= until {
            return (after, wrong);
        }
        screen.say(format!("not yet as before: {}", wrong.join("; ")));
        environment.pause(Lifetime::seconds(5));
    }
}
