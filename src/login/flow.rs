//! What is proven about a person, and what follows from it. Pure.

use crate::http::shape::is_email;
use crate::resources::{authentication_methods::model::Demand, users::password::Match};
use crate::time::Lifetime;
use std::net::IpAddr;

/// The pages of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Who are you?
    Identifier,
    /// Prove it.
    Password,
    /// Prove it by something that others do not have.
    SecondFactor,
    /// A new account.
    Signup,
}

/// The page to show when the person asks for `wanted`: nobody proves anything before saying who they are, or the second
/// thing before the first (then `is_identified` says whether they have proven that), and nobody makes an account where
/// that is not allowed.
pub fn page(wanted: Page, is_identified: bool, may_sign_up: bool) -> Page {
    match wanted {
        Page::Password | Page::SecondFactor if !is_identified => Page::Identifier,
        Page::Signup if !may_sign_up => Page::Identifier,
        wanted => wanted,
    }
}

/// How often a password may be wrong for one identifier from one address (Auth0's default).
pub const MAX_FAILURES: i64 = 10;

/// How long failures count, and so how long a lock lasts: from the last failure that was still checked.
pub const LOCK: Lifetime = Lifetime::hours(1);

/// What a password attempt led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There were too many: this one was not even looked at, whether or not there is such an account.
    Locked,
    /// No such account, or not its password.
    Wrong,
    /// The account must not sign in. Only who knows the password is told.
    Blocked,
    /// The account is not in the organization that was asked for.
    Outsider,
    /// That is their password, and something else is asked for.
    Halfway,
    /// The same, but what would be asked for can't be checked here.
    OutOfReach,
    /// That is them.
    SignedIn,
}

/// Whether an attempt is looked at at all; `failures` counts it already.
pub fn is_locked(failures: i64) -> bool {
    failures > MAX_FAILURES
}

/// Judges an attempt that was looked at. What else is asked for, only who knows the password learns.
pub fn verdict(comparison: Match, is_blocked: bool, is_member: bool, demand: Demand) -> Verdict {
    match (comparison, demand) {
        (Match::Wrong, _) => Verdict::Wrong,
        _ if is_blocked => Verdict::Blocked,
        _ if !is_member => Verdict::Outsider,
        (_, Demand::Code) => Verdict::Halfway,
        (_, Demand::Impossible) => Verdict::OutOfReach,
        (Match::Right | Match::Outdated, Demand::Nothing) => Verdict::SignedIn,
    }
}

/// The address that failures are counted for. An IPv6 host has a whole /64 to itself (RFC 6177).
pub fn address(ip: &str) -> String {
    match ip.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => ip.to_owned(),
    }
}

/// A user name or an e-mail address as it is looked up: without spaces around it, in lower case.
pub fn identifier(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    (!text.is_empty() && text.len() <= MAX_IDENTIFIER && !text.contains(char::is_control)).then_some(text)
}

/// The longest address that mail can reach (RFC 5321 §4.5.3.1).
const MAX_IDENTIFIER: usize = 254;

/// An e-mail address for a new account, in lower case. Whether it is theirs, only a message to it can show.
pub fn email(text: &str) -> Option<String> {
    identifier(text).filter(|text| is_email(text))
}
