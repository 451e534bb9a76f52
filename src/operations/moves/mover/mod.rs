//! The step in which a tenant moves: has the protocol say what comes next, does it, and looks after the pace, the pause
//! and what an operator sees.

pub mod pace;
mod receipt;
pub mod sides;

use self::sides::Sides;
use super::{
    goal::{Command, Move, Terms, follows},
    model::Side,
    progress::Progress,
    protocol::{Action, MoveState, Next, Reply, Rest},
    store::directory as store,
};
use crate::{
    access::log_fault,
    error::{Fault, FaultKind},
    json,
    operations::engine::{
        StepContext,
        procedure::Done,
        retry::StepError,
        store::{progress, set_progress},
    },
    time::Lifetime,
};

/// How long one call of the step goes on, and how many statements it runs: an invocation may run 1,000 (Cloudflare: D1,
/// limits). An exchange that has begun is finished.
const TIME_BUDGET: Lifetime = Lifetime::seconds(6);
const STATEMENTS: usize = 600;

/// Nobody can write during an exchange: if its holder dies, somebody else goes on after this.
const EXCHANGE: Lifetime = Lifetime::seconds(5);

/// Calls in a row that came to nothing before the step is put down for a while.
const FAILURES: usize = 5;

/// How soon somebody looks again after a level follower: before the exchange, and after it.
const POLL_SOON: Lifetime = Lifetime::seconds(15);
const POLL_LATER: Lifetime = Lifetime::minutes(15);

/// A held move is not looked at before somebody wants something.
const HELD: Lifetime = Lifetime::hours(24);

/// A database that answers slower than this is given as much time for others.
const SLOW: Lifetime = Lifetime::milliseconds(100);

/// What others get between any two calls: without it, a Worker that always has an answer to go on with keeps requests
/// waiting that have just arrived.
const YIELD: Lifetime = Lifetime::milliseconds(1);

/// A move in one worker's hands.
struct Mover<'a> {
    cx: &'a StepContext<'a>,
    terms: &'a Terms,
    sides: Sides<'a>,
    state: MoveState,
    progress: Progress,
    failures: usize,
}

/// Moves the tenant, as far as one sitting goes.
pub async fn run(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let Move { terms } = &cx.operation.require()?;
    let sides = Sides::open(cx, terms).await?;
    let state = MoveState::new(sides.tables.len(), cx.shared.config.schema.version());
    let row = cx.shared.directory.db(cx.meter)?.first(progress(&cx.operation.id)).await?;
    let progress = row.map_or_else(|| Ok(Progress::default()), |row| row.json("progress"))?;
    let mut mover = Mover { cx, terms, sides, state, progress, failures: 0 };
    let outcome = mover.proceed().await;
    if outcome.is_err() && mover.progress.fenced_at.is_some() {
        mover.reopen().await?;
    }
    mover.write_down(outcome.as_ref().err()).await?;
    outcome
}

impl Mover<'_> {
    async fn proceed(&mut self) -> Result<Done, StepError> {
        let platform = self.cx.shared.platform.as_ref();
        if self.progress.totals.is_empty() {
            let counted = self.sides.count(Side::Source).await?;
            self.progress.totals =
                json::gather(counted.into_iter().map(|(name, rows)| (name.to_owned(), rows)));
            self.progress.began_at = Some(platform.now().millis());
        }
        loop {
            let now = platform.now();
            match self.state.next_action() {
                Next::Act(action) => self.make(&action).await?,
                Next::Over => return self.over().await,
                Next::Differs(differences) => {
                    self.progress.differ(&differences, &self.sides.tables);
                    self.hold().await?;
                    return Err(StepError::Wait {
                        until: now.plus(HELD),
                        why: "the two databases differ; look at the differences, then resume or abort"
                            .to_owned(),
                    });
                }
                Next::Again(why) => self.failed("", Fault::unavailable(why))?,
                Next::Rest(Rest::Level) => {
                    if let Some(command) = self.sides.seen.and_then(|row| follows(self.terms, &row, now)) {
                        self.send_command(command).await?;
                        self.state.observe(Reply::Failed);
                        continue;
                    }
                    let arrived = self.sides.seen.is_some_and(|row| row.home == Side::Target);
                    let why = if arrived { "it can be rolled back" } else { "it is ready to switch" };
                    return Err(StepError::Wait { until: self.next_look(), why: why.to_owned() });
                }
                Next::Rest(Rest::Held) => {
                    return Err(StepError::Wait { until: now.plus(HELD), why: "it is paused".to_owned() });
                }
                Next::Rest(Rest::Newer) => {
                    let why = "a newer release of the server is at work on it".to_owned();
                    return Err(StepError::Wait { until: now.plus(POLL_SOON), why });
                }
            }
            // Whoever goes on where another has died has as long again.
            let since = self.progress.fenced_at.map(|since| since.max(self.cx.now.millis()));
            if since.is_some_and(|since| now.millis() - since > EXCHANGE.as_millis()) {
                let why = "the switch took too long; it is tried again".to_owned();
                return Err(StepError::Retry { why, not_before: None });
            }
            let tired = now.since(self.cx.now) > TIME_BUDGET || self.sides.statements > STATEMENTS;
            if tired && self.progress.fenced_at.is_none() {
                return Err(StepError::Wait { until: now, why: "more rows are left".to_owned() });
            }
        }
    }

    /// When to look again after a level follower: before the time is over in which it can be rolled back.
    fn next_look(&self) -> crate::time::Timestamp {
        let now = self.cx.shared.platform.now();
        let row = self.sides.seen;
        let Some(at) = row.and_then(|row| row.switched_at) else { return now.plus(POLL_SOON) };
        now.plus(POLL_LATER)
            .min(at.plus(Lifetime::milliseconds(self.terms.window_ms)))
            .max(now.plus(Lifetime::seconds(1)))
    }

    async fn make(&mut self, action: &Action) -> Result<(), StepError> {
        let platform = self.cx.shared.platform.as_ref();
        if matches!(action, Action::Fence { .. }) {
            self.progress.fenced_at = Some(platform.now().millis());
            if let Err(trouble) = self.hurry().await {
                self.progress.fenced_at = None;
                return Err(trouble);
            }
        }
        let reply = match self.sides.perform(action).await {
            Ok(reply) => reply,
            Err(fault) => return self.failed(&self.sides.describe(action), fault),
        };
        if matches!(reply, Reply::Failed) {
            self.failures += 1;
        } else {
            self.failures = 0;
        }
        self.state.observe(reply);
        // Home's fence is no obstacle any more, whoever has seen to that.
        if let Some(directory) = self.state.directory()
            && self.state.status(directory.home).is_some_and(|view| view.fence <= directory.epoch)
        {
            self.progress.opened(platform.now());
        }
        // Others have their turn, and as much time as this took from a database that is busy enough.
        if self.progress.fenced_at.is_none() {
            let slow =
                self.sides.latency > SLOW && matches!(action, Action::Read { .. } | Action::Check { .. });
            platform.pause(if slow { self.sides.latency } else { YIELD }).await;
        }
        if self.failures > FAILURES {
            return self.failed("", Fault::unavailable("others are at work on the move"));
        }
        Ok(())
    }

    /// Something came to nothing: try again at once, a few times. An exchange that cannot go on is given up by whoever
    /// takes the operation up next, if it still cannot.
    fn failed(&mut self, what: &str, fault: Fault) -> Result<(), StepError> {
        self.failures += 1;
        let passes = matches!(fault.kind, FaultKind::Unavailable | FaultKind::Overtaken);
        self.state.observe(Reply::Failed);
        match fault.kind {
            _ if passes && self.failures <= FAILURES => Ok(()),
            // What a database says of a row that it does not take is for the operator: it names tables and columns, and
            // no value.
            FaultKind::Internal | FaultKind::Conflict(_) => {
                let (id, tenant) = (self.cx.operation.id.as_str(), self.cx.operation.tenant.id.as_str());
                log_fault(self.cx.shared.platform.as_ref(), id, tenant, &fault);
                Err(StepError::Retry { why: format!("{what}: {}", fault.detail), not_before: None })
            }
            _ => Err(fault.into()),
        }
    }

    /// An exchange that cannot be finished now is given up: home is opened again, under the next epoch.
    async fn reopen(&mut self) -> Result<(), Fault> {
        let Reply::Directory(directory) = self.sides.perform(&Action::Directory).await? else {
            return Ok(());
        };
        let Reply::Status(_, view) = self.sides.perform(&Action::ReadStatus(directory.home)).await? else {
            return Ok(());
        };
        if view.fence > directory.epoch {
            self.sides.perform(&Action::Reopen { epoch: directory.epoch, to: view.fence }).await?;
        }
        self.progress.opened(self.cx.shared.platform.now());
        Ok(())
    }

    async fn hurry(&self) -> Result<(), StepError> {
        let shared = self.cx.shared;
        let until = shared.platform.now().plus(EXCHANGE);
        let id = &self.cx.operation.id;
        // Should this worker die, the pause is counted by whoever ends it.
        let batch = [store::hurry(id, self.cx.holder, until), set_progress(id, &self.progress.text()?)];
        let outcomes = shared.directory.db(self.cx.meter)?.commit(batch).await?;
        if outcomes.first().is_none_or(|outcome| outcome.rows.is_empty()) {
            return Err(StepError::Wait { until, why: "another instance goes on".to_owned() });
        }
        Ok(())
    }

    async fn hold(&self) -> Result<(), Fault> {
        let shared = self.cx.shared;
        let hold = store::hold(&self.cx.operation.id, true, shared.platform.now());
        shared.directory.db(self.cx.meter)?.commit([hold]).await.map(drop)
    }

    async fn send_command(&self, command: Command) -> Result<(), Fault> {
        let shared = self.cx.shared;
        let want = store::send_command(&self.cx.operation.id, command, shared.platform.now());
        shared.directory.db(self.cx.meter)?.commit([want]).await.map(drop)
    }

    /// Both have parted: what remains is the database that nobody wants.
    async fn over(&mut self) -> Result<Done, StepError> {
        let row = self.sides.seen.ok_or_else(|| Fault::internal("a move is over and nobody looked"))?;
        self.see();
        let schema = self.cx.shared.config.schema.version();
        let receipt = receipt::sign(self.cx, self.terms, &self.progress, row.home, schema).await?;
        self.progress.receipt = Some(receipt);
        let lost = self.sides.database(row.home.other());
        let origin = self.sides.origin(row.home.other());
        let done = Done::with([store::retire(lost, self.cx.now)]).chosen(origin);
        Ok(match row.home {
            Side::Target => done.detail("the tenant is where it was moved to"),
            Side::Source => done.detail("the tenant is where it was"),
        })
    }

    fn see(&mut self) {
        let now = self.cx.shared.platform.now();
        self.progress.see(&self.state, self.sides.seen.as_ref(), &self.sides.tables, now);
    }

    /// Leaves behind how far it is.
    async fn write_down(&mut self, trouble: Option<&StepError>) -> Result<(), Fault> {
        let shared = self.cx.shared;
        self.see();
        self.progress.trouble = trouble.map(StepError::words);
        let text = json::write(&self.progress)?;
        let write = set_progress(&self.cx.operation.id, &text);
        shared.directory.db(self.cx.meter)?.commit([write]).await.map(drop)
    }
}
