//! Which passwords are good enough. The rules are a connection's own (Auth0: `passwordPolicy`,
//! `password_complexity_options`); the same for sign-up, for a reset and for the management API.

use super::password::MAX_BYTES;
use crate::{resources::connections::model::Connection, secret::Secret};
use serde_json::Value as Json;
use std::fmt;

/// A connection's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    level: Level,
    least: usize,
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
                "The password must have {LONG} characters, or more kinds of them: lower case, upper case, digits, others."
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
        Self { level, least: wanted.unwrap_or(least).max(1) }
    }

    /// What a page says before somebody chooses a password.
    pub fn hint(self) -> String {
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
        self,
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
        if self.level == Level::None {
            return Ok(());
        }
        if length < LONG && !self.has_kinds(text) {
            return Err(Weakness::TooSimple);
        }
        if is_monotonous(text) || is_common(text) || (self.level == Level::Excellent && repeats_thrice(text))
        {
            return Err(Weakness::TooCommon);
        }
        let local = email.and_then(|email| email.split('@').next());
        let lower = text.to_lowercase();
        // Three letters of a name can be in a password by chance.
        let is_in = |part: &str| part.chars().count() > 3 && lower.contains(&part.to_lowercase());
        if [local, email, username].into_iter().flatten().any(is_in) {
            Err(Weakness::Personal)
        } else {
            Ok(())
        }
    }

    fn has_kinds(self, text: &str) -> bool {
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

/// Whether nearly every character follows from the one before: `aaaaaaaa`, `12345678`, `hgfedcba`.
fn is_monotonous(text: &str) -> bool {
    let codes: Vec<u32> = text.chars().map(u32::from).collect();
    let steps =
        codes.windows(2).filter(|pair| matches!(pair, [left, right] if left.abs_diff(*right) <= 1)).count();
    codes.len() > 3 && steps * 4 >= (codes.len() - 1) * 3
}

fn repeats_thrice(text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    letters.windows(3).any(|three| matches!(three, [a, b, c] if a == b && b == c))
}

/// Whether a password is one of those tried first, under the usual disguises: upper case, digits and signs around it,
/// `@` for `a` and the like.
fn is_common(text: &str) -> bool {
    let plain = text.to_lowercase();
    let undisguised: String = plain
        .trim_matches(|letter: char| !letter.is_alphabetic() && !matches!(letter, '@' | '$'))
        .chars()
        .map(|letter| match letter {
            '@' | '4' => 'a',
            '$' | '5' => 's',
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '7' => 't',
            letter => letter,
        })
        .collect();
    [plain, undisguised].iter().any(|text| COMMON.binary_search(&text.as_str()).is_ok())
}

/// The passwords that lead every list of leaked ones, without their disguises, sorted for the binary search. A short list
/// on purpose: what it must catch is what passes the other rules.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "147258369", "1q2w3e4r", "1q2w3e4r5t", "1qaz2wsx", "1qaz2wsx3edc", "31415926", "a1b2c3d4", "a1s2d3f4",
    "admin", "administrator", "alexander", "arsenal", "asd12345", "asdf", "asdfasdf", "asdfgh", "asdfghjk",
    "asdfghjkl", "asdfjkl", "autumn", "azerty", "azertyuiop", "barcelona", "baseball", "basketball",
    "batman", "blink", "butterfly", "changeit", "changeme", "charlie", "chelsea", "chocolate", "computer",
    "corvette", "default", "demo", "dragon", "elizabeth", "football", "freedom", "fuckyou", "guest",
    "happy", "hello", "hunter", "iloveyou", "iloveyouu", "internet", "jennifer", "jessica", "jonathan",
    "jordan", "killer", "letmein", "letmeinnow", "liverpool", "login", "manchester", "master", "maverick",
    "mercedes", "michael", "michelle", "midnight", "monkey", "mustang", "mypassword", "newpassword",
    "nicholas", "pass", "passord", "passphrase", "password", "password123password", "passwordpassword",
    "passwords", "passwort", "pokemon", "princess", "q1w2e3r4", "q1w2e3r4t5", "qazwsx", "qazwsxedc",
    "qazxsw", "qwaszx", "qweasd", "qweasdzxc", "qwer", "qwerty", "qwertyui", "qwertyuiop", "qwertz",
    "qwertzuiop", "root", "samantha", "secret", "shadow", "spring", "starwars", "summer", "sunshine",
    "superman", "test", "testtest", "trustno", "victoria", "welcome", "welcomeback", "whatever", "william",
    "winter", "yourpassword", "zaq12wsx", "zaqizaq", "zxcvbn", "zxcvbnm",
];
