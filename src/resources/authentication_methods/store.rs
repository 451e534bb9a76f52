//! SQL for second factors.

use super::model::Method;
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::UserId,
    secret::Sealed,
    tenant::InTenant,
};

/// The confirmed factors of an account and of the identities linked to it, as JSON: see `model::Factors`. `$account` names
/// the column with the account's id.
macro_rules! factors {
    ($account:literal) => {
        concat!(
            "(select json_group_array(json_array(m.type, m.sealed_secret is not null))
              from authentication_methods m indexed by authentication_methods_by_user
              where m.tenant_id = ?1 and m.confirmed = 1 and m.user_id in (select ", $account, " union all
                select l.user_id from users l indexed by users_by_link where l.tenant_id = ?1 and l.linked_to = ", $account, "))"
        )
    };
}
pub(crate) use factors;

/// What the secret of a method is sealed for, before its id.
pub const SECRET: &str = "authentication_methods.sealed_secret";

/// The confirmed methods of an account that have a secret.
pub fn with_secret(account: &UserId) -> Query<InTenant> {
    read(
        "select m.id, m.type, m.sealed_secret from authentication_methods m indexed by authentication_methods_by_user
         where m.tenant_id = ?1 and m.confirmed = 1 and m.sealed_secret is not null and m.type in ('totp', 'recovery-code')
           and m.user_id in (select ?2 union all
             select l.user_id from users l indexed by users_by_link where l.tenant_id = ?1 and l.linked_to = ?2)",
    )
    .bind(account)
}

/// Reads a row of [`with_secret`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn method(row: &Row) -> Result<Method, Fault> {
    Ok(Method {
        id: row.text("id")?,
        kind: row.text("type")?,
        sealed: Sealed::stored(row.text("sealed_secret")?),
    })
}

/// Spends a time step of a method: the whole batch is refused as a conflict of `spent_factors` if it was spent before, or
/// a later one was: with a step, those before it are spent that a code could still be of (three at a time). Steps before
/// `since` are forgotten: nobody's code is of one.
pub fn spend_step(user: &UserId, method: &str, step: i64, since: i64) -> [Statement<InTenant>; 3] {
    [
        write("insert into spent_factors (tenant_id, user_id, method_id, step) values (?1, ?2, ?3, ?4)")
            .bind(user)
            .bind(method)
            .bind(step),
        write(
            "insert into spent_factors (tenant_id, user_id, method_id, step)
             values (?1, ?2, ?3, ?4 - 1), (?1, ?2, ?3, ?4 - 2) on conflict do nothing",
        )
        .bind(user)
        .bind(method)
        .bind(step),
        write(
            "delete from spent_factors where tenant_id = ?1 and user_id = ?2 and method_id = ?3 and step between 1 and ?4",
        )
        .bind(user)
        .bind(method)
        .bind(since - 1),
    ]
}

/// Spends a recovery code, as step 0 of its method, for good: an import that is run again does not bring it back.
pub fn spend_recovery_code(user: &UserId, method: &str) -> [Statement<InTenant>; 2] {
    [
        write("insert into spent_factors (tenant_id, user_id, method_id, step) values (?1, ?2, ?3, 0)")
            .bind(user)
            .bind(method),
        write("delete from authentication_methods where tenant_id = ?1 and id = ?2").bind(method),
    ]
}

/// All methods of an account, as the management API shows them, by id.
pub fn of_account(account: &UserId) -> Query<InTenant> {
    read(
        "select id, type, name, confirmed, phone_number, credential_id, created_at, updated_at
         from authentication_methods indexed by authentication_methods_by_user
         where tenant_id = ?1 and user_id in (select ?2 union all
           select l.user_id from users l indexed by users_by_link where l.tenant_id = ?1 and l.linked_to = ?2)
         order by id",
    )
    .bind(account)
}

/// Removes a method of an account; answers its id, if it was there.
pub fn remove(account: &UserId, method: &str) -> Statement<InTenant> {
    write(
        "delete from authentication_methods where tenant_id = ?1 and id = ?3
           and id in (select m.id from authentication_methods m indexed by authentication_methods_by_user
             where m.tenant_id = ?1 and m.user_id in (select ?2 union all
               select l.user_id from users l indexed by users_by_link where l.tenant_id = ?1 and l.linked_to = ?2))
         returning id",
    )
    .bind(account)
    .bind(method)
}
