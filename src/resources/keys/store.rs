//! SQL for keys.

use super::model::SigningKey;
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::TenantId,
    jose::{Algorithm, Jwk},
    secret::{KeyRing, Sealed, Secret},
    tenant::InTenant,
    time::Timestamp,
};
use base64ct::{Base64UrlUnpadded, Encoding};

/// What a private key is sealed for: it opens as this key only.
pub fn purpose(kid: &str) -> String {
    format!("signing_keys.private_jwk {kid}")
}

fn data_key_purpose(tenant: &TenantId) -> String {
    format!("data_keys.wrapped {tenant}")
}

/// The tenant's data keys, newest first.
pub fn data_keys() -> Query<InTenant> {
    read("select id, wrapped, created_at from data_keys where tenant_id = ?1 order by created_at desc, id")
}

/// Unwraps the rows of [`data_keys`] with the installation's key: the newest seals, all of them open. An older one that
/// cannot be unwrapped is left out, so that only what it has sealed is lost.
///
/// # Errors
/// A fault if there is none, or `ENCRYPTION_KEY` does not hold the key that wrapped the newest.
pub fn unwrap(tenant: &TenantId, rows: &[Row], ring: &KeyRing) -> Result<KeyRing, Fault> {
    let newest = rows.first().ok_or_else(|| Fault::internal(format!("tenant {tenant} has no data key")))?;
    let unusable = || {
        Fault::internal(format!("the data key of tenant {tenant} cannot be unwrapped: check ENCRYPTION_KEY"))
    };
    let open = |row: &Row| {
        let key = ring.open(&data_key_purpose(tenant), &Sealed::stored(row.text("wrapped").ok()?))?;
        let key = Base64UrlUnpadded::decode_vec(key.expose()).ok()?.try_into().ok()?;
        Some((row.text("id").ok()?, key))
    };
    let newest = open(newest).ok_or_else(unusable)?;
    Ok(KeyRing::several(std::iter::once(newest).chain(rows.iter().skip(1).filter_map(open))))
}

/// Adds a data key: from now on it seals.
pub fn insert_data_key(id: &str, wrapped: &Sealed, now: Timestamp) -> Statement<InTenant> {
    write("insert into data_keys (tenant_id, id, wrapped, created_at) values (?1, ?2, ?3, ?4)")
        .bind(id)
        .bind(wrapped)
        .bind(now)
}

/// Replaces how a data key is wrapped, unless somebody else has in the meantime.
pub fn set_wrapped(id: &str, old: &Sealed, wrapped: &Sealed) -> Statement<InTenant> {
    write("update data_keys set wrapped = ?4 where tenant_id = ?1 and id = ?2 and wrapped = ?3")
        .bind(id)
        .bind(old)
        .bind(wrapped)
}

/// Wraps a new data key for storage.
///
/// # Errors
/// As [`KeyRing::seal`].
pub fn wrap(
    platform: &dyn crate::platform::Platform,
    tenant: &TenantId,
    key: [u8; 32],
    ring: &KeyRing,
) -> Result<Sealed, Fault> {
    ring.seal(platform, &data_key_purpose(tenant), &Secret::new(Base64UrlUnpadded::encode_string(&key)))
}

/// Wraps a data key for another tenant: what it has sealed opens there too.
///
/// # Errors
/// A fault if `ENCRYPTION_KEY` does not hold the key that wrapped it.
pub fn rewrap(
    platform: &dyn crate::platform::Platform,
    ring: &KeyRing,
    (from, to): (&TenantId, &TenantId),
    wrapped: &Sealed,
) -> Result<Sealed, Fault> {
    let key = ring.open(&data_key_purpose(from), wrapped);
    let key = key.ok_or_else(|| {
        Fault::internal(format!("the data key of tenant {from} cannot be unwrapped: check ENCRYPTION_KEY"))
    })?;
    ring.seal(platform, &data_key_purpose(to), &key)
}

/// Adds a data key, unless the tenant has one already: seeding may run twice.
pub fn insert_first_data_key(id: &str, wrapped: &Sealed, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into data_keys (tenant_id, id, wrapped, created_at)
         select ?1, ?2, ?3, ?4 where not exists (select 1 from data_keys where tenant_id = ?1)",
    )
    .bind(id)
    .bind(wrapped)
    .bind(now)
}

/// All signing keys, newest first.
pub fn all() -> Query<InTenant> {
    read(
        "select kid, algorithm, public_jwk, private_jwk, current_since, revoked_at from signing_keys
         where tenant_id = ?1 order by current_since desc, kid",
    )
}

/// Adds a signing key.
///
/// # Errors
/// A fault if the public key does not serialize.
pub fn insert(key: &SigningKey, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    let public = serde_json::to_value(&key.public).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(write(
        "insert into signing_keys (tenant_id, kid, algorithm, public_jwk, private_jwk, current_since, revoked_at, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(key.public.kid.as_str())
    .bind(key.algorithm.as_str())
    .bind(&public)
    .bind(key.private.as_ref())
    .bind(key.current_since)
    .bind(key.revoked_at)
    .bind(now))
}

/// Gives every key but this one an end, unless it has one.
pub fn retire_others(kid: &str, at: Timestamp) -> Statement<InTenant> {
    write("update signing_keys set revoked_at = ?3 where tenant_id = ?1 and kid <> ?2 and revoked_at is null")
        .bind(kid)
        .bind(at)
}

/// Ends a key now, if another one is there that can sign without an end: two revocations at once must not leave a tenant
/// that cannot sign.
pub fn revoke(kid: &str, now: Timestamp) -> Statement<InTenant> {
    write(
        "update signing_keys set revoked_at = ?3 where tenant_id = ?1 and kid = ?2
         and (revoked_at is null or revoked_at > ?3)
         and exists (select 1 from signing_keys other where other.tenant_id = ?1 and other.kid <> ?2
                     and other.private_jwk is not null and other.revoked_at is null)",
    )
    .bind(kid)
    .bind(now)
}

/// Lets keys that were to sign later sign from now on: the one that signed has been revoked.
pub fn hasten(now: Timestamp) -> Statement<InTenant> {
    write("update signing_keys set current_since = ?2 where tenant_id = ?1 and current_since > ?2 and revoked_at is null")
        .bind(now)
}

/// Reads a row of [`all`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn signing_key(row: &Row) -> Result<SigningKey, Fault> {
    let algorithm = row.text("algorithm")?;
    Ok(SigningKey {
        algorithm: Algorithm::parse(&algorithm)
            .ok_or_else(|| Fault::internal(format!("unknown algorithm {algorithm}")))?,
        public: row.json::<Jwk>("public_jwk")?,
        private: row.optional_text("private_jwk")?.map(Sealed::stored),
        current_since: row.time("current_since")?,
        revoked_at: row.optional_time("revoked_at")?,
    })
}
