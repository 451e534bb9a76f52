//! What a body names: ids of things to give, to take, to add or to remove.

use crate::{access::management::Refusal, db::Row, error::Fault};

/// Checks how many are named: at least one.
///
/// # Errors
/// 400 with the name of the member.
pub fn check_count(member: &str, count: usize, most: usize) -> Result<(), Refusal> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(Refusal::invalid_body(format!("{member} must hold 1 to {most} items")))
}

/// Checks that everything that is named is among the `known` ones.
///
/// # Errors
/// 400 with the first that is not.
pub fn check_known<'a>(
    what: &str,
    mut named: impl Iterator<Item = &'a str>,
    known: &[String],
) -> Result<(), Refusal> {
    match named.find(|id| !known.iter().any(|known| known == id)) {
        Some(id) => Err(Refusal::invalid_body(format!("There is no {what} {id}"))),
        None => Ok(()),
    }
}

/// One column of every row.
///
/// # Errors
/// A fault if a row has no text there.
pub fn texts(rows: &[Row], column: &str) -> Result<Vec<String>, Fault> {
    rows.iter().map(|row| row.text(column)).collect()
}
