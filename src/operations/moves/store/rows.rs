//! SQL on the rows of one tenant, whatever the table: read in the order of the key, written back, read again. A row goes
//! from SQLite to SQLite as JSON that both write and read themselves; nothing in between looks at a value.

use crate::{
    db::{self, Query, Statement, Value, read, schema::Table, write},
    error::Fault,
    json,
    operations::moves::rows::{Chunk, Row},
    tenant::InTenant,
};
use serde_json::Value as Json;

/// The columns of a table behind the tenant.
fn columns(table: &Table) -> &[&'static str] {
    table.columns.get(1..).unwrap_or_default()
}

/// The columns of its key behind the tenant; none where a tenant has one row.
fn key(table: &Table) -> &[&'static str] {
    table.key.get(1..).unwrap_or_default()
}

/// `json_array(json_array(key…), json_array(columns…))` of one row.
fn pair(table: &Table) -> String {
    format!("json_array(json_array({}), json_array({}))", key(table).join(", "), columns(table).join(", "))
}

/// The rows behind `after`, up to `limit`, as one JSON text named `rows`.
///
/// # Errors
/// A fault if `after` is not a key of the table.
pub fn stretch(table: &Table, after: Option<&str>, limit: i64) -> Result<Query<InTenant>, Fault> {
    let (name, order) = (table.name, order(table));
    let (condition, values) = match after {
        None => (String::new(), Vec::new()),
        Some(after) => bound(table, ">", after, 2)?,
    };
    let parameter = values.len() + 2;
    let sql = format!(
        "select '[' || coalesce(group_concat(pair, ','), '') || ']' as rows from
         (select {} as pair from {name} where tenant_id = ?1{condition} order by {order} limit ?{parameter})",
        pair(table)
    );
    Ok(values.into_iter().fold(read(sql), Query::bind).bind(limit))
}

/// The rows behind `after` up to and including `until`, or all of them to the end, as one JSON text named `rows`.
///
/// # Errors
/// A fault if one of them is not a key of the table.
pub fn between(table: &Table, after: Option<&str>, until: Option<&str>) -> Result<Query<InTenant>, Fault> {
    let (name, order) = (table.name, order(table));
    let (mut condition, mut values) = (String::new(), Vec::new());
    for (comparison, place) in [(">", after), ("<=", until)] {
        if let Some(place) = place {
            let (more, bound) = bound(table, comparison, place, 2 + values.len())?;
            condition.push_str(&more);
            values.extend(bound);
        }
    }
    let sql = format!(
        "select '[' || coalesce(group_concat(pair, ','), '') || ']' as rows from
         (select {} as pair from {name} where tenant_id = ?1{condition} order by {order}) /* all rows: the same stretch */",
        pair(table)
    );
    Ok(values.into_iter().fold(read(sql), Query::bind))
}

/// The rows with these keys (a JSON array of keys), as one JSON text named `rows`.
pub fn named(table: &Table, keys: &str) -> Query<InTenant> {
    let sql = format!(
        "select '[' || coalesce(group_concat(pair, ','), '') || ']' as rows from
         (select {} as pair from {} where tenant_id = ?1{})",
        pair(table),
        table.name,
        among(table, 2)
    );
    let query = read(sql);
    // Where a tenant has one row there is nothing to choose from.
    if key(table).is_empty() { query } else { query.bind(keys) }
}

/// The rows that were captured behind a position, up to another one, as they are now; as one JSON text named `rows`.
pub fn changed(table: &Table, after: i64, upto: i64) -> Query<InTenant> {
    let captured = "captured_keys where tenant_id = ?1 and sequence > ?2 and sequence <= ?3 and name = ?4";
    let parts: Vec<String> = (0..key(table).len()).map(|index| format!("key ->> {index}")).collect();
    let condition = if parts.is_empty() {
        format!("exists (select 1 from {captured})")
    } else {
        format!("({}) in (select {} from {captured})", key(table).join(", "), parts.join(", "))
    };
    read(format!(
        "select '[' || coalesce(group_concat(pair, ','), '') || ']' as rows from
         (select {} as pair from {} where tenant_id = ?1 and {condition})",
        pair(table),
        table.name
    ))
    .bind(after)
    .bind(upto)
    .bind(table.name)
}

/// Writes rows (a JSON array of arrays of columns). A row that stands in the way has changed since, at home, and is
/// brought anew: it goes.
pub fn put(table: &Table, rows: &str) -> Statement<InTenant> {
    let columns = columns(table);
    let values: Vec<String> = (0..columns.len()).map(|index| format!("value ->> {index}")).collect();
    let sql = format!(
        "insert or replace into {} (tenant_id, {}) select ?1, {} from json_each(?2)",
        table.name,
        columns.join(", "),
        values.join(", ")
    );
    write(sql).bind(rows)
}

/// Deletes the rows with these keys (a JSON array of keys).
pub fn remove(table: &Table, keys: &str) -> Statement<InTenant> {
    let statement = write(format!("delete from {} where tenant_id = ?1{}", table.name, among(table, 2)));
    if key(table).is_empty() { statement } else { statement.bind(keys) }
}

/// Refuses the whole batch unless the rows with these keys are, to the letter, `rows`: a JSON array of arrays of columns,
/// in the order of their text.
pub fn same(table: &Table, keys: &str, rows: &str) -> Statement<InTenant> {
    let sql = format!(
        "insert into move_check (tenant_id, expected, found) values (?1, ?2, (
           select '[' || coalesce(group_concat(line, ','), '') || ']' from
           (select json_array({}) as line from {} where tenant_id = ?1{} order by line)))",
        columns(table).join(", "),
        table.name,
        among(table, 3)
    );
    let statement = write(sql).bind(rows);
    if key(table).is_empty() { statement } else { statement.bind(keys) }
}

/// How many rows the tenant has in a table, as `total`.
pub fn count(table: &Table) -> Query<InTenant> {
    read(format!("select count(*) as total from {} where tenant_id = ?1", table.name))
}

/// Reads the `rows` of a stretch; a stretch that is shorter than `limit` is the last.
///
/// # Errors
/// A fault if the database answered something else.
pub fn chunk(table: usize, row: Option<&db::Row>, limit: i64) -> Result<Chunk, Fault> {
    let rows = rows(row)?;
    let last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < limit;
    Ok(Chunk { table, rows, last })
}

/// Reads the `rows` of any of these queries.
///
/// # Errors
/// A fault if the database answered something else.
pub fn rows(row: Option<&db::Row>) -> Result<Vec<Row>, Fault> {
    let text = row.ok_or_else(|| Fault::internal("rows answered no row"))?.text("rows")?;
    let row = |pair: &str| match json::items(pair)?.as_slice() {
        [key, columns] => Some(Row { key: (*key).to_owned(), text: (*columns).to_owned() }),
        _ => None,
    };
    let rows = json::items(&text).and_then(|pairs| pairs.into_iter().map(row).collect());
    rows.ok_or_else(|| Fault::internal("rows are no pairs of a key and its columns"))
}

fn order(table: &Table) -> String {
    if key(table).is_empty() { "tenant_id".to_owned() } else { key(table).join(", ") }
}

/// `and (key…) > (?n, …)`, with its values.
fn bound(table: &Table, comparison: &str, place: &str, first: usize) -> Result<(String, Vec<Value>), Fault> {
    let values: Vec<Json> = json::read(place).unwrap_or_default();
    let key = key(table);
    if values.len() != key.len() || key.is_empty() {
        return Err(Fault::internal(format!("{place} is no key of {}", table.name)));
    }
    let values = values.into_iter().map(|value| match value {
        Json::String(text) => Ok(Value::Text(text)),
        Json::Number(number) => number.as_i64().map(Value::Int).ok_or(()),
        _ => Err(()),
    });
    let values = values.collect::<Result<Vec<_>, ()>>();
    let values = values.map_err(|()| Fault::internal(format!("{place} is no key of {}", table.name)))?;
    let parameters: Vec<String> = (0..key.len()).map(|index| format!("?{}", first + index)).collect();
    Ok((format!(" and ({}) {comparison} ({})", key.join(", "), parameters.join(", ")), values))
}

/// `and (key…) in (select … from json_each(?n))`; nothing where a tenant has one row.
fn among(table: &Table, parameter: usize) -> String {
    let key = key(table);
    if key.is_empty() {
        return String::new();
    }
    let values: Vec<String> = (0..key.len()).map(|index| format!("value ->> {index}")).collect();
    format!(" and ({}) in (select {} from json_each(?{parameter}))", key.join(", "), values.join(", "))
}
