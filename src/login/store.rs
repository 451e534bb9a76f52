//! SQL that only signing in needs.

use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::{OrganizationId, UserId},
    resources::authentication_methods::{model::Factors, store::factors},
    tenant::InTenant,
    time::Timestamp,
};

/// An account of a connection.
#[derive(Debug)]
pub struct Account {
    /// Whose it is: the account that an identity is linked to, if it is.
    pub user: UserId,
    /// The identity that was found: passwords are kept for it.
    pub identity: UserId,
    /// Whether they may not sign in.
    pub blocked: bool,
    /// The stored password.
    pub hash: Option<String>,
    /// Whether they are in the organization that was asked for, if one was.
    pub is_member: bool,
    /// What they have besides the password.
    pub factors: Factors,
    /// Where they have signed in before: their last address, and those of their sessions.
    pub known: Vec<String>,
    /// When they were last signed out everywhere.
    pub signed_out_at: Option<Timestamp>,
}

/// The account that an e-mail address or a user name belongs to. One row or none.
pub fn account(connection: &str, identifier: &str, organization: Option<&OrganizationId>) -> Query<InTenant> {
    read(concat!(
        "select a.user_id, a.signed_out_at, i.user_id as identity_id, i.blocked or a.blocked as blocked, p.hash, ",
        factors!("a.user_id"),
        " as factors,
           (select json_group_array(ip) from (select a.last_ip as ip union
             select ip from (select s.ip from sessions s indexed by sessions_by_user
               where s.tenant_id = ?1 and s.user_id = a.user_id limit 50))
             where ip is not null) as known,
           ?4 is null or exists (select 1 from organization_members m
             where m.tenant_id = ?1 and m.organization_id = ?4 and m.user_id = a.user_id) as is_member
         from users i
         join users a on a.tenant_id = ?1 and a.user_id = coalesce(i.linked_to, i.user_id)
         left join passwords p on p.tenant_id = ?1 and p.user_id = i.user_id
         where i.tenant_id = ?1 and i.user_id = coalesce(
           (select user_id from users where tenant_id = ?1 and connection = ?2 and email = ?3),
           (select user_id from users where tenant_id = ?1 and connection = ?2 and username = ?3))"
    ))
    .bind(connection)
    .bind(identifier)
    .bind(organization)
}

/// Reads a row of [`account`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn account_of(row: &Row) -> Result<Account, Fault> {
    Ok(Account {
        user: UserId::new(row.text("user_id")?),
        identity: UserId::new(row.text("identity_id")?),
        blocked: row.flag("blocked")?,
        hash: row.optional_text("hash")?,
        is_member: row.flag("is_member")?,
        factors: row.json("factors")?,
        known: row.json("known")?,
        signed_out_at: row.optional_time("signed_out_at")?,
    })
}

/// Whether an account is blocked, and in the organization that was asked for, if one was. One row or none.
pub fn person(account: &UserId, organization: Option<&OrganizationId>) -> Query<InTenant> {
    read(
        "select a.blocked, a.signed_out_at, ?3 is null or exists (select 1 from organization_members m
             where m.tenant_id = ?1 and m.organization_id = ?3 and m.user_id = a.user_id) as is_member
         from users a where a.tenant_id = ?1 and a.user_id = ?2",
    )
    .bind(account)
    .bind(organization)
}

/// Notes that somebody signed in.
pub fn signed_in(user: &UserId, ip: &str, now: Timestamp) -> Statement<InTenant> {
    write(
        "update users set last_login = ?4, last_ip = ?3, logins_count = logins_count + 1
         where tenant_id = ?1 and user_id = ?2",
    )
    .bind(user)
    .bind(ip)
    .bind(now)
}
