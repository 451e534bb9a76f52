//! The database that is archived: captures what changes meanwhile, and is read.

use super::super::{format::Draft, model::Reason};
use crate::{
    db::{Outcome, Statement, page::total, schema::Table},
    error::{Fault, FaultKind},
    id::{OperationId, TenantId},
    json,
    operations::{
        engine::{StepContext, retry::StepError},
        moves::{
            model::{Cursor, Replica, ReplicaStatus, Role},
            mover::pace::Pace,
            store::{
                replica::{self as store, Change, Part},
                rows,
            },
        },
        tenants::rows::store as wiping,
    },
    platform::Platform,
    tenant::{InTenant, TenantDb},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

/// Captured keys that are read again at once; when no more than these are left, it is done at that instant.
const CHANGES: i64 = 200;

/// The source of an archive. It keeps the same record of its part as the home of a move, and is guarded by it in the same
/// way; see [`moves`](crate::operations::moves).
pub(super) struct Source {
    platform: Rc<dyn Platform>,
    operation: OperationId,
    tenant: TenantId,
    /// The tenant's epoch: each operation that captures has one of its own.
    generation: i64,
    /// Whether nobody shall write to it any more.
    closes: bool,
    db: TenantDb,
    tables: Vec<Table>,
    /// How many migrations this release has.
    schema: i64,
    pace: BTreeMap<usize, Pace>,
    changes: i64,
    /// How many statements have been run.
    pub(super) statements: usize,
}

/// What was read of what had changed.
pub(super) struct Followed {
    /// Up to which position of the log.
    pub(super) upto: i64,
    /// If that was everything at that instant: how many rows each table had then.
    pub(super) counts: Option<BTreeMap<String, u64>>,
}

impl Source {
    pub(super) fn new(cx: &StepContext<'_>, db: TenantDb, reason: Reason, tables: Vec<Table>) -> Self {
        let operation = cx.operation;
        Self {
            platform: Rc::clone(&cx.shared.platform),
            operation: operation.id.clone(),
            tenant: operation.tenant.id.clone(),
            generation: operation.tenant.epoch,
            closes: reason == Reason::Deletion,
            db,
            tables,
            schema: cx.shared.config.schema.version(),
            pace: BTreeMap::new(),
            changes: CHANGES,
            statements: 0,
        }
    }

    /// The columns of each table that is archived, without the tenant.
    pub(super) fn columns(&self) -> BTreeMap<String, Vec<String>> {
        let columns = |table: &Table| table.columns.iter().skip(1).map(|name| (*name).to_owned()).collect();
        json::gather(self.tables.iter().map(|table| (table.name.to_owned(), columns(table))))
    }

    fn part(&self) -> Part<'_> {
        Part { operation: &self.operation, generation: self.generation, schema: self.schema }
    }

    async fn run(&mut self, batch: Vec<Statement<InTenant>>) -> Result<(Vec<Outcome>, ReplicaStatus), Fault> {
        let look = store::read_status(&self.operation).into();
        let batch: Vec<_> = batch.into_iter().chain([look]).collect();
        self.statements += batch.len();
        let mut outcomes = self.db.commit(batch).await?;
        let view = outcomes.pop().and_then(|outcome| outcome.rows.into_iter().next());
        let view = view.ok_or_else(|| Fault::internal("a look answers one row"))?;
        Ok((outcomes, store::status(&view)?))
    }

    async fn record(&mut self) -> Result<Option<Replica>, Fault> {
        Ok(self.run(Vec::new()).await?.1.record)
    }

    /// Has it capture the keys of what changes, from now on. Answers the position of its log.
    pub(super) async fn lead(&mut self) -> Result<i64, StepError> {
        let mut batch = match self.record().await? {
            None => {
                vec![store::enter(self.part(), Role::Primary, self.generation), store::guard(self.part(), 1)]
            }
            Some(record) => {
                let change =
                    Change { role: Some(Role::Primary), schema: Some(self.schema), ..Change::default() };
                vec![store::guard(self.part(), record.version), store::advance(&change)?]
            }
        };
        if self.closes {
            batch.push(wiping::raise_fence(self.generation, "final archive"));
            batch.push(store::close(self.generation));
        }
        batch.extend(store::capture(&self.tenant, &self.tables));
        match self.run(batch).await {
            Ok((_, ReplicaStatus { record: Some(record), .. })) => Ok(record.captured),
            Ok(_) => Err(Fault::internal("a record was entered and is not there").into()),
            Err(Fault { kind: FaultKind::Overtaken, .. }) => Err(StepError::Wait {
                until: self.platform.now(),
                why: "another instance goes on".to_owned(),
            }),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Copies rows from a cursor on until a part is full. Answers where it goes on, unless that was the end.
    pub(super) async fn copy(&mut self, cursor: Cursor, draft: &mut Draft) -> Result<Option<Cursor>, Fault> {
        let mut cursor = cursor;
        while let Some(table) = self.tables.get(cursor.table).cloned() {
            let pace = self.pace.get(&cursor.table).copied().unwrap_or(Pace::FIRST);
            let stretch = rows::stretch(&table, cursor.after.as_deref(), pace.rows())?;
            let began = self.platform.now();
            self.statements += 1;
            let found = match self.db.all(stretch).await {
                // Longer than a text may be: fewer of them.
                Err(fault) if fault.detail.contains("too big") && pace.rows() > 1 => {
                    self.pace.insert(cursor.table, pace.halved());
                    continue;
                }
                found => found?,
            };
            let chunk = rows::chunk(cursor.table, found.first(), pace.rows())?;
            let bytes: usize = chunk.rows.iter().map(|row| row.text.len()).sum();
            let took = self.platform.now().since(began);
            self.pace.insert(cursor.table, pace.after(chunk.rows.len(), bytes as u64, took));
            draft.add(table.name, chunk.rows.iter().map(|row| (row.key.as_str(), Some(row.text.as_str()))));
            cursor = match chunk.rows.last() {
                Some(row) if !chunk.last => Cursor { table: cursor.table, after: Some(row.key.clone()) },
                _ => Cursor { table: cursor.table + 1, after: None },
            };
            if draft.is_full() {
                break;
            }
        }
        Ok((cursor.table < self.tables.len()).then_some(cursor))
    }

    /// Reads again what was captured behind a position, in one transaction with the log; and if that is all there was at
    /// that instant, how many rows there were.
    pub(super) async fn follow(&mut self, after: i64, draft: &mut Draft) -> Result<Followed, StepError> {
        let record = self.record().await?.ok_or_else(|| Fault::internal("nothing is captured"))?;
        loop {
            let upto = after + self.changes;
            let nearly = record.captured <= upto;
            let captured = store::captured(after, self.changes).into();
            let mut batch: Vec<Statement<InTenant>> = vec![store::forget_captured(after), captured];
            batch.extend(self.tables.iter().map(|table| rows::changed(table, after, upto).into()));
            if nearly {
                batch.extend(self.tables.iter().map(|table| rows::count(table).into()));
            }
            match self.run(batch).await {
                Err(fault) if fault.detail.contains("too big") && self.changes > 1 => {
                    self.changes = (self.changes / 2).max(1);
                }
                read => {
                    let (outcomes, view) = read?;
                    return Ok(self.followed(upto, nearly, &outcomes, &view, draft)?);
                }
            }
        }
    }

    fn followed(
        &self,
        upto: i64,
        counted: bool,
        outcomes: &[Outcome],
        view: &ReplicaStatus,
        draft: &mut Draft,
    ) -> Result<Followed, Fault> {
        let answers = |index: usize| outcomes.get(index).map(|outcome| outcome.rows.as_slice());
        let missing = || Fault::internal("a batch has as many answers as statements");
        let mut gone: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in answers(1).ok_or_else(missing)? {
            gone.entry(row.text("name")?).or_default().insert(row.text("key")?);
        }
        for (index, table) in self.tables.iter().enumerate() {
            let found = rows::rows(answers(2 + index).ok_or_else(missing)?.first())?;
            let mut keys = gone.remove(table.name).unwrap_or_default();
            for row in &found {
                keys.remove(&row.key);
            }
            let there = found.iter().map(|row| (row.key.as_str(), Some(row.text.as_str())));
            draft.add(table.name, there.chain(keys.iter().map(|key| (key.as_str(), None))));
        }
        let captured = view.record.as_ref().map_or(0, |record| record.captured);
        if !counted || captured > upto {
            return Ok(Followed { upto, counts: None });
        }
        let mut counts = BTreeMap::new();
        for (index, table) in self.tables.iter().enumerate() {
            let counted = total(answers(2 + self.tables.len() + index).ok_or_else(missing)?)?;
            counts.insert(table.name.to_owned(), counted.unsigned_abs());
        }
        Ok(Followed { upto, counts: Some(counts) })
    }

    /// Has it capture nothing any more. Again, it changes nothing.
    pub(super) async fn release(&mut self) -> Result<(), StepError> {
        let Some(record) = self.record().await?.filter(|record| record.role != Role::Detached) else {
            return Ok(());
        };
        let mut batch = vec![store::guard(self.part(), record.version)];
        batch.extend(store::release(&self.tenant, &self.tables));
        let change = Change { role: Some(Role::Detached), ..Change::default() };
        batch.extend([store::forget_all_captured(), store::advance(&change)?]);
        match self.run(batch).await {
            Err(Fault { kind: FaultKind::Overtaken, .. }) => Err(StepError::Wait {
                until: self.platform.now(),
                why: "another instance goes on".to_owned(),
            }),
            released => Ok(released.map(drop)?),
        }
    }
}
