//! SQL of the blocks.

use super::model::{Block, COLUMNS};
use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    events::first_log_id,
    tenant::InTenant,
    time::Timestamp,
};

const BLOCK: &str = "number, since, until, entries, previous, hash, sealed_at";

/// The newest block; one row or none.
pub fn newest() -> Query<InTenant> {
    read(format!("select {BLOCK} from log_blocks where tenant_id = ?1 order by number desc limit 1"))
}

/// The oldest entries, `most` of them, that are in no block and from before this moment.
pub fn unsealed(before: Timestamp, most: i64) -> Query<InTenant> {
    read(format!(
        "select {COLUMNS} from logs
         where tenant_id = ?1 and id < ?2
           and id > coalesce((select until from log_blocks where tenant_id = ?1 order by number desc limit 1), '')
         order by id limit ?3"
    ))
    .bind(first_log_id(before))
    .bind(most)
}

/// Adds a block. A conflict if another instance has sealed the same entries.
pub fn insert(block: &Block) -> Statement<InTenant> {
    write(format!("insert into log_blocks (tenant_id, {BLOCK}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))
        .bind(block.number)
        .bind(block.since.as_str())
        .bind(block.until.as_str())
        .bind(block.entries)
        .bind(block.previous.as_str())
        .bind(block.hash.as_str())
        .bind(block.sealed_at)
}

/// Blocks from this number on, `most` of them, oldest first.
pub fn from(number: i64, most: i64) -> Query<InTenant> {
    read(format!(
        "select {BLOCK} from log_blocks where tenant_id = ?1 and number >= ?2 order by number limit ?3"
    ))
    .bind(number)
    .bind(most)
}

/// The entries that are there now between two ids, the first one left out; `most` of them.
pub fn entries(since: &str, until: &str, most: i64) -> Query<InTenant> {
    read(format!(
        "select {COLUMNS} from logs where tenant_id = ?1 and id > ?2 and id <= ?3 order by id limit ?4"
    ))
    .bind(since)
    .bind(until)
    .bind(most)
}

/// Removes every block: entries that come with an import stand among those that were sealed.
pub fn begin_anew() -> Statement<InTenant> {
    write("delete from log_blocks where tenant_id = ?1 and number > 0")
}

/// Reads a row of any of these.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn block(row: &Row) -> Result<Block, Fault> {
    Ok(Block {
        number: row.int("number")?,
        since: row.text("since")?,
        until: row.text("until")?,
        entries: row.int("entries")?,
        previous: row.text("previous")?,
        hash: row.text("hash")?,
        sealed_at: row.time("sealed_at")?,
    })
}
