//! What is proven about a person, and what follows from it. Pure.

use crate::http::{Response, shape::is_email};
use crate::resources::{authentication_methods::model::Demand, users::password::Match};
use crate::time::{Lifetime, Timestamp};
use crate::{error::Limited, limits::model::network, resources::attack_protection::model::Bucket};

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

/// How often a code of a second factor may be wrong, and a new account's address be taken (Auth0's default for passwords).
pub const MAX_FAILURES: i64 = 10;

/// How long failures count, and so how long a lock lasts: from the last failure that was still checked.
pub const LOCK: Lifetime = Lifetime::hours(1);

/// What a password attempt led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There were too many for this account: this one was not even looked at, whether or not there is such an account.
    Locked(Limited),
    /// There were too many from this address, whichever accounts they were for, or this account is being tried from many:
    /// this one was not looked at.
    Later(Limited),
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

/// How often a password may be wrong for one account in a day, wherever that comes from, before strangers have to wait for
/// each other: those from an address at which its owner has not signed in, and without a session of theirs. It slows down
/// whoever guesses from very many addresses, and nobody is locked out where they have been before. (NIST SP 800-63B-4 §3.2.2:
/// no more than 100 in a row.)
pub const PATIENCE: i64 = 30;

/// How long failures are counted for an account as a whole.
pub const DAY: Lifetime = Lifetime::days(1);

/// What a counter said of an attempt that it counted already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many there were.
    pub failures: i64,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What the counters of a login said of an attempt.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Of the account from this address, and how many there may be; none if nobody counts.
    pub own: Option<(Count, i64)>,
    /// Of the place of whoever may try next, if one is needed.
    pub place: Option<Count>,
    /// Of the address.
    pub address: Vec<(Count, Bucket)>,
}

/// Why an attempt is not looked at, if it is not. `is_familiar`: its owner has signed in from there before.
pub fn stopped(counts: &Counts, is_familiar: bool, now: Timestamp) -> Option<Verdict> {
    if let Some((own, most)) = &counts.own
        && own.failures > *most
    {
        return Some(Verdict::Locked(limited(*most, own.expires_at, now)));
    }
    if let Some(refused) = emptied(&counts.address, now) {
        return Some(Verdict::Later(refused));
    }
    let place = counts.place.filter(|place| place.failures > 1 && !is_familiar)?;
    Some(Verdict::Later(limited(1, place.expires_at, now)))
}

/// The refusal of buckets that were found empty, if one was: until there is one in it again.
pub fn emptied(buckets: &[(Count, Bucket)], now: Timestamp) -> Option<Limited> {
    let (count, bucket) = buckets.iter().find(|(count, _)| count.failures > 0)?;
    let before = Lifetime::milliseconds(bucket.every.as_millis() * (bucket.most - 1));
    Some(limited(bucket.most, count.expires_at.minus(before), now))
}

/// A refusal of everything above `most` until a moment.
pub fn limited(most: i64, until: Timestamp, now: Timestamp) -> Limited {
    Limited::until(u32::try_from(most).unwrap_or(u32::MAX), until, now)
}

/// Whether somebody has signed in from this address before, or from its network.
pub fn is_familiar(ip: &str, known: &[String]) -> bool {
    let own = network(ip);
    known.iter().any(|ip| network(ip) == own)
}

impl Verdict {
    /// Says when to come back, on a page that says to.
    pub fn told(self, page: Response) -> Response {
        match self {
            Self::Locked(limited) | Self::Later(limited) => {
                page.with("retry-after", limited.retry_after.to_string())
            }
            _ => page,
        }
    }
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
