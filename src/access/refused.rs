//! What an API refuses leaves an entry in the log of the tenant that it was asked of.

use super::{Call, management::asked_by};
use crate::{
    events::{Entry, Kind},
    http::StatusCode,
    jose::Claims,
    tenant::TenantDb,
};
use serde_json::json;

/// Writes down that whoever bears a token, or none, was refused (`401` or `403`; other answers are no refusals) and in which
/// words: after the answer has been sent, so that a flood costs those who are let in nothing. Such entries are bounded, as
/// all that strangers cause ([`crate::events::store::BY_STRANGERS`]); in a tenant that is read-only there are none.
pub(super) fn note(
    call: &Call,
    db: &TenantDb,
    claims: Option<&Claims>,
    status: StatusCode,
    (code, words): (&str, &str),
) {
    let is_refusal = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
    if !is_refusal || call.tenant.is_read_only() {
        return;
    }
    let mut entry = Entry::new(Kind::FailedApi, words);
    let body = json!({ "error": code });
    entry.details.insert("response".to_owned(), json!({ "statusCode": status.as_u16(), "body": body }));
    let entry = asked_by(call, claims, entry);
    let (db, statement) = (db.apart(), call.record(entry));
    call.platform().defer(Box::pin(async move {
        // It has been refused all the same.
        let _ = db.commit([statement]).await;
    }));
}
