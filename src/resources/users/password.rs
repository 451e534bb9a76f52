//! Passwords: Argon2id in PHC form. Which ones a person may choose, [`super::policy`] says; which other hashes they may
//! have been imported in, [`super::stored_hash`].

pub use super::stored_hash::{is_supported, verify};
use crate::{access::Shared, error::Fault, id::TenantId, platform::Platform, secret::Secret};
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, SaltString},
};

/// A longer password is refused before it is hashed: hashing must not be a way to keep us busy.
pub const MAX_BYTES: usize = 256;

/// Hashes a password of one of a tenant's people at the platform's cost, when it is that tenant's turn.
///
/// # Errors
/// [`crate::error::FaultKind::Limited`] if too many wait for theirs, or as [`hash_now`].
pub async fn hash(shared: &Shared, tenant: &TenantId, password: &Secret) -> Result<String, Fault> {
    let platform = shared.platform.as_ref();
    shared.hashing.take(platform, tenant).await?;
    hash_now(platform, password)
}

/// Hashes a password whoever waits, for the first start.
///
/// # Errors
/// A fault if the cost is not one that Argon2 takes.
pub fn hash_now(platform: &dyn Platform, password: &Secret) -> Result<String, Fault> {
    let (memory, passes) = platform.password_cost();
    let failed = |error: String| Fault::internal(format!("password hash: {error}"));
    let params = Params::new(memory, passes, 1, None).map_err(|error| failed(error.to_string()))?;
    let mut salt = [0; 16];
    platform.random(&mut salt);
    let salt = SaltString::encode_b64(&salt).map_err(|error| failed(error.to_string()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2
        .hash_password(password.expose().as_bytes(), &salt)
        .map_err(|error| failed(error.to_string()))?;
    Ok(hash.to_string())
}

/// What came of comparing a password with what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It is another one, or there is none to compare with.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, but the hash is another one than ours, or not of today's cost: hash it again.
    Outdated,
}

/// Compares a password with the stored hash, when it is the tenant's turn.
///
/// # Errors
/// As [`hash`].
pub async fn compare(
    shared: &Shared,
    tenant: &TenantId,
    password: &Secret,
    stored: Option<&str>,
) -> Result<Match, Fault> {
    let platform = shared.platform.as_ref();
    shared.hashing.take(platform, tenant).await?;
    compare_now(platform, password, stored)
}

/// Compares a password with the stored hash. Without one that can be compared with it takes as long as with one, so that
/// nobody can tell by the clock whether there is such an account, or where it came from.
///
/// # Errors
/// As [`hash_now`].
pub fn compare_now(platform: &dyn Platform, password: &Secret, stored: Option<&str>) -> Result<Match, Fault> {
    let Some(stored) = stored.filter(|stored| is_supported(stored)) else {
        hash_now(platform, password)?;
        return Ok(Match::Wrong);
    };
    if !verify(password, stored) {
        return Ok(Match::Wrong);
    }
    Ok(if is_current(platform, stored) { Match::Right } else { Match::Outdated })
}

fn is_current(platform: &dyn Platform, stored: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(stored) else { return false };
    let cost = Params::try_from(&parsed).map(|params| (params.m_cost(), params.t_cost(), params.p_cost()));
    let (memory, passes) = platform.password_cost();
    parsed.algorithm == ARGON2ID_IDENT
        && parsed.version == Some(Version::V0x13.into())
        && cost.is_ok_and(|cost| cost == (memory, passes, 1))
}
