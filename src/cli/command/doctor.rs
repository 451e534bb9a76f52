//! `gatehouse doctor`: looks at everything that can be wrong, and says what is, in plain words.

use super::{
    super::{
        answer::Answered,
        api::Api,
        doctor::{
            self, Check, State,
            database::{self, Database},
            log::Log,
            tenant::{self, Facts},
            token::{self, Opened},
        },
        exit::{Exit, Failure, Outcome},
    },
    Connect,
    tenants::{self, text},
};
use crate::{jose::Jwk, resources::logs::model::Blocks, tenant::reserved::is_reserved, time::Timestamp};
use clap::Args;
use http::Method;
use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, path::PathBuf};

/// Looks at the installation, at a tenant, or at a token.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenant to look at; without one, all of them, briefly
    tenant: Option<String>,
    /// A file with a token that does not work
    #[arg(long, value_name = "FILE", conflicts_with = "tenant")]
    token: Option<PathBuf>,
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// The server does not answer at all, or takes the credentials for nobody's.
    pub fn run(self, connect: Connect<'_, '_>) -> Result<Outcome, Failure> {
        let api = connect()?;
        let mut databases = Json::Null;
        let checks = match (&self.token, &self.tenant) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?;
                of_token(&api, &text)?
            }
            (None, Some(id)) => of_tenant(&api, id)?,
            (None, None) => {
                let (checks, homes) = of_installation(&api)?;
                databases = homes;
                checks
            }
        };
        let wrong = checks.iter().any(|check| check.state == State::Wrong);
        let exit = if wrong { Exit::Differences } else { Exit::Done };
        Ok(Outcome {
            exit,
            text: doctor::text(&checks),
            document: json!({"checks": checks, "databases": databases}),
        })
    }
}

/// The server, and each tenant briefly; and where each of them lives.
fn of_installation(api: &Api<'_>) -> Result<(Vec<Check>, Json), Failure> {
    let base = api.base().as_str().trim_end_matches('/').to_owned();
    let mut checks = vec![match api.open(&format!("{base}/healthz")) {
        Ok(_) => Check::good("server", format!("{base} answers")),
        Err(failure) => return Err(failure),
    }];
    let tenants: Vec<Json> = tenants::all(api, None)?.into_iter().map(Answered::into_document).collect();
    checks.push(Check::good("credentials", "the machine client may read tenants"));
    checks.push(Check::good("tenants", tenants.len().to_string()));
    let mut homes = BTreeMap::<String, (Database, Vec<&str>)>::new();
    let mut wrong = Vec::new();
    for tenant in tenants.iter().filter(|tenant| text(tenant, "status") != "deleted") {
        let facts = Facts { tenant: tenant.clone(), ready: Some(ready(api, tenant)), ..Facts::default() };
        let id = text(tenant, "id");
        let found = tenant::judge(&facts);
        let found = found.into_iter().filter(|check| check.what != "keys" && check.state == State::Wrong);
        wrong.extend(found.map(|check| Check { found: format!("{id}: {}", check.found), ..check }));
        // One that is being made may have none yet; one that cannot be read is wrong above.
        if let Ok(database) = database(api, id) {
            homes.entry(database.id.clone()).or_insert_with(|| (database, Vec::new())).1.push(id);
        }
    }
    let bound = homes.values().filter(|(database, _)| database.bound).count();
    checks.push(Check::good(
        "databases",
        format!("{} hold tenants, and the running script has {bound} of them", homes.len()),
    ));
    checks.extend(wrong);
    for (id, (database, _)) in &homes {
        let found = database::judge(database).into_iter().filter(|check| check.state != State::Good);
        checks.extend(found.map(|check| Check { found: format!("{id}: {}", check.found), ..check }));
    }
    let home = |(database, tenants): (Database, Vec<&str>)| {
        json!({"id": database.id, "binding": database.binding, "bound": database.bound,
            "schema_version": database.schema_version, "tenants": tenants})
    };
    let homes: Vec<_> = homes.into_values().map(home).collect();
    Ok((checks, Json::Array(homes)))
}

/// Whether the tenant's host answers.
fn ready(api: &Api<'_>, tenant: &Json) -> Result<(), String> {
    api.open(&format!("{}readyz", text(tenant, "issuer"))).map(drop).map_err(|failure| failure.to_string())
}

fn of_tenant(api: &Api<'_>, id: &str) -> Result<Vec<Check>, Failure> {
    let tenant = match tenants::get(api, id) {
        Ok(tenant) => tenant.into_document(),
        Err(failure) if failure.is_status(404) => {
            let reserved = crate::id::TenantId::parse(id).is_some_and(|id| is_reserved(&id));
            let advice = if reserved { "the id is reserved" } else { "gatehouse tenants list" };
            return Ok(vec![Check::wrong("tenant", format!("there is no tenant {id}"), advice)]);
        }
        Err(failure) => return Err(failure),
    };
    let environment = api.environment();
    let mut took = Vec::new();
    let mut timed = |what: &'static str, ask: &dyn Fn() -> Result<Json, Failure>| {
        let before = environment.now();
        let answer = ask();
        took.push((what, environment.now().since(before)));
        answer
    };
    let issuer = text(&tenant, "issuer");
    let discovery = timed("discovery", &|| api.open(&format!("{issuer}.well-known/openid-configuration")));
    let keys = timed("keys", &|| api.open(&format!("{issuer}.well-known/jwks.json")));
    let published = keys.as_ref().map(published).unwrap_or_default();
    let list = |path: &str| api.call_of(Some(id), Method::GET, path, None).map(|answer| answer.body);
    let signing = list("/api/v2/keys/signing").ok();
    let signing = signing.as_ref().and_then(Json::as_array).and_then(|keys| {
        let current = keys.iter().find(|key| key.get("current") == Some(&Json::Bool(true)))?;
        Some(text(current, "kid").to_owned())
    });
    let mut counts = BTreeMap::new();
    for (kind, path) in TABLES {
        let total = timed(kind, &|| list(&format!("/api/v2/{path}?include_totals=true&per_page=1")));
        let total = total.ok().and_then(|answer| answer.get("total").and_then(Json::as_u64));
        counts.extend(total.map(|count| (kind, count)));
    }
    let facts = Facts {
        ready: Some(ready(api, &tenant)),
        discovery: Some(discovery.map_err(|failure| failure.to_string())),
        published: published.into_iter().map(|key| key.kid).collect(),
        signing,
        counts,
        took,
        database: database(api, id).ok(),
        managers: managers(api, &tenant),
        log: Some(log(&list, environment.now()).map_err(|failure| failure.to_string())),
        tenant,
    };
    Ok(tenant::judge(&facts))
}

/// What is counted and timed: the kind, and its path.
const TABLES: [(&str, &str); 7] = [
    ("users", "users"),
    ("clients", "clients"),
    ("connections", "connections"),
    ("organizations", "organizations"),
    ("roles", "roles"),
    ("APIs", "resource-servers"),
    ("logs", "logs"),
];

fn database(api: &Api<'_>, tenant: &str) -> Result<Database, Failure> {
    api.get(&format!("{}/database", tenants::path(tenant)?))
}

/// The blocks that seal the log, all of them, each compared with its entries by the server.
fn log(list: &dyn Fn(&str) -> Result<Json, Failure>, now: Timestamp) -> Result<Log, Failure> {
    let mut log = Log::at(now);
    let mut from = Some(1);
    while let Some(number) = from {
        let answer = list(&format!("/api/v2/logs/blocks?from={number}"))?;
        let page: Blocks = serde_json::from_value(answer)
            .map_err(|error| Failure::Other(format!("the server's words about the log: {error}")))?;
        from = page.next.filter(|next| *next > number);
        log.add(page);
    }
    Ok(log)
}

/// How many members the organization has that stands for the tenant on the main tenant.
fn managers(api: &Api<'_>, tenant: &Json) -> Option<Result<u64, String>> {
    let members = || {
        let organization: Json = api.get(&format!("/api/v2/organizations/name/{}", text(tenant, "id")))?;
        let id = text(&organization, "id");
        let members: Json =
            api.get(&format!("/api/v2/organizations/{id}/members?include_totals=true&per_page=1"))?;
        Ok(members.get("total").and_then(Json::as_u64).unwrap_or_default())
    };
    let is_main = text(tenant, "issuer") == api.audience().trim_end_matches("api/v2/");
    (!is_main).then(|| members().map_err(|failure: Failure| failure.to_string()))
}

/// The keys of a JWKS that we can use.
fn published(keys: &Json) -> Vec<Jwk> {
    let keys = keys.get("keys").and_then(Json::as_array);
    keys.into_iter().flatten().filter_map(|key| serde_json::from_value(key.clone()).ok()).collect()
}

fn of_token(api: &Api<'_>, text_of: &str) -> Result<Vec<Check>, Failure> {
    let token = match Opened::parse(text_of) {
        Ok(token) => token,
        Err(check) => return Ok(vec![check]),
    };
    let now: Timestamp = api.environment().now();
    let mut facts = token::Facts { now: now.seconds(), ..token::Facts::default() };
    let tenants: Vec<Json> = tenants::all(api, None)?.into_iter().map(Answered::into_document).collect();
    let issuer = token.claim("iss").unwrap_or_default();
    // A token of the server before names its tenant besides.
    let of = |name: &str, value: &str| tenants.iter().find(|tenant| text(tenant, name) == value);
    if let Some(tenant) = of("issuer", issuer) {
        let (id, issuer) = (text(tenant, "id"), text(tenant, "issuer"));
        let base = api.audience();
        facts.tenant = Some(id.to_owned());
        facts.status = text(tenant, "status").to_owned();
        facts.main = issuer == base.trim_end_matches("api/v2/");
        facts.keys = api
            .open(&format!("{issuer}.well-known/jwks.json"))
            .map(|keys| published(&keys))
            .unwrap_or_default();
        facts.audiences = vec![base, format!("{issuer}api/v2/"), format!("{issuer}userinfo")];
        let list = |path: &str| api.call_of(Some(id), Method::GET, path, None).map(|answer| answer.body);
        if let Ok(Json::Array(apis)) = list("/api/v2/resource-servers?per_page=100") {
            facts.audiences.extend(apis.iter().map(|api| text(api, "identifier").to_owned()));
        }
        // An ID token is for an application.
        if let Some(client) = token.claim("azp").or_else(|| token.audiences().first().copied())
            && token.claims.get("scope").is_none()
        {
            facts.audiences.push(client.to_owned());
        }
        look_up(&token, &mut facts, &list);
        facts.organization_is_tenant =
            facts.organization.as_ref().is_some_and(|(name, _)| of("id", name).is_some());
    }
    Ok(token::judge(&token, &facts))
}

/// Asks about the token's subject and organization.
fn look_up(token: &Opened, facts: &mut token::Facts, list: &dyn Fn(&str) -> Result<Json, Failure>) {
    let subject = token.claim("sub").unwrap_or_default();
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    facts.subject = Some(match subject.strip_suffix("@clients") {
        Some(client) => match list(&format!("/api/v2/clients/{}", encoded(client))) {
            Ok(_) => Ok("an application that is there".to_owned()),
            Err(failure) => Err(failure.to_string()),
        },
        None => match list(&format!("/api/v2/users/{}", encoded(subject))) {
            Ok(user) if user.get("blocked") == Some(&Json::Bool(true)) => {
                Err("the user is blocked".to_owned())
            }
            Ok(_) => Ok("a user who is there".to_owned()),
            Err(failure) => Err(failure.to_string()),
        },
    });
    let Some(id) = token.claim("org_id").map(encoded) else { return };
    if let Ok(organization) = list(&format!("/api/v2/organizations/{id}")) {
        let mut member = false;
        for page in 0.. {
            let Ok(Json::Array(members)) =
                list(&format!("/api/v2/organizations/{id}/members?per_page=100&page={page}"))
            else {
                break;
            };
            member |= members.iter().any(|one| text(one, "user_id") == subject);
            if member || members.len() < 100 {
                break;
            }
        }
        facts.organization = Some((text(&organization, "name").to_owned(), member));
    }
}
