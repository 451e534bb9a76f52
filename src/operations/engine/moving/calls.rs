//! What the calls of the protocol are in SQL: each effect one transaction that begins with the guard and ends with a look.

use super::{pace::Pace, store as directory};
use crate::{
    db::{Meter, Outcome, Query, Row, Statement, schema::Table},
    error::{Fault, FaultKind},
    id::TenantId,
    operations::{
        engine::{Work, rows::store as wiping},
        model::Origin,
        moves::{
            model::{Directory, Place, Role, Side},
            protocol::{Call, Reply},
            rows::{Changes, Chunk, store as rows},
            store::{self, Change, Part},
            wish::{Said, Terms, wish},
        },
        store as tenants,
    },
    tenant::{self, InTenant, TenantDb, store::Database},
    time::Lifetime,
};
use std::collections::{BTreeMap, BTreeSet};

/// The epoch of a mover's handle: later than any fence. What guards its writes is the version of the record.
const BEYOND: i64 = (1 << 53) - 1;

/// Captured keys that are brought at once.
const CHANGES: i64 = 200;

/// Rows of each table that one call deletes.
const PURGED: i64 = 500;

/// The two databases of a move, and how to talk to them.
pub(super) struct Sides<'a> {
    work: &'a Work<'a>,
    terms: &'a Terms,
    /// The tables whose rows are the tenant.
    pub(super) tables: Vec<Table>,
    databases: [(Database, Origin); 2],
    handles: [TenantDb; 2],
    pace: BTreeMap<usize, Pace>,
    /// What the directory said last.
    pub(super) said: Option<Said>,
    /// How many statements have been run.
    pub(super) statements: usize,
    /// How long the last call of home took.
    pub(super) latency: Lifetime,
}

impl<'a> Sides<'a> {
    /// Opens both databases, and brings them to this release's schema.
    pub(super) async fn open(work: &'a Work<'a>, terms: &'a Terms) -> Result<Self, Fault> {
        let shared = work.shared;
        let found = shared.directory.db(work.meter)?.all(directory::databases(&work.operation.id)).await?;
        let database = |side: &str| -> Result<(Database, Origin), Fault> {
            let row = found.iter().find(|row| row.text("side").is_ok_and(|found| found == side));
            let row = row.ok_or_else(|| Fault::internal(format!("a move has no {side}")))?;
            let origin = Origin::parse(&row.text("kind")?);
            let origin = origin.ok_or_else(|| Fault::internal("the directory holds an unknown origin"))?;
            Ok((tenants::read_database(row)?, origin))
        };
        let databases = [database("source")?, database("target")?];
        let handle = |database: &(Database, Origin)| {
            reach(&shared.directory, &work.operation.tenant.id, &database.0, work.meter)
        };
        let [source, target] = &databases;
        let handles = [handle(source)?, handle(target)?];
        for handle in &handles {
            shared.config.schema.migrate(handle.driver().as_ref()).await?;
        }
        Ok(Self {
            work,
            terms,
            tables: shared.config.schema.moved(),
            databases,
            handles,
            pace: BTreeMap::new(),
            said: None,
            statements: 0,
            latency: Lifetime::milliseconds(0),
        })
    }

    fn part(&self) -> Part<'a> {
        Part {
            operation: &self.work.operation.id,
            generation: self.terms.generation,
            schema: self.work.shared.config.schema.version(),
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
        self.tables.get(number).ok_or_else(|| Fault::internal("a place is in no table"))
    }

    /// What a call is about, in words for the operator.
    pub(super) fn words(&self, call: &Call) -> String {
        let name = |number: usize| self.tables.get(number).map_or("?", |table| table.name);
        match call {
            Call::Read { place, .. } | Call::Check { place, .. } | Call::Recall { place, .. } => {
                format!("reading {}", name(place.table))
            }
            Call::Write { chunk, .. } => format!("writing {}", name(chunk.table)),
            Call::Apply { changes, .. } => {
                let tables: BTreeSet<_> = changes.rows.keys().map(|(table, _)| name(*table)).collect();
                format!("bringing changes of {}", tables.into_iter().collect::<Vec<_>>().join(", "))
            }
            _ => "moving".to_owned(),
        }
    }

    /// Makes a call.
    ///
    /// # Errors
    /// A fault of a database. Whatever it was, the call may have happened.
    pub(super) async fn call(&mut self, call: &Call) -> Result<Reply, Fault> {
        match self.make(call).await {
            Err(Fault { kind: FaultKind::Overtaken, .. }) => Ok(Reply::Failed),
            other => other,
        }
    }

    async fn make(&mut self, call: &Call) -> Result<Reply, Fault> {
        match call {
            Call::Directory => self.directory().await,
            Call::Flip { epoch, to, home } => self.leave_epoch(*epoch, *to, *home).await,
            Call::Reopen { epoch, to } => {
                let home = self.said.map_or(Side::Source, |said| said.home);
                self.leave_epoch(*epoch, *to, home).await
            }
            Call::Look(side) => self.change(*side, None, vec![]).await,
            Call::Read { side, place } => self.stretch(*side, place, None).await,
            Call::Check { side, place, after } => self.stretch(*side, place, Some(*after)).await,
            Call::Recall { side, place, until } => {
                let table = self.table(place.table)?;
                let between = rows::between(table, place.after.as_deref(), until.as_deref())?;
                let look = store::look(&self.work.operation.id);
                let [found, view] = self.read(*side, [between, look]).await?;
                Ok(Reply::Recalled(*side, store::view(first(&view)?)?, rows::rows(found.first())?))
            }
            Call::Changes { side, after } => self.changes(*side, *after).await,
            effect => self.effect(effect).await,
        }
    }

    async fn effect(&mut self, call: &Call) -> Result<Reply, Fault> {
        let tenant = &self.work.operation.tenant.id;
        let (role, schema) = (|role| Change { role: Some(role), ..Change::default() }, self.part().schema);
        let start = Place::default();
        match call {
            Call::Lead { side, version: None, epoch } => {
                let mut batch =
                    vec![store::enter(self.part(), Role::Leading, *epoch), store::guard(self.part(), 1)];
                batch.extend(store::capture(tenant, &self.tables));
                self.change(*side, None, batch).await
            }
            Call::Lead { side, version: Some(version), .. } => {
                let change = Change { schema: Some(schema), ..role(Role::Leading) };
                let mut batch = store::capture(tenant, &self.tables);
                batch.push(store::advance(&change)?);
                self.change(*side, Some(*version), batch).await
            }
            Call::Enlist { side, version: None } => {
                let batch = vec![store::enter(self.part(), Role::Clearing, 0), store::guard(self.part(), 1)];
                self.change(*side, None, batch).await
            }
            Call::Enlist { side, version: Some(version) } => {
                let (tally, schema) = (Default::default(), Some(schema));
                let (copy, check) = (Some(Some(&start)), Some(Some(&start)));
                let change = Change { copy, check, tally: Some(&tally), schema, ..role(Role::Clearing) };
                self.change(*side, Some(*version), vec![store::advance(&change)?]).await
            }
            Call::Clear { side, version } => self.clear(*side, *version).await,
            Call::Cleared { side, version, role: to } => {
                self.change(*side, Some(*version), vec![store::advance(&role(*to))?]).await
            }
            Call::Write { side, version, chunk, next, tally } => {
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
            Call::Checked { side, version, next, tally } => {
                let change = Change { check: Some(next.as_ref()), tally: Some(tally), ..Change::default() };
                self.change(*side, Some(*version), vec![store::advance(&change)?]).await
            }
            Call::Apply { side, version, changes, tally } => {
                let mut batch = self.bring(changes)?;
                let change =
                    Change { watermark: Some(changes.upto), tally: Some(tally), ..Change::default() };
                batch.push(store::advance(&change)?);
                self.change(*side, Some(*version), batch).await
            }
            Call::Fence { side, version, epoch } => {
                let batch = vec![wiping::raise_fence(*epoch, "moving"), store::advance(&Change::default())?];
                self.change(*side, Some(*version), batch).await
            }
            Call::Promote { side, version, epoch } => {
                let change = Change { led: Some(*epoch), ..role(Role::Leading) };
                let mut batch = vec![wiping::raise_fence(*epoch, "moved here"), store::forget_all_captured()];
                batch.extend(store::capture(tenant, &self.tables));
                batch.push(store::advance(&change)?);
                self.change(*side, Some(*version), batch).await
            }
            Call::Close { side, version, epoch } => {
                let batch = vec![store::close(*epoch), store::advance(&Change::default())?];
                self.change(*side, Some(*version), batch).await
            }
            Call::Demote { side, version, watermark } => {
                let change =
                    Change { watermark: Some(*watermark), check: Some(None), ..role(Role::Following) };
                let mut batch = store::release(tenant, &self.tables);
                batch.extend([store::forget_all_captured(), store::advance(&change)?]);
                self.change(*side, Some(*version), batch).await
            }
            Call::Leave { side, version } => self.quit(*side, *version, Role::Leaving).await,
            Call::Release { side, version } => self.quit(*side, *version, Role::Over).await,
            other => Err(Fault::internal(format!("{other:?} is no effect"))),
        }
    }

    /// Gives up a part, or enters that there never will be one.
    async fn quit(&mut self, side: Side, version: Option<i64>, role: Role) -> Result<Reply, Fault> {
        let Some(version) = version else {
            let batch = vec![store::enter(self.part(), role, 0), store::guard(self.part(), 1)];
            return self.change(side, None, batch).await;
        };
        let mut batch = store::release(&self.work.operation.tenant.id, &self.tables);
        let change = Change { role: Some(role), ..Change::default() };
        batch.extend([store::forget_all_captured(), store::advance(&change)?]);
        self.change(side, Some(version), batch).await
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
        Ok(Reply::View(side, store::view(first(view)?)?))
    }

    async fn commit(
        &mut self,
        side: Side,
        version: Option<i64>,
        batch: Vec<Statement<InTenant>>,
    ) -> Result<Vec<Outcome>, Fault> {
        let guard = version.map(|version| store::guard(self.part(), version));
        let look = store::look(&self.work.operation.id).into();
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
        let began = self.work.shared.platform.now();
        let answer = self.handle(side).read(queries).await;
        self.latency = self.work.shared.platform.now().since(began);
        answer
    }

    async fn clear(&mut self, side: Side, version: i64) -> Result<Reply, Fault> {
        let purges = self.tables.iter().map(|table| wiping::purge(table, PURGED));
        let mut batch: Vec<_> = purges.collect();
        batch.extend([store::forget_all_captured(), store::advance(&Change::default())?]);
        let outcomes = self.commit(side, Some(version), batch).await?;
        let purged = outcomes.get(1..=self.tables.len()).unwrap_or_default();
        let emptied = purged.iter().all(|outcome| outcome.changes < PURGED.unsigned_abs());
        let view = outcomes.last().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
        Ok(Reply::Cleared(side, store::view(first(view)?)?, emptied))
    }

    /// Rows of home from a place on, for copying, or with what its log names after a position, for comparing.
    async fn stretch(&mut self, side: Side, place: &Place, after: Option<i64>) -> Result<Reply, Fault> {
        let pace = self.pace.get(&place.table).copied().unwrap_or(Pace::FIRST);
        let table = self.table(place.table)?;
        let stretch = rows::stretch(table, place.after.as_deref(), pace.rows())?;
        let named = store::captured_of(table, after.unwrap_or(BEYOND));
        let read = self.read(side, [stretch, named]).await;
        let [found, named] = match read {
            // Longer than a text may be: fewer of them.
            Err(fault) if fault.detail.contains("too big") && pace.rows() > 1 => {
                self.pace.insert(place.table, pace.halved());
                return Ok(Reply::Failed);
            }
            read => read?,
        };
        let chunk = rows::chunk(place.table, found.first(), pace.rows())?;
        self.pace.insert(place.table, pace.after(chunk.rows.len(), bytes(&chunk), self.latency));
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
        let captured = store::view(first(&look.rows)?)?.record.map_or(0, |record| record.captured);
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
        let (shared, id) = (self.work.shared, &self.work.operation.id);
        let row = shared.directory.db(self.work.meter)?.first(directory::said(id)).await?;
        let row = row.ok_or_else(|| Fault::unavailable("the operation is over"))?;
        self.told(&row)
    }

    fn told(&mut self, row: &Row) -> Result<Reply, Fault> {
        let (epoch, said) = directory::read_said(row)?;
        self.said = Some(said);
        Ok(Reply::Directory(Directory { epoch, home: said.home, wish: wish(self.terms, &said) }))
    }

    async fn leave_epoch(&mut self, epoch: i64, to: i64, home: Side) -> Result<Reply, Fault> {
        let (shared, operation) = (self.work.shared, self.work.operation);
        let now = shared.platform.now();
        let database = self.database(home).clone();
        let batch = directory::leave_epoch(operation, self.terms, epoch, to, (&database, home), now);
        let batch = batch.into_iter().chain([directory::said(&operation.id).into()]);
        let outcomes = shared.directory.db(self.work.meter)?.commit(batch).await?;
        shared.directory.forget(&operation.tenant.id);
        shared.snapshots.forget(&operation.tenant.id);
        let row = outcomes.last().and_then(|outcome| outcome.rows.first());
        let row = row.ok_or_else(|| Fault::unavailable("the operation is over"))?;
        self.told(row)
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
    directory.lifecycle_db(tenant, BEYOND, database, meter)
}

fn first(rows: &[Row]) -> Result<&Row, Fault> {
    rows.first().ok_or_else(|| Fault::internal("a look answers one row"))
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
