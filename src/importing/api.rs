//! The requests of an import, as an operator's tool sends them.

use super::{
    fingerprint::{Sum, different_columns, digested},
    model::{Comparison, Different, Import, Status, TablePage, Wanted},
    record::{Problem, Values},
    seal,
    steps::{self, Target},
    store, tables,
};
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    error::{Error, Fault, OnConflict},
    events::Change,
    http::{Json, Members, Path, Query, Response, StatusCode, input::typed, route::Routes},
    id::prefixed,
    json,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.post("/management/tenants/{id}/import", scope("import:tenants"), begin);
    r.get("/management/tenants/{id}/import", scope("import:tenants"), get);
    r.delete("/management/tenants/{id}/import", scope("import:tenants"), discard);
    r.post("/management/tenants/{id}/import/records", scope("import:tenants"), records);
    r.get("/management/tenants/{id}/import/tables/{table}", scope("import:tenants"), table);
    r.post("/management/tenants/{id}/import/compare", scope("import:tenants"), compare);
    r.post("/management/tenants/{id}/import/finish", scope("import:tenants"), finish);
}

/// Reads a body once it is known that there is such a tenant.
fn read<T: DeserializeOwned>(Members(body): Members) -> Result<T, Refusal> {
    typed(body).map_err(Refusal::invalid_body)
}

async fn begin(cx: &Operator, (Path(id), body): (Path<String>, Members)) -> Result<Response, Error<Refusal>> {
    let target = Target::open(cx, &id).await?;
    let wanted: Wanted = read(body)?;
    wanted.check(target.is_main(cx)).map_err(Refusal::invalid_body)?;
    check_live(cx, wanted.live)?;
    target.bring_up_to_date(cx).await?;
    if let Some(open) = target.newest().await?.filter(|import| import.finished_at.is_none()) {
        if !open.is(&wanted) || open.status != Status::Open {
            return Err(taken(&open).into());
        }
        target.close(cx, &open).await?;
        return Ok(Response::json(StatusCode::OK, &json!(open)));
    }
    if !wanted.live && target.is_in_use().await? {
        let why =
            "The tenant has something already: import into it while it serves (live), or into a new one";
        return Err(Refusal::conflict("tenant_in_use", why).into());
    }
    let import = prefixed(cx.call().platform(), "imp");
    let begin = store::begin(&import, &wanted, cx.call().now);
    let born = (!wanted.live).then(store::remove_born_connection);
    let begun = target.db.commit(std::iter::once(begin).chain(born)).await;
    begun.on_conflict("imports", || {
        Refusal::conflict("import_open", "Somebody else has just begun an import")
    })?;
    let import = target.newest().await?.ok_or_else(|| Fault::internal("the import was not stored"))?;
    target.close(cx, &import).await?;
    let words = format!("Import into the tenant {id} from {} {}", wanted.source, wanted.tenant);
    cx.note(&Change::of(words, "tenant", &id).added("import", &import.id)).await?;
    Ok(Response::json(StatusCode::CREATED, &json!(import)))
}

fn check_live(cx: &Operator, live: bool) -> Result<(), Refusal> {
    if live { steps::check_holds_everything(cx) } else { Ok(()) }
}

fn taken(open: &Import) -> Refusal {
    let Import { source, tenant, status, .. } = open;
    let what = format!("An import from {source} {tenant} is {}", status.as_str());
    Refusal::conflict("import_open", what).with_detail(json!(open))
}

async fn get(cx: &Operator, Path(id): Path<String>) -> Result<Json<Import>, Error<Refusal>> {
    let target = Target::open(cx, &id).await?;
    target.bring_up_to_date(cx).await?;
    Ok(Json(target.newest().await?.ok_or_else(none)?))
}

fn none() -> Refusal {
    Refusal::not_found("inexistent_import", "There is no import into this tenant")
}

fn not_open() -> Refusal {
    Refusal::conflict("import_not_open", "There is no open import into this tenant")
}

/// A chunk as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chunk {
    table: String,
    from: i64,
    records: Vec<Values>,
}

async fn records(
    cx: &Operator,
    (Path(id), body): (Path<String>, Members),
) -> Result<Json<Value>, Error<Refusal>> {
    let target = Target::open(cx, &id).await?;
    let chunk: Chunk = read(body)?;
    let table = by_name(&chunk.table)?;
    check_size(&chunk.records)?;
    if !(0..1 << 53).contains(&chunk.from) {
        return Err(Refusal::invalid_body("from must be the number of a record").into());
    }
    let import = target.open_import().await?.ok_or_else(not_open)?;
    let vouches = |values: &Values| values.get("status").is_some_and(|status| status == "ready");
    check_live(cx, import.live || (table.name == "custom_domains" && chunk.records.iter().any(vouches)))?;
    let taken = steps::take(cx, &target, &import, table, chunk.from, &chunk.records).await?;
    Ok(Json(json!({ "table": table.name, "taken": taken })))
}

fn check_size(records: &[Values]) -> Result<(), Refusal> {
    if records.len() <= tables::CHUNK {
        return Ok(());
    }
    Err(Refusal::invalid_body(format!("records can hold {} records", tables::CHUNK)))
}

fn by_name(name: &str) -> Result<&'static tables::Table, Refusal> {
    tables::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = tables::TABLES.iter().map(|table| table.name).collect();
        Refusal::invalid_body(format!("table must be one of: {}", names.join(", ")))
    })
}

/// Which table of which tenant.
#[derive(Deserialize)]
struct Named {
    id: String,
    table: String,
}

/// After which row.
#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

/// Rows that are compared in one request.
const PAGE: i64 = 2_000;

/// What a table holds.
async fn table(
    cx: &Operator,
    (Path(named), Query(after)): (Path<Named>, Query<After>),
) -> Result<Json<TablePage>, Error<Refusal>> {
    let target = Target::open(cx, &named.id).await?;
    let table = by_name(&named.table)?;
    let after = after.after.map(|text| check_after(table, text)).transpose()?;
    let rows = target.db.all(store::page(table, after.as_deref(), PAGE)).await?;
    let seal = target.seal(cx).await?;
    let (mut sum, mut last) = (Sum::default(), None);
    for row in &rows {
        let values = seal::read_back(&seal, table, row)?;
        sum.add_digested(table, &values);
        last = Some(values);
    }
    let more = table.key > 0 && i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
    let after = last.filter(|_| more).map(|values| table.key_cells(&values).to_string());
    Ok(Json(TablePage { table: table.name.to_owned(), count: rows.len() as u64, hash: sum.to_hex(), after }))
}

fn check_after(table: &tables::Table, text: String) -> Result<String, Refusal> {
    let cells: Option<Vec<String>> = json::accept(&text).ok();
    let fits = cells.is_some_and(|cells| cells.len() == table.key);
    if fits { Ok(text) } else { Err(Refusal::invalid_query("after must be what the page before answered")) }
}

/// Records to be compared with what is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compared {
    table: String,
    records: Vec<Values>,
}

/// Says of each record whether its row is there and is the same: also where a tenant has more than was imported. Secrets
/// are compared by their digests.
async fn compare(
    cx: &Operator,
    (Path(id), body): (Path<String>, Members),
) -> Result<Json<Comparison>, Error<Refusal>> {
    let target = Target::open(cx, &id).await?;
    let Compared { table, records } = read(body)?;
    let table = by_name(&table)?;
    check_size(&records)?;
    let keys: Vec<Value> = records.iter().map(|values| table.key_cells(values)).collect();
    let rows = target.db.all(store::by_keys(table, &json!(keys).to_string())).await?;
    let seal = target.seal(cx).await?;
    let mut stored = BTreeMap::new();
    for row in &rows {
        let values = seal::read_back(&seal, table, row)?;
        stored.insert(table.key_cells(&values).to_string(), values);
    }
    let (mut same, mut missing, mut different) = (0, Vec::new(), Vec::new());
    for (key, values) in keys.iter().zip(&records) {
        let Some(held) = stored.get(&key.to_string()) else {
            missing.push(table.key_of(values));
            continue;
        };
        let columns = different_columns(table, &digested(table, values), held);
        if columns.is_empty() {
            same += 1;
        } else {
            let columns = columns.into_iter().map(str::to_owned).collect();
            different.push(Different { key: table.key_of(values), columns });
        }
    }
    Ok(Json(Comparison { table: table.name.to_owned(), same, missing, different }))
}

/// What is expected of a finished import.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    counts: BTreeMap<String, i64>,
}

async fn finish(
    cx: &Operator,
    (Path(id), body): (Path<String>, Members),
) -> Result<Json<Import>, Error<Refusal>> {
    let target = Target::open(cx, &id).await?;
    let expected: Expected = read(body)?;
    let newest = target.newest().await?.ok_or_else(not_open)?;
    if newest.status == Status::Finished {
        return Ok(Json(newest));
    }
    let import = Some(newest).filter(|import| import.status == Status::Open).ok_or_else(not_open)?;
    check_live(cx, import.live)?;
    for name in expected.counts.keys() {
        by_name(name)?;
    }
    let problems = steps::problems(&target, &expected.counts).await?;
    if !problems.is_empty() {
        return Err(incomplete(&problems).into());
    }
    steps::finish(cx, &target, &import).await?;
    let words = format!("Finish the import into the tenant {id}");
    cx.note(&Change::of(words, "tenant", &id).added("import", &import.id)).await?;
    Ok(Json(target.newest().await?.ok_or_else(none)?))
}

fn incomplete(problems: &[Problem]) -> Refusal {
    let words: Vec<String> = problems.iter().take(3).map(ToString::to_string).collect();
    let more = if problems.len() > 3 { format!("; and {} more", problems.len() - 3) } else { String::new() };
    let why = format!("The import is not whole: {}{more}", words.join("; "));
    Refusal::conflict("import_incomplete", why).with_detail(json!({ "problems": problems }))
}

/// Undoes an import: 204 when nothing is left of it, 202 when there is more to delete.
async fn discard(cx: &Operator, Path(id): Path<String>) -> Result<Response, Error<Refusal>> {
    let target = Target::open(cx, &id).await?;
    let import = target.newest().await?.filter(|import| import.finished_at.is_none()).ok_or_else(not_open)?;
    if import.live {
        let why = "The tenant had rows of its own before: what was imported can't be told from them";
        return Err(Refusal::conflict("import_live", why).into());
    }
    if !steps::discard(cx, &target, &import).await? {
        return Ok(Response::json(StatusCode::ACCEPTED, &json!({ "left": true })));
    }
    let words = format!("Discard the import into the tenant {id}");
    cx.note(&Change::of(words, "tenant", &id).taken("import", &import.id)).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}
