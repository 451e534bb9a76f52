//! A bearer token, verified: its signature, issuer and expiry (RFC 6750, RFC 8725).

use super::Call;
use crate::{
    error::Fault,
    http::{Method, Request},
    jose::{Claims, Unverified, jwt::ACCESS_TOKEN},
    resources::snapshot::{Bearer, Snapshot},
    tenant::{Host, Resolved, Tenant, TenantDb},
};
use std::rc::Rc;

/// Why a bearer token is not accepted. The words are Auth0's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unacceptable {
    /// There is none.
    Missing,
    /// It is not a token of ours, or has been changed.
    Invalid,
    /// Its time is over.
    Expired,
    /// Whoever it speaks for is gone, blocked or signed out.
    Revoked,
}

/// A verified token, and the tenant that issued it.
pub struct Verified {
    /// What it claims.
    pub claims: Claims,
    /// Who signed it.
    pub issuer: Rc<Tenant>,
    /// The issuer's rows.
    pub issuer_db: TenantDb,
    /// The issuer's configuration.
    pub snapshot: Rc<Snapshot>,
}

/// The token of the `Authorization` header (RFC 6750 §2.1; the scheme's name is case-insensitive).
pub fn token(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
}

/// The token of a request to the userinfo endpoint, which a client may also send in the form of a `POST` (RFC 6750 §2.2)
/// and, where the tenant allows that, in the query (§2.3: it ends up in logs and histories, so it is off by default).
///
/// # Errors
/// Words, if it comes in more than one way at once, which §2 forbids, or in a query that is not looked at.
pub fn anywhere(request: &Request, in_query: bool) -> Result<Option<String>, &'static str> {
    let form = request
        .header("content-type")
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
    let of = |encoded: &[u8]| -> Vec<String> {
        let pairs = form_urlencoded::parse(encoded);
        let found = pairs.filter(|(name, value)| name == "access_token" && !value.is_empty());
        found.map(|(_, value)| value.into_owned()).collect()
    };
    let queried = of(request.query.as_bytes());
    let is_queried = !queried.is_empty();
    let posted = if form && request.method == Method::POST { of(&request.body) } else { Vec::new() };
    let mut ways = token(request).map(str::to_owned).into_iter().chain(posted).chain(queried);
    match (ways.next(), ways.next()) {
        (Some(_), Some(_)) => Err("Send the access token once, in one way"),
        (Some(_), None) if is_queried && !in_query => Err(
            "This tenant takes no access token in the query: send it in the Authorization header, or have flags.allow_access_token_in_query set",
        ),
        (found, _) => Ok(found),
    }
}

/// Verifies the request's token with the keys of the tenant that its issuer names, which is resolved exactly as a
/// request to that host would be. What a token of another tenant may do here, its area decides.
///
/// # Errors
/// A fault of the database.
pub async fn verify(call: &Call) -> Result<Result<Verified, Unacceptable>, Fault> {
    verify_token(call, token(&call.request)).await
}

/// The same for a token that came in another way.
///
/// # Errors
/// A fault of the database.
pub async fn verify_token(call: &Call, token: Option<&str>) -> Result<Result<Verified, Unacceptable>, Fault> {
    examine(call, token, |_, _| None).await
}

/// The same. How `bearer` stands, whom the token names, is read beside the issuer's keys if those have to be read; nobody
/// has vouched for the token yet.
pub(super) async fn examine(
    call: &Call,
    token: Option<&str>,
    bearer: impl Fn(&Unverified<'_>, &Tenant) -> Option<Bearer>,
) -> Result<Result<Verified, Unacceptable>, Fault> {
    let Some(token) = token else { return Ok(Err(Unacceptable::Missing)) };
    let Some(unverified) = Unverified::parse(token) else { return Ok(Err(Unacceptable::Invalid)) };
    // RFC 9068 §4: an ID token is no access token, whatever else it holds.
    if unverified.kind() != Some(ACCESS_TOKEN) {
        return Ok(Err(Unacceptable::Invalid));
    }
    let Some(issuer) = unverified.hint("iss") else { return Ok(Err(Unacceptable::Invalid)) };
    let Some((tenant, db)) = issuer_of(call, &issuer).await? else { return Ok(Err(Unacceptable::Invalid)) };
    let (shared, riding) = (&call.shared, bearer(&unverified, &tenant));
    let snapshot = shared
        .snapshots
        .beside(&tenant, &db, call.platform(), &shared.config, call.now, riding.as_ref())
        .await?;
    let Some(claims) = claims(call, &snapshot, &unverified).await? else {
        return Ok(Err(Unacceptable::Invalid));
    };
    if claims.iss != tenant.issuer().as_str() {
        return Ok(Err(Unacceptable::Invalid));
    }
    if !claims.is_current(call.now) {
        return Ok(Err(Unacceptable::Expired));
    }
    Ok(Ok(Verified { claims, issuer: tenant, issuer_db: db, snapshot }))
}

/// The claims of a token, if it is a good one of the server that the tenant came from: see
/// [`crate::resources::former_keys::model`]. Such tokens have no `typ` of their own, so it is their naming the tenant, or the endpoint
/// that takes them, which tells an access token from an ID token.
///
/// # Errors
/// A fault of the database or the platform.
pub async fn former(call: &Call, token: Option<&str>) -> Result<Option<Claims>, Fault> {
    let snapshot = call.snapshot().await?;
    let Some(unverified) = token.and_then(Unverified::parse) else { return Ok(None) };
    let Some(issuer) = unverified.hint("iss") else { return Ok(None) };
    let Some(key) = snapshot.former_key(&issuer, unverified.kid(), call.now) else { return Ok(None) };
    // RFC 8725 §3.1: the algorithm is the key's, not the token's.
    if key.public.alg != unverified.algorithm() {
        return Ok(None);
    }
    let holds = call.platform().verify(&key.public, unverified.message(), unverified.signature()).await?;
    let claims: Option<Claims> = unverified.claims(holds);
    Ok(claims.filter(|claims| key.speaks_of(claims) && claims.is_current(call.now)))
}

async fn issuer_of(call: &Call, issuer: &str) -> Result<Option<(Rc<Tenant>, TenantDb)>, Fault> {
    if issuer == call.tenant.issuer().as_str() {
        return Ok(Some((Rc::clone(&call.tenant), call.db.clone())));
    }
    let prefix = format!("{}://", call.shared.config.scheme());
    let authority = issuer.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix('/'));
    let Some(host) = authority.and_then(|authority| Host::parse(authority).ok()) else { return Ok(None) };
    // Whoever names issuers that are nobody's is not looked up for long: nothing of the token has been verified yet.
    let (shared, ip) = (&call.shared, &call.request.ip);
    let is_new = !shared.directory.knows(&host, call.now);
    if is_new {
        shared.limits.check_stranger(ip, call.now)?;
    }
    match shared.directory.resolve(&host, call.now, &call.meter).await? {
        Resolved::Serving(tenant, db) => Ok(Some((Rc::new(tenant), db))),
        Resolved::NotReady | Resolved::Suspended => Ok(None),
        Resolved::Unknown => {
            if is_new {
                shared.limits.count_stranger(call.platform(), ip, call.now).await?;
            }
            Ok(None)
        }
    }
}

/// The claims of a token that a key of `snapshot` signed; `None` if none did.
///
/// # Errors
/// A fault of the platform.
pub async fn claims(
    call: &Call,
    snapshot: &Snapshot,
    unverified: &Unverified<'_>,
) -> Result<Option<Claims>, Fault> {
    let Some(key) = snapshot.verifying_key(unverified.kid(), call.now) else { return Ok(None) };
    // RFC 8725 §3.1: the algorithm is the key's, not the token's.
    if key.alg != unverified.algorithm() {
        return Ok(None);
    }
    let holds = call.platform().verify(key, unverified.message(), unverified.signature()).await?;
    Ok(unverified.claims(holds))
}
