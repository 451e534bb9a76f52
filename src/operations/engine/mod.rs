//! The effectful half: takes an operation up, does its steps one after the other, and writes down what came of each.
//!
//! # Why it ends well wherever it dies
//!
//! - A step can be done again: each looks for what an earlier attempt may have left before it makes anything.
//! - What came of a step, its event, and the step that follows are one transaction, which only the holder of the lease
//!   can make, and only once: an instance that was overtaken is refused, and stops.
//! - Nobody takes an operation up while something of it may still be on its way: who works on it has a lease, begins no
//!   effect of that kind in the last [`SETTLING`](plan::SETTLING) of it, and after a lost reply puts the operation down for as long.

pub(super) mod archiving;
mod bindings;
pub mod databases;
pub mod moving;
pub(super) mod pool;
mod restoring;
mod rows;
mod step;
pub mod store;
mod travelling;

use self::store::Event;
use super::{
    backups,
    model::{Kind, Operation, Order, Origin, Progress},
    plan::{self, Step, Trouble, Verdict},
    store as tenants,
};
use crate::{
    access::{Shared, log_fault},
    db::{Meter, Outcome, Statement},
    error::{Fault, FaultKind},
    id::{OperationId, random_text},
    tenant::{InDirectory, Status},
    time::{Lifetime, Timestamp},
};

/// How long one call goes on with steps; what is left is for the next one.
const SITTING: Lifetime = Lifetime::seconds(8);

/// How many operations one tick goes on with.
const PER_TICK: i64 = 20;

/// What a step came to.
struct Done {
    /// `succeeded`, or `skipped` when there was nothing to do.
    outcome: &'static str,
    /// For the history.
    detail: Option<String>,
    /// What the directory remembers of it.
    writes: Vec<Statement<InDirectory>>,
    /// Where the tenant's database comes from, if that is what was decided.
    chosen: Option<Origin>,
}

/// An operation in hand.
struct Work<'a> {
    shared: &'a Shared,
    operation: &'a Operation,
    /// Under which name it is leased.
    holder: &'a str,
    meter: &'a Meter,
    now: Timestamp,
}

/// Begins an operation after `change` has brought its tenant into `status`, and goes on with it at once, unless it takes
/// long. Answers its id, or nothing if `change` changed nothing or another operation of the tenant is live.
///
/// # Errors
/// A fault of the directory before the operation was begun. What happens to it afterwards is its own affair.
pub async fn begin(
    shared: &Shared,
    order: &Order,
    change: impl IntoIterator<Item = Statement<InDirectory>>,
    status: Status,
    meter: &Meter,
    now: Timestamp,
) -> Result<Option<OperationId>, Fault> {
    let holder = random_text(shared.platform.as_ref(), 16);
    let begin = store::begin(order, status, &holder, now)?;
    let batch = change.into_iter().chain(begin).chain([tenants::operation(&order.id).into()]);
    let operation = match shared.directory.db(meter)?.commit(batch).await {
        Ok(outcomes) => last(&outcomes)?,
        Err(Fault { kind: FaultKind::Conflict(column), .. }) if column == "operations.tenant_id" => None,
        Err(fault) => return Err(fault),
    };
    let Some(operation) = operation else { return Ok(None) };
    shared.directory.forget(&order.tenant);
    let next = if order.kind.is_long() {
        // Too long to be waited for: the alarm clock begins it, at once.
        shared.directory.db(meter)?.commit([store::put_down(&order.id, &holder, now, None)]).await?;
        Ok(Some(now))
    } else {
        carry_on(shared, operation, &holder, meter).await
    };
    report(shared, &order.id, next).await;
    Ok(Some(order.id.clone()))
}

/// Has the operation gone on with when it is time, or logs why this instance could not.
async fn report(shared: &Shared, id: &OperationId, next: Result<Option<Timestamp>, Fault>) {
    let rung = match next {
        Ok(Some(at)) => shared.platform.wake(id, at).await,
        Ok(None) => Ok(()),
        Err(fault) => Err(fault),
    };
    if let Err(fault) = rung {
        log_fault(shared.platform.as_ref(), id.as_str(), "", &fault);
    }
}

/// Goes on with an operation. Answers when to come back, or nothing if it is over. Harmless at any time: an operation
/// that somebody else works on, or that is not due, is left alone.
///
/// # Errors
/// A fault of the directory. The operation can be taken up again when its lease ends.
pub async fn advance(shared: &Shared, id: &OperationId) -> Result<Option<Timestamp>, Fault> {
    let meter = Meter::default();
    let holder = random_text(shared.platform.as_ref(), 16);
    let now = shared.platform.now();
    let batch = [store::take_up(id, &holder, now), tenants::operation(id).into()];
    let outcomes = shared.directory.db(&meter)?.commit(batch).await?;
    let Some(operation) = last(&outcomes)? else { return Ok(None) };
    let taken = outcomes.first().is_some_and(|outcome| !outcome.rows.is_empty());
    if taken { carry_on(shared, operation, &holder, &meter).await } else { Ok(operation.due_at()) }
}

/// What the clock does every few minutes: goes on with whatever is due and was forgotten, and keeps the pool ready.
///
/// # Errors
/// A fault of the directory.
pub async fn tick(shared: &Shared) -> Result<(), Fault> {
    let meter = Meter::default();
    let directory = shared.directory.db(&meter)?;
    let now = shared.platform.now();
    for row in directory.all(store::due(now, PER_TICK)).await? {
        let id = OperationId::new(row.text("id")?);
        let next = advance(shared, &id).await;
        report(shared, &id, next).await;
    }
    archiving::retain(shared, &meter).await?;
    pool::tend(shared, &meter).await
}

/// Does one step after the other until the operation is over, has to wait, or has had its time.
async fn carry_on(
    shared: &Shared,
    mut operation: Operation,
    holder: &str,
    meter: &Meter,
) -> Result<Option<Timestamp>, Fault> {
    let directory = shared.directory.db(meter)?;
    let began = shared.platform.now();
    loop {
        let now = shared.platform.now();
        if now.since(began) > SITTING {
            directory.commit([store::put_down(&operation.id, holder, now, None)]).await?;
            return Ok(Some(now));
        }
        let work = Work { shared, operation: &operation, holder, meter, now };
        let batch = match step::run(&work).await {
            Ok(done) => work.after(done)?,
            Err(Trouble::Wait { until, why }) => {
                directory.commit([store::put_down(&operation.id, holder, until, Some(&why))]).await?;
                return Ok(Some(until));
            }
            Err(trouble) => work.after_trouble(&trouble)?,
        };
        let batch = batch.into_iter().chain([tenants::operation(&operation.id).into()]);
        operation = match directory.commit(batch).await {
            Ok(outcomes) => last(&outcomes)?.ok_or_else(|| Fault::internal("the operation is gone"))?,
            // Somebody else has it by now.
            Err(fault) if fault.detail.contains(store::GUARD) => {
                return Ok(Some(now.plus(store::LEASE)));
            }
            Err(fault) => return Err(fault),
        };
        if operation.is_over() {
            shared.directory.forget(&operation.tenant.id);
        }
        if operation.is_over() || operation.lease_until.is_none() {
            return Ok(operation.due_at());
        }
    }
}

/// The operation that the last statement of a batch has read.
fn last(outcomes: &[Outcome]) -> Result<Option<Operation>, Fault> {
    outcomes.last().and_then(|outcome| outcome.rows.first()).map(tenants::read_operation).transpose()
}

impl Work<'_> {
    /// Until when an effect outside may be begun: it must have happened, or be past happening, when the lease ends.
    fn deadline(&self) -> Timestamp {
        self.operation.lease_until.unwrap_or(self.now).minus(plan::SETTLING)
    }

    /// The event `offset` places after the last one.
    fn record(
        &self,
        offset: i64,
        step: Step,
        outcome: &'static str,
        detail: Option<&str>,
    ) -> Statement<InDirectory> {
        let attempt = if offset == 1 { self.operation.attempt + 1 } else { 1 };
        let event = Event { sequence: self.operation.sequence + offset, step, outcome, attempt, detail };
        store::record(&self.operation.id, &event, self.holder, self.now)
    }

    /// What is written after a step has been done: its event, what it found out, and what comes next. A next step that
    /// happens in the directory alone is done in the same breath.
    fn after(&self, done: Done) -> Result<Vec<Statement<InDirectory>>, Fault> {
        let (operation, now) = (self.operation, self.now);
        let (tenant, gave_up) = (&operation.tenant.id, operation.state.gave_up.as_deref());
        let next = operation.next(done.chosen);
        let next = next.ok_or_else(|| Fault::internal("the last step is not one of the directory"))?;
        let mut batch = vec![self.record(1, operation.step, done.outcome, done.detail.as_deref())];
        batch.extend(done.writes);
        let (status, error) = match next {
            Step::Activate => {
                batch.push(match operation.status_before() {
                    Some(status) => backups::store::open_again(tenant, status, now),
                    None => tenants::activate(tenant, now),
                });
                (Progress::Succeeded, None)
            }
            Step::Release if gave_up.is_some() => {
                batch.extend(tenants::release(tenant, Status::Failed, now));
                (Progress::Failed, gave_up)
            }
            Step::Release => {
                batch.extend(tenants::release(tenant, Status::Deleted, now));
                (Progress::Succeeded, None)
            }
            Step::Finish if gave_up.is_some() => (Progress::Failed, gave_up),
            Step::Finish => (operation.ending(), None),
            next => {
                batch.push(store::go_on(&operation.id, next, &operation.state, now)?);
                return Ok(batch);
            }
        };
        batch.push(self.record(2, next, "succeeded", None));
        batch.push(store::finish(&operation.id, next, status, error, now));
        Ok(batch)
    }

    /// What is written after a failed attempt: its event, and when to try again; or that it is given up, which closes
    /// what there is of the tenant and goes on with what undoes it.
    fn after_trouble(&self, trouble: &Trouble) -> Result<Vec<Statement<InDirectory>>, Fault> {
        let (operation, now) = (self.operation, self.now);
        if let Trouble::Fault(fault) = trouble {
            let platform = self.shared.platform.as_ref();
            log_fault(platform, operation.id.as_str(), operation.tenant.id.as_str(), fault);
        }
        let words = trouble.words();
        match plan::verdict(operation, trouble, now) {
            Verdict::Again(at) => Ok(vec![
                self.record(1, operation.step, "retried", Some(words.as_str())),
                store::try_again(operation, operation.step, operation.attempt + 1, &words, at, now)?,
            ]),
            Verdict::GiveUp(at) => {
                let mut undoing = operation.clone();
                undoing.state.gave_up = Some(words.clone());
                match operation.kind {
                    Kind::Move => return self.give_back(&undoing, &words, at),
                    Kind::Backup | Kind::Restore | Kind::TimeTravel => {
                        return self.let_be(&undoing, &words, at);
                    }
                    Kind::Provision | Kind::RestoreNew | Kind::Delete => {}
                }
                let next = if at > now {
                    store::try_again(&undoing, Step::Withdraw, 0, &words, at, now)?
                } else {
                    store::go_on(&operation.id, Step::Withdraw, &undoing.state, now)?
                };
                Ok(vec![
                    self.record(1, operation.step, "failed", Some(words.as_str())),
                    self.record(2, Step::Close, "succeeded", None),
                    tenants::abandon(&operation.tenant.id, now),
                    tenants::retire(&operation.tenant.id, now),
                    next,
                ])
            }
        }
    }

    /// What is written when nothing was changed yet of a tenant that is there: it stays as it is, and what was begun of an
    /// archive goes.
    fn let_be(
        &self,
        undoing: &Operation,
        words: &str,
        at: Timestamp,
    ) -> Result<Vec<Statement<InDirectory>>, Fault> {
        let failed = self.record(1, undoing.step, "failed", Some(words));
        let (tenant, now) = (&undoing.tenant.id, self.now);
        let mut batch = vec![failed, store::try_again(undoing, Step::Discard, 0, words, at, now)?];
        batch.extend(undoing.status_before().map(|status| backups::store::open_again(tenant, status, now)));
        Ok(batch)
    }

    /// What is written when a move is given up before it has begun: the tenant stays where it is, and the database that was
    /// got ready for it goes the way it came.
    fn give_back(
        &self,
        undoing: &Operation,
        words: &str,
        at: Timestamp,
    ) -> Result<Vec<Statement<InDirectory>>, Fault> {
        let (id, now) = (&undoing.id, self.now);
        let failed = self.record(1, undoing.step, "failed", Some(words));
        let next = undoing.plan().into_iter().next().filter(|_| undoing.target.is_some());
        Ok(match next {
            Some(next) => vec![
                failed,
                moving::store::retire_target(id, now),
                store::try_again(undoing, next, 0, words, at, now)?,
            ],
            None => vec![
                failed,
                self.record(2, Step::Finish, "succeeded", None),
                store::finish(id, Step::Finish, Progress::Failed, Some(words), now),
            ],
        })
    }
}

impl Done {
    /// It was done, and the directory is to remember this.
    fn with(writes: impl IntoIterator<Item = Statement<InDirectory>>) -> Self {
        Self { outcome: "succeeded", detail: None, writes: writes.into_iter().collect(), chosen: None }
    }

    /// There was nothing to do.
    fn skipped() -> Self {
        Self { outcome: "skipped", ..Self::with([]) }
    }

    fn chosen(self, origin: Origin) -> Self {
        Self { chosen: Some(origin), ..self }
    }

    fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
}
