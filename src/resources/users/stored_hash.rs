//! The hashes that a password can be stored in: Argon2id, which we make, and those that people come with from elsewhere
//! (bcrypt, PBKDF2, scrypt), which are replaced at their next login.

use crate::secret::Secret;
use argon2::{
    Argon2, Params,
    password_hash::{PasswordHash, PasswordVerifier},
};
use pbkdf2::Pbkdf2;
use scrypt::Scrypt;

/// What a hash may cost to verify: whoever signs in has us pay it. An isolate has 128 MB, and nobody waits for more than
/// about a second.
const MEMORY_KIB: u32 = 64 * 1024;
/// 2^14 rounds: about a second. OWASP asks for 10 or more, and most servers stay below 13.
const BCRYPT_COST: u32 = 14;
/// OWASP asks for 600,000 with SHA-256.
const PBKDF2_ITERATIONS: u32 = 1_000_000;
/// N·r·p, as the platform caps its own scrypt.
const SCRYPT_WORK: u64 = 1 << 20;
/// Argon2's memory times passes, in KiB.
const ARGON2_WORK: u32 = 256 * 1024;

/// A stored hash that we can verify and afford to.
enum Stored<'a> {
    Argon2(PasswordHash<'a>),
    /// `$2a$`, `$2b$` or `$2y$`: the same for passwords of less than 256 bytes.
    Bcrypt(&'a str),
    /// `$pbkdf2-sha256$i=…$…`, or with SHA-512 (PHC).
    Pbkdf2(PasswordHash<'a>),
    /// `$scrypt$ln=…,r=…,p=…$…` (PHC).
    Scrypt(PasswordHash<'a>),
}

impl<'a> Stored<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| text.strip_prefix(version)) {
            let (cost, encoded) = rest.split_once('$')?;
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/';
            let cost: u32 = Some(cost).filter(|cost| cost.len() == 2)?.parse().ok()?;
            let whole = encoded.len() == 53 && encoded.bytes().all(letter);
            return (whole && (4..=BCRYPT_COST).contains(&cost)).then_some(Self::Bcrypt(text));
        }
        let hash = PasswordHash::new(text).ok()?;
        hash.hash?;
        hash.salt?;
        match hash.algorithm.as_str() {
            "argon2id" | "argon2i" | "argon2d" => {
                let cost = Params::try_from(&hash).ok()?;
                let work = cost.m_cost().checked_mul(cost.t_cost())?;
                let affordable = cost.m_cost() <= MEMORY_KIB && work <= ARGON2_WORK;
                affordable.then_some(Self::Argon2(hash))
            }
            "pbkdf2-sha256" | "pbkdf2-sha512" => {
                let cost = pbkdf2::Params::try_from(&hash).ok()?;
                let affordable = (1..=PBKDF2_ITERATIONS).contains(&cost.rounds);
                affordable.then_some(Self::Pbkdf2(hash))
            }
            "scrypt" => {
                let cost = scrypt::Params::try_from(&hash).ok()?;
                let (n, r, p) = (1_u64.checked_shl(cost.log_n().into())?, cost.r().into(), cost.p().into());
                let work = n.checked_mul(r)?.checked_mul(p)?;
                let kib = n.checked_mul(r)? / 8;
                (work <= SCRYPT_WORK && kib <= MEMORY_KIB.into()).then_some(Self::Scrypt(hash))
            }
            _ => None,
        }
    }
}

/// Whether a hash is one that we can verify and afford to.
pub fn is_supported(hash: &str) -> bool {
    Stored::parse(hash).is_some()
}

/// Whether a password has this hash, compared in constant time. What is not a hash that we know, or asks for more than we
/// afford, matches nothing.
pub fn verify(password: &Secret, hash: &str) -> bool {
    let password = password.expose().as_bytes();
    match Stored::parse(hash) {
        Some(Stored::Argon2(hash)) => Argon2::default().verify_password(password, &hash).is_ok(),
        Some(Stored::Bcrypt(hash)) => bcrypt::verify(password, hash).unwrap_or(false),
        Some(Stored::Pbkdf2(hash)) => Pbkdf2.verify_password(password, &hash).is_ok(),
        Some(Stored::Scrypt(hash)) => Scrypt.verify_password(password, &hash).is_ok(),
        None => false,
    }
}
