//! SQL as values: statements, the two scopes they belong to, and the one trait that runs them.

pub mod driver;
pub mod filter;
pub mod lucene;
pub mod page;
pub mod quota;
pub mod row;
pub mod schema;
pub mod statement;
pub mod unchanged;

pub use driver::{Cost, Driver, Meter, Outcome, RawStatement};
pub use filter::{Field, Filter, Kind};
pub use page::Page;
pub use quota::Quotas;
pub use row::{Row, readable};
pub use statement::{Query, Statement, Value, define, list, read, write};
pub use unchanged::unchanged;

use crate::{
    error::{Fault, FaultKind, Stale},
    platform::LocalBox,
};
use std::{cell::Cell, rc::Rc};

/// Which database a statement belongs to. A tenant statement does not type-check on the directory, nor the reverse.
/// Implemented, with private fields, where scopes are proven: in `tenant`.
pub trait Scope {
    /// What is bound as `?1` of every statement, if anything.
    fn first(&self) -> Option<Value>;
    /// The statement that makes the database refuse the whole batch if this handle must not write (any more).
    fn guard(&self) -> Option<RawStatement>;
    /// The statement that answers a row if this handle must not even read (any more).
    fn read_guard(&self) -> Option<RawStatement>;
    /// What turns out to be old when one of them refuses.
    fn stale(&self) -> Option<Stale>;
    /// Whether this handle may write at all.
    ///
    /// # Errors
    /// [`FaultKind::ReadOnly`] if not.
    fn check_writable(&self) -> Result<(), Fault>;
}

/// A handle on the rows of one scope.
#[derive(Clone)]
pub struct Db<S> {
    driver: Rc<dyn Driver>,
    scope: S,
    meter: Meter,
    /// Whether something was committed through this handle, or a copy of it.
    wrote: Rc<Cell<bool>>,
}

impl<S: Scope> Db<S> {
    /// A handle on the rows of `scope`; whoever can make the scope has proven what it stands for.
    pub fn new(driver: Rc<dyn Driver>, scope: S, meter: Meter) -> Self {
        Self { driver, scope, meter, wrote: Rc::default() }
    }

    /// The same, with a meter of its own: for what happens after the answer, and is not what the request cost.
    pub fn apart(&self) -> Self
    where
        S: Clone,
    {
        Self { meter: Meter::default(), ..self.clone() }
    }

    /// What this handle speaks for.
    pub fn scope(&self) -> &S {
        &self.scope
    }

    /// Runs one read.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn all(&self, query: Query<S>) -> Result<Vec<Row>, Fault> {
        Ok(self.answers(vec![query]).await?.pop().unwrap_or_default())
    }

    /// Runs one read and keeps its first row.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn first(&self, query: Query<S>) -> Result<Option<Row>, Fault> {
        Ok(self.all(query).await?.into_iter().next())
    }

    /// Runs several reads in one round trip.
    ///
    /// # Errors
    /// [`FaultKind::Fenced`], or another fault of the database.
    pub async fn read<const N: usize>(&self, queries: [Query<S>; N]) -> Result<[Vec<Row>; N], Fault> {
        let rows = self.answers(queries.into()).await?;
        rows.try_into().map_err(|_| Fault::internal("the driver answered another number of statements"))
    }

    /// Runs several reads, and any number of others that ride along, in one round trip.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn read_with<const N: usize>(
        &self,
        queries: [Query<S>; N],
        others: impl IntoIterator<Item = Query<S>>,
    ) -> Result<([Vec<Row>; N], Vec<Vec<Row>>), Fault> {
        let mut rows = self.answers(queries.into_iter().chain(others).collect()).await?;
        let others = rows.split_off(N.min(rows.len()));
        let rows = rows
            .try_into()
            .map_err(|_| Fault::internal("the driver answered another number of statements"))?;
        Ok((rows, others))
    }

    /// Reads any number of queries. Behind a pointer, as is [`Self::transact`], so that their workings are compiled once
    /// instead of into the future of everybody who awaits them.
    fn answers(&self, queries: Vec<Query<S>>) -> LocalBox<'_, Result<Vec<Vec<Row>>, Fault>> {
        Box::pin(async move {
            // Who has written has written while this was the right place, and goes on from there: to be sent elsewhere now
            // would be to do it all again.
            let guard = self.scope.read_guard().filter(|_| !self.wrote.get());
            let guarded = guard.is_some();
            let asked = queries.len();
            let reads = queries.into_iter().map(|query| query.raw(self.scope.first()));
            let mut outcomes = self.run(guard.into_iter().chain(reads).collect()).await?.into_iter();
            if guarded && outcomes.next().is_none_or(|guard| !guard.rows.is_empty()) {
                let kind = FaultKind::Fenced(self.scope.stale());
                return Err(Fault { kind, detail: "closed to handles of this epoch".to_owned() });
            }
            let rows: Vec<Vec<Row>> = outcomes.map(|outcome| outcome.rows).collect();
            if rows.len() == asked {
                Ok(rows)
            } else {
                Err(Fault::internal("the driver answered another number of statements"))
            }
        })
    }

    /// Commits statements as one transaction: all of them or none. Answers what each returned.
    ///
    /// # Errors
    /// [`FaultKind`] `ReadOnly`, `Fenced`, `Conflict`, or another fault of the database.
    pub fn commit(
        &self,
        batch: impl IntoIterator<Item = Statement<S>>,
    ) -> LocalBox<'_, Result<Vec<Outcome>, Fault>> {
        self.transact(batch.into_iter().collect())
    }

    fn transact(&self, batch: Vec<Statement<S>>) -> LocalBox<'_, Result<Vec<Outcome>, Fault>> {
        Box::pin(async move {
            self.scope.check_writable()?;
            let guard = self.scope.guard();
            let guards = usize::from(guard.is_some());
            let writes = batch.into_iter().map(|statement| statement.raw(self.scope.first()));
            let statements: Vec<_> = guard.into_iter().chain(writes).collect();
            if statements.len() == guards {
                return Ok(Vec::new());
            }
            let outcomes = self.run(statements).await?;
            self.wrote.set(true);
            Ok(outcomes.into_iter().skip(guards).collect())
        })
    }

    async fn run(&self, statements: Vec<RawStatement>) -> Result<Vec<Outcome>, Fault> {
        let outcomes = self.driver.run(statements).await.map_err(|fault| match fault.kind {
            FaultKind::Fenced(None) => Fault { kind: FaultKind::Fenced(self.scope.stale()), ..fault },
            _ => fault,
        })?;
        self.meter.add(&outcomes);
        Ok(outcomes)
    }

    /// The driver beneath, for the migrations and the lifecycle of whole databases.
    pub(crate) fn driver(&self) -> &Rc<dyn Driver> {
        &self.driver
    }
}
