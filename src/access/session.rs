//! The browser session: a cookie that is not the `sid` of any token.

use super::Call;
use crate::{
    error::Fault,
    http::{Request, cookie::Cookie},
    resources::sessions::{model::Session, store},
    secret::{Digest, Secret},
};

/// The session cookie of a tenant's host.
pub const COOKIE: Cookie = Cookie("gatehouse_session");

/// The digest of the request's session cookie, if it has one.
pub fn digest(request: &Request) -> Option<Digest> {
    COOKIE.read(request).map(|value| Secret::new(value).digest())
}

/// The live session of the browser that sent the request, if it has one: neither ended, nor idle for too long.
///
/// # Errors
/// A fault of the database.
pub async fn current(call: &Call) -> Result<Option<Session>, Fault> {
    let Some(digest) = digest(&call.request) else { return Ok(None) };
    let row = call.db.first(store::by_digest(Some(&digest))).await?;
    let session = row.map(|row| store::session(&row)).transpose()?;
    Ok(session.filter(|session| session.is_live(call.now)))
}
