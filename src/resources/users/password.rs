//! Passwords: Argon2id in PHC form, and which passwords a person may choose.

use crate::{error::Fault, platform::Platform, secret::Secret};
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

/// A longer password is refused before it is hashed: hashing must not be a way to keep us busy.
pub const MAX_BYTES: usize = 256;

/// The shortest password, in characters: NIST SP 800-63B §3.1.1.2 and Auth0's policy `fair`.
pub const MIN_CHARACTERS: usize = 8;

/// Hashes that ask for more memory (KiB) than this match nothing: an isolate has 128 MB.
const MAX_MEMORY: u32 = 64 * 1024;

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
    let affordable = Params::try_from(&parsed).is_ok_and(|params| params.m_cost() <= MAX_MEMORY);
    affordable && Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok()
}

/// What came of comparing a password with what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It is another one, or there is none to compare with.
    Wrong,
    /// It is the one.
    Right,
    /// It is the one, but the hash is not of today's cost: hash it again.
    Outdated,
}

/// Compares a password with the stored hash. Without one it takes as long as with one, so that nobody can tell by the
/// clock whether there is such an account.
///
/// # Errors
/// As [`hash`].
pub fn compare(platform: &dyn Platform, password: &Secret, stored: Option<&str>) -> Result<Match, Fault> {
    let Some(stored) = stored else {
        hash(platform, password)?;
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

/// Checks a password that a person chooses: length, and not one that everybody tries first. No rules about kinds of
/// characters (NIST SP 800-63B §3.1.1.2). Whatever Auth0's policy `fair` accepts is accepted here, unless it is common
/// or the person's own address.
///
/// # Errors
/// What is wrong, in words for the person.
pub fn check(password: &Secret, email: &str) -> Result<(), &'static str> {
    let text = password.expose();
    if text.chars().count() < MIN_CHARACTERS {
        return Err("The password must have at least 8 characters.");
    }
    if text.len() > MAX_BYTES {
        return Err("The password is too long.");
    }
    let lower = text.to_lowercase();
    let mut letters = lower.chars();
    let first = letters.next();
    let local = email.split('@').next().unwrap_or_default();
    if COMMON.binary_search(&lower.as_str()).is_ok() || letters.all(|letter| Some(letter) == first) {
        return Err("This password is one of the most common ones. Please choose another.");
    }
    if lower == email.to_lowercase() || lower == local.to_lowercase() {
        return Err("The password must not be your email address.");
    }
    Ok(())
}

/// The passwords of 8 characters and more that lead every list of leaked ones. Lower case, sorted for the binary search.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "0123456789", "0987654321", "11111111", "12121212", "123123123", "12341234", "123456123", "12345678",
    "123456789", "1234567890", "12345678910", "123456abc", "123456qwerty", "123654789", "123abc123",
    "123qweasd", "12qwaszx", "147258369", "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "1qaz2wsx3edc", "1qazxsw2",
    "31415926", "87654321", "88888888", "987654321", "9876543210", "a1b2c3d4", "a1s2d3f4", "aa123456",
    "aa12345678", "abc12345", "abc123456", "abcd1234", "abcdefgh", "admin123", "administrator", "alexander",
    "asd12345", "asdf1234", "asdfasdf", "asdfghjk", "asdfghjkl", "asdfjkl;", "baseball", "basketball",
    "blink182", "butterfly", "changeme", "charlie1", "chocolate", "computer", "corvette", "dragon123",
    "elizabeth", "football", "football1", "fuckyou1", "happy123", "hello123", "hello1234", "iloveyou",
    "iloveyou1", "iloveyou2", "internet", "jennifer", "jessica1", "jonathan", "letmein1", "letmein123",
    "liverpool", "login123", "manchester", "maverick", "mercedes", "michael1", "michelle", "midnight",
    "monkey123", "mustang1", "mypassword", "nicholas", "p@ssw0rd", "p@ssword", "pass1234", "passw0rd",
    "password", "password!", "password0", "password01", "password1", "password1!", "password11",
    "password12", "password123", "password1234", "password2", "princess", "princess1", "q1w2e3r4",
    "q1w2e3r4t5", "qazwsx123", "qazwsxedc", "qwer1234", "qwerty12", "qwerty123", "qwerty1234", "qwertyui",
    "qwertyuiop", "samantha", "secret123", "shadow123", "starwars", "sunshine", "sunshine1", "superman",
    "superman1", "test1234", "testtest", "trustno1", "victoria", "welcome1", "welcome123", "whatever",
    "william1", "zaq12wsx", "zxcvbnm,", "zxcvbnm1", "zxcvbnm123",
];
