//! What is asked of a SQLite file. Its tables are whatever they are, so their names and columns are read first.

use super::Table;
use rusqlite::{Connection, Result, Statement};

/// From here on the file is seen as it is now.
pub fn begin(connection: &Connection) -> Result<()> {
    connection.execute_batch("begin; select count(name) from sqlite_master")
}

/// The end of that.
pub fn end(connection: &Connection) -> Result<()> {
    connection.execute_batch("rollback")
}

/// `ok`, or what is wrong with its pages.
pub fn quick_check(connection: &Connection) -> Result<Vec<String>> {
    connection.prepare("pragma quick_check(5)")?.query_map([], |row| row.get(0))?.collect()
}

/// Every table by name; not those of SQLite itself.
pub fn tables(connection: &Connection) -> Result<Vec<Table>> {
    let names = "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name";
    let names: Vec<String> =
        connection.prepare(names)?.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    let table = |name: String| {
        let columns = "select name from pragma_table_info(?1) order by cid";
        let columns =
            connection.prepare(columns)?.query_map([&name], |row| row.get(0))?.collect::<Result<_>>()?;
        let count = format!("select count(1) from {}", quoted(&name));
        let rows: i64 = connection.query_row(&count, [], |row| row.get(0))?;
        Ok(Table { name, columns, rows: rows.unsigned_abs() })
    };
    names.into_iter().map(table).collect()
}

/// The rows of a table, in the order in which SQLite keeps them: the same each time while nobody writes.
pub fn rows<'a>(connection: &'a Connection, table: &Table) -> Result<Statement<'a>> {
    let columns: Vec<_> = table.columns.iter().map(|column| quoted(column)).collect();
    connection.prepare(&format!("select {} from {}", columns.join(", "), quoted(&table.name)))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
