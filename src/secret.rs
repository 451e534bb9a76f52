//! Secrets in the open, digested, and sealed: three types, so that one cannot be stored for the other.

use crate::{error::Fault, platform::Platform};
use aes_gcm::{AeadInPlace, Aes256Gcm, Key, KeyInit, Nonce};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// A secret in the open: shown once, compared in constant time, never printed, never bound to a statement.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret from a request, from the environment or from an opened seal.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new secret of `bytes` random bytes, as base64url.
    pub fn random(platform: &dyn Platform, bytes: usize) -> Self {
        let mut buffer = vec![0; bytes];
        platform.random(&mut buffer);
        Self(Base64UrlUnpadded::encode_string(&buffer))
    }

    /// The plain text, for the one response that shows it or the one function that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256, as stored. Only for secrets with the entropy of a key: a password goes through the password hash.
    pub fn digest(&self) -> Digest {
        Digest(hex(&Sha256::digest(self.0.as_bytes())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The hex SHA-256 of a [`Secret`]: the only form of a token that a statement accepts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest(String);

impl Digest {
    /// A digest as read from a row.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The digest as hex text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `secret` has this digest; takes the same time wherever they differ.
    pub fn matches(&self, secret: &Secret) -> bool {
        self.0.as_bytes().ct_eq(secret.digest().0.as_bytes()).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl From<&Digest> for crate::db::Value {
    fn from(digest: &Digest) -> Self {
        Self::Text(digest.0.clone())
    }
}

/// A secret encrypted with AES-256-GCM: `s1:{key id}:{base64url of nonce ‖ ciphertext ‖ tag}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// A sealed value as read from a row, a cookie or a URL.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The sealed text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Sealed> for crate::db::Value {
    fn from(sealed: &Sealed) -> Self {
        Self::Text(sealed.0.clone())
    }
}

/// Keys that seal: the first one seals, every one opens, so a key can be rotated by putting a new one in front.
#[derive(Clone)]
pub struct KeyRing(Vec<(String, Key<Aes256Gcm>)>);

impl KeyRing {
    /// Reads `id:base64[,id:base64…]`, each key 32 bytes: the form of `ENCRYPTION_KEY`.
    ///
    /// # Errors
    /// A fault if there is no key or one is not 32 bytes of base64.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let malformed = || Fault::internal("ENCRYPTION_KEY must be id:base64 of 32 bytes, comma-separated");
        let keys = text.split(',').map(|entry| {
            let (id, key) = entry.trim().split_once(':').ok_or_else(malformed)?;
            let bytes = Base64::decode_vec(key).map_err(|_| malformed())?;
            let bytes: [u8; 32] = bytes.try_into().map_err(|_| malformed())?;
            Ok((id.to_owned(), bytes.into()))
        });
        Ok(Self(keys.collect::<Result<_, Fault>>()?))
    }

    /// A ring of one key, held by its id.
    pub fn single(id: &str, key: [u8; 32]) -> Self {
        Self(vec![(id.to_owned(), key.into())])
    }

    /// A ring of several keys, each held by its id: the first seals.
    pub fn several(keys: impl IntoIterator<Item = (String, [u8; 32])>) -> Self {
        Self(keys.into_iter().map(|(id, key)| (id, key.into())).collect())
    }

    /// Keys that follow from these and are good for one purpose only: who learns one learns nothing of the others, and what
    /// wears one out leaves the others fresh (HKDF-Expand, RFC 5869 §2.3, one block; the keys are uniform as they are). They
    /// are held by the id of the key that they follow from, a dot, and `label`.
    pub fn derived(&self, label: &str) -> Self {
        let derive = |(id, key): &(String, Key<Aes256Gcm>)| {
            let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).ok()?;
            mac.update(format!("gatehouse {label}\u{1}").as_bytes());
            let derived: [u8; 32] = mac.finalize().into_bytes().into();
            Some((format!("{id}.{label}"), derived))
        };
        Self::several(self.0.iter().filter_map(derive))
    }

    /// These keys, and behind them those of another ring.
    #[must_use]
    pub fn and(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().cloned());
        self
    }

    /// Seals `plain`. `purpose` (e.g. the tenant and column) is authenticated: the result opens only for the same purpose.
    ///
    /// # Errors
    /// A fault if the ring is empty.
    pub fn seal(&self, platform: &dyn Platform, purpose: &str, plain: &Secret) -> Result<Sealed, Fault> {
        let (id, key) = self.0.first().ok_or_else(|| Fault::internal("no key to seal with"))?;
        let mut nonce = [0; 12];
        platform.random(&mut nonce);
        let mut buffer = plain.0.as_bytes().to_vec();
        let tag = Aes256Gcm::new(key)
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), purpose.as_bytes(), &mut buffer)
            .map_err(|_| Fault::internal("sealing failed"))?;
        let packed = [&nonce[..], &buffer, &tag].concat();
        Ok(Sealed(format!("s1:{id}:{}", Base64UrlUnpadded::encode_string(&packed))))
    }

    /// A secret that follows from another: the same one for the same purpose, and without the key nobody can tell it from
    /// chance (HMAC-SHA-256, RFC 2104; NIST SP 800-108). By the key that seals.
    ///
    /// # Errors
    /// A fault if the ring is empty.
    pub fn derive(&self, purpose: &str, from: &Secret) -> Result<Secret, Fault> {
        let (_, key) = self.0.first().ok_or_else(|| Fault::internal("no key to derive with"))?;
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key)
            .map_err(|_| Fault::internal("the key is of no use for HMAC"))?;
        mac.update(&from.0.len().to_be_bytes());
        mac.update(from.0.as_bytes());
        mac.update(purpose.as_bytes());
        Ok(Secret(Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes())))
    }

    /// Opens what was sealed for `purpose`; `None` if it was changed, sealed for something else, or by a key we do not have.
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Option<Secret> {
        let (id, packed) = sealed.0.strip_prefix("s1:")?.split_once(':')?;
        let (_, key) = self.0.iter().find(|(key_id, _)| key_id == id)?;
        let packed = Base64UrlUnpadded::decode_vec(packed).ok()?;
        let (nonce, rest) = packed.split_at_checked(12)?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(16)?)?;
        let mut buffer = ciphertext.to_vec();
        Aes256Gcm::new(key)
            .decrypt_in_place_detached(Nonce::from_slice(nonce), purpose.as_bytes(), &mut buffer, tag.into())
            .ok()?;
        String::from_utf8(buffer).ok().map(Secret)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

/// A key for much data, made for it alone. It seals bytes rather than text, and is itself kept wrapped by a [`KeyRing`].
#[derive(Clone)]
pub struct DataKey(Key<Aes256Gcm>);

impl DataKey {
    /// A new one.
    pub fn random(platform: &dyn Platform) -> Self {
        let mut key = [0; 32];
        platform.random(&mut key);
        Self(key.into())
    }

    /// As it is stored: it unwraps for the same purpose only.
    ///
    /// # Errors
    /// As [`KeyRing::seal`].
    pub fn wrap(&self, platform: &dyn Platform, ring: &KeyRing, purpose: &str) -> Result<Sealed, Fault> {
        ring.seal(platform, purpose, &Secret(Base64UrlUnpadded::encode_string(&self.0)))
    }

    /// Unwraps one; `None` if it was changed, wrapped for something else, or by a key we do not have.
    pub fn unwrap(ring: &KeyRing, purpose: &str, wrapped: &Sealed) -> Option<Self> {
        let key = Base64UrlUnpadded::decode_vec(ring.open(purpose, wrapped)?.expose()).ok()?;
        let key: [u8; 32] = key.try_into().ok()?;
        Some(Self(key.into()))
    }

    /// Seals bytes: nonce ‖ ciphertext ‖ tag. `purpose` is authenticated. The nonce is random: one key seals far fewer than
    /// the 2^32 messages that are safe so (NIST SP 800-38D §8.3).
    ///
    /// # Errors
    /// A fault if there are more bytes than the cipher takes (64 GB).
    pub fn seal(&self, platform: &dyn Platform, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; 12];
        platform.random(&mut nonce);
        let mut packed = Vec::with_capacity(plain.len() + 28);
        packed.extend_from_slice(plain);
        let tag = Aes256Gcm::new(&self.0)
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), purpose.as_bytes(), &mut packed)
            .map_err(|_| Fault::internal("sealing failed"))?;
        packed.extend_from_slice(&tag);
        packed.splice(0..0, nonce);
        Ok(packed)
    }

    /// Opens what was sealed for `purpose`; `None` if a bit of it was changed, or it is something else.
    pub fn open(&self, purpose: &str, mut packed: Vec<u8>) -> Option<Vec<u8>> {
        let tag = packed.split_off(packed.len().checked_sub(16)?);
        if packed.len() < 12 {
            return None;
        }
        let mut plain = packed.split_off(12);
        Aes256Gcm::new(&self.0)
            .decrypt_in_place_detached(
                Nonce::from_slice(&packed),
                purpose.as_bytes(),
                &mut plain,
                tag.as_slice().into(),
            )
            .ok()?;
        Some(plain)
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
