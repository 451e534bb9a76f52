//! Hashes that people come with: verified, capped in cost, and replaced by ours.

use crate::support::World;
use gatehouse::{
    platform::Platform,
    resources::users::password::{self, Match, compare_now, is_supported},
    secret::Secret,
};

const PASSWORD: &str = "Passw0rd!alice";

/// That password as others hash it: bcrypt by libxcrypt, PBKDF2 and scrypt by OpenSSL.
const HASHES: [&str; 6] = [
    "$2a$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe",
    "$2b$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe",
    "$2y$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe",
    "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlIHNsdA$8ix+yowUYt4TRebKvdlTzkcpEL0SGGTu99kkAWCXEt8",
    "$pbkdf2-sha512$i=1000,l=64$c2l4dGVlbiBieXRlIHNsdA$Mro5J9/2gQ2BqDwhQNGjKZCDWneNgCIjCvgoexscg8T/2g31VfONk6VIhHwaQ/saWsGKer90v3/28/KAe3UEsA",
    "$scrypt$ln=10,r=8,p=1$c2l4dGVlbiBieXRlIHNsdA$KoHwp9bzAfRF0J3pTVcXiw8gwWqEWz8fthZrprHee2c",
];

#[test]
fn a_hash_from_elsewhere_is_verified_and_outdated() {
    let world = World::new();
    let platform: &dyn Platform = world.outside.as_ref();
    for hash in HASHES {
        assert!(is_supported(hash), "{hash}");
        let compared = |password: &str| compare_now(platform, &Secret::new(password), Some(hash)).unwrap();
        assert_eq!(compared(PASSWORD), Match::Outdated, "{hash}");
        for other in ["", "Passw0rd!alicf", "passw0rd!alice", &PASSWORD.repeat(6)] {
            assert_eq!(compared(other), Match::Wrong, "{hash} {other}");
        }
    }
    let ours = password::hash_now(platform, &Secret::new(PASSWORD)).unwrap();
    assert_eq!(compare_now(platform, &Secret::new(PASSWORD), Some(&ours)).unwrap(), Match::Right);
}

/// Whoever signs in has us pay for it: what asks for more than we afford matches nothing, and is not even begun.
#[test]
fn a_hash_that_costs_too_much_or_is_none_is_refused() {
    let salt_and_hash = "c2l4dGVlbiBieXRlIHNsdA$8ix+yowUYt4TRebKvdlTzkcpEL0SGGTu99kkAWCXEt8";
    let dear = [
        "$2b$15$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe".to_owned(),
        "$2b$31$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe".to_owned(),
        format!("$pbkdf2-sha256$i=1000001,l=32${salt_and_hash}"),
        format!("$pbkdf2-sha256$i=4294967295,l=32${salt_and_hash}"),
        format!("$scrypt$ln=20,r=8,p=1${salt_and_hash}"),
        format!("$scrypt$ln=14,r=8,p=16${salt_and_hash}"),
        format!("$scrypt$ln=63,r=4294967295,p=1${salt_and_hash}"),
        format!("$argon2id$v=19$m=131072,t=2,p=1${salt_and_hash}"),
        format!("$argon2id$v=19$m=65536,t=100,p=1${salt_and_hash}"),
    ];
    let none = [
        "",
        PASSWORD,
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "$2b$04$short",
        "$2b$4$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe",
        "$2x$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe",
        "$2b$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqw\u{fc}e",
        "$pbkdf2-sha256$i=0,l=32$c2l4dGVlbiBieXRlIHNsdA$8ix+yowUYt4TRebKvdlTzkcpEL0SGGTu99kkAWCXEt8",
        "$pbkdf2-sha256$i=1000,l=32$c2l4dGVlbiBieXRlIHNsdA",
        "$argon2id$v=19$m=8,t=1,p=1",
        "$md5$abc$def",
    ];
    for hash in dear.iter().map(String::as_str).chain(none) {
        assert!(!is_supported(hash), "{hash}");
        assert!(!password::verify(&Secret::new(PASSWORD), hash), "{hash}");
    }
}
