//! The SQL of every plain resource, made from its declaration.

use super::{
    declaration::{Place, Resource, Shape},
    list::Listing,
    model::{cell, completed, parted},
};
use crate::{
    db::{self, Query, Row, Statement, Value, page::Part, read, write},
    error::Fault,
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::{Map, Value as Json, json};

/// The columns that show one.
pub fn columns(resource: &Resource) -> Vec<&'static str> {
    if resource.shape != Shape::Collection {
        return vec!["document"];
    }
    let mut columns = vec![resource.key.0];
    for field in resource.fields {
        match field.place {
            Place::Column(column) | Place::Moment(column) if !columns.contains(&column) => {
                columns.push(column)
            }
            _ => {}
        }
    }
    columns.extend(resource.has_document().then_some("document"));
    columns.extend(resource.system.then_some("is_system"));
    columns
}

/// `where` the rows of a resource are.
fn rows(resource: &Resource) -> String {
    let among = resource.among.map(|(column, value)| format!(" and {column} = '{value}'"));
    format!("where tenant_id = ?1{}", among.unwrap_or_default())
}

/// `where` the row with a key, which is `?2`, is.
fn row(resource: &Resource) -> String {
    match resource.shape {
        Shape::Collection => format!("{} and {} = ?2", rows(resource), resource.key.0),
        Shape::Singleton(_) => rows(resource),
    }
}

/// The one with this key, or with this alias if it has one; one row or none.
pub fn find(resource: &Resource, key: &str) -> Query<InTenant> {
    let (columns, table, id) = (columns(resource).join(", "), resource.table, resource.key.0);
    match resource.alias {
        None => read(format!("select {columns} from {table} {}", row(resource))).bind(key),
        Some(alias) => read(format!(
            "select {columns} from {table} {} and ({id} = ?2 or {alias} = ?2) order by {id} = ?2 desc limit 1",
            rows(resource)
        ))
        .bind(key),
    }
}

/// The one whose `column` is this; one row or none.
pub fn by(resource: &Resource, column: &str, value: impl Into<Value>) -> Query<InTenant> {
    let (columns, table) = (columns(resource).join(", "), resource.table);
    read(format!("select {columns} from {table} {} and {column} = ?2", rows(resource))).bind(value)
}

/// The one that was made last; one row or none.
pub fn newest(resource: &Resource) -> Query<InTenant> {
    let (columns, table, id) = (columns(resource).join(", "), resource.table, resource.key.0);
    read(format!(
        "select {columns} from {table} {} order by created_at desc, {id} desc limit 1",
        rows(resource)
    ))
}

/// Which of `ids` (a JSON array) there are, by their key.
pub fn existing(resource: &Resource, ids: &Json) -> Query<InTenant> {
    let (table, id) = (resource.table, resource.key.0);
    read(format!("select {id} from {table} {} and {id} in (select value from json_each(?2))", rows(resource)))
        .bind(ids)
}

/// The rows that a list is asked for; behind a checkpoint one more, if there is one.
pub fn list(resource: &Resource, listing: &Listing) -> Query<InTenant> {
    let (columns, id) = (columns(resource).join(", "), resource.key.0);
    let next = listing.values.len() + 2;
    let (some, order) = (matching(resource, listing), &listing.order);
    let query = match &listing.part {
        Part::Page(_) => {
            read(format!("select {columns} {some} order by {order} limit ?{next} offset ?{}", next + 1))
        }
        Part::After(..) => {
            read(format!("select {columns} {some} and {id} > ?{} order by {order} limit ?{next}", next + 1))
        }
    };
    let query = bound(listing, query);
    match &listing.part {
        Part::Page(window) => query.bind(window.size).bind(window.start),
        Part::After(key, _) => query.bind(listing.part.limit()).bind(key),
    }
}

/// How many rows match, as `total`.
pub fn count(resource: &Resource, listing: &Listing) -> Query<InTenant> {
    bound(listing, read(format!("select count(*) as total {}", matching(resource, listing))))
}

fn matching(resource: &Resource, listing: &Listing) -> String {
    let mut some = format!("from {}", resource.table);
    if let Some(index) = resource.index {
        some.push_str(&format!(" indexed by {index}"));
    }
    some.push(' ');
    some.push_str(&rows(resource));
    // What goes along an index must say so.
    if resource.index.is_some() {
        some.push_str(&format!(" and {} > ''", resource.key.0));
    }
    for condition in &listing.conditions {
        some.push_str(&format!(" and {condition}"));
    }
    some
}

fn bound(listing: &Listing, query: Query<InTenant>) -> Query<InTenant> {
    listing.values.iter().cloned().fold(query, Query::bind)
}

/// Adds one, one of the system's if it has `is_system`. A taken value of a unique member is a conflict of its column.
pub fn insert(
    resource: &'static Resource,
    id: &str,
    new: &Map<String, Json>,
    now: Timestamp,
) -> Statement<InTenant> {
    let mut new = completed(resource, new);
    let (mut names, mut values) = (vec!["tenant_id", resource.key.0], vec![Value::from(id)]);
    if resource.system && new.remove("is_system").is_some_and(|system| system == Json::Bool(true)) {
        names.push("is_system");
        values.push(true.into());
    }
    let (parts, document) = parted(resource, &new);
    for (field, column, value) in parts.into_iter().filter(|(_, column, _)| *column != resource.key.0) {
        names.push(column);
        values.push(cell(field.member.kind, Some(value)));
    }
    if let Some((column, value)) = resource.among {
        names.push(column);
        values.push(value.into());
    }
    if resource.has_document() {
        names.push("document");
        values.push(Value::from(&Json::Object(document)));
    }
    for stamp in resource.stamps() {
        names.push(stamp);
        values.push(now.into());
    }
    let places: Vec<String> = (1..=names.len()).map(|number| format!("?{number}")).collect();
    let statement = write(format!(
        "insert into {} ({}) values ({}) returning {}",
        resource.table,
        names.join(", "),
        places.join(", "),
        columns(resource).join(", ")
    ));
    let statement = values.into_iter().fold(statement, Statement::bind);
    match resource.among {
        Some((_, kind)) => statement.counted_in([db::list([kind])]),
        None => statement,
    }
}

/// Refuses a batch if there is no such row any more.
pub fn still_there(resource: &Resource, id: &str) -> Statement<InTenant> {
    write(format!(
        "insert into change_guard (tenant_id, expected, found) values (?1, ?2, (select {} from {} {}))",
        resource.key.0,
        resource.table,
        row(resource)
    ))
    .bind(id)
}

/// Refuses a batch if the row has been changed since.
///
/// # Errors
/// A fault if it is the row of something else.
pub fn unchanged(resource: &Resource, row: &Row) -> Result<Statement<InTenant>, Fault> {
    let id = resource.key.0;
    let all = columns(resource);
    let columns: Vec<&str> = all.into_iter().filter(|column| *column != id).collect();
    db::unchanged(resource.table, (id, row.text(id)?.into()), &columns, row)
}

/// Sets members of one: those that are named, and nothing else, so that of two changes at once none is lost. `afresh`: the
/// document cannot be read, and begins anew.
pub fn patch(
    resource: &'static Resource,
    id: &str,
    set: &Map<String, Json>,
    afresh: bool,
    now: Timestamp,
) -> Statement<InTenant> {
    let (parts, document) = parted(resource, set);
    let (mut sets, mut values) = (Vec::new(), vec![Value::from(id)]);
    for (field, column, value) in parts {
        values.push(cell(field.member.kind, Some(value)));
        sets.push(format!("{column} = ?{}", values.len() + 1));
    }
    let touches = !document.is_empty() || afresh && resource.has_document();
    if touches {
        values.push(Value::from(&Json::Object(document.clone())));
        let base = if afresh { "'{}'" } else { "iif(json_valid(document), document, '{}')" };
        sets.push(format!("document = {}", merged(base, &document, values.len() + 1)));
    }
    values.push(now.into());
    sets.push(format!("updated_at = ?{}", values.len() + 1));
    let statement = write(format!(
        "update {} set {} {} returning {}",
        resource.table,
        sets.join(", "),
        row(resource),
        columns(resource).join(", ")
    ));
    let statement = values.into_iter().fold(statement, Statement::bind);
    if touches { statement.merged_into(resource.table, resource.key.0, id) } else { statement }
}

/// How many members one function is given: D1 takes 32 arguments.
const MEMBERS: usize = 15;

/// The document `base` with the members of a JSON parameter in place of its own, and without those that are null there.
fn merged(base: &str, document: &Map<String, Json>, parameter: usize) -> String {
    let (cleared, set): (Vec<_>, Vec<_>) = document.iter().partition(|(_, value)| value.is_null());
    let path = |name: &str| format!("'$.\"{name}\"'");
    let cleared = cleared.chunks(MEMBERS).fold(base.to_owned(), |inner, names| {
        let paths: Vec<String> = names.iter().map(|(name, _)| path(name)).collect();
        format!("json_remove({inner}, {})", paths.join(", "))
    });
    set.chunks(MEMBERS).fold(cleared, |inner, members| {
        let pairs: Vec<String> =
            members.iter().map(|(name, _)| format!("{0}, ?{parameter} -> {0}", path(name))).collect();
        format!("json_set({inner}, {})", pairs.join(", "))
    })
}

/// Removes one with what hangs on it. `stored`: it as it was read.
pub fn remove(resource: &Resource, id: &str, stored: &Row) -> Vec<Statement<InTenant>> {
    let hanging = |hanging: &super::declaration::Hanging| {
        let key = stored.0.get(hanging.of).and_then(Json::as_str).unwrap_or(id);
        let (table, column) = (hanging.table, hanging.column);
        write(format!("delete from {table} where tenant_id = ?1 and {column} = ?2")).bind(key)
    };
    let mut batch: Vec<_> = resource.hangs.iter().map(hanging).collect();
    batch.push(write(format!("delete from {} {}", resource.table, row(resource))).bind(id));
    batch
}

/// The document of a single resource; one row or none.
pub fn only(resource: &Resource) -> Query<InTenant> {
    read(format!("select document from {} {}", resource.table, rows(resource)))
}

/// Merges a change into the document of a single resource, at every level; null clears (RFC 7396).
pub fn merge(resource: &Resource, patch: Map<String, Json>, now: Timestamp) -> Statement<InTenant> {
    let patch = match resource.shape {
        Shape::Singleton(Some(part)) => json!({ part: patch }),
        _ => Json::Object(patch),
    };
    let table = resource.table;
    write(format!(
        "insert into {table} (tenant_id, document, updated_at) values (?1, json_patch('{{}}', ?2), ?3)
         on conflict (tenant_id) do update set updated_at = excluded.updated_at,
           document = json_patch(iif(json_valid({table}.document), {table}.document, '{{}}'), ?2)
         returning document"
    ))
    .bind(&patch)
    .bind(now)
}
