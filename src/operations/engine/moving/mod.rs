//! The step in which a tenant moves: has the protocol say what comes next, does it, and looks after the pace, the pause
//! and what an operator sees.

mod calls;
pub(super) mod pace;
pub mod progress;
mod receipt;
pub mod store;

pub(in crate::operations) use calls::reach;

use self::{calls::Sides, progress::Progress};
use super::{Done, Work};
use crate::{
    access::log_fault,
    error::{Fault, FaultKind},
    json,
    operations::{
        moves::{
            model::Side,
            protocol::{Call, Mind, Next, Reply, Rest},
            wish::{Terms, Wanted, follows},
        },
        plan::Trouble,
    },
    time::Lifetime,
};

/// How long one call of the step goes on, and how many statements it runs: an invocation may run 1,000 (Cloudflare: D1,
/// limits). An exchange that has begun is finished.
const SITTING: Lifetime = Lifetime::seconds(6);
const STATEMENTS: usize = 600;

/// Nobody can write during an exchange: if its holder dies, somebody else goes on after this.
const EXCHANGE: Lifetime = Lifetime::seconds(5);

/// Calls in a row that came to nothing before the step is put down for a while.
const FAILURES: usize = 5;

/// How soon somebody looks again after a level follower: before the exchange, and after it.
const SOON: Lifetime = Lifetime::seconds(15);
const LATER: Lifetime = Lifetime::minutes(15);

/// A held move is not looked at before somebody wants something.
const HELD: Lifetime = Lifetime::hours(24);

/// A database that answers slower than this is given as much time for others.
const SLOW: Lifetime = Lifetime::milliseconds(100);

/// What others get between any two calls: without it, a Worker that always has an answer to go on with keeps requests
/// waiting that have just arrived.
const TURN: Lifetime = Lifetime::milliseconds(1);

/// A move in one worker's hands.
struct Mover<'a> {
    work: &'a Work<'a>,
    terms: &'a Terms,
    sides: Sides<'a>,
    mind: Mind,
    progress: Progress,
    failures: usize,
}

/// Moves the tenant, as far as one sitting goes.
pub(super) async fn run(work: &Work<'_>) -> Result<Done, Trouble> {
    let terms = work.operation.input.terms.as_ref();
    let terms = terms.ok_or_else(|| Fault::internal("a move has no terms"))?;
    let sides = Sides::open(work, terms).await?;
    let mind = Mind::new(sides.tables.len(), work.shared.config.schema.version());
    let row = work.shared.directory.db(work.meter)?.first(store::progress(&work.operation.id)).await?;
    let progress = row.map_or_else(|| Ok(Progress::default()), |row| row.json("progress"))?;
    let mut mover = Mover { work, terms, sides, mind, progress, failures: 0 };
    let outcome = mover.sit().await;
    if outcome.is_err() && mover.progress.fenced_at.is_some() {
        mover.reopen().await?;
    }
    mover.write_down(outcome.as_ref().err()).await?;
    outcome
}

impl Mover<'_> {
    async fn sit(&mut self) -> Result<Done, Trouble> {
        let platform = self.work.shared.platform.as_ref();
        if self.progress.totals.is_empty() {
            let counted = self.sides.count(Side::Source).await?;
            self.progress.totals =
                json::gather(counted.into_iter().map(|(name, rows)| (name.to_owned(), rows)));
            self.progress.began_at = Some(platform.now().millis());
        }
        loop {
            let now = platform.now();
            match self.mind.next() {
                Next::Call(call) => self.make(&call).await?,
                Next::Over => return self.over().await,
                Next::Differs(differences) => {
                    self.progress.differ(&differences, &self.sides.tables);
                    self.hold().await?;
                    return Err(Trouble::Wait {
                        until: now.plus(HELD),
                        why: "the two databases differ; look at the differences, then resume or abort"
                            .to_owned(),
                    });
                }
                Next::Again(why) => self.failed("", Fault::unavailable(why))?,
                Next::Rest(Rest::Level) => {
                    if let Some(wanted) = self.sides.said.and_then(|said| follows(self.terms, &said, now)) {
                        self.say(wanted).await?;
                        self.mind.learn(Reply::Failed);
                        continue;
                    }
                    let arrived = self.sides.said.is_some_and(|said| said.home == Side::Target);
                    let why = if arrived { "it can be rolled back" } else { "it is ready to switch" };
                    return Err(Trouble::Wait { until: self.next_look(), why: why.to_owned() });
                }
                Next::Rest(Rest::Held) => {
                    return Err(Trouble::Wait { until: now.plus(HELD), why: "it is paused".to_owned() });
                }
                Next::Rest(Rest::Newer) => {
                    let why = "a newer release of the server is at work on it".to_owned();
                    return Err(Trouble::Wait { until: now.plus(SOON), why });
                }
            }
            // Whoever goes on where another has died has as long again.
            let since = self.progress.fenced_at.map(|since| since.max(self.work.now.millis()));
            if since.is_some_and(|since| now.millis() - since > EXCHANGE.as_millis()) {
                let why = "the switch took too long; it is tried again".to_owned();
                return Err(Trouble::Retry { why, not_before: None });
            }
            let tired = now.since(self.work.now) > SITTING || self.sides.statements > STATEMENTS;
            if tired && self.progress.fenced_at.is_none() {
                return Err(Trouble::Wait { until: now, why: "more rows are left".to_owned() });
            }
        }
    }

    /// When to look again after a level follower: before the time is over in which it can be rolled back.
    fn next_look(&self) -> crate::time::Timestamp {
        let now = self.work.shared.platform.now();
        let said = self.sides.said;
        let Some(at) = said.and_then(|said| said.switched_at) else { return now.plus(SOON) };
        now.plus(LATER)
            .min(at.plus(Lifetime::milliseconds(self.terms.window_ms)))
            .max(now.plus(Lifetime::seconds(1)))
    }

    async fn make(&mut self, call: &Call) -> Result<(), Trouble> {
        let platform = self.work.shared.platform.as_ref();
        if matches!(call, Call::Fence { .. }) {
            self.progress.fenced_at = Some(platform.now().millis());
            if let Err(trouble) = self.hurry().await {
                self.progress.fenced_at = None;
                return Err(trouble);
            }
        }
        let reply = match self.sides.call(call).await {
            Ok(reply) => reply,
            Err(fault) => return self.failed(&self.sides.words(call), fault),
        };
        if matches!(reply, Reply::Failed) {
            self.failures += 1;
        } else {
            self.failures = 0;
        }
        self.mind.learn(reply);
        // Home's fence is no obstacle any more, whoever has seen to that.
        if let Some(directory) = self.mind.directory()
            && self.mind.view(directory.home).is_some_and(|view| view.fence <= directory.epoch)
        {
            self.progress.opened(platform.now());
        }
        // Others have their turn, and as much time as this took from a database that is busy enough.
        if self.progress.fenced_at.is_none() {
            let slow = self.sides.latency > SLOW && matches!(call, Call::Read { .. } | Call::Check { .. });
            platform.pause(if slow { self.sides.latency } else { TURN }).await;
        }
        if self.failures > FAILURES {
            return self.failed("", Fault::unavailable("others are at work on the move"));
        }
        Ok(())
    }

    /// Something came to nothing: try again at once, a few times. An exchange that cannot go on is given up by whoever
    /// takes the operation up next, if it still cannot.
    fn failed(&mut self, what: &str, fault: Fault) -> Result<(), Trouble> {
        self.failures += 1;
        let passes = matches!(fault.kind, FaultKind::Unavailable | FaultKind::Overtaken);
        self.mind.learn(Reply::Failed);
        match fault.kind {
            _ if passes && self.failures <= FAILURES => Ok(()),
            // What a database says of a row that it does not take is for the operator: it names tables and columns, and
            // no value.
            FaultKind::Internal | FaultKind::Conflict(_) => {
                let (id, tenant) = (self.work.operation.id.as_str(), self.work.operation.tenant.id.as_str());
                log_fault(self.work.shared.platform.as_ref(), id, tenant, &fault);
                Err(Trouble::Retry { why: format!("{what}: {}", fault.detail), not_before: None })
            }
            _ => Err(fault.into()),
        }
    }

    /// An exchange that cannot be finished now is given up: home is opened again, under the next epoch.
    async fn reopen(&mut self) -> Result<(), Fault> {
        let Reply::Directory(directory) = self.sides.call(&Call::Directory).await? else { return Ok(()) };
        let Reply::View(_, view) = self.sides.call(&Call::Look(directory.home)).await? else { return Ok(()) };
        if view.fence > directory.epoch {
            self.sides.call(&Call::Reopen { epoch: directory.epoch, to: view.fence }).await?;
        }
        self.progress.opened(self.work.shared.platform.now());
        Ok(())
    }

    async fn hurry(&self) -> Result<(), Trouble> {
        let shared = self.work.shared;
        let until = shared.platform.now().plus(EXCHANGE);
        let id = &self.work.operation.id;
        // Should this worker die, the pause is counted by whoever ends it.
        let batch =
            [store::hurry(id, self.work.holder, until), store::set_progress(id, &self.progress.text()?)];
        let outcomes = shared.directory.db(self.work.meter)?.commit(batch).await?;
        if outcomes.first().is_none_or(|outcome| outcome.rows.is_empty()) {
            return Err(Trouble::Wait { until, why: "another instance goes on".to_owned() });
        }
        Ok(())
    }

    async fn hold(&self) -> Result<(), Fault> {
        let shared = self.work.shared;
        let hold = store::hold(&self.work.operation.id, true, shared.platform.now());
        shared.directory.db(self.work.meter)?.commit([hold]).await.map(drop)
    }

    async fn say(&self, wanted: Wanted) -> Result<(), Fault> {
        let shared = self.work.shared;
        let want = store::want(&self.work.operation.id, wanted, shared.platform.now());
        shared.directory.db(self.work.meter)?.commit([want]).await.map(drop)
    }

    /// Both have parted: what remains is the database that nobody wants.
    async fn over(&mut self) -> Result<Done, Trouble> {
        let said = self.sides.said.ok_or_else(|| Fault::internal("a move is over and nobody looked"))?;
        self.see();
        let schema = self.work.shared.config.schema.version();
        let receipt = receipt::sign(self.work, self.terms, &self.progress, said.home, schema).await?;
        self.progress.receipt = Some(receipt);
        let lost = self.sides.database(said.home.other());
        let origin = self.sides.origin(said.home.other());
        let done = Done::with([store::retire(lost, self.work.now)]).chosen(origin);
        Ok(match said.home {
            Side::Target => done.detail("the tenant is where it was moved to"),
            Side::Source => done.detail("the tenant is where it was"),
        })
    }

    fn see(&mut self) {
        let now = self.work.shared.platform.now();
        self.progress.see(&self.mind, self.sides.said.as_ref(), &self.sides.tables, now);
    }

    /// Leaves behind how far it is.
    async fn write_down(&mut self, trouble: Option<&Trouble>) -> Result<(), Fault> {
        let shared = self.work.shared;
        self.see();
        self.progress.trouble = trouble.map(Trouble::words);
        let text = json::write(&self.progress)?;
        let write = store::set_progress(&self.work.operation.id, &text);
        shared.directory.db(self.work.meter)?.commit([write]).await.map(drop)
    }
}
