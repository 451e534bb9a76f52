//! JSON Web Keys (RFC 7517) and the algorithms we use (RFC 7518).

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A signature algorithm. There is no `none`, and no HMAC: a key that verifies can never sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048-bit keys: Auth0's default.
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
}

impl Algorithm {
    /// The name in a JOSE header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
        }
    }

    /// Reads the name in a JOSE header or a row.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::RS256, Self::ES256].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// A public key. Members that do not belong to its type are absent; private members have no place to go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Jwk {
    /// `RSA` or `EC`.
    pub kty: String,
    /// The key's id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kid: String,
    /// The algorithm it is used with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alg: String,
    /// Always `sig`.
    #[serde(default, rename = "use", skip_serializing_if = "String::is_empty")]
    pub usage: String,
    /// RSA modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// Curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// X coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Y coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
}

impl Jwk {
    /// The same key, ready to publish: with its thumbprint as id, its algorithm and its use.
    pub fn published(mut self, algorithm: Algorithm) -> Self {
        self.kid = self.thumbprint();
        algorithm.as_str().clone_into(&mut self.alg);
        "sig".clone_into(&mut self.usage);
        self
    }

    /// The thumbprint of RFC 7638 §3: SHA-256 over the required members in lexicographic order, base64url.
    pub fn thumbprint(&self) -> String {
        let part = |value: &Option<String>| value.clone().unwrap_or_default();
        let canonical = if self.kty == "EC" {
            format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                part(&self.crv),
                part(&self.x),
                part(&self.y)
            )
        } else {
            format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, part(&self.e), part(&self.n))
        };
        Base64UrlUnpadded::encode_string(&Sha256::digest(canonical.as_bytes()))
    }
}
