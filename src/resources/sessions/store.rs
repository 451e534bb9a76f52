//! SQL for sessions.

use super::model::Session;
use crate::{
    db::{Query, Row, read},
    error::Fault,
    id::{SessionId, UserId},
    secret::Digest,
    tenant::InTenant,
    time::Timestamp,
};

/// The session of a cookie, alive or not; never that of a blocked user.
pub fn by_digest(digest: &Digest) -> Query<InTenant> {
    read(
        "select s.id, s.user_id, s.authenticated_at, s.expires_at, s.idle_expires_at, s.revoked_at from sessions s
         join users u on u.tenant_id = ?1 and u.user_id = s.user_id and u.blocked = 0
         where s.tenant_id = ?1 and s.digest = ?2",
    )
    .bind(digest)
}

/// Reads a row of [`by_digest`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn session(row: &Row) -> Result<Session, Fault> {
    Ok(Session {
        id: SessionId::new(row.text("id")?),
        user_id: UserId::new(row.text("user_id")?),
        authenticated_at: row.time("authenticated_at")?,
        expires_at: row.time("expires_at")?,
        idle_expires_at: row.time("idle_expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}

/// The live sessions of a user with ids after `from`, at most `size`, by id.
pub fn live_of_user(user: &UserId, from: &str, size: i64, now: Timestamp) -> Query<InTenant> {
    read(
        "select id, user_id, clients, ip, user_agent, authenticated_at, created_at, used_at, expires_at, idle_expires_at
         from sessions where tenant_id = ?1 and user_id = ?2 and id > ?3
         and revoked_at is null and expires_at > ?5 and idle_expires_at > ?5 order by id limit ?4",
    )
    .bind(user)
    .bind(from)
    .bind(size)
    .bind(now)
}
