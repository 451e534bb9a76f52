//! The bytes of a file one after the other, and where each of them is.

use crate::cli::source::{Position, Problem};
use std::io::Read;

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

/// A file that is read from front to back in constant memory.
pub struct Bytes<R> {
    file: R,
    buffer: Vec<u8>,
    next: usize,
    position: Position,
    ended: bool,
}

impl<R: Read> Bytes<R> {
    /// The bytes of `file`, which stands at `position`.
    pub fn new(file: R, position: Position) -> Self {
        Self { file, buffer: Vec::new(), next: 0, position, ended: false }
    }

    /// Where the next byte is.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The next byte, which stays; none at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn peek(&mut self) -> Result<Option<u8>, Problem> {
        self.peek_at(0)
    }

    /// The byte after `distance` others.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn peek_at(&mut self, distance: usize) -> Result<Option<u8>, Problem> {
        while !self.ended && self.buffer.len() <= self.next + distance {
            self.buffer.drain(..self.next);
            self.next = 0;
            let limit = CHUNK as u64;
            let read = self.file.by_ref().take(limit).read_to_end(&mut self.buffer).map_err(|error| {
                Problem::new(format!("the file cannot be read: {error}")).at(self.position)
            })?;
            self.ended = read == 0;
        }
        Ok(self.buffer.get(self.next + distance).copied())
    }

    /// Takes the next byte.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn take(&mut self) -> Result<Option<u8>, Problem> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.next += 1;
            self.position.offset += 1;
            self.position.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// Whether the next bytes are these.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn starts_with(&mut self, expected: &[u8]) -> Result<bool, Problem> {
        for (distance, byte) in expected.iter().enumerate() {
            if self.peek_at(distance)? != Some(*byte) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes these bytes if they are next.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn take_if(&mut self, expected: &[u8]) -> Result<bool, Problem> {
        let found = self.starts_with(expected)?;
        if found {
            self.skip(expected.len())?;
        }
        Ok(found)
    }

    /// Takes so many bytes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn skip(&mut self, count: usize) -> Result<(), Problem> {
        for _ in 0..count {
            self.take()?;
        }
        Ok(())
    }

    /// Takes the rest of the line with its end, and gives it without; none at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, or the line is longer than `limit` bytes.
    pub fn line(&mut self, limit: usize) -> Result<Option<Vec<u8>>, Problem> {
        let start = self.position;
        let mut line = Vec::new();
        loop {
            match self.take()? {
                None if line.is_empty() => return Ok(None),
                None | Some(b'\n') => return Ok(Some(line)),
                Some(_) if line.len() >= limit => return Err(too_long(limit).at(start)),
                Some(byte) => line.push(byte),
            }
        }
    }
}

/// What is longer than anything that a tenant's database could keep.
pub fn too_long(limit: usize) -> Problem {
    let megabytes = limit / (1024 * 1024);
    Problem::new(format!(
        "a value of more than {megabytes} MB: D1 keeps at most 2 MB in a row. Is a closing quote missing?"
    ))
}
