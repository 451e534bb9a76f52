//! The test driver: real SQLite with D1's limits and our laws about SQL, in memory.

use gatehouse::{
    db::{Driver, Outcome, RawStatement, Row, Value, driver::fault},
    error::Fault,
    platform::LocalBox,
};
use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
    limits::Limit,
    types::ValueRef,
};
use serde_json::{Map, Value as Json};
use std::{cell::RefCell, collections::HashSet};

/// One database.
pub struct Sqlite {
    name: String,
    connection: RefCell<Connection>,
    /// What has been written since somebody looked: of the log type and details of each entry, and whether anything else.
    noted: RefCell<(Vec<(String, Json)>, bool)>,
}

thread_local! {
    /// What has been vetted, in the directory (`true`) and in databases of tenants: there the same text has the same plan.
    static VETTED: RefCell<HashSet<(bool, String)>> = RefCell::default();
}

impl Sqlite {
    /// An empty database. `name` is its binding; all but `DIRECTORY` hold tenants and so obey the laws of tenant SQL.
    pub fn new(name: &str) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "foreign_keys", "on").unwrap();
        connection.set_prepared_statement_cache_capacity(128);
        // D1 limits: 100 bound parameters, 50 bytes of LIKE pattern, 100 KB of statement, 100 columns.
        for (limit, value) in [
            (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
            (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
            (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
            (Limit::SQLITE_LIMIT_COLUMN, 100),
        ] {
            connection.set_limit(limit, value).unwrap();
        }
        Self { name: name.to_owned(), connection: RefCell::new(connection), noted: RefCell::default() }
    }

    /// Takes what has been written since the last time: of the log type and details of each entry, and whether anything else.
    pub fn take_noted(&self) -> (Vec<(String, Json)>, bool) {
        self.noted.take()
    }

    fn note(&self, statement: &RawStatement, outcome: &Outcome) {
        let is_own = ["logs", "log_blocks", "login_attempts"].iter().any(|table| {
            ["insert into ", "delete from "]
                .iter()
                .any(|verb| statement.sql.starts_with(&format!("{verb}{table} ")))
        });
        self.noted.borrow_mut().1 |= outcome.changes > 0 && !is_own;
        if let (true, [_, _, Value::Text(kind), .., Value::Text(details)]) =
            (statement.sql.starts_with("insert into logs ("), statement.params.as_slice())
        {
            let details = serde_json::from_str(details).unwrap_or_default();
            self.noted.borrow_mut().0.push((kind.clone(), details));
        }
    }

    /// Runs SQL that is the test's own, outside the laws.
    pub fn query(&self, sql: &str) -> Vec<Map<String, Json>> {
        let connection = self.connection.borrow();
        rows(&mut connection.prepare(sql).unwrap(), &[]).unwrap().into_iter().map(|row| row.0).collect()
    }

    /// All of it, as it is now.
    pub fn copy(&self) -> Connection {
        let mut copy = Connection::open_in_memory().unwrap();
        copy_all(&self.connection.borrow(), &mut copy);
        copy
    }

    /// Becomes what was copied.
    pub fn become_copy(&self, copy: &Connection) {
        let mut connection = self.connection.borrow_mut();
        connection.flush_prepared_statement_cache();
        copy_all(copy, &mut connection);
    }

    /// Every row of every table of one tenant, as text: equal before and after means that nothing was changed.
    pub fn contents(&self, tenant: &str) -> String {
        self.dump(&format!("where tenant_id = '{tenant}' order by 1, 2"))
    }

    /// The same but for the log: a refusal leaves nothing but an entry there.
    pub fn but_for_logs(&self, tenant: &str) -> String {
        but_for_logs(&self.contents(tenant))
    }

    /// Every row of every table, whosever it is, as text.
    pub fn everything(&self) -> String {
        self.dump("order by 1, 2")
    }

    fn dump(&self, which: &str) -> String {
        let tables = self.query(
            "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'd1_migrations'
             order by name",
        );
        let dump = |table: &Map<String, Json>| {
            let table = table["name"].as_str().unwrap();
            format!("{table}: {:?}\n", self.query(&format!("select * from {table} {which}")))
        };
        tables.iter().map(dump).collect()
    }

    /// The laws of SQL, checked once per text: tenant SQL is bound to its tenant, and nothing scans a growing table.
    fn vet(&self, connection: &Connection, statement: &RawStatement) {
        let sql = statement.sql.trim_start();
        let known = (self.name == "DIRECTORY", sql.to_owned());
        assert!(statement.params.len() <= 100, "D1 takes 100 parameters: {sql}");
        for value in &statement.params {
            assert!(!matches!(value, Value::Int(number) if number.abs() > 1 << 53), "beyond 2^53: {sql}");
        }
        let defines = ["create", "alter table", "drop trigger"].iter().any(|start| sql.starts_with(start));
        if defines || sql.contains("d1_migrations") || VETTED.with_borrow(|vetted| vetted.contains(&known)) {
            return;
        }
        if self.name != "DIRECTORY" {
            assert!(sql.contains("?1"), "tenant SQL must bind its tenant as ?1: {sql}");
        }
        let mut explain = match connection.prepare(&format!("explain query plan {sql}")) {
            // Of another release than the database is of: for whoever sends it to see.
            Err(error) if error.to_string().contains("no such") => return,
            explain => explain.unwrap_or_else(|error| panic!("{error}: {sql}")),
        };
        let params = vec![rusqlite::types::Value::Null; explain.parameter_count()];
        let plan: Vec<String> = explain
            .query_map(rusqlite::params_from_iter(params), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let tables: Vec<String> = connection
            .prepare_cached("select name from sqlite_schema where type = 'table'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        if let Some(step) = super::plan::unlawful(sql, &plan, &tables) {
            panic!("reads all rows of a growing table ({step}): {sql}");
        }
        VETTED.with_borrow_mut(|vetted| vetted.insert(known));
    }

    fn run_all(&self, batch: Vec<RawStatement>) -> Result<Vec<Outcome>, Fault> {
        let mut connection = self.connection.borrow_mut();
        let transaction = connection.transaction().unwrap();
        let mut outcomes = Vec::with_capacity(batch.len());
        for statement in &batch {
            self.vet(&transaction, statement);
            let outcome = run_one(&transaction, statement);
            outcomes.push(outcome.map_err(|error| fault(&as_d1_says(&error)))?);
        }
        transaction.commit().unwrap();
        batch.iter().zip(&outcomes).for_each(|(statement, outcome)| self.note(statement, outcome));
        Ok(outcomes)
    }
}

/// What a dump says of everything but the log.
pub fn but_for_logs(dump: &str) -> String {
    let is_log = |line: &&str| ["logs:", "log_blocks:"].iter().any(|table| line.starts_with(table));
    dump.lines().filter(|line| !is_log(line)).collect::<Vec<_>>().join("\n")
}

fn copy_all(from: &Connection, to: &mut Connection) {
    let done = Backup::new(from, to).unwrap().step(-1).unwrap();
    assert_eq!(done, StepResult::Done);
}

/// D1 passes SQLite's message on and appends the names of its codes.
fn as_d1_says(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => format!("D1_ERROR: {message}: SQLITE_ERROR"),
        other => format!("D1_ERROR: {other}: SQLITE_ERROR"),
    }
}

fn run_one(connection: &Connection, statement: &RawStatement) -> rusqlite::Result<Outcome> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    let total = || connection.query_row("select total_changes()", [], |row| row.get::<_, u64>(0));
    let before = total()?;
    let rows = rows(&mut prepared, &statement.params)?;
    let changes = if prepared.readonly() { 0 } else { total()? - before };
    Ok(Outcome { rows_read: rows.len() as u64, rows_written: changes, changes, rows })
}

fn rows(prepared: &mut rusqlite::Statement<'_>, params: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let names: Vec<String> = prepared.column_names().into_iter().map(str::to_owned).collect();
    let params = params.iter().map(|value| match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Int(number) => rusqlite::types::Value::Integer(*number),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
    });
    let mut found = prepared.query(rusqlite::params_from_iter(params))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let cell = |index| match row.get_ref(index).unwrap() {
            ValueRef::Null => Json::Null,
            ValueRef::Integer(number) => Json::from(number),
            ValueRef::Real(number) => Json::from(number),
            ValueRef::Text(text) => Json::from(String::from_utf8_lossy(text)),
            ValueRef::Blob(_) => panic!("no blobs: D1 returns them as number arrays"),
        };
        rows.push(Row(names.iter().enumerate().map(|(index, name)| (name.clone(), cell(index))).collect()));
    }
    Ok(rows)
}

impl Driver for Sqlite {
    fn run(&self, batch: Vec<RawStatement>) -> LocalBox<'_, Result<Vec<Outcome>, Fault>> {
        Box::pin(async move { self.run_all(batch) })
    }
}
