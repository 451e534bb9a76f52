//! How many rows one call takes: as many as travel well, and fewer when a database is slow.

use crate::time::Lifetime;

/// Bytes of rows that one call should carry. A text must not be longer than 2 MB (Cloudflare: D1, limits).
const BYTES: u64 = 500_000;

/// The most rows: the database is one thread, and others wait behind.
const MOST: i64 = 2_000;

/// A call that takes longer than this keeps others waiting.
const SLOW: Lifetime = Lifetime::milliseconds(250);

/// The number of rows for the next call.
#[derive(Debug, Clone, Copy)]
pub struct Pace(i64);

impl Pace {
    /// Before anything is known of the rows.
    pub const FIRST: Self = Self(200);

    /// How many.
    pub const fn rows(self) -> i64 {
        self.0
    }

    /// After a call that carried so much and took so long.
    pub fn after(self, rows: usize, bytes: u64, took: Lifetime) -> Self {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX).max(1);
        let fitting = i64::try_from(BYTES * rows / bytes.max(1)).unwrap_or(MOST);
        let eager = if took > SLOW { self.0 / 2 } else { self.0.saturating_mul(2) };
        Self(eager.min(fitting).clamp(1, MOST))
    }

    /// After a call that carried too much.
    pub fn halved(self) -> Self {
        Self((self.0 / 2).max(1))
    }
}
