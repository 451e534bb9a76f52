//! Proof Key for Code Exchange (RFC 7636): only who began a login can redeem its code.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a verifier that only the client knows. There is no `plain`: it protects nobody who can read the
/// request (RFC 9700 §2.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// Reads `code_challenge` and `code_challenge_method`; none of both is no challenge.
    ///
    /// # Errors
    /// What is wrong, for the developer.
    pub fn read(challenge: Option<&str>, method: Option<&str>) -> Result<Option<Self>, &'static str> {
        let Some(challenge) = challenge else {
            return if method.is_some() { Err("code_challenge is missing") } else { Ok(None) };
        };
        // RFC 7636 §4.3: no method would mean `plain`.
        if method != Some("S256") {
            return Err("code_challenge_method must be S256");
        }
        match Base64UrlUnpadded::decode_vec(challenge) {
            Ok(digest) if digest.len() == 32 => Ok(Some(Self(challenge.to_owned()))),
            _ => Err("code_challenge must be the base64url of a SHA-256"),
        }
    }

    /// Whether `verifier` is what the challenge was made of. RFC 7636 §4.1: 43 to 128 characters.
    pub fn is_met_by(&self, verifier: &str) -> bool {
        let digest = Base64UrlUnpadded::encode_string(&Sha256::digest(verifier.as_bytes()));
        let met: bool = digest.as_bytes().ct_eq(self.0.as_bytes()).into();
        met && (43..=128).contains(&verifier.len())
    }
}
