//! What an import does to its tenant: closes it, fills it chunk by chunk, checks it, opens it; or undoes all that.

use super::{
    check::{self, Wrong},
    model::{Import, Status},
    record::{Problem, Values},
    rules::{self, Context},
    seal,
    store::{self, Chunk},
    tables::{TABLES, Table},
};
use crate::{
    access::{Area, Operator, management::Refusal},
    db::page::total,
    error::{Error, Fault, FaultKind},
    events::blocks,
    id::TenantId,
    operations::{
        engine::{store::read_tenant, subject::TenantRecord},
        tenants::{seed, store as tenants},
    },
    resources::keys,
    secret::KeyRing,
    tenant::{Status as Serving, TenantDb, store::set_schema_version},
    time::Lifetime,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The tenant that is imported into.
pub(super) struct Target {
    tenant: TenantRecord,
    /// Its rows, whether or not it serves.
    pub(super) db: TenantDb,
}

impl Target {
    /// Opens a tenant, whether or not it serves. One that is being made, moved or removed is nobody's to fill.
    pub(super) async fn open(cx: &Operator, id: &str) -> Result<Self, Error<Refusal>> {
        let call = cx.call();
        let not_found = || Refusal::not_found("inexistent_tenant", "The tenant does not exist");
        let id = TenantId::parse(id).ok_or_else(not_found)?;
        let row = cx.directory().first(tenants::tenant(&id)).await?.ok_or_else(not_found)?;
        let tenant = read_tenant(&row)?;
        match tenant.status {
            Serving::Active | Serving::Suspended => {}
            Serving::Deleted => return Err(not_found().into()),
            other => {
                let why = format!("The tenant is {}", other.as_str());
                return Err(Refusal::conflict("illegal_transition", why).into());
            }
        }
        // Whoever fills a tenant can be anybody there; whoever fills the main one, an administrator of every tenant.
        if id == call.shared.config.main_tenant && !cx.manages_all() {
            let why = "Only a machine that may manage every tenant may import into the main tenant";
            return Err(Refusal::forbidden("insufficient_scope", why).into());
        }
        cx.check_administers(tenant.organization.as_ref()).await?;
        if !cx.is_person() {
            check_holds_everything(cx)?;
        }
        let held = tenant.database.as_ref();
        let held = held.ok_or_else(|| Fault::internal(format!("tenant {id} has no database")))?;
        let db = call.shared.directory.lifecycle_db(&id, tenant.epoch, &held.database, &call.meter)?;
        Ok(Self { tenant, db })
    }

    pub(super) fn is_main(&self, cx: &Operator) -> bool {
        self.tenant.id == cx.call().shared.config.main_tenant
    }

    /// Migrates its database, if an older release has made it.
    pub(super) async fn bring_up_to_date(&self, cx: &Operator) -> Result<(), Fault> {
        let schema = cx.call().shared.config.schema;
        let wanted = schema.version();
        let Some(held) = self.tenant.database.as_ref() else { return Ok(()) };
        if held.database.schema_version >= wanted {
            return Ok(());
        }
        schema.migrate(self.db.driver().as_ref()).await?;
        cx.commit([set_schema_version(&held.database.id, wanted)]).await.map(drop)
    }

    /// The newest import into it.
    pub(super) async fn newest(&self) -> Result<Option<Import>, Fault> {
        let [imports, checkpoints] = self.db.read([store::newest(), store::checkpoints()]).await?;
        imports.first().map(|row| store::import(row, &checkpoints)).transpose()
    }

    /// The one that takes records.
    pub(super) async fn open_import(&self) -> Result<Option<Import>, Fault> {
        Ok(self.newest().await?.filter(|import| import.status == Status::Open))
    }

    pub(super) async fn is_in_use(&self) -> Result<bool, Fault> {
        let row = self.db.first(store::in_use()).await?;
        row.ok_or_else(|| Fault::internal("a select without a table answered no row"))?.flag("in_use")
    }

    /// What seals its secrets.
    pub(super) async fn seal(&self, cx: &Operator) -> Result<KeyRing, Fault> {
        let rows = self.db.all(keys::store::data_keys()).await?;
        keys::store::unwrap(&self.tenant.id, &rows, &cx.call().shared.config.encryption_keys)
    }

    /// Lets it serve nobody while it is half filled.
    pub(super) async fn close(&self, cx: &Operator, import: &Import) -> Result<(), Fault> {
        if import.live { Ok(()) } else { self.set(cx, Serving::Active, Serving::Suspended).await }
    }

    async fn set(&self, cx: &Operator, from: Serving, to: Serving) -> Result<(), Fault> {
        let TenantRecord { id, friendly_name, .. } = &self.tenant;
        cx.commit([tenants::update(id, friendly_name, from, to, cx.call().now)]).await?;
        self.forget(cx);
        Ok(())
    }

    fn forget(&self, cx: &Operator) {
        let shared = &cx.call().shared;
        shared.directory.forget(&self.tenant.id);
        shared.snapshots.forget(&self.tenant.id);
    }
}

/// A machine gives with an import whatever it likes, and so must hold it; and so must a person, where there is somebody
/// already whom they could become, or where they vouch for a host.
pub(super) fn check_holds_everything(cx: &Operator) -> Result<(), Refusal> {
    if cx.authority().holds_everything() {
        return Ok(());
    }
    let why = "An import can make anybody an administrator: the token must hold every scope, or tenant:admin";
    Err(Refusal::forbidden("insufficient_scope", why))
}

/// Stores a chunk with its checkpoint, or nothing. Answers how many records of the table are stored now.
pub(super) async fn take(
    cx: &Operator,
    target: &Target,
    import: &Import,
    table: &'static Table,
    from: i64,
    records: &[Values],
) -> Result<i64, Error<Refusal>> {
    let call = cx.call();
    let context = Context {
        main: target.is_main(cx),
        base_domain: &call.shared.config.base_domain,
        begun: import.created_at,
    };
    let mut keys = BTreeSet::new();
    for (index, values) in records.iter().enumerate() {
        let checked = check::check(table, values).and_then(|()| rules::check(table, values, &context));
        checked.map_err(|wrong| invalid(table, index, values, wrong))?;
        if !keys.insert(table.key_of(values)) {
            return Err(duplicate(table, index, values, "", "is in this chunk twice").into());
        }
    }
    let seal = target.seal(cx).await?;
    let rows = records.iter().map(|values| seal::cells(call.platform(), &seal, table, values));
    let rows = json!(rows.collect::<Result<Vec<_>, _>>()?).to_string();
    let chunk = Chunk { table, rows: &rows, import: &import.id, from };
    let count = i64::try_from(records.len()).map_err(|error| Fault::internal(error.to_string()))?;
    let taken = import.taken.get(table.name).copied().unwrap_or_default();
    // In a tenant that is in use a record that has not been sent before must be new: what is there is somebody's.
    let again = !import.live || from < taken;
    let anew = (table.rows == "logs").then(blocks::store::begin_anew);
    let batch = [chunk.put(again), chunk.checkpoint(from + count, call.now)];
    let stored = target.db.commit(anew.into_iter().chain(batch)).await;
    match stored {
        Ok(outcomes) => match outcomes.last().and_then(|outcome| outcome.rows.first()) {
            Some(row) => {
                target.forget(cx);
                Ok(row.int("taken")?)
            }
            None => Err(gap(target, table).await?.into()),
        },
        Err(fault) => Err(in_the_way(target, &chunk, records, fault).await?),
    }
}

/// Why a chunk was not welcome.
async fn gap(target: &Target, table: &Table) -> Result<Refusal, Fault> {
    let Some(import) = target.open_import().await? else {
        return Ok(Refusal::conflict("import_not_open", "The import is not open any more"));
    };
    let taken = import.taken.get(table.name).copied().unwrap_or_default();
    let why = format!("{} records of {} are stored: go on from there", taken, table.name);
    Ok(Refusal::conflict("chunk_gap", why).with_detail(json!({ "table": table.name, "taken": taken })))
}

/// Which record of a chunk that the database refused stands against which rule.
async fn in_the_way(
    target: &Target,
    chunk: &Chunk<'_>,
    records: &[Values],
    fault: Fault,
) -> Result<Error<Refusal>, Fault> {
    let FaultKind::Conflict(constraint) = &fault.kind else { return Ok(Error::Fault(fault)) };
    let table = chunk.table;
    // Two of the chunk against each other.
    for columns in table.unique {
        let mut seen = BTreeSet::new();
        for (index, values) in records.iter().enumerate() {
            let cells: Vec<_> = columns.iter().filter_map(|name| values.get(*name)).collect();
            let whole = cells.len() == columns.len() && cells.iter().all(|cell| !cell.is_null());
            if whole && !seen.insert(json!(cells).to_string()) {
                let column = columns.last().copied().unwrap_or_default();
                let words = "is that of another record of this chunk";
                return Ok(duplicate(table, index, values, column, words).into());
            }
        }
    }
    let keys: Vec<&str> = table.key_columns().iter().map(|column| column.name).collect();
    let unique = table.unique.iter().map(|columns| (*columns, false)).chain([(keys.as_slice(), true)]);
    for (columns, is_key) in unique {
        let Some(query) = chunk.in_the_way(columns, is_key) else { continue };
        let Some(row) = target.db.first(query).await? else { continue };
        let index = usize::try_from(row.int("place")?).unwrap_or_default();
        let Some(values) = records.get(index) else { continue };
        let column = if is_key { "" } else { columns.last().copied().unwrap_or_default() };
        return Ok(duplicate(table, index, values, column, "is that of a row that is there").into());
    }
    // Something that no record may name, such as the digest of a secret.
    let why = format!("A record of {} conflicts with an existing row ({constraint})", table.name);
    Ok(Refusal::conflict("duplicate_record", why).into())
}

fn invalid(table: &Table, index: usize, values: &Values, wrong: Wrong) -> Refusal {
    let problem = problem(table, values, &wrong.column, &wrong.words);
    Refusal::invalid_record(problem.to_string()).with_detail(detail(index, &problem))
}

fn duplicate(table: &Table, index: usize, values: &Values, column: &str, words: &str) -> Refusal {
    let problem = problem(table, values, column, words);
    Refusal::conflict("duplicate_record", problem.to_string()).with_detail(detail(index, &problem))
}

fn problem(table: &Table, values: &Values, column: &str, words: &str) -> Problem {
    Problem {
        table: table.name.to_owned(),
        key: table.key_of(values),
        column: column.to_owned(),
        words: words.to_owned(),
    }
}

fn detail(index: usize, problem: &Problem) -> serde_json::Value {
    let Problem { table, key, column, words } = problem;
    json!({ "index": index, "table": table, "key": key, "column": column, "words": words })
}

/// What is wrong with the whole: rows that refer to nothing, and counts that are not the expected ones.
pub(super) async fn problems(target: &Target, counts: &BTreeMap<String, i64>) -> Result<Vec<Problem>, Fault> {
    let mut problems = Vec::new();
    for table in TABLES.iter().copied() {
        for reference in table.refers {
            for row in target.db.all(store::orphans(table, reference)).await? {
                let words = format!("there is no such row of {}", reference.table);
                problems.push(problem(table, &row.0, reference.column, &words));
            }
        }
        if let Some(expected) = counts.get(table.name) {
            let count = total(&target.db.all(store::count(table)).await?)?;
            if count != *expected {
                let words = format!("{count} rows are stored, {expected} expected");
                problems.push(Problem {
                    table: table.name.to_owned(),
                    key: String::new(),
                    column: String::new(),
                    words,
                });
            }
        }
    }
    Ok(problems)
}

/// Enters the domains that the operator vouches for, and opens the tenant. Each step can be done again.
pub(super) async fn finish(cx: &Operator, target: &Target, import: &Import) -> Result<(), Error<Refusal>> {
    let (call, id) = (cx.call(), &target.tenant.id);
    let rows = target.db.all(store::ready_domains()).await?;
    let domains = rows.iter().map(|row| row.text("domain")).collect::<Result<Vec<_>, _>>()?;
    if !domains.is_empty() {
        let domains = json!(domains).to_string();
        cx.commit([store::enter_hosts(&domains, id, call.now)]).await?;
        for row in cx.directory().all(store::hosts(&domains)).await? {
            if row.text("tenant_id")? != id.as_str() {
                let why = format!("The host {} is that of another tenant", row.text("host")?);
                return Err(Refusal::conflict("host_taken", why).into());
            }
        }
    }
    if !import.live {
        target.set(cx, Serving::Suspended, Serving::Active).await?;
    }
    target.db.commit([store::set_status(&import.id, Status::Open, Status::Finished, call.now)]).await?;
    target.forget(cx);
    Ok(())
}

/// Rows deleted of each table in one transaction, and how long one request goes on deleting.
const CHUNK: u64 = 1_000;
const DISCARDING: Lifetime = Lifetime::seconds(4);

/// Deletes what an import has stored, and gives the tenant back what it was born with. Whether nothing is left.
pub(super) async fn discard(cx: &Operator, target: &Target, import: &Import) -> Result<bool, Error<Refusal>> {
    let (call, db) = (cx.call(), &target.db);
    let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
    db.commit([store::set_status(&import.id, Status::Open, Status::Discarding, call.now)]).await?;
    loop {
        let purges =
            TABLES.iter().copied().filter(|table| !table.amends).map(|table| store::purge(table, limit));
        let outcomes = db.commit(purges).await?;
        if outcomes.iter().all(|outcome| outcome.changes < CHUNK) {
            break;
        }
        if call.platform().now().since(call.now) > DISCARDING {
            return Ok(false);
        }
    }
    let (shared, tenant) = (&call.shared, &target.tenant);
    let issuer = shared.directory.issuer(&tenant.id);
    let born = seed::first_rows(call.platform(), &issuer, &tenant.friendly_name, false, call.now)?;
    let over = [
        store::forget_checkpoints(&import.id),
        store::set_status(&import.id, Status::Discarding, Status::Discarded, call.now),
    ];
    db.commit(born.into_iter().chain(over)).await?;
    target.set(cx, Serving::Suspended, Serving::Active).await?;
    Ok(true)
}
