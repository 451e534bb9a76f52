//! What is wrong with the log of a tenant: whether every entry is as it was when its block was sealed. Pure.

use super::Check;
use crate::{
    cli::screen::count,
    events::blocks::{Block, Finding},
    resources::logs::model::{Blocks, Checked},
    time::{Lifetime, Timestamp},
};

/// The blocks of a log, as the server has compared them.
#[derive(Debug, Clone)]
pub struct Log {
    now: Timestamp,
    blocks: u64,
    entries: u64,
    newest: Option<Block>,
    findings: Vec<(Block, Finding)>,
    waiting_since: Option<Timestamp>,
}

/// The longest that an entry may wait for its block: the clock comes to every tenant in this time, even if there are thousands.
const PATIENCE: Lifetime = Lifetime::days(1);

/// The number of findings that are told one by one.
const TOLD: usize = 5;

impl Log {
    /// Begins with no block, at this moment.
    pub fn at(now: Timestamp) -> Self {
        Self { now, blocks: 0, entries: 0, newest: None, findings: Vec::new(), waiting_since: None }
    }

    /// Adds one more answer of the server.
    pub fn add(&mut self, page: Blocks) {
        for Checked { block, finding } in page.blocks {
            self.blocks += 1;
            self.entries += u64::try_from(block.entries).unwrap_or_default();
            self.findings.extend(finding.map(|finding| (block.clone(), finding)));
            self.newest = Some(block);
        }
        self.waiting_since = page.waiting_since;
    }
}

/// Everything about a log.
pub fn judge(log: Option<&Result<Log, String>>) -> Vec<Check> {
    let log = match log {
        None => return Vec::new(),
        Some(Err(why)) => {
            let advice = "the token needs the scope read:logs, and the server must be as new as this command";
            return vec![Check::unusual(
                "log",
                format!("cannot be compared with what was sealed: {why}"),
                advice,
            )];
        }
        Some(Ok(log)) => log,
    };
    let mut checks: Vec<_> =
        log.findings.iter().take(TOLD).map(|(block, finding)| wrong(block, *finding)).collect();
    if let Some(more) = log.findings.len().checked_sub(TOLD).filter(|more| *more > 0) {
        checks.push(Check::wrong(
            "log",
            format!("{more} more of its blocks are not as they were sealed"),
            "",
        ));
    }
    if let Some(since) = log.waiting_since.filter(|since| since.plus(PATIENCE) < log.now) {
        let found =
            format!("nothing has been sealed since {}: what is changed now is not found", since.iso());
        checks.push(Check::unusual(
            "log",
            found,
            "is the cron trigger of wrangler.toml deployed? It seals every five minutes",
        ));
    }
    match &log.newest {
        Some(newest) if checks.is_empty() => {
            let (entries, blocks) = (count(log.entries), count(log.blocks));
            let found = format!(
                "all as it was written: {entries} entries in {blocks} sealed blocks, the newest {} {}",
                newest.number, newest.hash
            );
            checks.push(Check::good("log", found));
        }
        None if checks.is_empty() => checks.push(Check::good("log", "nothing is old enough to be sealed")),
        _ => {}
    }
    checks
}

fn wrong(block: &Block, finding: Finding) -> Check {
    let Block { number, until, sealed_at, .. } = block;
    let what = match finding {
        Finding::BlockMissing => "does not follow the block before it: one was removed, or put in its place",
        Finding::EntriesMissing => "has fewer entries than were sealed: some were removed",
        Finding::EntriesAdded => "has more entries than were sealed: some were put in later",
        Finding::EntryChanged => "is not what was sealed: an entry, or the block itself, was changed",
    };
    let advice = "somebody has written to the database past the server: restore a backup of before beside it (gatehouse restore \
                  … --into …) and compare; the log of the Worker names the hash of every block";
    Check::wrong("log", format!("block {number} (sealed {}, up to {until}) {what}", sealed_at.iso()), advice)
}
