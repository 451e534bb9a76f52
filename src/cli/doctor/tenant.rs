//! What is wrong with a tenant. Pure: whatever had to be asked is in [`Facts`].

use super::{
    Check,
    database::{self, Database},
    log::{self, Log},
};
use crate::time::Lifetime;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What the installation says about a tenant.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// As `GET /management/tenants/{id}` shows it.
    pub tenant: Json,
    /// What `/readyz` at its host answers; else why not.
    pub ready: Option<Result<(), String>>,
    /// Its discovery document.
    pub discovery: Option<Result<Json, String>>,
    /// Its published keys.
    pub published: Vec<String>,
    /// The key that signs, if it has one.
    pub signing: Option<String>,
    /// Its database.
    pub database: Option<Database>,
    /// How many people may manage it, as members of its organization on the main tenant; else why that is not known. None
    /// of the main tenant itself.
    pub managers: Option<Result<u64, String>>,
    /// The log: how it is sealed, else why that is not known.
    pub log: Option<Result<Log, String>>,
    /// How many there are, by kind.
    pub counts: BTreeMap<&'static str, u64>,
    /// How long its answers took: what was asked, and milliseconds.
    pub took: Vec<(&'static str, Lifetime)>,
}

/// An answer that takes longer is slow, in milliseconds: a round trip around the world and a query.
const SLOW: i64 = 1_000;

/// Everything about a tenant.
pub fn judge(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![status(facts)];
    checks.extend(operation(facts));
    checks.extend(ready(facts));
    checks.extend(facts.database.iter().flat_map(database::judge));
    checks.extend(issuer(facts));
    checks.push(keys(facts));
    checks.extend(managers(facts));
    checks.extend(log::judge(facts.log.as_ref()));
    checks.extend(counts(facts));
    checks.extend(speed(facts));
    checks
}

fn text<'a>(value: &'a Json, name: &str) -> &'a str {
    value.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn status(facts: &Facts) -> Check {
    let id = text(&facts.tenant, "id");
    match text(&facts.tenant, "status") {
        "active" => Check::good("status", format!("active, {}", text(&facts.tenant, "placement"))),
        "read_only" => Check::unusual(
            "status",
            "read-only: whatever would change a row is answered 503",
            format!("gatehouse tenants update {id} --status active"),
        ),
        "suspended" => Check::wrong(
            "status",
            "suspended: it serves nobody. An import that is not finished keeps its tenant suspended too",
            format!("gatehouse tenants update {id} --status active, or finish the import"),
        ),
        other => Check::wrong("status", other, format!("gatehouse status {id}")),
    }
}

fn operation(facts: &Facts) -> Option<Check> {
    let operation = facts.tenant.get("operation")?;
    let (kind, status, step) = (text(operation, "kind"), text(operation, "status"), text(operation, "step"));
    let what = format!("{kind}: {status}, step {step}");
    Some(match (status, operation.get("error").and_then(Json::as_str)) {
        ("succeeded", _) => Check::good("operation", what),
        ("failed", error) => {
            let words = error.unwrap_or("no reason given");
            Check::wrong(
                "operation",
                format!("{what}: {words}"),
                format!("gatehouse status {}", text(operation, "id")),
            )
        }
        (_, Some(error)) => {
            Check::unusual("operation", format!("{what}: {error}"), "it is tried again by itself")
        }
        (_, None) => Check::unusual("operation", what, format!("gatehouse status {}", text(operation, "id"))),
    })
}

fn ready(facts: &Facts) -> Option<Check> {
    Some(match facts.ready.as_ref()? {
        Ok(()) => Check::good("database", "answers, and is migrated"),
        Err(why) => Check::wrong(
            "database",
            format!("{} does not answer: {why}", text(&facts.tenant, "domain")),
            "DNS or certificate of that host; else the binding is missing: it comes back within five minutes by itself",
        ),
    })
}

fn issuer(facts: &Facts) -> Option<Check> {
    let expected = text(&facts.tenant, "issuer");
    Some(match facts.discovery.as_ref()? {
        Ok(document) if text(document, "issuer") == expected => Check::good("issuer", expected),
        Ok(document) => Check::wrong(
            "issuer",
            format!("discovery says {}, and the directory {expected}", text(document, "issuer")),
            "BASE_DOMAIN is not the domain that people use",
        ),
        Err(why) => {
            Check::wrong("issuer", format!("there is no discovery document: {why}"), "see database above")
        }
    })
}

fn keys(facts: &Facts) -> Check {
    match &facts.signing {
        None => Check::wrong(
            "keys",
            "no key signs: tokens cannot be issued",
            "POST /api/v2/keys/signing/rotate makes one",
        ),
        Some(kid) if facts.published.contains(kid) => {
            Check::good("keys", format!("{kid} signs; {} are published", facts.published.len()))
        }
        Some(kid) => Check::wrong(
            "keys",
            format!("{kid} signs, and is not published: nobody can verify its tokens"),
            "what answers at that host is not this tenant, or keeps an old JWKS",
        ),
    }
}

fn managers(facts: &Facts) -> Option<Check> {
    let id = text(&facts.tenant, "id");
    Some(match facts.managers.as_ref()? {
        Ok(0) => Check::unusual(
            "managers",
            "nobody may manage it but machine clients",
            format!(
                "add a member with a role that has tenant:admin to the organization {id} of the main tenant"
            ),
        ),
        Ok(count) => {
            Check::good("managers", format!("{count} members of its organization on the main tenant"))
        }
        Err(why) => Check::wrong(
            "managers",
            format!(
                "its organization on the main tenant cannot be found, so that no person may manage it: {why}"
            ),
            format!(
                "it is made with the tenant: gatehouse backup {id} --everything, tenants delete {id}, restore {id} --from newest"
            ),
        ),
    })
}

fn counts(facts: &Facts) -> Vec<Check> {
    let advice = |kind: &str| match kind {
        "connections" => "without a connection nobody can sign in: make one, or import again",
        "clients" => "without an application nobody can sign in: make one, or import again",
        "users" => "nobody has an account: missing after an import? gatehouse verify compares",
        _ => "",
    };
    let check = |(kind, count): (&&'static str, &u64)| match (*count, advice(kind)) {
        (0, advice) if !advice.is_empty() => Check::unusual(kind, "none", advice),
        (count, _) => Check::good(kind, super::super::screen::count(count)),
    };
    facts.counts.iter().map(check).collect()
}

/// What is slow; if nothing is, how long the slowest took.
fn speed(facts: &Facts) -> Vec<Check> {
    let found = |(what, took): &(&'static str, Lifetime)| format!("{what}: {} ms", took.as_millis());
    let slow = facts.took.iter().filter(|(_, took)| took.as_millis() >= SLOW);
    let slow: Vec<_> = slow
        .map(|slow| {
            let advice =
                "the first request after a pause wakes the database; if it stays slow, look at the indexes above, or move \
                 the tenant to a database of its own near its people: gatehouse move --to isolated --region …";
            Check::unusual("speed", found(slow), advice)
        })
        .collect();
    let slowest = facts.took.iter().max_by_key(|(_, took)| took.as_millis());
    match slowest {
        Some(slowest) if slow.is_empty() => {
            vec![Check::good(
                "speed",
                format!("the slowest of {} answers is {}", facts.took.len(), found(slowest)),
            )]
        }
        _ => slow,
    }
}
