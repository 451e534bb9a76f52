//! Codes of a tenant that is read-only, so that whoever is signed in can go on to another application. Nothing of the tenant
//! can be stored, so the code holds everything itself, sealed with the tenant's key, and lives for a minute like any other.
//! That it is used once is kept in the directory, which is never read-only.

use super::code::{Code, CodeRequest, LIFETIME, NewCode};
use crate::{
    access::Call,
    error::Fault,
    id::{ClientId, SessionId, UserId},
    json,
    resources::snapshot::Snapshot,
    secret::{Sealed, Secret},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// What fits into a URL with room to spare (Cloudflare takes 16 KB).
const MAX_LENGTH: usize = 8192;

/// A code, as it is sealed. Moments are in milliseconds.
#[derive(Serialize, Deserialize)]
struct Content {
    client: String,
    user: String,
    session: String,
    request: CodeRequest,
    authenticated_at: i64,
    expires_at: i64,
}

/// Seals a code; `None` if it is too long to travel.
///
/// # Errors
/// A fault of the seal.
pub fn seal(call: &Call, snapshot: &Snapshot, new: &NewCode<'_>) -> Result<Option<Secret>, Fault> {
    let content = Content {
        client: new.client.as_str().to_owned(),
        user: new.user.as_str().to_owned(),
        session: new.session.as_str().to_owned(),
        request: new.request.clone(),
        authenticated_at: new.authenticated_at.millis(),
        expires_at: call.now.plus(LIFETIME).millis(),
    };
    let plain = json::write(&content)?;
    let sealed = snapshot.passing.seal(call.platform(), &purpose(call), &Secret::new(plain))?;
    Ok((sealed.as_str().len() <= MAX_LENGTH).then(|| Secret::new(sealed.as_str())))
}

/// Opens a code; `None` for one that is not sealed, is longer than any of ours, or was changed, or is of another tenant or host.
pub fn open(call: &Call, snapshot: &Snapshot, code: &Secret) -> Option<Code> {
    if code.expose().len() > MAX_LENGTH {
        return None;
    }
    let plain = snapshot.passing.open(&purpose(call), &Sealed::stored(code.expose()))?;
    let content: Content = json::read(plain.expose()).ok()?;
    Some(Code {
        client: ClientId::new(content.client),
        user: UserId::new(content.user),
        session: SessionId::new(content.session),
        request: content.request,
        authenticated_at: Timestamp::from_millis(content.authenticated_at),
        expires_at: Timestamp::from_millis(content.expires_at),
        used_at: None,
    })
}

fn purpose(call: &Call) -> String {
    format!("code {} {}", call.tenant.id(), call.tenant.issuer().as_str())
}
