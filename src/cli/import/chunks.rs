//! Records in portions that the server takes.

use super::super::exit::Failure;
use crate::importing::{
    record::{Record, Values},
    tables,
};
use std::collections::BTreeMap;

/// The most bytes of a chunk: a request holds a megabyte.
const BYTES: usize = 900_000;

/// Records of one table.
#[derive(Debug)]
pub struct Chunk {
    /// The table.
    pub table: &'static str,
    /// How many records of it there were before.
    pub from: u64,
    /// They.
    pub records: Vec<Values>,
}

/// Records that wait until there are enough of them.
#[derive(Debug, Default)]
pub struct Chunks {
    waiting: BTreeMap<&'static str, (usize, Chunk)>,
    seen: BTreeMap<&'static str, u64>,
}

impl Chunks {
    /// One more record, after as many of its table as there were; what is full is let go.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn put(
        &mut self,
        record: Record,
        send: &mut dyn FnMut(Chunk) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let table = record.table;
        let bytes = serde_json::to_vec(&record.values).map_or(0, |bytes| bytes.len() + 1);
        let is_full = |(weight, chunk): &mut (usize, Chunk)| {
            *weight + bytes > BYTES || chunk.records.len() >= tables::CHUNK
        };
        if self.waiting.get_mut(table).is_some_and(is_full)
            && let Some((_, chunk)) = self.waiting.remove(table)
        {
            send(chunk)?;
        }
        let from = self.skip(table);
        let empty = || (0, Chunk { table, from, records: Vec::new() });
        let (weight, chunk) = self.waiting.entry(table).or_insert_with(empty);
        *weight += bytes;
        chunk.records.push(record.values);
        Ok(())
    }

    /// Counts a record that is not sent; how many there were before it.
    pub fn skip(&mut self, table: &'static str) -> u64 {
        let seen = self.seen.entry(table).or_default();
        *seen += 1;
        *seen - 1
    }

    /// How many records of a table there were.
    pub fn seen(&self, table: &str) -> u64 {
        self.seen.get(table).copied().unwrap_or_default()
    }

    /// Lets go what waits, in the order in which tables refer to each other.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn flush(&mut self, send: &mut dyn FnMut(Chunk) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let chunks = tables::TABLES.iter().filter_map(|table| waiting.remove(table.name));
        chunks.into_iter().try_for_each(|(_, chunk)| send(chunk))
    }
}
