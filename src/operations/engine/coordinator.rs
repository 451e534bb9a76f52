//! What the one coordinator decides: who has a lease, and how many API calls may still be made. Pure: the Durable
//! Object around it keeps time and stores the state.

use crate::{
    platform::{Answer, Ask},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The state behind [`Ask`]: serializable, so that it outlives the object that holds it. Moments are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Coordinator {
    /// Leases by name. One that is over is dropped when the next question comes.
    leases: BTreeMap<String, Lease>,
    /// When the budget will be whole again; in the past if it is.
    whole_at: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    holder: String,
    until: i64,
}

/// Calls that may be made at once.
const BURST: i64 = 200;

/// Milliseconds after which one more call may be made. 200 at once and then one in 375 ms are at most 1,000 in any five
/// minutes; Cloudflare refuses everything for five minutes beyond 1,200, and other tools may use the same token.
const INTERVAL: i64 = 375;

/// No lease is longer: whoever works longer asks again.
const LONGEST_LEASE: i64 = 5 * 60 * 1000;

/// Nobody is told to wait longer for a lease, because its holder will mostly give it back early.
const LONGEST_WAIT: i64 = 1000;

impl Coordinator {
    /// Answers one question, asked at `now`.
    pub fn answer(&mut self, ask: Ask, now: Timestamp) -> Answer {
        let now = now.millis();
        self.leases.retain(|_, lease| lease.until > now);
        match ask {
            Ask::Acquire { name, holder, for_ms } => self.acquire(name, holder, for_ms, now),
            Ask::Release { name, holder } => {
                if self.leases.get(&name).is_some_and(|lease| lease.holder == holder) {
                    self.leases.remove(&name);
                }
                Answer::Granted
            }
            Ask::Spend { calls } => self.spend(i64::from(calls), now),
        }
    }

    fn acquire(&mut self, name: String, holder: String, for_ms: i64, now: i64) -> Answer {
        if let Some(lease) = self.leases.get(&name).filter(|lease| lease.holder != holder) {
            return Answer::Wait { ms: (lease.until - now).min(LONGEST_WAIT) };
        }
        let until = now.saturating_add(for_ms.clamp(0, LONGEST_LEASE));
        self.leases.insert(name, Lease { holder, until });
        Answer::Granted
    }

    /// A token bucket as one number (the generic cell rate algorithm of ITU-T I.371): each call puts off the moment at
    /// which the bucket is full again.
    fn spend(&mut self, calls: i64, now: i64) -> Answer {
        let whole_at = self.whole_at.max(now) + calls.min(BURST) * INTERVAL;
        let wait = whole_at - now - BURST * INTERVAL;
        if wait > 0 {
            return Answer::Wait { ms: wait };
        }
        self.whole_at = whole_at;
        Answer::Granted
    }
}
