//! What it costs to write rows and to keep them. Pure.

use std::fmt;

/// D1's price of a million rows written beyond the included ones, in dollars (Cloudflare: D1 pricing, Workers Paid).
const MILLION_ROWS: f64 = 1.0;
/// Rows that are written for nothing each month.
const INCLUDED_ROWS: u64 = 50_000_000;
/// D1's price of a gigabyte kept for a month beyond the included ones, in dollars.
const GIGABYTE_MONTH: f64 = 0.75;
/// Bytes that are kept for nothing.
const INCLUDED_BYTES: u64 = 5_000_000_000;
/// What an empty database takes, in bytes.
pub const EMPTY_DATABASE: u64 = 12 * 1024;

/// What is written and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Rows written, each entry of an index counted as one.
    pub rows_written: u64,
    /// Bytes kept.
    pub bytes: u64,
}

impl Amount {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { rows_written: self.rows_written + other.rows_written, bytes: self.bytes + other.bytes }
    }
}

/// Dollars, in two numbers: if the account has used up what is included, as the most that it can be, and if it has not.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Once, for writing.
    pub once: f64,
    /// Every month, for keeping.
    pub monthly: f64,
    /// Once, if nothing else was written this month.
    pub once_beyond_included: f64,
    /// Every month, if nothing else is kept.
    pub monthly_beyond_included: f64,
}

impl Cost {
    /// The cost of an amount.
    pub fn of(amount: Amount) -> Self {
        let rows = |rows: u64| as_float(rows) / 1e6 * MILLION_ROWS;
        let bytes = |bytes: u64| as_float(bytes) / 1e9 * GIGABYTE_MONTH;
        Self {
            once: rows(amount.rows_written),
            monthly: bytes(amount.bytes),
            once_beyond_included: rows(amount.rows_written.saturating_sub(INCLUDED_ROWS)),
            monthly_beyond_included: bytes(amount.bytes.saturating_sub(INCLUDED_BYTES)),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "${:.2} once and ${:.2} a month; ${:.2} and ${:.2} where the included 50 million rows and 5 GB are not used \
             otherwise",
            self.once, self.monthly, self.once_beyond_included, self.monthly_beyond_included
        )
    }
}

/// Exact up to 2^53, which no count of ours passes.
#[allow(clippy::cast_precision_loss)]
fn as_float(number: u64) -> f64 {
    number as f64
}

/// Bytes for people.
pub fn bytes(count: u64) -> String {
    match count {
        0..1000 => format!("{count} B"),
        1000..1_000_000 => format!("{:.1} kB", as_float(count) / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", as_float(count) / 1e6),
        _ => format!("{:.2} GB", as_float(count) / 1e9),
    }
}
