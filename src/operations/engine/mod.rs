//! The durable engine: takes an operation up, does its steps one after the other, and writes down what came of each.
//!
//! # Why it ends well wherever it dies
//!
//! - A step can be done again: each looks for what an earlier attempt may have left before it makes anything.
//! - What came of a step, its event, and the step that follows are one transaction, which only the holder of the lease
//!   can make, and only once: an instance that was overtaken is refused, and stops.
//! - Nobody takes an operation up while something of it may still be on its way: who works on it has a lease, begins no
//!   effect of that kind in the last [`SETTLING`](retry::SETTLING) of it, and after a lost reply puts the operation down for as long.

pub mod coordinator;
pub mod model;
pub mod procedure;
pub mod retry;
pub mod store;
pub mod subject;
pub mod view;
pub mod wake;

use self::{
    model::{Operation, Order, Progress},
    procedure::{Done, Procedures, Run, Step},
    retry::{RetryDecision, StepError, decide},
    store::Event,
    subject::AssignedDatabase,
};
use crate::{
    access::{Shared, log_fault},
    db::{Meter, Outcome, Statement},
    error::{Fault, FaultKind},
    id::{OperationId, random_text},
    tenant::{InDirectory, Status, TenantDb},
    time::{Lifetime, Timestamp},
};

/// How long one call goes on with steps; what is left is for the next one.
const TIME_BUDGET: Lifetime = Lifetime::seconds(8);

/// How many operations one tick goes on with.
const PER_TICK: i64 = 20;

/// An operation in one worker's hands, at one of its steps.
pub struct StepContext<'a> {
    /// What lives as long as the isolate.
    pub shared: &'a Shared,
    /// The operation.
    pub operation: &'a Operation,
    /// Who holds its lease.
    pub holder: &'a str,
    /// Where the cost is added up.
    pub meter: &'a Meter,
    /// When the attempt began.
    pub now: Timestamp,
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
    let (begin, procedures) = (store::begin(order, status, &holder, now)?, [order.procedure]);
    let batch = change.into_iter().chain(begin).chain([store::operation(&order.id).into()]);
    let operation = match shared.directory.db(meter)?.commit(batch).await {
        Ok(outcomes) => last(&outcomes, &procedures)?,
        Err(Fault { kind: FaultKind::Conflict(column), .. }) if column == "operations.tenant_id" => None,
        Err(fault) => return Err(fault),
    };
    let Some(operation) = operation else { return Ok(None) };
    shared.directory.forget(&order.tenant);
    let next = if order.procedure.at_once {
        carry_on(shared, operation, &holder, meter).await
    } else {
        // Too long to be waited for: the alarm clock begins it, at once.
        shared.directory.db(meter)?.commit([store::release_lease(&order.id, &holder, now, None)]).await?;
        Ok(Some(now))
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
pub async fn advance(
    shared: &Shared,
    procedures: &Procedures,
    id: &OperationId,
) -> Result<Option<Timestamp>, Fault> {
    let meter = Meter::default();
    let holder = random_text(shared.platform.as_ref(), 16);
    let now = shared.platform.now();
    let batch = [store::acquire_lease(id, &holder, now), store::operation(id).into()];
    let outcomes = shared.directory.db(&meter)?.commit(batch).await?;
    let Some(operation) = last(&outcomes, procedures)? else { return Ok(None) };
    let taken = outcomes.first().is_some_and(|outcome| !outcome.rows.is_empty());
    if taken { carry_on(shared, operation, &holder, &meter).await } else { Ok(operation.due_at()) }
}

/// Goes on with whatever is due and was forgotten. Run by the cron trigger.
///
/// # Errors
/// A fault of the directory.
pub async fn tick(shared: &Shared, procedures: &Procedures) -> Result<(), Fault> {
    let meter = Meter::default();
    let directory = shared.directory.db(&meter)?;
    let now = shared.platform.now();
    for row in directory.all(store::due(now, PER_TICK)).await? {
        let id = OperationId::new(row.text("id")?);
        let next = advance(shared, procedures, &id).await;
        report(shared, &id, next).await;
    }
    Ok(())
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
        if now.since(began) > TIME_BUDGET {
            directory.commit([store::release_lease(&operation.id, holder, now, None)]).await?;
            return Ok(Some(now));
        }
        let cx = StepContext { shared, operation: &operation, holder, meter, now };
        let outcome = match operation.step.run {
            Run::Effect(run) => run(&cx).await,
            Run::Recorded | Run::End(_) => {
                Err(Fault::internal(format!("{} is no step of its own", operation.step.name)).into())
            }
        };
        let batch = match outcome {
            Ok(done) => cx.after(done)?,
            Err(StepError::Wait { until, why }) => {
                directory.commit([store::release_lease(&operation.id, holder, until, Some(&why))]).await?;
                return Ok(Some(until));
            }
            Err(error) => cx.after_failure(&error)?,
        };
        let batch = batch.into_iter().chain([store::operation(&operation.id).into()]);
        let procedures = [operation.procedure];
        operation = match directory.commit(batch).await {
            Ok(outcomes) => {
                last(&outcomes, &procedures)?.ok_or_else(|| Fault::internal("the operation is gone"))?
            }
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
fn last(outcomes: &[Outcome], procedures: &Procedures) -> Result<Option<Operation>, Fault> {
    let row = outcomes.last().and_then(|outcome| outcome.rows.first());
    row.map(|row| store::read_operation(row, procedures)).transpose()
}

impl StepContext<'_> {
    /// The database that the step is about.
    ///
    /// # Errors
    /// A fault if there is none.
    pub fn assigned(&self) -> Result<&AssignedDatabase, Fault> {
        let assigned = self.operation.tenant.database.as_ref();
        assigned.ok_or_else(|| Fault::internal("the tenant has no database at a step that needs one"))
    }

    /// That database, for the tenant's epoch.
    ///
    /// # Errors
    /// A fault if there is none, or it cannot be reached.
    pub fn tenant_db(&self) -> Result<TenantDb, Fault> {
        let (tenant, database) = (&self.operation.tenant, &self.assigned()?.database);
        self.shared.directory.lifecycle_db(&tenant.id, tenant.epoch, database, self.meter)
    }

    /// Until when an effect outside may be begun: it must have happened, or be past happening, when the lease ends.
    pub fn deadline(&self) -> Timestamp {
        self.operation.lease_until.unwrap_or(self.now).minus(retry::SETTLING)
    }

    /// The event `offset` places after the last one.
    fn event(
        &self,
        offset: i64,
        step: &'static Step,
        outcome: &'static str,
        detail: Option<&str>,
    ) -> Statement<InDirectory> {
        let attempt = if offset == 1 { self.operation.attempt + 1 } else { 1 };
        let event = Event { sequence: self.operation.sequence + offset, step, outcome, attempt, detail };
        store::record(&self.operation.id, &event, self.holder, self.now)
    }

    /// Writes after a step has been done: its event, what it found out, and what comes next.
    fn after(&self, done: Done) -> Result<Vec<Statement<InDirectory>>, Fault> {
        let operation = self.operation;
        let mut batch = vec![self.event(1, operation.step, done.outcome, done.detail.as_deref())];
        batch.extend(done.writes);
        let ahead: Vec<_> = operation.next(done.chosen).into_iter().collect();
        self.proceed(operation, &ahead, self.now, &mut batch)?;
        Ok(batch)
    }

    /// Writes after a failed attempt: its event, and when to try again; or that the operation is given up, and the first of
    /// the steps that undo it.
    fn after_failure(&self, error: &StepError) -> Result<Vec<Statement<InDirectory>>, Fault> {
        let (operation, now) = (self.operation, self.now);
        if let StepError::Fault(fault) = error {
            let platform = self.shared.platform.as_ref();
            log_fault(platform, operation.id.as_str(), operation.tenant.id.as_str(), fault);
        }
        let words = error.words();
        match decide(operation, error, now) {
            RetryDecision::Again(at) => Ok(vec![
                self.event(1, operation.step, "retried", Some(words.as_str())),
                store::try_again(operation, (operation.step, operation.attempt + 1), &words, at, now)?,
            ]),
            RetryDecision::GiveUp(at) => {
                let mut batch = vec![self.event(1, operation.step, "failed", Some(words.as_str()))];
                batch.extend((operation.procedure.on_failure)(operation, now));
                let undoing = Operation { failure: Some(words), ..operation.clone() };
                self.proceed(&undoing, &undoing.plan(), at, &mut batch)?;
                Ok(batch)
            }
        }
    }

    /// Goes on with what is ahead, not before `at`. Steps that happen in the directory alone are done in the same breath.
    fn proceed(
        &self,
        operation: &Operation,
        ahead: &[&'static Step],
        at: Timestamp,
        batch: &mut Vec<Statement<InDirectory>>,
    ) -> Result<(), Fault> {
        let (failure, now) = (operation.failure.as_deref(), self.now);
        for (step, offset) in ahead.iter().copied().zip(2..) {
            match step.run {
                Run::Effect(_) => {
                    batch.push(if at > now {
                        let words = failure.unwrap_or_default();
                        store::try_again(operation, (step, 0), words, at, now)?
                    } else {
                        store::go_on(operation, step, now)?
                    });
                    return Ok(());
                }
                Run::Recorded => batch.push(self.event(offset, step, "succeeded", None)),
                Run::End(end) => {
                    let (status, writes) = end(operation, now);
                    let status = if failure.is_some() { Progress::Failed } else { status };
                    batch.extend(writes);
                    batch.push(self.event(offset, step, "succeeded", None));
                    batch.push(store::finish(&operation.id, step, status, failure, now));
                    return Ok(());
                }
            }
        }
        Err(Fault::internal(format!("{} has no end", operation.procedure.name)))
    }
}
