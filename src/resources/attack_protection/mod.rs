//! Attack protection: brute force, suspicious addresses, breached passwords (Auth0's names, shapes and defaults). One
//! document, of which each section has an address of its own.

pub mod model;
pub mod store;

use super::engine::{self, Inherited, Resource, Verb, Write, field, singleton};
use crate::{
    access::{Management, Scope, management::Refusal},
    error::Error,
    http::shape::{Kind, Member},
    platform::LocalBox,
};
use model::{AttackProtection, BLOCK, Section, check_allowlist};
use serde::Deserialize as _;
use serde_json::{Map, Value as Json, json};

const VERBS: [(Verb, Scope); 2] =
    engine::read_and_update("read:attack_protection", "update:attack_protection");

const fn section(path: &'static str, section: Section, phrase: &'static str) -> Resource {
    singleton(path, "attack_protection")
        .part(section.name())
        .called("attack_protection", phrase)
        .verbs(&VERBS)
        .inherited(Inherited::Fallback)
        .before_write(before)
}

/// Guesses at one account.
pub static BRUTE_FORCE: Resource = section(
    "/api/v2/attack-protection/brute-force-protection",
    Section::BruteForce,
    "brute force protection",
)
.fields(&[
    field("enabled", Kind::Flag),
    field("shields", Kind::List(&Kind::Word(&[BLOCK, "user_notification"]), 2)),
    field("allowlist", ALLOWLIST),
    field("mode", Kind::Word(&["count_per_identifier_and_ip", "count_per_identifier"])),
    field("max_attempts", Kind::Integer(1, 100)),
])
.remembered(|snapshot| json!(snapshot.attack_protection.clone().shown(Section::BruteForce).ok()))
.view(|_, members| settle(Section::BruteForce, members));

/// Guesses, and new accounts, of one address.
pub static SUSPICIOUS_IP: Resource = section(
    "/api/v2/attack-protection/suspicious-ip-throttling",
    Section::SuspiciousIp,
    "suspicious ip throttling",
)
.fields(&[
    field("enabled", Kind::Flag),
    field("shields", Kind::List(&Kind::Word(&[BLOCK, "admin_notification"]), 2)),
    field("allowlist", ALLOWLIST),
    field("stage", Kind::Object(&STAGES)),
])
.remembered(|snapshot| json!(snapshot.attack_protection.clone().shown(Section::SuspiciousIp).ok()))
.view(|_, members| settle(Section::SuspiciousIp, members));

/// Passwords that everybody knows.
pub static BREACHED: Resource = section(
    "/api/v2/attack-protection/breached-password-detection",
    Section::Breached,
    "breached password detection",
)
.fields(&[
    field("enabled", Kind::Flag),
    field("shields", Kind::List(&Kind::Word(&[BLOCK, "user_notification", "admin_notification"]), 3)),
    field("admin_notification_frequency", FREQUENCIES),
    field("method", Kind::Word(&["standard", "enhanced"])),
    field("stage", Kind::Object(&BREACHED_STAGES)),
])
.remembered(|snapshot| json!(snapshot.attack_protection.clone().shown(Section::Breached).ok()))
.view(|_, members| settle(Section::Breached, members));

/// Auth0 takes at most 100 addresses and networks.
const ALLOWLIST: Kind = Kind::List(&Kind::Text(2, 49), 100);
const FREQUENCIES: Kind = Kind::List(&Kind::Word(&["immediately", "daily", "weekly", "monthly"]), 4);

const STAGES: [Member; 2] = [
    Member::new("pre-login", Kind::Object(&BUCKET)),
    Member::new("pre-user-registration", Kind::Object(&BUCKET)),
];

/// A day is the longest that anybody waits for one more.
const BUCKET: [Member; 2] = [
    Member::new("max_attempts", Kind::Integer(1, 10_000)),
    Member::new("rate", Kind::Integer(1, 86_400_000)),
];

const BREACHED_STAGES: [Member; 2] = [
    Member::new("pre-user-registration", Kind::Object(&SHIELDS)),
    Member::new("pre-change-password", Kind::Object(&SHIELDS)),
];

const SHIELDS: [Member; 1] =
    [Member::new("shields", Kind::List(&Kind::Word(&[BLOCK, "admin_notification"]), 2))];

/// It guards everybody's sign-in, also that of who may do more.
fn before<'a>(cx: &'a Management, write: &'a mut Write) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        check_allowlist(write.set.get("allowlist")).map_err(Refusal::invalid_body)?;
        cx.check_may_stand_over_everybody().await
    })
}

/// What holds of a section: the defaults where nothing is set.
fn settle(section: Section, members: &mut Map<String, Json>) {
    let all = AttackProtection::deserialize(json!({ section.name(): members })).unwrap_or_default();
    if let Ok(Json::Object(shown)) = all.shown(section) {
        *members = shown;
    }
}
