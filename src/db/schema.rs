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
pub const DIRECTORY: &[Migration] = migrations!(
    "directory": "0001_directory.sql",
    "0002_spare_keys.sql",
    "0003_spent_codes.sql",
    "0004_moves.sql",
    "0005_staging.sql",
    "0006_migrations.sql",
    "0007_backups.sql",
    "0008_administration.sql"
);

/// The migrations of every database that holds tenants, oldest first.
pub const TENANT: &[Migration] = migrations!("tenant": "0001_foundation.sql", "0002_moves.sql", "0003_imported.sql", "0004_second_factors.sql", "0005_organization_client_grants.sql", "0006_guards.sql",
    "0007_attack_protection.sql", "0008_strangers.sql", "0009_vouched_clients.sql", "0010_revocation.sql",
    "0011_phone_numbers.sql", "0012_claims.sql", "0013_log_blocks.sql");

/// The version of a database that has all of `migrations`: their number.
pub fn version(migrations: &[Migration]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// A table, its columns, and those of its primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// `tenant_id`, and what else is needed to name one row.
    pub key: Vec<&'static str>,
    /// All of them, `tenant_id` first.
    pub columns: Vec<&'static str>,
}

/// Tables of tenant databases that belong to the database: they say so with `moves: never`. Every other one holds the
/// tenant's own rows, and goes where it goes.
const STAY: [&str; 3] = ["fences", "moves", "captured_keys"];

/// The schema of databases that hold tenants, as one release knows it. A value, and not the constant, so that two releases
/// can be at work on one database in a test as they are during a deploy.
#[derive(Debug, Clone, Copy)]
pub struct Schema(pub &'static [Migration]);

/// That of this release.
pub const CURRENT: Schema = Schema(TENANT);

impl Schema {
    /// How many migrations it has.
    pub fn version(self) -> i64 {
        version(self.0)
    }

    /// The tables whose rows are the tenant, in the order in which a move copies them.
    pub fn moved(self) -> Vec<Table> {
        tables(self.0).into_iter().filter(|table| !STAY.contains(&table.name)).collect()
    }

    /// Brings a database to it, unless it has it, or a newer one.
    ///
    /// # Errors
    /// As [`migrate`].
    pub async fn migrate(self, driver: &dyn Driver) -> Result<(), Fault> {
        migrate(driver, self.0).await
    }
}

/// The tables that `migrations` make, read from their text, so that a new one cannot be forgotten. The files keep to
/// some rules: a column stands on a line of its own, the key too (`primary key (…)`) or behind its only column, and
/// `alter table` adds one column.
pub fn tables(migrations: &[Migration]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for statement in migrations.iter().flat_map(|(_, sql)| split(sql)) {
        if let Some((name, body)) =
            statement.strip_prefix("create table ").and_then(|rest| rest.split_once(" ("))
        {
            let key = body.lines().find_map(key_of).unwrap_or_default();
            tables.push(Table { name, key, columns: body.lines().filter_map(column_of).collect() });
        } else if let Some((name, rest)) =
            statement.strip_prefix("alter table ").and_then(|rest| rest.split_once(" add column "))
            && let Some(table) = tables.iter_mut().find(|table| table.name == name)
        {
            table.columns.extend(rest.split(' ').next());
        }
    }
    tables
}

fn column_of(line: &'static str) -> Option<&'static str> {
    let mut words = line.trim().split([' ', ',']);
    let (name, kind) = (words.next()?, words.next()?);
    matches!(kind, "text" | "integer").then_some(name)
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
