//! Passwords: Argon2id in PHC form.

use crate::{error::Fault, platform::Platform, secret::Secret};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

/// A longer password is refused before it is hashed: hashing must not be a way to keep us busy.
pub const MAX_BYTES: usize = 256;

/// Hashes a password at the platform's cost.
///
/// # Errors
/// A fault if the cost is not one that Argon2 takes.
pub fn hash(platform: &dyn Platform, password: &Secret) -> Result<String, Fault> {
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

/// Whether a password has this hash. What is not a hash that we know matches nothing.
pub fn verify(password: &Secret, hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok()
}
