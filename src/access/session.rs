//! The browser session: a cookie that is not the `sid` of any token, and a second one for frames.
//!
//! A single-page app renews its tokens in a hidden frame of ours. Where it is on another site than we are, browsers send no
//! `SameSite=Lax` cookie with that frame, and nothing weaker will do for the session itself: that cookie signs people in,
//! out, and gives consent. So there is a second cookie, `SameSite=None`, which is worth less: the session's digest, sealed for
//! this purpose. It is taken by the authorization endpoint alone, for `prompt=none` with `response_mode=web_message`, where
//! the answer is posted to a page of the client's registered `web_origins` or to nobody; and it finds the session without
//! being able to stand for it anywhere else. Both are set, renewed and removed together.

use super::Call;
use crate::{
    error::Fault,
    http::Response,
    http::cookie::{self, Cookie},
    resources::{
        sessions::{model::Session, store},
        snapshot::Snapshot,
    },
    secret::{Digest, Sealed, Secret},
    time::Lifetime,
};

/// The session cookie of a tenant's host.
const COOKIE: Cookie = Cookie::of_own_site("gatehouse_session");

/// The one for frames.
const FRAME: Cookie = Cookie::of_any_site("gatehouse_frame");

/// How the session cookie of a server before may be named: the tenant's id there, and this (AuthHero).
const FORMER: &str = "-auth-token";

/// The digest of the request's session cookie, if it has one.
pub fn digest(call: &Call) -> Option<Digest> {
    COOKIE.read(&call.request).or_else(|| former(call)).map(|value| Secret::new(value).digest())
}

/// The digest of the session that a frame asks for: that of the session cookie where the browser sends it, else the one
/// which the cookie for frames names. Only for a request that [the module](self) describes.
pub fn digest_in_frame(call: &Call, snapshot: &Snapshot) -> Option<Digest> {
    let framed = || {
        let sealed = Sealed::stored(FRAME.read(&call.request)?);
        Some(Digest::stored(snapshot.seal.open(&purpose(call), &sealed)?.expose()))
    };
    digest(call).or_else(framed)
}

/// What the cookie for frames is sealed for: this tenant, at the host that the browser knows it by.
fn purpose(call: &Call) -> String {
    format!("frame {} {}", call.tenant.id(), call.tenant.issuer().as_str())
}

/// Gives the browser both cookies of a session, for as long as it lasts at the most.
///
/// # Errors
/// A fault of the seal.
pub fn keep(
    call: &Call,
    snapshot: &Snapshot,
    response: Response,
    secret: &Secret,
    lifetime: Lifetime,
) -> Result<Response, Fault> {
    let digest = Secret::new(secret.digest().as_str());
    let sealed = snapshot.seal.seal(call.platform(), &purpose(call), &digest)?;
    let cookies = [(COOKIE, secret.expose()), (FRAME, sealed.as_str())];
    let set = |(cookie, value): (Cookie, &str)| cookie.set(&call.request, value, Some(lifetime));
    Ok(cookies.map(set).into_iter().fold(response, |response, cookie| response.with("set-cookie", cookie)))
}

/// Takes both cookies out of the browser.
pub fn forget(call: &Call, response: Response) -> Response {
    let cookies = [COOKIE, FRAME].map(|cookie| cookie.clear(&call.request));
    cookies.into_iter().fold(response, |response, cookie| response.with("set-cookie", cookie))
}

/// Whether a session that [`digest`] found was found by a cookie of the server before. Such a cookie is the public id of its
/// session, so it is good for once: whoever uses it gets one of ours, and the old one is worth nothing from then on. It finds
/// only sessions that an import brought along with it; the public id of a session of ours finds nothing.
pub fn is_former(call: &Call) -> bool {
    COOKIE.read(&call.request).is_none() && former(call).is_some()
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
