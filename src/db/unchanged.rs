//! Changes that begin from what was read: they hold only while it is still there.

use super::{Row, Scope, Statement, Value, write};
use crate::error::Fault;

/// Refuses the whole batch ([`crate::error::FaultKind::Outrun`]) unless the row of `table` with this `key` (a column
/// behind the tenant, and its value) still holds in `columns` what `row` has there. Two changes of a document at once
/// cannot undo each other: the second one is made again from what the first one has left.
///
/// # Errors
/// A fault if `row` lacks one of the columns.
pub fn unchanged<S: Scope>(
    table: &str,
    (key, value): (&str, Value),
    columns: &[&str],
    row: &Row,
) -> Result<Statement<S>, Fault> {
    let parameters: Vec<String> = (0..columns.len()).map(|index| format!("?{}", index + 3)).collect();
    // Compared as text: D1 binds every number as a double, and 1.0 is not 1.
    let found: Vec<String> = columns.iter().map(|column| format!("cast({column} as text)")).collect();
    let sql = format!(
        "insert into change_guard (tenant_id, expected, found) values (?1, json_array({}), (
           select json_array({}) from {table} where tenant_id = ?1 and {key} = ?2))",
        parameters.join(", "),
        found.join(", "),
    );
    let mut statement = write(sql).bind(value);
    for column in columns {
        let text = match row.optional_text(column) {
            Ok(text) => text,
            Err(_) => row.optional_int(column)?.map(|number| number.to_string()),
        };
        statement = statement.bind(text);
    }
    Ok(statement)
}
