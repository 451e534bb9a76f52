//! SQL for users.

use super::model::NewUser;
use crate::{
    db::{Statement, write},
    error::Fault,
    id::UserId,
    tenant::InTenant,
    time::Timestamp,
};

/// Adds a user. A taken address or name is a conflict of `users.email` or `users.username`.
///
/// # Errors
/// A fault if the metadata does not serialize.
pub fn insert(id: &UserId, user: &NewUser, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    let json = |value: &serde_json::Map<_, _>| {
        serde_json::to_string(value).map_err(|error| Fault::internal(error.to_string()))
    };
    let provider = id.as_str().split('|').next().unwrap_or_default();
    Ok(write(
        "insert into users (tenant_id, user_id, connection, provider, email, email_verified, username, name, given_name,
           family_name, nickname, picture, user_metadata, app_metadata, blocked, created_at, updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16)",
    )
    .bind(id)
    .bind(user.connection.as_str())
    .bind(provider)
    .bind(user.email.as_deref())
    .bind(user.email_verified)
    .bind(user.username.as_deref())
    .bind(user.display_name())
    .bind(user.given_name.as_deref())
    .bind(user.family_name.as_deref())
    .bind(user.short_name())
    .bind(user.picture.as_deref())
    .bind(json(&user.user_metadata)?)
    .bind(json(&user.app_metadata)?)
    .bind(user.blocked)
    .bind(now))
}

/// Sets a user's password.
pub fn set_password(id: &UserId, hash: &str, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into passwords (tenant_id, user_id, hash, changed_at) values (?1, ?2, ?3, ?4)
         on conflict (tenant_id, user_id) do update set hash = excluded.hash, changed_at = excluded.changed_at",
    )
    .bind(id)
    .bind(hash)
    .bind(now)
}
