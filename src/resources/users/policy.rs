//! Which passwords are good enough. The rules are a connection's own (Auth0: `passwordPolicy`,
//! `password_complexity_options`); the same for sign-up, for a reset and for the management API.

use super::{common, password::MAX_BYTES};
use crate::{
    id::TenantId,
    resources::{attack_protection::model::Choosing, connections::model::Connection, snapshot::Snapshot},
    secret::Secret,
};
use serde_json::Value as Json;
use std::fmt;

/// A connection's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    level: Level,
    least: usize,
    /// Whether the address and the user name may be in it: `password_no_personal_info`.
    may_be_personal: bool,
    /// Words that are tried here first: the tenant's name, and those of `password_dictionary`.
    words: Vec<String>,
    /// Whether even a level that takes anything refuses what everybody knows.
    refuses_known: bool,
}

/// Auth0's levels, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Anything.
    None,
    /// 6 characters.
    Low,
    /// 8 characters, among them a lower-case letter, an upper-case letter and a digit.
    Fair,
    /// 8 characters of three of the four kinds: lower case, upper case, digits, the rest. What holds by default.
    Good,
    /// 10 characters of three of the four kinds, no three of them the same in a row.
    Excellent,
}

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// It has fewer characters than this.
    TooShort(usize),
    /// It has more than [`MAX_BYTES`] bytes.
    TooLong,
    /// It is made of too few kinds of characters.
    TooSimple,
    /// It repeats itself, counts up, or is among the passwords that are tried first.
    TooCommon,
    /// It contains the address or the user name.
    Personal,
}

impl Weakness {
    /// For programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort(_) => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::TooSimple => "password_too_simple",
            Self::TooCommon => "password_too_common",
            Self::Personal => "password_personal",
        }
    }

    /// For clients that know Auth0's errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooShort(_) | Self::TooLong | Self::TooSimple => "PasswordStrengthError",
            Self::TooCommon => "PasswordDictionaryError",
            Self::Personal => "PasswordNoUserInfoError",
        }
    }
}

/// A sentence for people.
impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(least) => write!(f, "The password must have at least {least} characters."),
            Self::TooLong => f.write_str("The password is too long."),
            Self::TooSimple => write!(
                f,
                "Use at least {LONG} characters, or mix lower case, upper case, digits and symbols."
            ),
            Self::TooCommon => {
                f.write_str("This password is one of the most common ones. Please choose another.")
            }
            Self::Personal => f.write_str("The password must not contain your email address or user name."),
        }
    }
}

/// From this length on a password is good whatever kinds of characters it has (NIST SP 800-63B-4 §3.1.1.2).
const LONG: usize = 15;

impl Policy {
    /// The rules of a connection.
    pub fn of(connection: &Connection) -> Self {
        let options = &connection.document.options;
        let level = match options.get("passwordPolicy").and_then(Json::as_str) {
            Some("none") => Level::None,
            Some("low") => Level::Low,
            Some("fair") => Level::Fair,
            Some("excellent") => Level::Excellent,
            _ => Level::Good,
        };
        let least = match level {
            Level::None => 1,
            Level::Low => 6,
            Level::Fair | Level::Good => 8,
            Level::Excellent => 10,
        };
        let wanted = options.get("password_complexity_options").and_then(|options| options.get("min_length"));
        let wanted = wanted.and_then(Json::as_u64).and_then(|length| usize::try_from(length).ok());
        let enabled =
            |name: &str| options.get(name).and_then(|option| option.get("enable")).and_then(Json::as_bool);
        let dictionary =
            options.get("password_dictionary").filter(|_| enabled("password_dictionary") == Some(true));
        let dictionary = dictionary.and_then(|option| option.get("dictionary")).and_then(Json::as_array);
        let words = dictionary.into_iter().flatten().filter_map(Json::as_str).map(common::undisguised);
        Self {
            level,
            least: wanted.unwrap_or(least).max(1),
            // Auth0 lets it be unless asked; here it is refused unless that is switched off.
            may_be_personal: enabled("password_no_personal_info") == Some(false),
            words: words.collect(),
            refuses_known: false,
        }
    }

    /// The rules of a connection of a tenant, whose own names are the first that somebody tries there; and what it says of
    /// breached passwords.
    pub fn at(connection: &Connection, tenant: &TenantId, snapshot: &Snapshot, choosing: Choosing) -> Self {
        let mut policy = Self::of(connection);
        let names = [tenant.as_str(), snapshot.brand(tenant)];
        policy
            .words
            .extend(names.map(common::undisguised).into_iter().filter(|name| name.chars().count() > 2));
        policy.refuses_known = snapshot.attack_protection.refuses_known_passwords(choosing);
        policy
    }

    /// What a page says before somebody chooses a password.
    pub fn hint(&self) -> String {
        match self.level {
            Level::None | Level::Low => format!("At least {} characters.", self.least),
            Level::Fair | Level::Good | Level::Excellent => {
                format!("At least {} characters of several kinds, or {LONG} of any.", self.least)
            }
        }
    }

    /// Checks a password of somebody with this address and user name.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn check(
        &self,
        password: &Secret,
        email: Option<&str>,
        username: Option<&str>,
    ) -> Result<(), Weakness> {
        let text = password.expose();
        let length = text.chars().count();
        if length < self.least {
            return Err(Weakness::TooShort(self.least));
        }
        if text.len() > MAX_BYTES {
            return Err(Weakness::TooLong);
        }
        if self.refuses_known && self.is_known(text) {
            return Err(Weakness::TooCommon);
        }
        if self.level == Level::None {
            return Ok(());
        }
        if length < LONG && !self.has_kinds(text) {
            return Err(Weakness::TooSimple);
        }
        if self.is_known(text) || (self.level == Level::Excellent && repeats_thrice(text)) {
            return Err(Weakness::TooCommon);
        }
        let local = email.and_then(|email| email.split('@').next());
        let lower = text.to_lowercase();
        // Three letters of a name can be in a password by chance.
        let is_in = |part: &str| part.chars().count() > 3 && lower.contains(&part.to_lowercase());
        if !self.may_be_personal && [local, email, username].into_iter().flatten().any(is_in) {
            Err(Weakness::Personal)
        } else {
            Ok(())
        }
    }

    /// Whether it counts up, is among what is tried first, or says something like that again and again: a repetition is
    /// as good as what it repeats.
    fn is_known(&self, text: &str) -> bool {
        let is_known = |text: &str| {
            is_monotonous(text) || common::is_common(text) || self.words.contains(&common::undisguised(text))
        };
        let repeated = common::repeated(text);
        let is_short = |unit: &String| unit.chars().count() < self.least;
        is_known(text) || repeated.is_some_and(|unit| is_short(&unit) || is_known(&unit))
    }

    fn has_kinds(&self, text: &str) -> bool {
        let lower = text.chars().any(char::is_lowercase);
        let upper = text.chars().any(char::is_uppercase);
        let digit = text.chars().any(|letter| letter.is_ascii_digit());
        let other = text
            .chars()
            .any(|letter| !letter.is_lowercase() && !letter.is_uppercase() && !letter.is_ascii_digit());
        match self.level {
            Level::None | Level::Low => true,
            Level::Fair => lower && upper && digit,
            Level::Good | Level::Excellent => {
                [lower, upper, digit, other].into_iter().filter(|kind| *kind).count() >= 3
            }
        }
    }
}

/// Whether nearly every character follows from the one before: `aaaaaaaa`, `12345678`, `hgfedcba`, in whatever case.
fn is_monotonous(text: &str) -> bool {
    let codes: Vec<u32> = text.to_lowercase().chars().map(u32::from).collect();
    let steps =
        codes.windows(2).filter(|pair| matches!(pair, [left, right] if left.abs_diff(*right) <= 1)).count();
    codes.len() > 3 && steps * 4 >= (codes.len() - 1) * 3
}

fn repeats_thrice(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    letters.windows(3).any(|three| matches!(three, [a, b, c] if a == b && b == c))
}
