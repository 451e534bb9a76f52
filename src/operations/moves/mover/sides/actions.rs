//! What the actions of the protocol are in SQL: each effect one transaction that begins with the guard and ends with a look.

use super::{
    super::{
        super::{
            goal::goal,
            model::{Cursor, Directory, Role, Side},
            protocol::{Action, Reply},
            rows::{Changes, Chunk},
            store::{
                directory,
                replica::{self as store, Change},
                rows,
            },
        },
        pace::Pace,
    },
    NO_EPOCH_LIMIT, Sides, first,
};
use crate::{
    db::{Row, Statement},
    error::{Fault, FaultKind},
    operations::tenants::rows::store as wiping,
    tenant::InTenant,
};
use std::collections::{BTreeMap, BTreeSet};

/// Captured keys that are brought at once.
const CHANGES: i64 = 200;

/// Rows of each table that one call deletes.
const PURGED: i64 = 500;

impl Sides<'_> {
    /// Performs an action.
    ///
    /// # Errors
    /// A fault of a database. Whatever it was, the call may have happened.
    pub(in super::super) async fn perform(&mut self, action: &Action) -> Result<Reply, Fault> {
        match self.make(action).await {
            Err(Fault { kind: FaultKind::Overtaken, .. }) => Ok(Reply::Failed),
            other => other,
        }
    }

    async fn make(&mut self, action: &Action) -> Result<Reply, Fault> {
        match action {
            Action::Directory => self.directory().await,
            Action::Flip { epoch, to, home } => self.leave_epoch(*epoch, *to, *home).await,
            Action::Reopen { epoch, to } => {
                let home = self.seen.map_or(Side::Source, |seen| seen.home);
                self.leave_epoch(*epoch, *to, home).await
            }
            Action::ReadStatus(side) => self.change(*side, None, vec![]).await,
            Action::Read { side, cursor } => self.stretch(*side, cursor, None).await,
            Action::Check { side, cursor, after } => self.stretch(*side, cursor, Some(*after)).await,
            Action::ReadReplica { side, cursor, until } => {
                let table = self.table(cursor.table)?;
                let between = rows::between(table, cursor.after.as_deref(), until.as_deref())?;
                let look = store::read_status(&self.cx.operation.id);
                let [found, view] = self.read(*side, [between, look]).await?;
                Ok(Reply::Recalled(*side, store::status(first(&view)?)?, rows::rows(found.first())?))
            }
            Action::Changes { side, after } => self.changes(*side, *after).await,
            effect => self.effect(effect).await,
        }
    }

    async fn effect(&mut self, action: &Action) -> Result<Reply, Fault> {
        let tenant = &self.cx.operation.tenant.id;
        let (role, schema) = (|role| Change { role: Some(role), ..Change::default() }, self.part().schema);
        let start = Cursor::default();
        match action {
            Action::StartPrimary { side, version: None, epoch } => {
                let mut batch =
                    vec![store::enter(self.part(), Role::Primary, *epoch), store::guard(self.part(), 1)];
                batch.extend(store::capture(tenant, &self.tables));
                self.change(*side, None, batch).await
            }
            Action::StartPrimary { side, version: Some(version), .. } => {
                let change = Change { schema: Some(schema), ..role(Role::Primary) };
                let mut batch = store::capture(tenant, &self.tables);
                batch.push(store::advance(&change)?);
                self.change(*side, Some(*version), batch).await
            }
            Action::StartReplica { side, version: None } => {
                let batch = vec![store::enter(self.part(), Role::Clearing, 0), store::guard(self.part(), 1)];
                self.change(*side, None, batch).await
            }
            Action::StartReplica { side, version: Some(version) } => {
                let (tally, schema) = (Default::default(), Some(schema));
                let (copy, check) = (Some(Some(&start)), Some(Some(&start)));
                let change = Change { copy, check, tally: Some(&tally), schema, ..role(Role::Clearing) };
                self.change(*side, Some(*version), vec![store::advance(&change)?]).await
            }
            Action::Clear { side, version } => self.clear(*side, *version).await,
            Action::FinishClear { side, version, role: to } => {
                self.change(*side, Some(*version), vec![store::advance(&role(*to))?]).await
            }
            Action::Write { side, version, chunk, next, tally } => {
                let mut change =
                    Change { copy: Some(next.as_ref()), tally: Some(tally), ..Change::default() };
                if next.is_none() {
                    change.role = Some(Role::Following);
                }
                let mut batch = Vec::new();
                if !chunk.rows.is_empty() {
                    batch.push(rows::put(
                        self.table(chunk.table)?,
                        &list(chunk.rows.iter().map(|row| row.text.as_str())),
                    ));
                }
                batch.push(store::advance(&change)?);
                self.change(*side, Some(*version), batch).await
            }
            Action::Checked { side, version, next, tally } => {
                let change = Change { check: Some(next.as_ref()), tally: Some(tally), ..Change::default() };
                self.change(*side, Some(*version), vec![store::advance(&change)?]).await
            }
            Action::Apply { side, version, changes, tally } => {
                let mut batch = self.bring(changes)?;
                let change =
                    Change { watermark: Some(changes.upto), tally: Some(tally), ..Change::default() };
                batch.push(store::advance(&change)?);
                self.change(*side, Some(*version), batch).await
            }
            Action::Fence { side, version, epoch } => {
                let batch = vec![wiping::raise_fence(*epoch, "moving"), store::advance(&Change::default())?];
                self.change(*side, Some(*version), batch).await
            }
            Action::Promote { side, version, epoch } => {
                let change = Change { led: Some(*epoch), ..role(Role::Primary) };
                let mut batch = vec![wiping::raise_fence(*epoch, "moved here"), store::forget_all_captured()];
                batch.extend(store::capture(tenant, &self.tables));
                batch.push(store::advance(&change)?);
                self.change(*side, Some(*version), batch).await
            }
            Action::Close { side, version, epoch } => {
                let batch = vec![store::close(*epoch), store::advance(&Change::default())?];
                self.change(*side, Some(*version), batch).await
            }
            Action::Demote { side, version, watermark } => {
                let change =
                    Change { watermark: Some(*watermark), check: Some(None), ..role(Role::Following) };
                let mut batch = store::release(tenant, &self.tables);
                batch.extend([store::forget_all_captured(), store::advance(&change)?]);
                self.change(*side, Some(*version), batch).await
            }
            Action::Detach { side, version } => self.quit(*side, *version, Role::Detaching).await,
            Action::Release { side, version } => self.quit(*side, *version, Role::Detached).await,
            other => Err(Fault::internal(format!("{other:?} is no effect"))),
        }
    }

    /// Gives up a part, or enters that there never will be one.
    async fn quit(&mut self, side: Side, version: Option<i64>, role: Role) -> Result<Reply, Fault> {
        let Some(version) = version else {
            let batch = vec![store::enter(self.part(), role, 0), store::guard(self.part(), 1)];
            return self.change(side, None, batch).await;
        };
        let mut batch = store::release(&self.cx.operation.tenant.id, &self.tables);
        let change = Change { role: Some(role), ..Change::default() };
        batch.extend([store::forget_all_captured(), store::advance(&change)?]);
        self.change(side, Some(version), batch).await
    }

    async fn clear(&mut self, side: Side, version: i64) -> Result<Reply, Fault> {
        let purges = self.tables.iter().map(|table| wiping::purge(table, PURGED));
        let mut batch: Vec<_> = purges.collect();
        batch.extend([store::forget_all_captured(), store::advance(&Change::default())?]);
        let outcomes = self.commit(side, Some(version), batch).await?;
        let purged = outcomes.get(1..=self.tables.len()).unwrap_or_default();
        let emptied = purged.iter().all(|outcome| outcome.changes < PURGED.unsigned_abs());
        let view = outcomes.last().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
        Ok(Reply::Cleared(side, store::status(first(view)?)?, emptied))
    }

    /// Rows of home from a cursor on, for copying, or with what its log names after a position, for comparing.
    async fn stretch(&mut self, side: Side, cursor: &Cursor, after: Option<i64>) -> Result<Reply, Fault> {
        let pace = self.pace.get(&cursor.table).copied().unwrap_or(Pace::FIRST);
        let table = self.table(cursor.table)?;
        let stretch = rows::stretch(table, cursor.after.as_deref(), pace.rows())?;
        let named = store::captured_of(table, after.unwrap_or(NO_EPOCH_LIMIT));
        let read = self.read(side, [stretch, named]).await;
        let [found, named] = match read {
            // Longer than a text may be: fewer of them.
            Err(fault) if fault.detail.contains("too big") && pace.rows() > 1 => {
                self.pace.insert(cursor.table, pace.halved());
                return Ok(Reply::Failed);
            }
            read => read?,
        };
        let chunk = rows::chunk(cursor.table, found.first(), pace.rows())?;
        self.pace.insert(cursor.table, pace.after(chunk.rows.len(), bytes(&chunk), self.latency));
        if after.is_none() {
            return Ok(Reply::Rows(chunk));
        }
        let pending = named.iter().map(|row| row.text("key")).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(Reply::Checking(chunk, pending))
    }

    /// What was captured after a position, and the rows as they are now. What was brought before is forgotten on the way.
    async fn changes(&mut self, side: Side, after: i64) -> Result<Reply, Fault> {
        let captured = store::captured(after, CHANGES).into();
        let outcomes = self.commit(side, None, vec![store::forget_captured(after), captured]).await?;
        let [_, named, look] = outcomes.as_slice() else {
            return Err(Fault::internal("a batch of three has three answers"));
        };
        let captured = store::status(first(&look.rows)?)?.record.map_or(0, |record| record.captured);
        let mut upto = captured;
        let mut keys: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for row in &named.rows {
            upto = row.int("sequence")?;
            let name = row.text("name")?;
            let table = self.tables.iter().position(|table| table.name == name);
            // A table of a newer release: whoever works for that brings it.
            let table = table.ok_or_else(|| Fault::unavailable(format!("captured a row of {name}")))?;
            keys.entry(table).or_default().insert(row.text("key")?);
        }
        let mut changes = Changes { upto, captured, rows: BTreeMap::new() };
        for (table, keys) in keys {
            let query = rows::named(self.table(table)?, &list(keys.iter().map(String::as_str)));
            let [found] = self.read(side, [query]).await?;
            let found = rows::rows(found.first())?;
            changes.rows.extend(keys.into_iter().map(|key| ((table, key), None)));
            changes.rows.extend(found.into_iter().map(|row| ((table, row.key), Some(row.text))));
        }
        Ok(Reply::Changes(changes))
    }

    /// Everything that was named goes, what is there now comes, and is read back in the same transaction.
    fn bring(&self, changes: &Changes) -> Result<Vec<Statement<InTenant>>, Fault> {
        let mut tables: BTreeMap<usize, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
        for ((table, key), row) in &changes.rows {
            let (keys, texts) = tables.entry(*table).or_default();
            keys.push(key);
            texts.extend(row.as_deref());
        }
        let (mut removals, mut insertions, mut checks) = (Vec::new(), Vec::new(), Vec::new());
        for (table, (keys, mut texts)) in tables {
            let (table, keys) = (self.table(table)?, list(keys.into_iter()));
            texts.sort_unstable();
            let texts = list(texts.into_iter());
            removals.push(rows::remove(table, &keys));
            insertions.push(rows::put(table, &texts));
            checks.push(rows::same(table, &keys, &texts));
        }
        Ok(removals.into_iter().chain(insertions).chain(checks).collect())
    }

    async fn directory(&mut self) -> Result<Reply, Fault> {
        let (shared, id) = (self.cx.shared, &self.cx.operation.id);
        let row = shared.directory.db(self.cx.meter)?.first(directory::move_row(id)).await?;
        let row = row.ok_or_else(|| Fault::unavailable("the operation is over"))?;
        self.observe(&row)
    }

    fn observe(&mut self, row: &Row) -> Result<Reply, Fault> {
        let (epoch, seen) = directory::read_move_row(row)?;
        self.seen = Some(seen);
        Ok(Reply::Directory(Directory { epoch, home: seen.home, goal: goal(self.terms, &seen) }))
    }

    async fn leave_epoch(&mut self, epoch: i64, to: i64, home: Side) -> Result<Reply, Fault> {
        let (shared, operation) = (self.cx.shared, self.cx.operation);
        let now = shared.platform.now();
        let database = self.database(home).clone();
        let batch = directory::leave_epoch(operation, self.terms, epoch, to, (&database, home), now);
        let batch = batch.into_iter().chain([directory::move_row(&operation.id).into()]);
        let outcomes = shared.directory.db(self.cx.meter)?.commit(batch).await?;
        shared.directory.forget(&operation.tenant.id);
        shared.snapshots.forget(&operation.tenant.id);
        let row = outcomes.last().and_then(|outcome| outcome.rows.first());
        let row = row.ok_or_else(|| Fault::unavailable("the operation is over"))?;
        self.observe(row)
    }
}

fn bytes(chunk: &Chunk) -> u64 {
    chunk.rows.iter().map(|row| u64::try_from(row.text.len()).unwrap_or_default()).sum()
}

/// A JSON array of what is JSON already.
fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let mut list = "[".to_owned();
    for (index, text) in texts.enumerate() {
        if index > 0 {
            list.push(',');
        }
        list.push_str(text);
    }
    list.push(']');
    list
}
