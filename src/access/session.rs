//! The browser session: a cookie that is not the `sid` of any token.

use super::Call;
use crate::{
    error::Fault,
    http::cookie::{self, Cookie},
    resources::sessions::{model::Session, store},
    secret::{Digest, Secret},
};

/// The session cookie of a tenant's host.
pub const COOKIE: Cookie = Cookie("gatehouse_session");

/// How the session cookie of a server before may be named: the tenant's id there, and this (AuthHero).
const FORMER: &str = "-auth-token";

/// The digest of the request's session cookie, if it has one.
pub fn digest(call: &Call) -> Option<Digest> {
    COOKIE.read(&call.request).or_else(|| former(call)).map(|value| Secret::new(value).digest())
}

/// Whether a session that [`digest`] found was found by a cookie of the server before. Such a cookie is the public id of its
/// session, so it is good for once: whoever uses it gets one of ours, and the old one is worth nothing from then on. It finds
/// only sessions that an import brought along with it; the public id of a session of ours finds nothing.
pub fn is_former(call: &Call) -> bool {
    COOKIE.read(&call.request).is_none()
}

/// The cookie of this tenant, where a browser may send those of several; or the only one.
fn former(call: &Call) -> Option<String> {
    let of = |name: &str| name.strip_suffix(FORMER).map(str::to_owned);
    let cookies: Vec<_> =
        cookie::all(&call.request).filter_map(|(name, value)| Some((of(name)?, value))).collect();
    let own = cookies.iter().find(|(tenant, _)| tenant == call.tenant.id().as_str());
    let only = cookies.first().filter(|_| cookies.len() == 1);
    own.or(only).map(|(_, value)| (*value).to_owned())
}

/// The live session of the browser that sent the request, if it has one: neither ended, nor idle for too long.
///
/// # Errors
/// A fault of the database.
pub async fn current(call: &Call) -> Result<Option<Session>, Fault> {
    let Some(digest) = digest(call) else { return Ok(None) };
    let row = call.db.first(store::by_digest(Some(&digest))).await?;
    let session = row.map(|row| store::session(&row)).transpose()?;
    Ok(session.filter(|session| session.is_live(call.now)))
}
