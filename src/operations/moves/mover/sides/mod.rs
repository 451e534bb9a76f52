//! The two databases of a move: opened, read, and changed behind the guard.

mod actions;

use super::super::{
    goal::{MoveRow, Terms},
    model::Side,
    protocol::{Action, Reply},
    store::{
        directory,
        replica::{self as store, Part},
        rows,
    },
};
use super::pace::Pace;
use crate::{
    db::{Meter, Outcome, Query, Row, Statement, schema::Table},
    error::Fault,
    id::TenantId,
    operations::{
        engine::{StepContext, subject::Origin},
        tenants::databases::store::read_database,
    },
    tenant::{self, InTenant, TenantDb, store::Database},
    time::Lifetime,
};
use std::collections::{BTreeMap, BTreeSet};

/// The epoch of a mover's handle: later than any fence. What guards its writes is the version of the record.
const NO_EPOCH_LIMIT: i64 = (1 << 53) - 1;

/// The two databases of a move, and how to talk to them.
pub(super) struct Sides<'a> {
    cx: &'a StepContext<'a>,
    terms: &'a Terms,
    /// The tables whose rows are the tenant.
    pub(super) tables: Vec<Table>,
    databases: [(Database, Origin); 2],
    handles: [TenantDb; 2],
    pace: BTreeMap<usize, Pace>,
    /// The directory's row of the move, as it was last seen.
    pub(super) seen: Option<MoveRow>,
    /// How many statements have been run.
    pub(super) statements: usize,
    /// How long the last call of home took.
    pub(super) latency: Lifetime,
}

impl<'a> Sides<'a> {
    /// Opens both databases, and brings them to this release's schema.
    pub(super) async fn open(cx: &'a StepContext<'a>, terms: &'a Terms) -> Result<Self, Fault> {
        let shared = cx.shared;
        let found = shared.directory.db(cx.meter)?.all(directory::databases(&cx.operation.id)).await?;
        let database = |side: &str| -> Result<(Database, Origin), Fault> {
            let row = found.iter().find(|row| row.text("side").is_ok_and(|found| found == side));
            let row = row.ok_or_else(|| Fault::internal(format!("a move has no {side}")))?;
            let origin = Origin::parse(&row.text("kind")?);
            let origin = origin.ok_or_else(|| Fault::internal("the directory holds an unknown origin"))?;
            Ok((read_database(row)?, origin))
        };
        let databases = [database("source")?, database("target")?];
        let handle = |database: &(Database, Origin)| {
            reach(&shared.directory, &cx.operation.tenant.id, &database.0, cx.meter)
        };
        let [source, target] = &databases;
        let handles = [handle(source)?, handle(target)?];
        for handle in &handles {
            shared.config.schema.migrate(handle.driver().as_ref()).await?;
        }
        Ok(Self {
            cx,
            terms,
            tables: shared.config.schema.moved(),
            databases,
            handles,
            pace: BTreeMap::new(),
            seen: None,
            statements: 0,
            latency: Lifetime::milliseconds(0),
        })
    }

    fn part(&self) -> Part<'a> {
        Part {
            operation: &self.cx.operation.id,
            generation: self.terms.generation,
            schema: self.cx.shared.config.schema.version(),
        }
    }

    /// The database of a side.
    pub(super) fn database(&self, side: Side) -> &Database {
        &self.placed(side).0
    }

    /// Where that comes from.
    pub(super) fn origin(&self, side: Side) -> Origin {
        self.placed(side).1
    }

    fn placed(&self, side: Side) -> &(Database, Origin) {
        let [source, target] = &self.databases;
        if side == Side::Source { source } else { target }
    }

    fn handle(&self, side: Side) -> &TenantDb {
        let [source, target] = &self.handles;
        if side == Side::Source { source } else { target }
    }

    fn table(&self, number: usize) -> Result<&Table, Fault> {
        self.tables.get(number).ok_or_else(|| Fault::internal("a cursor is in no table"))
    }

    /// What an action is about, in words for the operator.
    pub(super) fn describe(&self, action: &Action) -> String {
        let name = |number: usize| self.tables.get(number).map_or("?", |table| table.name);
        match action {
            Action::Read { cursor, .. }
            | Action::Check { cursor, .. }
            | Action::ReadReplica { cursor, .. } => {
                format!("reading {}", name(cursor.table))
            }
            Action::Write { chunk, .. } => format!("writing {}", name(chunk.table)),
            Action::Apply { changes, .. } => {
                let tables: BTreeSet<_> = changes.rows.keys().map(|(table, _)| name(*table)).collect();
                format!("bringing changes of {}", tables.into_iter().collect::<Vec<_>>().join(", "))
            }
            _ => "moving".to_owned(),
        }
    }

    /// One transaction on a side, behind the guard; answers how it looks then.
    async fn change(
        &mut self,
        side: Side,
        version: Option<i64>,
        batch: Vec<Statement<InTenant>>,
    ) -> Result<Reply, Fault> {
        let outcomes = self.commit(side, version, batch).await?;
        let view = outcomes.last().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
        Ok(Reply::Status(side, store::status(first(view)?)?))
    }

    async fn commit(
        &mut self,
        side: Side,
        version: Option<i64>,
        batch: Vec<Statement<InTenant>>,
    ) -> Result<Vec<Outcome>, Fault> {
        let guard = version.map(|version| store::guard(self.part(), version));
        let look = store::read_status(&self.cx.operation.id).into();
        let batch: Vec<_> = guard.into_iter().chain(batch).chain([look]).collect();
        self.statements += batch.len();
        self.handle(side).commit(batch).await
    }

    async fn read<const N: usize>(
        &mut self,
        side: Side,
        queries: [Query<InTenant>; N],
    ) -> Result<[Vec<Row>; N], Fault> {
        self.statements += N;
        let began = self.cx.shared.platform.now();
        let answer = self.handle(side).read(queries).await;
        self.latency = self.cx.shared.platform.now().since(began);
        answer
    }

    /// How many rows the tenant has at home, by table.
    pub(super) async fn count(&mut self, side: Side) -> Result<BTreeMap<&'static str, i64>, Fault> {
        let queries: Vec<Statement<InTenant>> =
            self.tables.iter().map(|table| rows::count(table).into()).collect();
        let outcomes = self.commit(side, None, queries).await?;
        let mut counted = BTreeMap::new();
        for (table, outcome) in self.tables.iter().zip(&outcomes) {
            counted.insert(table.name, crate::db::page::total(&outcome.rows)?);
        }
        Ok(counted)
    }
}

/// A handle for the move alone: no fence stops it, its own guard does.
///
/// # Errors
/// A fault if the database cannot be reached.
pub(crate) fn reach(
    directory: &tenant::Directory,
    tenant: &TenantId,
    database: &Database,
    meter: &Meter,
) -> Result<TenantDb, Fault> {
    directory.lifecycle_db(tenant, NO_EPOCH_LIMIT, database, meter)
}

/// The one row of a look.
fn first(rows: &[Row]) -> Result<&Row, Fault> {
    rows.first().ok_or_else(|| Fault::internal("a look answers one row"))
}
