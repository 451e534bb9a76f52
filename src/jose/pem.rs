//! Public keys as people paste them: PEM (RFC 7468 §13) around a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).

use super::{Algorithm, Jwk};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// Tags of DER (X.690 §8).
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// `rsaEncryption` (RFC 8017 §A.1).
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `id-ecPublicKey` and `secp256r1` (RFC 5480 §2.1.1).
const EC: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// Reads an RSA key of 2048 to 4096 bits for RS256, or one on P-256 for ES256; its id is its thumbprint. `None` for everything
/// else.
pub fn public_key(pem: &str) -> Option<Jwk> {
    let body = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let letters: String = body.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    let der = Base64::decode_vec(&letters).ok()?;
    let info = only(SEQUENCE, &der)?;
    let (algorithm, rest) = item(SEQUENCE, info)?;
    // The first octet of a bit string says how many bits of the last one are unused: none of a key's.
    let key = only(BIT_STRING, rest)?.strip_prefix(&[0])?;
    let (kind, parameters) = item(OBJECT_IDENTIFIER, algorithm)?;
    let encode = |bytes: &[u8]| Some(Base64UrlUnpadded::encode_string(bytes));
    let (jwk, algorithm) = if kind == RSA {
        let (modulus, exponent) = item(INTEGER, only(SEQUENCE, key)?)?;
        let (modulus, exponent) = (natural(modulus)?, natural(only(INTEGER, exponent)?)?);
        if !(256..=512).contains(&modulus.len()) || exponent.len() > 4 {
            return None;
        }
        let jwk = Jwk { kty: "RSA".to_owned(), n: encode(modulus), e: encode(exponent), ..Jwk::default() };
        (jwk, Algorithm::RS256)
    } else if kind == EC && only(OBJECT_IDENTIFIER, parameters)? == P256 {
        // An uncompressed point (SEC 1 §2.3.3).
        let point = key.strip_prefix(&[4]).filter(|point| point.len() == 64)?;
        let (x, y) = point.split_at(32);
        let (kty, crv) = ("EC".to_owned(), Some("P-256".to_owned()));
        (Jwk { kty, crv, x: encode(x), y: encode(y), ..Jwk::default() }, Algorithm::ES256)
    } else {
        return None;
    };
    Some(jwk.published(algorithm))
}

/// The content of the first item, which must have this tag, and what follows it.
fn item(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (length, rest) = match rest {
        [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, length, rest @ ..] => (usize::from(*length), rest),
        [0x82, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The content of an item that nothing follows.
fn only(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    item(tag, bytes).filter(|(_, rest)| rest.is_empty()).map(|(content, _)| content)
}

/// The digits of an integer that is not negative, without the zero that says so.
fn natural(digits: &[u8]) -> Option<&[u8]> {
    let first = *digits.first()?;
    let digits = if first == 0 { digits.get(1..)? } else { digits };
    (first < 0x80 && digits.first().is_some_and(|digit| *digit != 0)).then_some(digits)
}
