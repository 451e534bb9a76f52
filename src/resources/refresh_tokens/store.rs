//! SQL for refresh tokens.

use super::model::{NewRefreshToken, RefreshToken};
use crate::{
    db::{Query, Row, Statement, Value, read, write},
    error::Fault,
    id::{ClientId, FamilyId, LogId, OrganizationId, RefreshTokenId, SessionId, UserId},
    secret::Digest,
    tenant::InTenant,
    time::Timestamp,
};

/// Adds the first token of a family, unless the code that it comes of has been used. Stands before the statement that
/// consumes the code, in the same batch.
pub fn insert_first(token: &NewRefreshToken<'_>, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into refresh_tokens (tenant_id, id, lookup, digest, family_id, client_id, user_id, session_id, audience, scope,
           organization_id, claims, rotating, authenticated_at, created_at, expires_at, idle_expires_at)
         select ?1, ?3, ?4, ?5, family_id, client_id, user_id, session_id, ?6, ?7,
           json_extract(request, '$.organization.id'), json_extract(request, '$.claims'), ?8, authenticated_at, ?9, ?10, ?11
         from codes where tenant_id = ?1 and digest = ?2 and used_at is null",
    )
    .bind(token.code)
    .bind(token.id)
    .bind(token.lookup)
    .bind(token.digest)
    .bind(token.audience)
    .bind(token.scope)
    .bind(token.life.rotating)
    .bind(now)
    .bind(token.life.absolute.map(|absolute| now.plus(absolute)))
    .bind(token.life.idle_end(now))
}

/// The token of this lookup, whatever its state.
pub fn by_lookup(lookup: &str) -> Query<InTenant> {
    read(
        "select t.digest, t.family_id, t.client_id, t.user_id, t.session_id, t.audience, t.scope, t.organization_id, t.claims,
           o.name as organization_name, t.authenticated_at, t.rotated_at, t.revoked_at,
           n.digest as successor_digest, n.rotated_at is not null or n.revoked_at is not null as successor_used
         from refresh_tokens t
         left join refresh_tokens n on n.tenant_id = ?1 and n.lookup = t.successor
         left join organizations o on o.tenant_id = ?1 and o.id = t.organization_id
         where t.tenant_id = ?1 and t.lookup = ?2",
    )
    .bind(lookup)
}

/// Reads a row of [`by_lookup`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn refresh_token(row: &Row) -> Result<RefreshToken, Fault> {
    let organization = row.optional_text("organization_id")?.zip(row.optional_text("organization_name")?);
    Ok(RefreshToken {
        digest: Digest::stored(row.text("digest")?),
        family: FamilyId::new(row.text("family_id")?),
        client: ClientId::new(row.text("client_id")?),
        user: UserId::new(row.text("user_id")?),
        session: row.optional_text("session_id")?.map(SessionId::new),
        audience: row.text("audience")?,
        scope: row.text("scope")?,
        organization: organization.map(|(id, name)| (OrganizationId::new(id), name)),
        claims: row.optional_text("claims")?,
        authenticated_at: row.time("authenticated_at")?,
        rotated_at: row.optional_time("rotated_at")?,
        revoked_at: row.optional_time("revoked_at")?,
        successor: row.optional_text("successor_digest")?.map(Digest::stored),
        successor_used: row.flag("successor_used")?,
    })
}

/// One use of a token: what is presented, by whom, and when.
pub struct Use<'a> {
    /// Finds the row.
    pub lookup: &'a str,
    /// Of the secret that was presented.
    pub digest: &'a Digest,
    /// Who presents it.
    pub client: &'a ClientId,
    /// Now.
    pub now: Timestamp,
    /// A token that was replaced before this moment is not good any more.
    pub replaced_after: Timestamp,
    /// The API that an access token is wanted for, if it is named.
    pub audience: Option<&'a str>,
    /// Whether that may be another one than the token's own.
    pub elsewhere: bool,
    /// The organization that is named, by id or name, if one is: only the one of the login is good.
    pub organization: Option<&'a str>,
}

/// The whole truth about whether a token may be used: the database decides, in the transaction that uses it. `t` is the
/// token, `?2` to `?9` are those of [`Use`]. One that was replaced answers for a short time again, with the same successor,
/// until that has been used itself. Whether its session lives does not matter: offline access outlives it (OpenID Connect
/// Core §11); what ends more than a session revokes the tokens themselves.
macro_rules! usable {
    () => {
        "t.tenant_id = ?1 and t.lookup = ?2 and t.digest = ?3 and t.client_id = ?4 and t.revoked_at is null
         and (t.expires_at is null or t.expires_at > ?5) and (t.idle_expires_at is null or t.idle_expires_at > ?5)
         and (t.rotated_at is null or (t.rotated_at >= ?6 and exists (select 1 from refresh_tokens n
           where n.tenant_id = ?1 and n.lookup = t.successor and n.rotated_at is null and n.revoked_at is null)))
         and exists (select 1 from users u where u.tenant_id = ?1 and u.user_id = t.user_id and u.blocked = 0)
         and (t.organization_id is null or exists (select 1 from organization_members m
           where m.tenant_id = ?1 and m.organization_id = t.organization_id and m.user_id = t.user_id))
         and (?7 is null or ?7 = t.audience or ?8)
         and (?9 is null or ?9 = t.organization_id or exists (select 1 from organizations o
           where o.tenant_id = ?1 and o.id = t.organization_id and lower(o.name) = lower(?9)))"
    };
}

impl Use<'_> {
    /// What [`usable`] binds, in its order.
    fn values(&self) -> [Value; 8] {
        [
            self.lookup.into(),
            self.digest.into(),
            self.client.into(),
            self.now.into(),
            self.replaced_after.into(),
            self.audience.into(),
            self.elsewhere.into(),
            self.organization.into(),
        ]
    }
}

fn using(statement: Statement<InTenant>, with: &Use<'_>) -> Statement<InTenant> {
    with.values().into_iter().fold(statement, Statement::bind)
}

/// Whether a token may be used, while nothing can be changed: one row if so.
pub fn usable(with: &Use<'_>) -> Query<InTenant> {
    let query = read(concat!("select t.rotating, t.successor from refresh_tokens t where ", usable!()));
    with.values().into_iter().fold(query, Query::bind)
}

/// Adds the successor of a rotating token, if the token may be used and has none yet: however many uses there are at once,
/// one of them adds it, and all of them are answered with it.
pub fn insert_successor(
    with: &Use<'_>,
    id: &RefreshTokenId,
    lookup: &str,
    digest: &Digest,
    idle_end: Option<Timestamp>,
) -> Statement<InTenant> {
    let statement = write(concat!(
        "insert into refresh_tokens (tenant_id, id, lookup, digest, family_id, client_id, user_id, session_id, audience, scope,
           organization_id, claims, rotating, authenticated_at, created_at, expires_at, idle_expires_at)
         select ?1, ?10, ?11, ?12, t.family_id, t.client_id, t.user_id, t.session_id, t.audience, t.scope,
           t.organization_id, t.claims, t.rotating, t.authenticated_at, ?5, t.expires_at, ?13
         from refresh_tokens t where t.rotating = 1 and t.rotated_at is null and ",
        usable!()
    ));
    using(statement, with).bind(id).bind(lookup).bind(digest).bind(idle_end)
}

/// Marks a token as used, if it may be: a rotating one as replaced by `successor`, unless it has been replaced already; for
/// another its idle end is put off, and one without end gets `end`, if there is one. One row if it was good, with the lookup
/// of its successor; none if not.
pub fn mark_used(
    with: &Use<'_>,
    successor: &str,
    idle_end: Option<Timestamp>,
    end: Option<Timestamp>,
) -> Statement<InTenant> {
    let statement = write(concat!(
        "update refresh_tokens as t set
           rotated_at = case when t.rotating = 1 then coalesce(t.rotated_at, ?5) end,
           successor = case when t.rotating = 1 then coalesce(t.successor, ?11) end,
           idle_expires_at = case when t.rotating = 1 then t.idle_expires_at else ?10 end,
           expires_at = case when t.rotating = 1 then t.expires_at else coalesce(t.expires_at, ?12) end
         where ",
        usable!(),
        " returning rotating, successor"
    ));
    using(statement, with).bind(idle_end).bind(successor).bind(end)
}

/// Records the exchange in the log, if the token may be used.
pub fn record_use(with: &Use<'_>, id: &LogId, ip: &str, user_agent: &str) -> Statement<InTenant> {
    let statement = write(concat!(
        "insert into logs (tenant_id, id, type, date, user_id, client_id, ip, user_agent, description)
         select ?1, ?10, 'sertft', ?5, t.user_id, ?4, ?11, ?12, 'Refresh token exchanged' from refresh_tokens t where ",
        usable!()
    ));
    using(statement, with).bind(id).bind(ip).bind(user_agent)
}

/// A token that its client presents to have it revoked.
pub struct Presented<'a> {
    /// Finds the row.
    pub lookup: &'a str,
    /// Of the secret that was presented.
    pub digest: &'a Digest,
    /// Who presents it.
    pub client: &'a ClientId,
    /// Now.
    pub now: Timestamp,
}

/// The token `t` that is presented, if it is this client's. `?2` to `?5` are those of [`Presented`].
macro_rules! presented {
    () => {
        "refresh_tokens t where t.tenant_id = ?1 and t.lookup = ?2 and t.digest = ?3 and t.client_id = ?4"
    };
}

fn presenting(statement: Statement<InTenant>, token: &Presented<'_>) -> Statement<InTenant> {
    statement.bind(token.lookup).bind(token.digest).bind(token.client).bind(token.now)
}

/// Revokes the family of a token that its client presents, and nothing of anybody else's.
pub fn revoke_presented(token: &Presented<'_>) -> Statement<InTenant> {
    let statement = write(concat!(
        "update refresh_tokens indexed by refresh_tokens_by_family set revoked_at = ?5
         where tenant_id = ?1 and revoked_at is null and family_id = (select t.family_id from ",
        presented!(),
        ")"
    ));
    presenting(statement, token)
}

/// Records that in the log, if there is such a token.
pub fn record_revocation(
    token: &Presented<'_>,
    id: &LogId,
    ip: &str,
    user_agent: &str,
) -> Statement<InTenant> {
    let statement = write(concat!(
        "insert into logs (tenant_id, id, type, date, user_id, client_id, ip, user_agent, description)
         select ?1, ?6, 'srrt', ?5, t.user_id, ?4, ?7, ?8, 'Refresh token revoked' from ",
        presented!()
    ));
    presenting(statement, token).bind(id).bind(ip).bind(user_agent)
}

/// Revokes every token of a family.
pub fn revoke_family(family: &FamilyId, now: Timestamp) -> Statement<InTenant> {
    write(
        "update refresh_tokens indexed by refresh_tokens_by_family set revoked_at = ?3
         where tenant_id = ?1 and family_id = ?2 and revoked_at is null",
    )
    .bind(family)
    .bind(now)
}

/// Revokes every token that came of a session.
pub fn revoke_session(user: &UserId, session: &SessionId, now: Timestamp) -> Statement<InTenant> {
    write(
        "update refresh_tokens indexed by refresh_tokens_by_user set revoked_at = ?4
         where tenant_id = ?1 and user_id = ?2 and session_id = ?3 and revoked_at is null",
    )
    .bind(user)
    .bind(session)
    .bind(now)
}

/// How many live tokens a person may have of one client (Auth0's limit).
const MAX_LIVE: i64 = 200;

/// Revokes the oldest live tokens that a person has of a client beyond [`MAX_LIVE`] (Auth0).
pub fn revoke_oldest(user: &UserId, client: &ClientId, now: Timestamp) -> Statement<InTenant> {
    write(
        "update refresh_tokens set revoked_at = ?4 where tenant_id = ?1 and id in (
           select id from refresh_tokens indexed by refresh_tokens_by_user
           where tenant_id = ?1 and user_id = ?2 and client_id = ?3 and revoked_at is null and rotated_at is null
             and (expires_at is null or expires_at > ?4)
           order by created_at desc, id desc limit -1 offset ?5)",
    )
    .bind(user)
    .bind(client)
    .bind(now)
    .bind(MAX_LIVE)
}

/// Removes some tokens that ran out before `moment`.
pub fn sweep(moment: Timestamp) -> Statement<InTenant> {
    write(
        "delete from refresh_tokens where tenant_id = ?1 and id in (
           select id from refresh_tokens indexed by refresh_tokens_by_expiry
           where tenant_id = ?1 and expires_at < ?2 order by expires_at limit 20)",
    )
    .bind(moment)
}
