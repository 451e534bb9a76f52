//! Time-based one-time passwords (RFC 6238), as authenticator apps make them unless they are told otherwise: HMAC-SHA-1,
//! six digits, steps of 30 seconds. Pure.

use crate::time::Timestamp;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

/// How long a code is shown, in seconds.
const PERIOD: i64 = 30;

/// The time step of a moment (RFC 6238 §4.2).
pub fn step(now: Timestamp) -> i64 {
    now.seconds().div_euclid(PERIOD)
}

/// The step whose code was typed: the present one, or one beside it, since clocks differ and people take their time
/// (RFC 6238 §5.2, §6). Whether that step has been accepted before, the database knows. `seed` is base32. Takes the same
/// time wherever a code differs, and whichever step it is of.
pub fn accepted(seed: &str, typed: &str, now: Timestamp) -> Option<i64> {
    let key = base32(seed).filter(|key| !key.is_empty())?;
    let present = step(now);
    let mut found = None;
    for step in [present - 1, present + 1, present] {
        if bool::from(code(&key, step)?.as_bytes().ct_eq(typed.as_bytes())) {
            found = Some(step);
        }
    }
    found
}

/// The code of a step (RFC 4226 §5.3).
pub fn code(key: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).ok()?;
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash.last()? & 0xf);
    let four = hash.get(offset..)?.first_chunk()?;
    Some(format!("{:06}", (u32::from_be_bytes(*four) & 0x7fff_ffff) % 1_000_000))
}

/// Decodes base32 (RFC 4648 §6), padded or not.
pub fn base32(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        held = (held << 5 | u32::from(value)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}
