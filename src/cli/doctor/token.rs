//! What is wrong with a token. Pure: whatever had to be asked is in [`Facts`].

use super::Check;
use crate::{
    jose::Jwk,
    json,
    time::{Lifetime, Timestamp},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use ring::signature;
use serde_json::{Map, Value as Json};

/// A token, taken apart and believed in nothing.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its header.
    pub header: Map<String, Json>,
    /// Its claims.
    pub claims: Map<String, Json>,
    message: String,
    signature: Vec<u8>,
}

impl Opened {
    /// Takes a compact token apart (RFC 7519 §3).
    ///
    /// # Errors
    /// What it is instead.
    pub fn parse(token: &str) -> Result<Self, Check> {
        let token = token.trim().trim_start_matches("Bearer ").trim();
        let not = |found: &str, advice: &str| Check::wrong("shape", found, advice);
        let parts: Vec<_> = token.split('.').collect();
        let [header, claims, sealed] = parts.as_slice() else {
            return Err(match parts.len() {
                5 => not("it is encrypted (five parts)", "access tokens here are signed, not encrypted"),
                1 if token.starts_with("rt_") => {
                    not("it is a refresh token", "send it to /oauth/token; an API takes the access token")
                }
                count => not(
                    &format!("it has {count} parts, and a JWT has three"),
                    "without an audience in the request there may be no JWT: ask for one with audience=…",
                ),
            });
        };
        let open = |part: &str| {
            let bytes = Base64UrlUnpadded::decode_vec(part.trim_end_matches('=')).ok()?;
            json::read::<Map<String, Json>>(&bytes).ok()
        };
        let cut = || not("it does not decode", "it may have been cut off or changed when it was copied");
        Ok(Self {
            header: open(header).ok_or_else(cut)?,
            claims: open(claims).ok_or_else(cut)?,
            message: format!("{header}.{claims}"),
            signature: Base64UrlUnpadded::decode_vec(sealed).map_err(|_| cut())?,
        })
    }

    /// A claim that is text.
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Json::as_str)
    }

    /// Its audiences.
    pub fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Json::String(one)) => vec![one],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the key has signed it.
    fn is_signed_by(&self, key: &Jwk) -> bool {
        let part = |text: &Option<String>| {
            Base64UrlUnpadded::decode_vec(text.as_deref().unwrap_or_default()).unwrap_or_default()
        };
        let message = self.message.as_bytes();
        match key.kty.as_str() {
            "RSA" => {
                let key = signature::RsaPublicKeyComponents { n: part(&key.n), e: part(&key.e) };
                key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, &self.signature).is_ok()
            }
            "EC" => {
                let point = [vec![4], part(&key.x), part(&key.y)].concat();
                let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
                key.verify(message, &self.signature).is_ok()
            }
            _ => false,
        }
    }
}

/// What the installation says about a token.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The time.
    pub now: i64,
    /// The tenant whose issuer it names.
    pub tenant: Option<String>,
    /// Whether that is the main tenant.
    pub main: bool,
    /// The state of that tenant.
    pub status: String,
    /// Its keys, as published.
    pub keys: Vec<Jwk>,
    /// Audiences that mean something there.
    pub audiences: Vec<String>,
    /// What its subject is: nothing is known, or whether it is there and may act.
    pub subject: Option<Result<String, String>>,
    /// What its organization is: the name, and whether the subject is a member.
    pub organization: Option<(String, bool)>,
    /// Whether a tenant is named like that organization.
    pub organization_is_tenant: bool,
}

/// Everything about a token, in the order in which a server looks at it.
pub fn judge(token: &Opened, facts: &Facts) -> Vec<Check> {
    let mut checks = vec![algorithm(token), issuer(token, facts)];
    if facts.tenant.is_some() {
        checks.extend(signed(token, facts));
    }
    checks.extend(times(token, facts.now));
    if facts.tenant.is_some() {
        checks.extend([audience(token, facts)]);
        checks.extend(subject(token, facts));
        checks.extend(organization(token, facts));
    }
    checks
}

fn algorithm(token: &Opened) -> Check {
    let text = |name: &str| token.header.get(name).and_then(Json::as_str).unwrap_or_default();
    match text("alg") {
        algorithm @ ("RS256" | "ES256") if !text("kid").is_empty() => {
            Check::good("algorithm", format!("{algorithm}, key {}", text("kid")))
        }
        "RS256" | "ES256" => Check::wrong("algorithm", "it names no key (kid)", "it is not of this server"),
        "none" => Check::wrong("algorithm", "it is not signed at all", "nobody may accept it"),
        other => Check::wrong("algorithm", format!("{other} is not used here"), "it is not of this server"),
    }
}

fn issuer(token: &Opened, facts: &Facts) -> Check {
    let issuer = token.claim("iss").unwrap_or_default();
    match &facts.tenant {
        None if issuer.is_empty() => Check::wrong("issuer", "it names none", "it is not of this server"),
        None => Check::wrong(
            "issuer",
            format!("{issuer} is no tenant here"),
            "compare with `issuer` in the tenant's /.well-known/openid-configuration, final slash included; a token of the \
             server before is accepted only by tenants whose import named its issuer",
        ),
        Some(tenant) if facts.status == "active" || facts.status == "read_only" => {
            Check::good("issuer", format!("{issuer}: tenant {tenant}"))
        }
        Some(tenant) => Check::wrong(
            "issuer",
            format!("tenant {tenant} is {}", facts.status),
            format!("gatehouse status {tenant}"),
        ),
    }
}

fn signed(token: &Opened, facts: &Facts) -> Vec<Check> {
    let kid = token.header.get("kid").and_then(Json::as_str).unwrap_or_default();
    let Some(key) = facts.keys.iter().find(|key| key.kid == kid) else {
        let advice = "the key was revoked, the token is of another installation, or the verifier keeps an old JWKS: have it \
                      fetched again";
        return vec![Check::wrong("key", format!("{kid} is not among the tenant's published keys"), advice)];
    };
    let published = Check::good("key", "published by the tenant");
    if token.is_signed_by(key) {
        return vec![published, Check::good("signature", "holds")];
    }
    let advice = "the token was changed after it was signed, or made by somebody else";
    vec![published, Check::wrong("signature", "does not hold", advice)]
}

fn times(token: &Opened, now: i64) -> Vec<Check> {
    let at = |name: &str| token.claims.get(name).and_then(Json::as_i64);
    let iso = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1000)).iso();
    let mut checks = Vec::new();
    match at("exp") {
        Some(exp) if exp <= now => checks.push(Check::wrong(
            "time",
            format!("expired at {}, {} ago", iso(exp), span(now - exp)),
            "get a new one with the refresh token, or sign in again",
        )),
        Some(exp) => checks.push(Check::good("time", format!("valid for another {}", span(exp - now)))),
        None => checks.push(Check::wrong("time", "it never expires (no exp)", "it is not of this server")),
    }
    if let Some(issued) = at("nbf").or_else(|| at("iat")).filter(|issued| *issued > now + 5) {
        checks.push(Check::wrong(
            "clock",
            format!("it is from the future: {}", iso(issued)),
            "the clock of this machine is behind, or that of the issuer ahead",
        ));
    }
    checks
}

/// A span for people.
fn span(seconds: i64) -> String {
    match Lifetime::seconds(seconds).as_seconds() {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn audience(token: &Opened, facts: &Facts) -> Check {
    let audiences = token.audiences();
    let known: Vec<_> =
        audiences.iter().filter(|audience| facts.audiences.iter().any(|known| known == *audience)).collect();
    match (known.first(), audiences.first()) {
        (Some(known), _) => Check::good("audience", (***known).to_owned()),
        (None, None) => Check::wrong("audience", "it has none", "ask for one with audience=…"),
        (None, Some(_)) => Check::wrong(
            "audience",
            format!("{} is no API of the tenant", audiences.join(", ")),
            "an API takes tokens for its own identifier only; management takes the audience …/api/v2/, with its final slash",
        ),
    }
}

fn subject(token: &Opened, facts: &Facts) -> Option<Check> {
    let subject = token.claim("sub").unwrap_or_default();
    Some(match facts.subject.as_ref()? {
        Ok(words) => Check::good("subject", format!("{subject}: {words}")),
        Err(words) => Check::wrong("subject", format!("{subject}: {words}"), "sign in again"),
    })
}

fn organization(token: &Opened, facts: &Facts) -> Vec<Check> {
    let (id, name) = (token.claim("org_id"), token.claim("org_name"));
    let Some(id) = id else {
        return if facts.main && !token.claim("sub").is_some_and(|sub| sub.ends_with("@clients")) {
            let advice =
                "to manage one tenant, sign in to its organization (organization=…) on the main tenant";
            vec![Check::unusual("organization", "none: it manages the main tenant, and no other", advice)]
        } else {
            Vec::new()
        };
    };
    let Some((there, member)) = &facts.organization else {
        let advice = "it was deleted, or the token is of another tenant";
        return vec![Check::wrong("organization", format!("{id} is not there"), advice)];
    };
    let mut checks = vec![match name {
        Some(name) if name != there => Check::wrong(
            "organization",
            format!("{id} is called {there} by now, not {name}"),
            "sign in again",
        ),
        _ => Check::good("organization", format!("{there} ({id})")),
    }];
    checks.push(if *member {
        Check::good("membership", "the subject is a member")
    } else {
        let advice = "membership is looked up whenever the token is used: add the person again, or do not";
        Check::wrong("membership", "the subject is no member", advice)
    });
    if facts.main && !facts.organization_is_tenant {
        let advice = "an organization of the main tenant lets people manage the tenant of the same name";
        checks.push(Check::unusual("organization", format!("no tenant is called {there}"), advice));
    }
    if facts.main {
        let granted = |list: Option<&Json>| {
            list.and_then(Json::as_array).is_some_and(|list| list.iter().any(|one| one == "tenant:admin"))
        };
        if !granted(token.claims.get("permissions")) {
            let advice = "give the member a role with the permission tenant:admin inside the organization";
            checks.push(Check::unusual("permission", "tenant:admin is not among its permissions", advice));
        }
    }
    checks
}
