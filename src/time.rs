//! Points in time and spans: arithmetic and ISO-8601, no clock.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z. Stored as an integer, shown as ISO-8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A span of time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Lifetime(i64);

impl Lifetime {
    /// A span of whole seconds.
    pub const fn seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// A span of whole minutes.
    pub const fn minutes(minutes: i64) -> Self {
        Self::seconds(minutes.saturating_mul(60))
    }

    /// A span of whole hours.
    pub const fn hours(hours: i64) -> Self {
        Self::minutes(hours.saturating_mul(60))
    }

    /// A span of whole days.
    pub const fn days(days: i64) -> Self {
        Self::hours(days.saturating_mul(24))
    }

    /// A span of milliseconds.
    pub const fn milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds in this span.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds in this span.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

impl Timestamp {
    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch, as stored.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch: the `NumericDate` of RFC 7519 §2.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment plus a span; saturates.
    pub const fn plus(self, lifetime: Lifetime) -> Self {
        Self(self.0.saturating_add(lifetime.0))
    }

    /// This moment minus a span; saturates.
    pub const fn minus(self, lifetime: Lifetime) -> Self {
        Self(self.0.saturating_sub(lifetime.0))
    }

    /// The span from `earlier` to this moment; negative if it is not earlier.
    pub const fn since(self, earlier: Self) -> Lifetime {
        Lifetime(self.0.saturating_sub(earlier.0))
    }

    /// The number of its day (UTC) since 1970-01-01.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }

    /// ISO-8601 with milliseconds and `Z`, the form of Auth0's JSON. Civil-date arithmetic after Howard Hinnant's
    /// published `civil_from_days`.
    pub fn iso(self) -> String {
        let (days, millis) = (self.day(), self.0.rem_euclid(86_400_000));
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

impl Timestamp {
    /// The span that an ISO-8601 date or moment in UTC names, as its first instant and the first one after it:
    /// `2027` is a year, `2027-01` a month, `2027-01-15` a day, `2027-01-15T08:00Z` a minute, and so on down to the
    /// millisecond. `None` for anything else.
    pub fn span(text: &str) -> Option<(Self, Self)> {
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let mut parts = date.split('-');
        let year = digits(parts.next()?, 4)?;
        let month = parts.next().map_or(Some(None), |text| digits(text, 2).map(Some))?;
        let day = parts.next().map_or(Some(None), |text| digits(text, 2).map(Some))?;
        if parts.next().is_some() || month.is_some_and(|month| !(1..=12).contains(&month)) {
            return None;
        }
        let first_of = |year: i64, month: i64| days_before(year + (month - 1) / 12, (month - 1) % 12 + 1);
        let (start, end) = match (month, day) {
            (Some(month), Some(day)) => {
                let start = first_of(year, month) + day - 1;
                if day < 1 || start >= first_of(year, month + 1) {
                    return None;
                }
                (start, start + 1)
            }
            (Some(month), None) => (first_of(year, month), first_of(year, month + 1)),
            (None, _) => (first_of(year, 1), first_of(year + 1, 1)),
        };
        let (start, end) = (Self(start * 86_400_000), Self(end * 86_400_000));
        let Some(time) = time else { return Some((start, end)) };
        let (offset, length) = time_of_day(time.strip_suffix('Z').unwrap_or(time))?;
        let start = day.map(|_| start.plus(offset))?;
        Some((start, start.plus(length)))
    }
}

/// `08:00`, `08:00:30` or `08:00:30.125`: how long after midnight, and how long the span is that this names.
fn time_of_day(text: &str) -> Option<(Lifetime, Lifetime)> {
    let mut parts = text.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next();
    if hour > 23 || minute > 59 || parts.next().is_some() {
        return None;
    }
    let start = Lifetime::minutes(hour * 60 + minute);
    let Some(second) = second else { return Some((start, Lifetime::minutes(1))) };
    let (whole, fraction) =
        second.split_once('.').map_or((second, None), |(whole, rest)| (whole, Some(rest)));
    let (whole, milliseconds) = (digits(whole, 2)?, fraction.map_or(Some(0), |text| digits(text, 3))?);
    let length = if fraction.is_some() { Lifetime::milliseconds(1) } else { Lifetime::seconds(1) };
    let start = Lifetime::milliseconds(start.0 + whole * 1000 + milliseconds);
    (whole <= 59).then_some((start, length))
}

/// A number of exactly `length` digits.
fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to the first of a month, after Howard Hinnant's published `days_from_civil`.
fn days_before(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.iso())
    }
}

/// Reads the stored form (milliseconds), and what the API writes (ISO 8601), for the command. The API never takes a timestamp
/// from a client.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Moment;
        impl serde::de::Visitor<'_> for Moment {
            type Value = Timestamp;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("milliseconds, or a moment in UTC")
            }

            fn visit_i64<E: serde::de::Error>(self, millis: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(millis))
            }

            fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Timestamp, E> {
                i64::try_from(millis).map(Timestamp).map_err(E::custom)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::span(text).map(|(moment, _)| moment).ok_or_else(|| E::custom("no moment in UTC"))
            }
        }
        deserializer.deserialize_any(Moment)
    }
}
