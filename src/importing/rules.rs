//! What a record may say: the rules of the management API, by the same models, and those of what has no API yet. Pure.

use super::{
    check::{Wrong, is_digest},
    record::Values,
    tables::Table,
};
use crate::{
    events::first_log_id,
    http::{Malformed, input::typed, shape::is_email},
    id::ClientId,
    jose::Jwk,
    json,
    resources::{
        clients::model::Client,
        connections::{CONNECTIONS, model::check_options},
        engine::{self, Resource, model::check_record},
        organizations::{self, ORGANIZATIONS},
        refresh_tokens::model::is_lookup,
        resource_servers::{RESOURCE_SERVERS, model::check_scopes},
        roles::ROLES,
        settings::model::Settings,
        users::{
            attributes::{Attributes, columns},
            password,
        },
    },
    tenant::{Host, audiences::Place},
    time::{Lifetime, Timestamp},
};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// No token of an API lives longer (Auth0: 30 days): no key of the server before is trusted for longer.
pub const LONGEST_TOKEN: Lifetime = Lifetime::days(30);

/// For whom a record is.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// Whether for the main tenant.
    pub main: bool,
    /// The base domain, with its port.
    pub base_domain: &'a str,
    /// When the import was begun.
    pub begun: Timestamp,
}

/// Checks what a record of the right shape says.
///
/// # Errors
/// The column at fault.
pub fn check(table: &Table, values: &Values, context: &Context<'_>) -> Result<(), Wrong> {
    match table.name {
        "settings" => Settings::check(object(values, "document")).map_err(|why| in_document(why.0)),
        "connections" => connection(values),
        "clients" => client(values),
        "resource_servers" => resource_server(values, context),
        "roles" => declared(&ROLES, values),
        "organizations" => organization(values, context),
        "client_grants" | "grants" => scopes(values),
        "users" => user(values),
        "passwords" | "password_history" => {
            let fits = password::is_supported(text(values, "hash"));
            ensure(fits, "hash", "is no hash of bcrypt, PBKDF2, scrypt or Argon2id that is affordable")
        }
        "authentication_methods" => method(values),
        "former_keys" => former_key(values, context),
        "custom_domains" => domain(values, context),
        "sessions" => {
            let (id, digest) = (text(values, "id"), text(values, "digest"));
            let fits = is_digest(digest) || digest.strip_prefix('-') == Some(id);
            ensure(fits, "digest", "must be a SHA-256, or - and the id")
        }
        "refresh_tokens" => {
            ensure(is_lookup(text(values, "lookup")), "lookup", "must be 1 to 128 of A-Z a-z 0-9 - _ ~")
        }
        "logs" => {
            let begins = first_log_id(Timestamp::from_millis(integer(values, "date")));
            ensure(text(values, "id").starts_with(&begins), "id", "must begin with its date")
        }
        "email_providers" => match text(values, "default_from_address") {
            "" => Ok(()),
            address => ensure(is_email(address), "default_from_address", "must be an e-mail address"),
        },
        _ => Ok(()),
    }
}

fn ensure(fits: bool, column: &str, words: &str) -> Result<(), Wrong> {
    if fits { Ok(()) } else { Err(Wrong::new(column, words)) }
}

fn text<'a>(values: &'a Values, name: &str) -> &'a str {
    values.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn integer(values: &Values, name: &str) -> i64 {
    values.get(name).and_then(Json::as_i64).unwrap_or_default()
}

static NOTHING: std::sync::LazyLock<Map<String, Json>> = std::sync::LazyLock::new(Map::new);

fn object<'a>(values: &'a Values, name: &str) -> &'a Map<String, Json> {
    values.get(name).and_then(Json::as_object).unwrap_or(&NOTHING)
}

fn in_document(words: impl Into<String>) -> Wrong {
    Wrong::new("document", words)
}

/// The document with columns of the row put in front, as the API takes it.
fn body(values: &Values, columns: &[&str]) -> Map<String, Json> {
    let mut body = object(values, "document").clone();
    let columns = columns.iter().filter_map(|name| Some(((*name).to_owned(), values.get(*name)?.clone())));
    body.extend(columns);
    body
}

/// A column's own name where the words name it; the document otherwise.
fn blame(columns: &[&str], words: String) -> Wrong {
    let named = |column: &&&str| {
        words.starts_with(**column) || words.strip_prefix('\'').is_some_and(|rest| rest.starts_with(**column))
    };
    let column = columns.iter().find(named).copied().unwrap_or("document");
    Wrong::new(column, words)
}

fn connection(values: &Values) -> Result<(), Wrong> {
    declared(&CONNECTIONS, values)?;
    let options = object(values, "document").get("options").and_then(Json::as_object);
    check_options(options.unwrap_or(&NOTHING)).map_err(|Malformed(words)| in_document(words))
}

fn client(values: &Values) -> Result<(), Wrong> {
    let hidden = ["client_secret", "client_id", "name", "tenant"];
    if let Some(name) = hidden.iter().find(|name| object(values, "document").contains_key(**name)) {
        return Err(in_document(format!("must not hold {name}")));
    }
    let mut client: Client = typed(body(values, &["name"])).map_err(|Malformed(words)| in_document(words))?;
    client.client_id = ClientId::new(text(values, "client_id"));
    client.check().map_err(|words| blame(&["name"], words))?;
    let has_secret = values.get("client_secret").is_some_and(|secret| !secret.is_null());
    ensure(!has_secret || client.is_confidential(), "client_secret", "a public client has no secret")
}

fn resource_server(values: &Values, context: &Context<'_>) -> Result<(), Wrong> {
    let ours = Place::of(text(values, "identifier")).is_some_and(|place| place.is_at(context.base_domain));
    ensure(!ours, "identifier", "is reserved: it is a URL of this server")?;
    declared(&RESOURCE_SERVERS, values)?;
    let scopes = object(values, "document").get("scopes");
    check_scopes(scopes).map_err(|Malformed(words)| in_document(words))
}

/// What the declaration of a plain resource says: of members in columns, and of those in the document.
fn declared(resource: &Resource, values: &Values) -> Result<(), Wrong> {
    let mut record = object(values, "document").clone();
    let mut columns = Vec::new();
    for field in resource.fields {
        if let engine::Place::Column(column) = field.place {
            columns.push(field.member.name);
            record.insert(field.member.name.to_owned(), values.get(column).cloned().unwrap_or_default());
        }
    }
    check_record(resource, &record).map_err(|(member, Malformed(words))| {
        Wrong::new(if columns.contains(&member) { member } else { "document" }, words)
    })
}

fn organization(values: &Values, context: &Context<'_>) -> Result<(), Wrong> {
    declared(&ORGANIZATIONS, values)?;
    let theirs = context.main && organizations::model::belongs_to_a_tenant(text(values, "name"));
    ensure(!theirs, "name", "an organization of the main tenant with this name comes with its tenant only")
}

fn scopes(values: &Values) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    let scopes = values.get("scope").and_then(Json::as_array).into_iter().flatten();
    for scope in scopes {
        let token = scope.as_str().is_some_and(|scope| !scope.is_empty() && !scope.contains(' '));
        ensure(token, "scope", "must be a list of scopes")?;
        ensure(seen.insert(scope.to_string()), "scope", "has one of them more than once")?;
    }
    Ok(())
}

fn user(values: &Values) -> Result<(), Wrong> {
    let columns = columns();
    let id = text(values, "user_id");
    let named = id.split_once('|').is_some_and(|(provider, rest)| !provider.is_empty() && !rest.is_empty());
    ensure(named, "user_id", "must be a provider, | and an id")?;
    ensure(
        id.split('|').next() == Some(text(values, "provider")),
        "provider",
        "must be that of the user_id",
    )?;
    ensure(text(values, "linked_to") != id, "linked_to", "is the user itself")?;
    let present = |names: &[&str]| -> Map<String, Json> {
        let present = names.iter().filter_map(|name| Some(((*name).to_owned(), values.get(*name)?.clone())));
        json::gather(present.filter(|(_, value)| !value.is_null()))
    };
    let mut attributes = present(&columns);
    attributes.extend(present(&["user_metadata", "app_metadata"]));
    Attributes::check(attributes).map_err(|Malformed(words)| blame(&columns, words))?;
    for name in ["email", "username"] {
        let given = text(values, name);
        ensure(given == given.to_lowercase(), name, "must be in lower case")?;
    }
    let profile = object(values, "profile");
    if let Some(name) = columns.iter().find(|name| profile.contains_key(**name)) {
        return Err(Wrong::new("profile", format!("must not hold {name}")));
    }
    Attributes::check(profile.clone()).map(drop).map_err(|Malformed(words)| Wrong::new("profile", words))
}

fn method(values: &Values) -> Result<(), Wrong> {
    let kind = text(values, "type");
    let has = |name: &str| values.get(name).is_some_and(|value| !value.is_null());
    let needs: &[&str] = match kind {
        // A totp without one is kept: whoever had a second factor that was lost must not do without.
        "recovery-code" => &["secret"],
        "phone" => &["phone_number"],
        "passkey" | "webauthn-platform" | "webauthn-roaming" => &["credential_id", "public_key"],
        _ => &[],
    };
    if let Some(missing) = needs.iter().find(|name| !has(name)) {
        return Err(Wrong::new(missing, format!("is missing: a {kind} has one")));
    }
    // RFC 4648 §6, as authenticator apps take it: upper case, padding or none.
    let base32 = |text: &str| {
        text.trim_end_matches('=')
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte))
    };
    ensure(kind != "totp" || base32(text(values, "secret")), "secret", "must be base32")
}

fn key(values: &Values) -> Result<(), Wrong> {
    let wrong = |words: &str| Wrong::new("public_jwk", words);
    let jwk = Json::Object(object(values, "public_jwk").clone());
    if ["d", "p", "q", "dp", "dq", "qi", "k"].iter().any(|member| jwk.get(member).is_some()) {
        return Err(wrong("must hold no private member"));
    }
    let key: Jwk = serde_json::from_value(jwk).map_err(|error| wrong(&error.to_string()))?;
    ensure(key.kid == text(values, "kid"), "kid", "must be that of the public_jwk")?;
    ensure(key.alg == text(values, "algorithm"), "algorithm", "must be that of the public_jwk")?;
    // RFC 7518 §3.3: 2048 bits or more; 342 letters of base64url are 2048 bits.
    let fits = match key.alg.as_str() {
        "ES256" => {
            key.kty == "EC" && key.crv.as_deref() == Some("P-256") && key.x.is_some() && key.y.is_some()
        }
        _ => key.kty == "RSA" && key.e.is_some() && key.n.is_some_and(|n| n.len() >= 342),
    };
    ensure(fits, "public_jwk", "must be an RSA key of 2048 bits or more, or an EC key on P-256")
}

fn former_key(values: &Values, context: &Context<'_>) -> Result<(), Wrong> {
    key(values)?;
    let issuer = text(values, "issuer");
    let url =
        url::Url::parse(issuer).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    ensure(url, "issuer", "must be an absolute http or https URL")?;
    ensure(!text(values, "tenant").is_empty(), "tenant", "must be the id that tokens name the tenant by")?;
    let until = Timestamp::from_millis(integer(values, "trusted_until"));
    let fits = until <= context.begun.plus(LONGEST_TOKEN);
    ensure(fits, "trusted_until", "must be at most 30 days after the import was begun: no token lives longer")
}

fn domain(values: &Values, context: &Context<'_>) -> Result<(), Wrong> {
    let domain = text(values, "domain");
    let host = Host::parse(domain).is_ok_and(|host| host.as_str() == domain);
    ensure(host && domain.contains('.'), "domain", "must be a host name in lower case")?;
    let base = context.base_domain.split(':').next().unwrap_or_default();
    let ours = domain == base || domain.strip_suffix(base).is_some_and(|rest| rest.ends_with('.'));
    ensure(!ours, "domain", "must not be the base domain, nor below it")
}
