//! From a certificate or a private key in PEM to the public key as a JWK: as much of DER (X.690) as that takes.

use crate::jose::{Algorithm, Jwk};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};

/// Tags of X.690 §8.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]` of a certificate: its version.
const VERSION: u8 = 0xa0;
/// `[1]` of RFC 5915 §3: the public half of an EC key.
const EC_PUBLIC: u8 = 0xa1;

/// `rsaEncryption` (RFC 8017 A.1).
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `id-ecPublicKey` (RFC 5480 §2.1.1).
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// `secp256r1` (RFC 5480 §2.1.1.1).
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// One value after another.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value: its tag and what it holds.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = bytes
                .iter()
                .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add((*byte).into()))?;
            (length, rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The next value, if it has this tag.
    fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any().filter(|(found, _)| *found == tag).map(|(_, value)| value)
    }

    fn inside(&mut self, tag: u8) -> Option<Self> {
        self.next(tag).map(Self)
    }
}

/// The bytes of the first PEM block with this label (RFC 7468).
fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once("-----END")?;
    let body: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
    Base64::decode_vec(&body).ok()
}

/// The public key of a certificate (RFC 5280 §4.1), ready to publish.
pub(super) fn of_certificate(text: &str) -> Option<(Algorithm, Jwk)> {
    let der = pem(text, "CERTIFICATE")?;
    let mut signed = Der(&der).inside(SEQUENCE)?.inside(SEQUENCE)?;
    let mut next = signed.any()?;
    if next.0 == VERSION {
        next = signed.any()?;
    }
    // serialNumber has been read; signature, issuer, validity and subject stand before the key.
    (next.0 == INTEGER).then_some(())?;
    for _ in 0..4 {
        signed.any()?;
    }
    public_key(&mut signed)
}

/// The public half of a private key (PKCS#8: RFC 5958 §2), ready to publish.
pub(super) fn of_private_key(text: &str) -> Option<(Algorithm, Jwk)> {
    let der = pem(text, "PRIVATE KEY")?;
    let mut key = Der(&der).inside(SEQUENCE)?;
    key.next(INTEGER)?;
    let mut algorithm = key.inside(SEQUENCE)?;
    let kind = algorithm.next(OBJECT_IDENTIFIER)?;
    let mut inner = Der(key.next(OCTET_STRING)?).inside(SEQUENCE)?;
    inner.next(INTEGER)?;
    if kind == RSA {
        return Some(rsa(inner.next(INTEGER)?, inner.next(INTEGER)?));
    }
    let on_p256 = kind == EC && algorithm.next(OBJECT_IDENTIFIER)? == P256;
    on_p256.then_some(())?;
    inner.next(OCTET_STRING)?;
    while let Some((tag, value)) = inner.any() {
        if tag == EC_PUBLIC {
            return ec(Der(value).next(BIT_STRING)?);
        }
    }
    None
}

/// `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7).
fn public_key(der: &mut Der<'_>) -> Option<(Algorithm, Jwk)> {
    let mut info = der.inside(SEQUENCE)?;
    let mut algorithm = info.inside(SEQUENCE)?;
    let kind = algorithm.next(OBJECT_IDENTIFIER)?;
    let bits = info.next(BIT_STRING)?;
    if kind == RSA {
        let mut key = Der(bits.strip_prefix(&[0])?).inside(SEQUENCE)?;
        return Some(rsa(key.next(INTEGER)?, key.next(INTEGER)?));
    }
    let on_p256 = kind == EC && algorithm.next(OBJECT_IDENTIFIER)? == P256;
    on_p256.then(|| ec(bits))?
}

/// RFC 7518 §6.3.1: without the zero that keeps a DER integer positive.
fn rsa(modulus: &[u8], exponent: &[u8]) -> (Algorithm, Jwk) {
    let number = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
        Base64UrlUnpadded::encode_string(bytes.get(start..).unwrap_or_default())
    };
    let key =
        Jwk { kty: "RSA".to_owned(), n: Some(number(modulus)), e: Some(number(exponent)), ..Jwk::default() };
    (Algorithm::RS256, key.published(Algorithm::RS256))
}

/// An uncompressed point (RFC 5480 §2.2), behind the count of its unused bits.
fn ec(bits: &[u8]) -> Option<(Algorithm, Jwk)> {
    let point = bits.strip_prefix(&[0, 4])?;
    let (x, y) = point.split_at_checked(32)?;
    (y.len() == 32).then_some(())?;
    let coordinate = |bytes| Some(Base64UrlUnpadded::encode_string(bytes));
    let (kty, crv) = ("EC".to_owned(), Some("P-256".to_owned()));
    let key = Jwk { kty, crv, x: coordinate(x), y: coordinate(y), ..Jwk::default() };
    Some((Algorithm::ES256, key.published(Algorithm::ES256)))
}
