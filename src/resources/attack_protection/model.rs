//! What a tenant can set against those who guess passwords and make accounts in bulk, and what holds when it does not.

use crate::{
    http::Malformed,
    limits::model::{Network, is_listed},
    time::Lifetime,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Everything a tenant has set, by section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct AttackProtection {
    /// Guesses at one account.
    pub brute_force_protection: BruteForce,
    /// Guesses, and new accounts, of one address.
    pub suspicious_ip_throttling: SuspiciousIp,
    /// Passwords that everybody knows.
    pub breached_password_detection: Breached,
}

/// Guesses at one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BruteForce {
    /// Whether anything is counted.
    pub enabled: bool,
    /// What is done: `block` locks; `user_notification` is kept, and has no effect before mail can be sent.
    pub shields: Vec<String>,
    /// Addresses and networks that are never locked out.
    pub allowlist: Vec<String>,
    /// What failures are counted for.
    pub mode: Mode,
    /// How many failures there may be.
    pub max_attempts: i64,
}

impl Default for BruteForce {
    fn default() -> Self {
        let shields = [BLOCK, "user_notification"].map(str::to_owned).to_vec();
        Self { enabled: true, shields, allowlist: Vec::new(), mode: Mode::default(), max_attempts: 10 }
    }
}

/// What failures are counted for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// An account from an address: whoever guesses locks nobody out but themselves.
    #[default]
    CountPerIdentifierAndIp,
    /// An account from anywhere: whoever guesses locks its owner out as well, which is what who sets this wants.
    CountPerIdentifier,
}

/// Guesses, and new accounts, of one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SuspiciousIp {
    /// Whether anything is counted.
    pub enabled: bool,
    /// What is done: `block` refuses; `admin_notification` is kept, and has no effect before mail can be sent.
    pub shields: Vec<String>,
    /// Addresses and networks that are never refused.
    pub allowlist: Vec<String>,
    /// What counts.
    pub stage: Stages,
}

impl Default for SuspiciousIp {
    fn default() -> Self {
        let shields = ["admin_notification", BLOCK].map(str::to_owned).to_vec();
        Self { enabled: true, shields, allowlist: Vec::new(), stage: Stages::default() }
    }
}

/// The stages of suspicious IP throttling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Stages {
    /// Failed sign-ins.
    pub pre_login: Stage,
    /// New accounts.
    pub pre_user_registration: Stage,
}

/// A bucket, as far as it is set: `max_attempts` at once, and one more every `rate` milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stage {
    #[serde(skip_serializing_if = "Option::is_none")]
    max_attempts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<i64>,
}

impl Stage {
    fn bucket(&self, unset: Bucket) -> Bucket {
        Bucket {
            most: self.max_attempts.unwrap_or(unset.most),
            every: self.rate.map_or(unset.every, Lifetime::milliseconds),
        }
    }

    /// The buckets that hold. Until a tenant says what it wants, a tighter one for a short time holds beside Auth0's.
    fn buckets(&self, unset: Bucket, burst: Bucket) -> Vec<Bucket> {
        let is_unset = self.max_attempts.is_none() && self.rate.is_none();
        is_unset.then_some(burst).into_iter().chain([self.bucket(unset)]).collect()
    }

    fn shown(&self, unset: Bucket) -> Self {
        let bucket = self.bucket(unset);
        Self { max_attempts: Some(bucket.most), rate: Some(bucket.every.as_millis()) }
    }
}

/// So many at once, and then one more each time so long has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// How many at once.
    pub most: i64,
    /// How long until there is one more.
    pub every: Lifetime,
}

/// Auth0's defaults: 100 wrong passwords from one address, and 100 more a day; 50 new accounts, and 50 more a minute.
const LOGIN: Bucket = Bucket { most: 100, every: Lifetime::seconds(864) };
const SIGNUP: Bucket = Bucket { most: 50, every: Lifetime::milliseconds(1200) };

/// Wrong passwords from one address in a short time: more than an office's, fewer than a list of accounts that is tried.
const LOGIN_BURST: Bucket = Bucket { most: 30, every: Lifetime::seconds(20) };

/// New accounts from one address in a short time: a class's, not a robot's.
const SIGNUP_BURST: Bucket = Bucket { most: 20, every: Lifetime::seconds(3) };

/// Passwords that everybody knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breached {
    /// Whether the shields of the stages hold.
    pub enabled: bool,
    /// What is done at sign-in: kept, and without effect, since nobody could choose another password there yet.
    pub shields: Vec<String>,
    /// When administrators hear of it: kept, and has no effect before mail can be sent.
    pub admin_notification_frequency: Vec<String>,
    /// Where passwords are looked up: `standard`, the list that is built in. `enhanced` is kept, and is the same.
    pub method: Method,
    /// What is done where a password is chosen.
    pub stage: BreachedStages,
}

/// Where breached passwords are looked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The list that is built in.
    #[default]
    Standard,
    /// Auth0's larger one.
    Enhanced,
}

/// The stages of breached password detection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct BreachedStages {
    /// A new account.
    pub pre_user_registration: Shields,
    /// A new password.
    pub pre_change_password: Shields,
}

/// What is done at a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shields {
    /// `block` refuses the password, whatever the connection's policy takes; `admin_notification` is kept without effect.
    pub shields: Vec<String>,
}

pub(super) const BLOCK: &str = "block";

/// Where a password is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choosing {
    /// For a new account.
    Account,
    /// In place of another one.
    Change,
}

impl AttackProtection {
    /// How failures at an account are counted for an address: `None` if they are not, else the mode and the most.
    pub fn account(&self, ip: &str) -> Option<(Mode, i64)> {
        let BruteForce { enabled, shields, allowlist, mode, max_attempts } = &self.brute_force_protection;
        let holds = *enabled && blocks(shields) && !is_listed(ip, allowlist);
        holds.then_some((*mode, *max_attempts))
    }

    /// The buckets of failed sign-ins of an address; none if it may fail as often as it likes.
    pub fn logins(&self, ip: &str) -> Vec<Bucket> {
        self.of_address(ip, |stage| stage.pre_login.buckets(LOGIN, LOGIN_BURST))
    }

    /// The buckets of new accounts of an address.
    pub fn signups(&self, ip: &str) -> Vec<Bucket> {
        self.of_address(ip, |stage| stage.pre_user_registration.buckets(SIGNUP, SIGNUP_BURST))
    }

    fn of_address(&self, ip: &str, buckets: impl Fn(&Stages) -> Vec<Bucket>) -> Vec<Bucket> {
        let SuspiciousIp { enabled, shields, allowlist, stage } = &self.suspicious_ip_throttling;
        if *enabled && blocks(shields) && !is_listed(ip, allowlist) { buckets(stage) } else { Vec::new() }
    }

    /// Whether a password that everybody knows is refused even by a policy that takes any.
    pub fn refuses_known_passwords(&self, choosing: Choosing) -> bool {
        let Breached { enabled, stage, .. } = &self.breached_password_detection;
        let shields = match choosing {
            Choosing::Account => &stage.pre_user_registration,
            Choosing::Change => &stage.pre_change_password,
        };
        *enabled && blocks(&shields.shields)
    }

    /// A section as it is shown: with the defaults that hold.
    ///
    /// # Errors
    /// Those of serialization.
    pub fn shown(self, section: Section) -> Result<Json, serde_json::Error> {
        match section {
            Section::BruteForce => serde_json::to_value(self.brute_force_protection),
            Section::SuspiciousIp => {
                let Stages { pre_login, pre_user_registration } = self.suspicious_ip_throttling.stage;
                let stage = Stages {
                    pre_login: pre_login.shown(LOGIN),
                    pre_user_registration: pre_user_registration.shown(SIGNUP),
                };
                serde_json::to_value(SuspiciousIp { stage, ..self.suspicious_ip_throttling })
            }
            Section::Breached => serde_json::to_value(self.breached_password_detection),
        }
    }
}

fn blocks(shields: &[String]) -> bool {
    shields.iter().any(|shield| shield == BLOCK)
}

/// A part of it that has an address of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `brute-force-protection`.
    BruteForce,
    /// `suspicious-ip-throttling`.
    SuspiciousIp,
    /// `breached-password-detection`.
    Breached,
}

impl Section {
    /// Its name in a path, and in the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BruteForce => "brute-force-protection",
            Self::SuspiciousIp => "suspicious-ip-throttling",
            Self::Breached => "breached-password-detection",
        }
    }
}

/// Checks that a list, if it is one, is of addresses and networks.
///
/// # Errors
/// Words that name the first that is none.
pub fn check_allowlist(list: Option<&Json>) -> Result<(), Malformed> {
    let listed = list.and_then(Json::as_array).into_iter().flatten();
    match listed.filter_map(Json::as_str).find(|entry| Network::parse(entry).is_none()) {
        Some(entry) => Err(Malformed(format!("'allowlist' must be of addresses and networks: {entry}"))),
        None => Ok(()),
    }
}
