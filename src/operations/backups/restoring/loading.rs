//! Rows of an archive on their way into a database: what is there goes, what was archived comes, is read back, and must
//! add up. The database keeps a record of how far that is, and is guarded by it as in a
//! [move](crate::operations::moves): whoever has seen an older one changes nothing.

use super::{
    super::{
        RESTORE,
        format::{Exchange, Reader},
        model::{Group, Sums},
    },
    Archive, DATA_KEYS, TIME_BUDGET,
};
use crate::{
    db::{Outcome, Statement, schema::Table},
    error::{Fault, FaultKind},
    id::TenantId,
    json,
    operations::{
        engine::{StepContext, procedure::Done, retry::StepError},
        moves::{
            model::{Cursor, Replica, ReplicaStatus, Role},
            rows::{Row, Sum, Tally},
            store::{
                replica::{self as store, Change, Part},
                rows,
            },
        },
        tenants::rows::store as wiping,
    },
    resources::keys,
    secret::Sealed,
    tenant::{InTenant, TenantDb, store::set_schema_version},
};
use serde_json::Value as Json;

/// Rows of each table that one call deletes, and rows that one call reads back.
const PURGED: i64 = 500;
const STRETCH: i64 = 500;

/// How many statements one call of the step runs.
const STATEMENTS: usize = 500;

/// A database that is being filled.
struct Loader<'a> {
    cx: &'a StepContext<'a>,
    archive: Archive,
    db: TenantDb,
    /// The tables that are in the archive, with the columns that it has.
    tables: Vec<Table>,
    reader: Option<Reader>,
    statements: usize,
}

/// Fills the tenant's database, as far as one sitting goes.
pub async fn load(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let archive = Archive::open(cx).await?;
    let schema = cx.shared.config.schema;
    let tables = archive.manifest.tables(&schema.moved()).map_err(|why| StepError::Never { why })?;
    let db = cx.tenant_db()?;
    schema.migrate(db.driver().as_ref()).await?;
    let mut loader = Loader { cx, archive, db, tables, reader: None, statements: 0 };
    match loader.proceed().await {
        Err(StepError::Fault(Fault { kind: FaultKind::Overtaken, .. })) => Err(StepError::Wait {
            until: cx.shared.platform.now(),
            why: "another instance goes on".to_owned(),
        }),
        other => other,
    }
}

impl Loader<'_> {
    fn part(&self) -> Part<'_> {
        let schema = self.cx.shared.config.schema.version();
        let operation = self.cx.operation;
        Part { operation: &operation.id, generation: operation.tenant.epoch, schema }
    }

    async fn proceed(&mut self) -> Result<Done, StepError> {
        let epoch = self.cx.operation.tenant.epoch;
        // From here on nobody reads or writes here who does not know that it is being filled.
        let enter = vec![
            store::enter(self.part(), Role::Clearing, 0),
            wiping::raise_fence(epoch, "restoring"),
            store::close(epoch),
        ];
        let mut record = self.run(enter).await?.1;
        loop {
            record = match record.role {
                Role::Clearing => self.clear(&record).await?,
                Role::Copying => self.fill(&record).await?,
                Role::Following => self.compare(&record).await?,
                Role::Detached => return Ok(self.done()),
                Role::Primary | Role::Detaching => {
                    return Err(Fault::internal("a database that is being filled has another part").into());
                }
            };
            let now = self.cx.shared.platform.now();
            let tired = now.since(self.cx.now) > TIME_BUDGET || self.statements > STATEMENTS;
            if tired && record.role != Role::Detached {
                return Err(StepError::Wait { until: now, why: "more rows are left".to_owned() });
            }
        }
    }

    fn done(&self) -> Done {
        let version = self.cx.shared.config.schema.version();
        let held = self.cx.operation.tenant.database.as_ref();
        let writes = held.map(|held| set_schema_version(&held.database.id, version));
        Done::with(writes).detail(format!("{} rows", self.archive.manifest.rows()))
    }

    async fn run(&mut self, batch: Vec<Statement<InTenant>>) -> Result<(Vec<Outcome>, Replica), Fault> {
        let look = store::read_status(&self.cx.operation.id).into();
        let batch: Vec<_> = batch.into_iter().chain([look]).collect();
        self.statements += batch.len();
        let outcomes = self.db.commit(batch).await?;
        let row = outcomes.last().and_then(|outcome| outcome.rows.first());
        let row = row.ok_or_else(|| Fault::internal("a look answers one row"))?;
        let ReplicaStatus { record, .. } = store::status(row)?;
        let overtaken = Fault { kind: FaultKind::Overtaken, detail: "a later one was entered".to_owned() };
        Ok((outcomes, record.ok_or(overtaken)?))
    }

    /// One transaction behind the guard: what came of the effects, and the record then.
    async fn change(
        &mut self,
        record: &Replica,
        effects: Vec<Statement<InTenant>>,
        change: &Change<'_>,
    ) -> Result<(Vec<Outcome>, Replica), Fault> {
        let (guard, count) = (store::guard(self.part(), record.version), effects.len());
        let batch = [guard].into_iter().chain(effects).chain([store::advance(change)?]);
        let (outcomes, record) = self.run(batch.collect()).await?;
        Ok((outcomes.into_iter().skip(1).take(count).collect(), record))
    }

    /// Deletes some of what is there. A tenant that is restored without its keys keeps those that it has, and what has
    /// happened is not forgotten.
    async fn clear(&mut self, record: &Replica) -> Result<Replica, Fault> {
        let include = &self.archive.manifest.include;
        let in_place = self.cx.operation.is(&RESTORE);
        let stays = |table: &Table| {
            let kept = [Group::Keys, Group::Logs].into_iter().filter(|group| !include.contains(group));
            in_place && kept.into_iter().any(|group| group.tables().contains(&table.name))
        };
        let cleared: Vec<Table> =
            self.cx.shared.config.schema.moved().into_iter().filter(|table| !stays(table)).collect();
        let purges = cleared.iter().map(|table| wiping::purge(table, PURGED)).collect();
        let (purged, record) = self.change(record, purges, &Change::default()).await?;
        if purged.iter().any(|outcome| outcome.changes >= PURGED.unsigned_abs()) {
            return Ok(record);
        }
        let (first, parts) = (Cursor::default(), self.archive.manifest.parts.len());
        // How many parts are left stands where a move has the number of the table.
        let copy = Cursor { table: parts, after: None };
        let tally = Tally::default();
        let change = Change {
            role: Some(Role::Copying),
            copy: Some(Some(&copy)),
            check: Some(Some(&first)),
            tally: Some(&tally),
            ..Change::default()
        };
        Ok(self.change(&record, vec![store::forget_all_captured()], &change).await?.1)
    }

    /// Writes the rows of the next part.
    async fn fill(&mut self, record: &Replica) -> Result<Replica, StepError> {
        let left = record.copy.as_ref().map_or(0, |cursor| cursor.table);
        let Some(number) = left.checked_sub(1) else {
            let change = Change { role: Some(Role::Following), copy: Some(None), ..Change::default() };
            return Ok(self.change(record, Vec::new(), &change).await?.1);
        };
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.archive.resume(left, Sums::new()).await?,
        };
        let text = self.archive.part(number).await?;
        let part = self.archive.manifest.parts.get(number);
        let part = part.ok_or_else(|| Fault::internal("there is no such part"))?;
        let found = reader.read(part, &text).map_err(super::damaged)?;
        let mut puts = Vec::new();
        let tenant = &self.cx.operation.tenant.id;
        for (name, rows) in found.iter().filter(|(name, _)| !self.archive.leaves_out(name, tenant)) {
            let table = self.tables.iter().find(|table| table.name == name);
            let table = table.ok_or_else(|| Fault::internal("a part has a table of no manifest"))?;
            puts.push(rows::put(table, &self.exchanged(table, rows)?));
        }
        let cursor = Cursor { table: number, after: None };
        let change = Change { copy: Some(Some(&cursor)), ..Change::default() };
        let (_, record) = self.change(record, puts, &change).await?;
        self.reader = Some(reader);
        Ok(record)
    }

    /// Rows as they are written: a JSON array of arrays of columns.
    fn exchanged(&self, table: &Table, rows: &[Row]) -> Result<String, Fault> {
        let mut list = Vec::with_capacity(rows.len());
        for row in rows {
            let text = match &self.archive.exchange {
                Some(exchange) => exchange.apply(&row.text),
                None => row.text.clone(),
            };
            list.push(if table.name == DATA_KEYS { self.rewrapped(table, &text)? } else { text });
        }
        Ok(format!("[{}]", list.join(",")))
    }

    /// The key that seals what is secret in the rows is wrapped for the tenant that it is of.
    fn rewrapped(&self, table: &Table, text: &str) -> Result<String, Fault> {
        let (of, to) = (self.archive.restoring.of.as_str(), &self.cx.operation.tenant.id);
        if of == to.as_str() {
            return Ok(text.to_owned());
        }
        let shared = self.cx.shared;
        let unreadable = || Fault::internal("a data key in an archive cannot be read");
        let of = TenantId::parse(of).ok_or_else(unreadable)?;
        let mut columns: Vec<Json> = json::read(text).map_err(|_| unreadable())?;
        let index =
            table.columns.iter().skip(1).position(|column| *column == "wrapped").ok_or_else(unreadable)?;
        let wrapped = columns.get_mut(index).ok_or_else(unreadable)?;
        let sealed = Sealed::stored(wrapped.as_str().ok_or_else(unreadable)?);
        let (platform, ring) = (shared.platform.as_ref(), &shared.config.encryption_keys);
        let sealed = keys::store::rewrap(platform, ring, (&of, to), &sealed)?;
        *wrapped = Json::from(sealed.as_str());
        Ok(Json::from(columns).to_string())
    }

    /// Reads back what was written; at the end everything must add up to what was archived.
    async fn compare(&mut self, record: &Replica) -> Result<Replica, StepError> {
        let mut cursor = record.check.clone().unwrap_or_default();
        if cursor.table >= self.tables.len() {
            return self.conclude(record).await;
        }
        let back = self.archive.exchange.as_ref().map(Exchange::reversed);
        let (mut tally, mut limit, mut read) = (record.tally.clone(), STRETCH, 0);
        // Small tables go together.
        while let Some(table) =
            self.tables.get(cursor.table).cloned().filter(|_| read < STRETCH.unsigned_abs())
        {
            self.statements += 1;
            let found = match self.db.all(rows::stretch(&table, cursor.after.as_deref(), limit)?).await {
                Err(fault) if fault.detail.contains("too big") && limit > 1 => {
                    limit = (limit / 2).max(1);
                    continue;
                }
                found => found?,
            };
            let chunk = rows::chunk(cursor.table, found.first(), limit)?;
            let sum = tally.checked.entry(cursor.table).or_default();
            for row in &chunk.rows {
                match &back {
                    Some(back) => sum.add(&back.apply(&row.text)),
                    None => sum.add(&row.text),
                }
            }
            read += chunk.rows.len() as u64;
            cursor = match chunk.rows.last() {
                Some(row) if !chunk.last => Cursor { table: cursor.table, after: Some(row.key.clone()) },
                _ => Cursor { table: cursor.table + 1, after: None },
            };
        }
        let change = Change { check: Some(Some(&cursor)), tally: Some(&tally), ..Change::default() };
        Ok(self.change(record, Vec::new(), &change).await?.1)
    }

    async fn conclude(&mut self, record: &Replica) -> Result<Replica, StepError> {
        let tenant = &self.cx.operation.tenant.id;
        let is_other = self.archive.restoring.of != tenant.as_str();
        let wrong = self.tables.iter().enumerate().find(|(number, table)| {
            if self.archive.leaves_out(table.name, tenant) {
                return false;
            }
            let found = record.tally.checked.get(number).copied().unwrap_or_default();
            let wanted: Sum = self.archive.manifest.sums.get(table.name).copied().unwrap_or_default();
            // A data key is wrapped anew for another tenant: the rest of it is what unwrapping proves.
            let rewrapped = is_other && table.name == DATA_KEYS;
            if rewrapped { found.rows != wanted.rows } else { found != wanted }
        });
        let Some((_, table)) = wrong else {
            let change = Change { role: Some(Role::Detached), check: Some(None), ..Change::default() };
            return Ok(self.change(record, Vec::new(), &change).await?.1);
        };
        let why =
            format!("what was read back of {} is not what was archived; it is written again", table.name);
        let change = Change { role: Some(Role::Clearing), ..Change::default() };
        self.change(record, Vec::new(), &change).await?;
        Err(StepError::Retry { why, not_before: None })
    }
}
