//! SQL for sessions.

use super::model::{NewSession, Session};
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::{ClientId, SessionId, UserId},
    resources::authentication_methods::store::factors,
    secret::Digest,
    tenant::InTenant,
    time::Timestamp,
};

/// The session of a cookie, alive or not; never that of a blocked user. Without a cookie no row.
pub fn by_digest(digest: Option<&Digest>) -> Query<InTenant> {
    read(concat!(
        "select s.id, s.user_id, u.connection, s.clients, s.authenticated_at, s.expires_at, s.idle_expires_at, s.revoked_at,
           s.amr is not null as has_second_factor, u.signed_out_at, ",
        factors!("s.user_id"),
        " as factors
         from sessions s
         join users u on u.tenant_id = ?1 and u.user_id = s.user_id and u.blocked = 0
         where s.tenant_id = ?1 and s.digest = ?2"
    ))
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
        connection: row.text("connection")?,
        clients: row.json("clients")?,
        authenticated_at: row.time("authenticated_at")?,
        expires_at: row.time("expires_at")?,
        idle_expires_at: row.time("idle_expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
        has_second_factor: row.flag("has_second_factor")?,
        factors: row.json("factors")?,
        signed_out_at: row.optional_time("signed_out_at")?,
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

/// Starts a session, or starts it over: the same person who signs in again in the same browser keeps the `sid` that
/// applications know, but the cookie is a new one and the old one is worth nothing.
pub fn start(session: &NewSession<'_>, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into sessions (tenant_id, id, digest, user_id, clients, ip, user_agent, authenticated_at, amr, created_at,
           used_at, expires_at, idle_expires_at)
         values (?1, ?2, ?3, ?4, json_array(?5), ?6, ?7, ?11, ?12, ?8, ?8, ?9, ?10)
         on conflict (tenant_id, id) do update set digest = excluded.digest, ip = excluded.ip,
           clients = case when exists (select 1 from json_each(sessions.clients) where value = ?5) then sessions.clients
                     else json_insert(sessions.clients, '$[#]', ?5) end,
           user_agent = excluded.user_agent, authenticated_at = excluded.authenticated_at, amr = excluded.amr, used_at = excluded.used_at,
           expires_at = excluded.expires_at, idle_expires_at = excluded.idle_expires_at",
    )
    .bind(session.id)
    .bind(session.digest)
    .bind(session.user)
    .bind(session.client)
    .bind(session.ip)
    .bind(session.user_agent)
    .bind(now)
    .bind(session.expires_at)
    .bind(session.idle_expires_at)
    .bind(session.authenticated_at)
    .bind(session.amr)
}

/// Notes that a client has used a session, which puts off its idle end.
pub fn touch(
    id: &SessionId,
    client: &ClientId,
    idle_expires_at: Timestamp,
    now: Timestamp,
) -> Statement<InTenant> {
    write(
        "update sessions set used_at = ?5, idle_expires_at = min(?4, expires_at),
           clients = case when exists (select 1 from json_each(clients) where value = ?3) then clients
                     else json_insert(clients, '$[#]', ?3) end
         where tenant_id = ?1 and id = ?2",
    )
    .bind(id)
    .bind(client)
    .bind(idle_expires_at)
    .bind(now)
}

/// Gives a session another cookie; the one before is worth nothing from then on.
pub fn renew(id: &SessionId, digest: &Digest) -> Statement<InTenant> {
    write("update sessions set digest = ?3 where tenant_id = ?1 and id = ?2").bind(id).bind(digest)
}

/// A session that has not been ended, and the clients that know it; one row or none. Stands before [`end`] in its batch.
pub fn known_to(id: &SessionId) -> Query<InTenant> {
    read("select id, user_id, clients from sessions where tenant_id = ?1 and id = ?2 and revoked_at is null")
        .bind(id)
}

/// The newest sessions of a user that have not been ended, and the clients that know them: as many as anybody is told of.
/// Stands before the statement that ends them in its batch.
pub fn known_of_user(user: &UserId) -> Query<InTenant> {
    read(
        "select id, user_id, clients from sessions indexed by sessions_by_user
         where tenant_id = ?1 and user_id = ?2 and revoked_at is null order by used_at desc limit 30",
    )
    .bind(user)
}

/// Ends a session.
pub fn end(id: &SessionId, now: Timestamp) -> Statement<InTenant> {
    write("update sessions set revoked_at = ?3 where tenant_id = ?1 and id = ?2 and revoked_at is null")
        .bind(id)
        .bind(now)
}

/// Removes some sessions that ran out before `moment`. Refresh tokens that came of them live on: see `refresh_tokens`.
pub fn sweep(moment: Timestamp) -> Statement<InTenant> {
    write(
        "delete from sessions where tenant_id = ?1 and id in (select id from sessions indexed by sessions_by_expiry
           where tenant_id = ?1 and expires_at < ?2 order by expires_at limit 20)",
    )
    .bind(moment)
}
