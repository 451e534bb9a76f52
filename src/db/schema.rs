//! The migrations, embedded, and how a database is brought to the newest of them.

use super::{Driver, RawStatement, Value};
use crate::error::{Fault, FaultKind};

/// One migration file: its name and its SQL.
pub type Migration = (&'static str, &'static str);

macro_rules! migrations {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../migrations/", $folder, "/", $name)))),+]
    };
}

/// The directory's migrations, oldest first.
pub const DIRECTORY: &[Migration] =
    migrations!("directory": "0001_directory.sql", "0002_spare_keys.sql", "0003_spent_codes.sql");

/// The migrations of every database that holds tenants, oldest first.
pub const TENANT: &[Migration] = migrations!("tenant": "0001_foundation.sql");

/// The version of a database that has all of `migrations`: their number.
pub fn version(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// A table, and the columns of its primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// `tenant_id`, and what else is needed to name one row.
    pub key: Vec<&'static str>,
}

/// The tables that `migrations` make, read from their text, so that a new one cannot be forgotten. The files keep to
/// one rule: the key stands on a line of its own (`primary key (…)`) or behind its only column.
pub fn tables(migrations: &[Migration]) -> Vec<Table> {
    let statements = migrations.iter().flat_map(|(_, sql)| split(sql));
    let tables = statements.filter_map(|statement| statement.strip_prefix("create table ")?.split_once(" ("));
    tables
        .map(|(name, columns)| Table { name, key: columns.lines().find_map(key_of).unwrap_or_default() })
        .collect()
}

fn key_of(line: &'static str) -> Option<Vec<&'static str>> {
    let line = line.trim();
    if let Some(columns) = line.strip_prefix("primary key (") {
        return Some(columns.split(')').next()?.split(", ").collect());
    }
    line.contains(" primary key").then(|| line.split(' ').next().into_iter().collect())
}

/// Wrangler's own table of applied migrations, so that `wrangler d1 migrations` and Gatehouse agree on what has been applied.
const TABLE: &str = "create table if not exists d1_migrations(
    id integer primary key autoincrement, name text unique, applied_at timestamp default current_timestamp not null)";

/// Applies what is missing, each migration with its mark as one transaction. Two instances may do this at the same
/// time: the mark is unique, so the second one's transaction is refused whole and the migration counts as applied.
///
/// # Errors
/// A fault of the database, or of a migration.
pub async fn migrate(driver: &dyn Driver, migrations: &[Migration]) -> Result<(), Fault> {
    let raw = |sql: &'static str, params| RawStatement { sql: sql.into(), params };
    let mut outcomes =
        driver.run(vec![raw(TABLE, vec![]), raw("select name from d1_migrations", vec![])]).await?;
    let rows = outcomes.pop().unwrap_or_default().rows;
    let applied = rows.iter().map(|row| row.text("name")).collect::<Result<Vec<_>, _>>()?;
    for (name, sql) in migrations.iter().filter(|(name, _)| !applied.iter().any(|done| done == name)) {
        let mut batch = vec![raw("insert into d1_migrations (name) values (?1)", vec![Value::from(*name)])];
        batch.extend(split(sql).into_iter().map(|statement| raw(statement, vec![])));
        match driver.run(batch).await {
            Ok(_) => {}
            Err(Fault { kind: FaultKind::Conflict(column), .. }) if column == "d1_migrations.name" => {}
            Err(fault) => {
                return Err(Fault { detail: format!("migration {name}: {}", fault.detail), ..fault });
            }
        }
    }
    Ok(())
}

/// Splits a migration file into statements. The files keep to one rule: a statement ends with `;` at the end of a
/// line, a trigger with `end;` at the start of one.
pub fn split(sql: &'static str) -> Vec<&'static str> {
    let mut statements = Vec::new();
    let mut rest = sql;
    while let Some(start) = rest.find(|letter: char| !letter.is_whitespace()) {
        rest = rest.get(start..).unwrap_or_default();
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
            continue;
        }
        let terminator = if rest.starts_with("create trigger") { "\nend;" } else { ";\n" };
        let end = rest.find(terminator).map_or(rest.len(), |at| at + terminator.len());
        let (statement, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        statements.push(statement.trim_end());
        rest = after;
    }
    statements
}
