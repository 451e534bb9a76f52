//! SQL of imports. What it does to rows is made from the table of tables.

use super::{
    model::{Import, Status, Wanted},
    seal::stored,
    tables::{Reference, TABLES, Table},
};
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    tenant::{InDirectory, InTenant},
    time::Timestamp,
};
use std::collections::BTreeMap;

/// The newest import; one row or none.
pub fn newest() -> Query<InTenant> {
    read(
        "select id, source, source_tenant, issuer, live, status, created_at, finished_at from imports
         where tenant_id = ?1 order by created_at desc, id desc limit 1",
    )
}

/// How many records of each table the newest import has stored.
pub fn checkpoints() -> Query<InTenant> {
    read(
        "select table_name, taken from import_checkpoints where tenant_id = ?1 and import_id =
           (select id from imports where tenant_id = ?1 order by created_at desc, id desc limit 1)",
    )
}

/// Reads the rows of [`newest`] and [`checkpoints`].
///
/// # Errors
/// A fault if a row holds what the schema does not allow.
pub fn import(row: &Row, checkpoints: &[Row]) -> Result<Import, Fault> {
    let status = row.text("status")?;
    let mut taken = BTreeMap::new();
    for row in checkpoints {
        taken.insert(row.text("table_name")?, row.int("taken")?);
    }
    Ok(Import {
        id: row.text("id")?,
        source: row.text("source")?,
        tenant: row.text("source_tenant")?,
        issuer: row.optional_text("issuer")?,
        live: row.flag("live")?,
        status: Status::parse(&status).ok_or_else(|| Fault::internal(format!("unknown status {status}")))?,
        taken,
        created_at: row.time("created_at")?,
        finished_at: row.optional_time("finished_at")?,
    })
}

/// Whether a tenant has anything that it was not born with, as `in_use`: an import that is discarded takes all there is.
pub fn in_use() -> Query<InTenant> {
    let has = |table: &&Table| match table.name {
        // Born with one of each.
        "settings" => None,
        "connections" => Some("(select count(*) from connections where tenant_id = ?1) > 1".to_owned()),
        _ => Some(format!("exists (select 1 from {} where tenant_id = ?1{})", table.rows, counted(table))),
    };
    let any: Vec<String> = TABLES.iter().filter_map(has).collect();
    read(format!("select /* all rows: the first of each table is enough */ {} as in_use", any.join(" or ")))
}

/// Removes the connection that the tenant was born with: the source has its own.
pub fn remove_born_connection() -> Statement<InTenant> {
    write("delete from connections where tenant_id = ?1")
}

/// Begins an import. A second one that is not over is a conflict of `imports`.
pub fn begin(id: &str, wanted: &Wanted, now: Timestamp) -> Statement<InTenant> {
    write(
        "insert into imports (tenant_id, id, source, source_tenant, issuer, live, status, created_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7)",
    )
    .bind(id)
    .bind(wanted.source.as_str())
    .bind(wanted.tenant.as_str())
    .bind(wanted.issuer.as_deref())
    .bind(wanted.live)
    .bind(now)
}

/// Brings an import from one status to the next, if it is there; one row if it was.
pub fn set_status(id: &str, from: Status, to: Status, now: Timestamp) -> Statement<InTenant> {
    let over = matches!(to, Status::Finished | Status::Discarded);
    write("update imports set status = ?4, finished_at = ?5 where tenant_id = ?1 and id = ?2 and status = ?3 returning id")
        .bind(id)
        .bind(from.as_str())
        .bind(to.as_str())
        .bind(over.then_some(now))
}

/// Holds while the import (`?3`) is open and nothing is missing before the record with the number `?4` of a table (`?5`).
const WELCOME: &str = "exists (select 1 from imports where tenant_id = ?1 and id = ?3 and status = 'open')
    and ?4 <= coalesce((select taken from import_checkpoints where tenant_id = ?1 and import_id = ?3 and table_name = ?5), 0)";

/// A chunk of an import: its rows as a JSON array of arrays of cells, in the order of [`stored`].
pub struct Chunk<'a> {
    /// The table.
    pub table: &'static Table,
    /// The rows.
    pub rows: &'a str,
    /// The import.
    pub import: &'a str,
    /// The number of its first record.
    pub from: i64,
}

impl Chunk<'_> {
    fn bind(&self, statement: Statement<InTenant>) -> Statement<InTenant> {
        statement.bind(self.rows).bind(self.import).bind(self.from).bind(self.table.name)
    }

    /// Stores the rows, if the chunk is welcome. `again`: a row that is there already becomes what the record says; else it
    /// is a conflict.
    pub fn put(&self, again: bool) -> Statement<InTenant> {
        let (table, columns) = (self.table, stored(self.table));
        let cells: Vec<String> = (0..columns.len()).map(|index| format!("value ->> {index}")).collect();
        if table.amends {
            return self.bind(write(amend(table, &columns)));
        }
        let conflict = if again { on_conflict(table, &columns) } else { String::new() };
        self.bind(write(format!(
            "insert into {} (tenant_id, {}) select ?1, {} from json_each(?2) where {WELCOME}{conflict}",
            table.rows,
            columns.join(", "),
            cells.join(", ")
        )))
    }

    /// Sets the checkpoint behind the chunk's last record, if it is welcome; one row if it was. Never sets it back.
    pub fn checkpoint(&self, to: i64, now: Timestamp) -> Statement<InTenant> {
        let statement = write(format!(
            "insert into import_checkpoints (tenant_id, import_id, table_name, taken, updated_at)
             select ?1, ?3, ?5, ?6, ?7 where ?2 is not null and {WELCOME}
             on conflict (tenant_id, import_id, table_name) do update
               set taken = max(taken, excluded.taken), updated_at = excluded.updated_at returning taken"
        ));
        self.bind(statement).bind(to).bind(now)
    }

    /// The rows of the tenant that stand in the way of the chunk's: for each that shares the key (`also_key`), or the
    /// columns of a unique index, with another key, the number of the record as `place`.
    pub fn in_the_way(&self, columns: &[&str], also_key: bool) -> Option<Query<InTenant>> {
        let (table, all) = (self.table, stored(self.table));
        let same = |names: &[&str]| {
            let pair = |name: &&str| {
                let index = all.iter().position(|column| column == name)?;
                Some(format!("t.{name} = j.value ->> {index}"))
            };
            let always = std::iter::once(Some("true".to_owned()));
            always.chain(names.iter().map(pair)).collect::<Option<Vec<_>>>().map(|pairs| pairs.join(" and "))
        };
        let keys: Vec<&str> = table.key_columns().iter().map(|column| column.name).collect();
        let other_key = if also_key { String::new() } else { format!(" and not ({})", same(&keys)?) };
        let query = read(format!(
            "select j.key as place from json_each(?2) j join {} t on t.tenant_id = ?1 and {}{other_key} limit 1",
            table.rows,
            same(columns)?
        ));
        Some(query.bind(self.rows))
    }
}

fn on_conflict(table: &Table, columns: &[&str]) -> String {
    let keys: Vec<&str> = table.key_columns().iter().map(|column| column.name).collect();
    let rest = columns.iter().filter(|column| !keys.contains(column));
    let sets: Vec<String> = rest.map(|column| format!("{column} = excluded.{column}")).collect();
    let key = std::iter::once("tenant_id").chain(keys).collect::<Vec<_>>().join(", ");
    if sets.is_empty() {
        format!(" on conflict ({key}) do nothing")
    } else {
        format!(" on conflict ({key}) do update set {}", sets.join(", "))
    }
}

/// Sets columns of rows that are there. The records come as a table of their own, so that each row is found by its key.
fn amend(table: &Table, columns: &[&str]) -> String {
    let (keys, rest) = columns.split_at_checked(table.key).unwrap_or_default();
    let cells: Vec<String> =
        columns.iter().enumerate().map(|(index, column)| format!("value ->> {index} as {column}")).collect();
    let same: Vec<String> = keys.iter().map(|key| format!("j.{key} = {}.{key}", table.rows)).collect();
    format!(
        "with j as materialized (select {} from json_each(?2))
         update {} set ({rest}) = (select {rest} from j where {}) where tenant_id = ?1 and ({keys}) in (select {keys} from j)
         and {WELCOME}",
        cells.join(", "),
        table.rows,
        same.join(" and "),
        rest = rest.join(", "),
        keys = keys.join(", "),
    )
}

/// Which rows of a table count: those that the tenant was not born with; of one that sets some columns of another's rows,
/// those that have anything there.
fn counted(table: &Table) -> String {
    if !table.amends {
        return table.born.map_or_else(String::new, |born| format!(" and not ({born})"));
    }
    let set = |column: &&str| format!("coalesce({column}, 0) <> 0");
    let columns = stored(table);
    let sets: Vec<String> = columns.get(table.key..).unwrap_or_default().iter().map(set).collect();
    format!(" and ({})", sets.join(" or "))
}

/// How many rows a table has, as `total`.
pub fn count(table: &Table) -> Query<InTenant> {
    read(format!("select count(*) as total from {} where tenant_id = ?1{}", table.rows, counted(table)))
}

/// The rows with keys after `after` (a JSON array of the key's columns; null for the first ones), at most `size`, by key.
pub fn page(table: &Table, after: Option<&str>, size: i64) -> Query<InTenant> {
    let keys: Vec<&str> = table.key_columns().iter().map(|column| column.name).collect();
    let select = format!(
        "select {} from {} where tenant_id = ?1{}",
        stored(table).join(", "),
        table.rows,
        counted(table)
    );
    if keys.is_empty() {
        return read(select);
    }
    let order = keys.join(", ");
    let Some(after) = after else {
        return read(format!("{select} order by {order} limit ?2")).bind(size);
    };
    let cells: Vec<String> = (0..keys.len()).map(|index| format!("?3 ->> {index}")).collect();
    read(format!("{select} and ({order}) > ({}) order by {order} limit ?2", cells.join(", ")))
        .bind(size)
        .bind(after)
}

/// The rows with these keys (a JSON array of arrays).
pub fn by_keys(table: &Table, keys: &str) -> Query<InTenant> {
    let columns = stored(table).join(", ");
    let names: Vec<&str> = table.key_columns().iter().map(|column| column.name).collect();
    if names.is_empty() {
        return read(format!("select {columns} from {} where tenant_id = ?1 and ?2 is not null", table.rows))
            .bind(keys);
    }
    let cells: Vec<String> = (0..names.len()).map(|index| format!("value ->> {index}")).collect();
    read(format!(
        "select {columns} from {} where tenant_id = ?1 and ({}) in (select {} from json_each(?2))",
        table.rows,
        names.join(", "),
        cells.join(", ")
    ))
    .bind(keys)
}

/// The keys of some rows that refer to nothing.
pub fn orphans(table: &Table, reference: &Reference) -> Query<InTenant> {
    let Reference { column, table: target, target: key } = reference;
    let keys: Vec<String> = table.key_columns().iter().map(|key| format!("c.{0} as {0}", key.name)).collect();
    read(format!(
        "select /* all rows: an import is checked once */ {} from {} c
         where c.tenant_id = ?1 and c.{column} is not null and c.{column} <> ''
         and not exists (select 1 from {target} t where t.tenant_id = ?1 and t.{key} = c.{column}) limit 5",
        keys.join(", "),
        table.rows
    ))
}

/// Deletes up to `limit` of the tenant's rows of a table.
pub fn purge(table: &Table, limit: i64) -> Statement<InTenant> {
    let keys = table.key_columns().iter().map(|column| column.name);
    let (name, key) = (table.rows, std::iter::once("tenant_id").chain(keys).collect::<Vec<_>>().join(", "));
    write(format!(
        "delete from {name} where ({key}) in (select {key} from {name} where tenant_id = ?1 limit ?2)"
    ))
    .bind(limit)
}

/// Forgets how many records of each table an import has stored.
pub fn forget_checkpoints(import: &str) -> Statement<InTenant> {
    write("delete from import_checkpoints where tenant_id = ?1 and import_id = ?2").bind(import)
}

/// The domains that the operator vouches for.
pub fn ready_domains() -> Query<InTenant> {
    read("select domain from custom_domains where tenant_id = ?1 and status = 'ready'")
}

/// Whose these hosts (a JSON array) are, of those that somebody has: `host` and `tenant_id`.
pub fn hosts(domains: &str) -> Query<InDirectory> {
    read("select host, tenant_id from hosts where host in (select value from json_each(?1))").bind(domains)
}

/// Enters hosts (a JSON array) of a tenant; one that somebody has already stays theirs.
pub fn enter_hosts(domains: &str, tenant: &crate::id::TenantId, now: Timestamp) -> Statement<InDirectory> {
    write(
        "insert into hosts (host, tenant_id, created_at) select value, ?2, ?3 from json_each(?1) where true
         on conflict (host) do nothing",
    )
    .bind(domains)
    .bind(tenant)
    .bind(now)
}
