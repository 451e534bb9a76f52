//! What ends when something about a person changes: their sessions, and everything else that speaks for them.

pub mod model;
pub mod store;

use crate::{
    db::Statement,
    id::{SessionId, UserId},
    tenant::InTenant,
    time::Timestamp,
};
use model::Cause;

/// What ends with a token or a code that has been in two hands.
pub fn of_session(user: &UserId, session: &SessionId, now: Timestamp) -> Vec<Statement<InTenant>> {
    store::end(Cause::TokenReused, user, Some(session), now)
}

/// What ends of a person everywhere.
pub fn of_person(cause: Cause, user: &UserId, now: Timestamp) -> Vec<Statement<InTenant>> {
    store::end(cause, user, None, now)
}
