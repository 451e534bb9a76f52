//! A dump as statements, of which only those matter that define tables or bring rows. A statement is never held whole:
//! its rows come one by one.

use super::{
    bytes::{Bytes, too_long},
    copy,
    definition::{self, Definition, take},
    dialect::Dialect,
    literal,
    token::{LONGEST, Token, Tokens},
    value::{Literal, shortened},
};
use crate::cli::source::{Position, Problem};
use std::io::Read;

/// What a statement is to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// It defines a table.
    Table(Definition),
    /// It brings rows, which [`Script::row`] reads.
    Rows(Rows),
}

/// Where the rows of a statement go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Their table, without schema.
    pub table: String,
    /// The columns that have values; none for all of them, in the order of the definition.
    pub columns: Option<Vec<String>>,
    /// Whether they are lines of `COPY`, whose values have no type of their own.
    pub copied: bool,
    /// Where the statement begins.
    pub at: Position,
}

/// How the rows of the statement that is being read are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    Values,
    Copy,
}

/// The most values of a row: D1 has at most 100 columns, other databases a few thousand.
const MOST_VALUES: usize = 4096;

/// Reads a dump statement by statement.
pub struct Script<R> {
    tokens: Tokens<R>,
    dialect: Dialect,
    delimiter: Vec<u8>,
    form: Form,
    in_transaction: Option<Position>,
}

impl<R: Read> Script<R> {
    /// The statements from `position` on, where `file` stands.
    pub fn new(file: R, dialect: Dialect, position: Position) -> Self {
        let tokens = Tokens::new(Bytes::new(file, position), dialect);
        Self { tokens, dialect, delimiter: b";".to_vec(), form: Form::None, in_transaction: None }
    }

    /// Where the next byte is.
    pub fn position(&self) -> Position {
        self.tokens.bytes.position()
    }

    /// Whether a backslash escapes in an ordinary string, as the dump has set it so far.
    pub fn backslash(&mut self) -> &mut bool {
        &mut self.tokens.backslash
    }

    /// The next statement that matters; none at the end of the file. Whatever rows are left of the one before are
    /// read and checked.
    ///
    /// # Errors
    /// The file is not what it should be from here on.
    pub fn statement(&mut self) -> Result<Option<Statement>, Problem> {
        while self.row()?.is_some() {}
        self.tokens.bytes.take_if("\u{feff}".as_bytes())?;
        loop {
            self.tokens.skip_blanks()?;
            if self.command()? || self.delimited()? {
                continue;
            }
            let Some(first) = self.tokens.take()? else {
                return match self.in_transaction {
                    None => Ok(None),
                    Some(at) => Err(Problem::new(
                        "the transaction that begins here is never committed: the file is truncated",
                    )
                    .at(at)),
                };
            };
            if let Some(statement) = self.begin(&first)? {
                return Ok(Some(statement));
            }
        }
    }

    /// A line for the client that reads the dump, not for the server: `DELIMITER ;;`, `\connect`, `\restrict`.
    fn command(&mut self) -> Result<bool, Problem> {
        let bytes = &mut self.tokens.bytes;
        let delimiter = self.dialect == Dialect::Mysql && bytes.starts_with(b"DELIMITER ")?;
        let slash = self.dialect == Dialect::Postgres && bytes.peek()? == Some(b'\\');
        if !(delimiter || slash) {
            return Ok(false);
        }
        let line = bytes.line(1024)?.unwrap_or_default();
        if delimiter {
            self.delimiter = line.trim_ascii().rsplit(|byte| *byte == b' ').next().unwrap_or(b";").to_vec();
        }
        Ok(true)
    }

    /// Takes the delimiter if it is next.
    fn delimited(&mut self) -> Result<bool, Problem> {
        self.tokens.bytes.take_if(&self.delimiter)
    }

    /// Reads a statement from its second token on, if it matters, up to its rows.
    fn begin(&mut self, first: &Token) -> Result<Option<Statement>, Problem> {
        let at = self.tokens.at();
        if first.is("insert") || first.is("replace") {
            return self.insert(at).map(Some);
        }
        if first.is("copy") {
            return self.copy(at);
        }
        if first.is("create") {
            return Ok(self.create()?.map(Statement::Table));
        }
        if first.is("set") {
            self.set()?;
        } else if first.is("begin") || first.is("start") {
            self.in_transaction = Some(at);
            self.skip()?;
        } else if first.is("rollback") {
            return Err(Problem::new("the dump takes itself back here: its writer had met errors").at(at));
        } else if first.is("commit") || first.is("end") {
            self.in_transaction = None;
            self.skip()?;
        } else {
            self.skip()?;
        }
        Ok(None)
    }

    /// Passes over the rest of a statement.
    fn skip(&mut self) -> Result<(), Problem> {
        loop {
            self.tokens.skip_blanks()?;
            if self.delimited()? {
                return Ok(());
            }
            take(&mut self.tokens)?;
        }
    }

    fn create(&mut self) -> Result<Option<Definition>, Problem> {
        loop {
            let word = take(&mut self.tokens)?;
            if word.is("table") {
                let definition = definition::read(&mut self.tokens, self.dialect)?;
                self.skip()?;
                return Ok(definition);
            }
            if word.is("trigger") && self.dialect == Dialect::Sqlite {
                self.skip_trigger()?;
                return Ok(None);
            }
            // What may stand before `table`; anything else creates something else.
            if !["temp", "temporary", "unlogged", "foreign", "or", "replace"]
                .iter()
                .any(|other| word.is(other))
            {
                self.skip_from(word)?;
                return Ok(None);
            }
        }
    }

    fn skip_from(&mut self, token: Token) -> Result<(), Problem> {
        if token == Token::Symbol(b';') && self.delimiter == b";" { Ok(()) } else { self.skip() }
    }

    /// A trigger of SQLite has semicolons inside: it ends with `end;`, where that closes no `case`.
    fn skip_trigger(&mut self) -> Result<(), Problem> {
        let mut cases = 0_u32;
        loop {
            let token = take(&mut self.tokens)?;
            if token.is("case") {
                cases += 1;
            } else if token.is("end") && cases > 0 {
                cases -= 1;
            } else if token.is("end") {
                return self.skip();
            }
        }
    }

    /// `SET client_encoding = 'UTF8'`, `SET NAMES utf8mb4`, `SET standard_conforming_strings = on`.
    fn set(&mut self) -> Result<(), Problem> {
        let (at, mut words) = (self.tokens.at(), Vec::new());
        loop {
            self.tokens.skip_blanks()?;
            if self.delimited()? {
                break;
            }
            match take(&mut self.tokens)? {
                Token::Word(word) | Token::Name(word) => words.push(word.to_ascii_lowercase()),
                Token::Text(text) => words.push(String::from_utf8_lossy(&text).to_ascii_lowercase()),
                _ => {}
            }
        }
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["client_encoding" | "names", encoding, ..] => {
                let known = ["utf8", "utf-8", "utf8mb4", "utf8mb3", "binary", "sql_ascii", "unicode"];
                if known.contains(encoding) {
                    return Ok(());
                }
                Err(Problem::new(format!(
                    "the dump is in {encoding}: make it in UTF-8, with --default-character-set=utf8mb4 or \
                     --encoding=UTF8"
                ))
                .at(at))
            }
            ["standard_conforming_strings", value] => {
                self.tokens.backslash = *value == "off";
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// `INSERT INTO users (a, b) VALUES`, up to the first row.
    fn insert(&mut self, at: Position) -> Result<Statement, Problem> {
        let mut word = take(&mut self.tokens)?;
        while !word.is("into") {
            if !["ignore", "low_priority", "delayed", "high_priority", "or"]
                .iter()
                .any(|other| word.is(other))
            {
                return Err(self.unexpected(&word, "INTO"));
            }
            word = take(&mut self.tokens)?;
        }
        let (table, mut word) = definition::name(&mut self.tokens)?;
        let columns = if word == Token::Symbol(b'(') {
            let columns = self.names()?;
            word = take(&mut self.tokens)?;
            Some(columns)
        } else {
            None
        };
        // `overriding system value`
        while !(word.is("values") || word.is("value")) {
            if !["overriding", "system", "user"].iter().any(|other| word.is(other)) {
                return Err(self.unexpected(&word, "VALUES"));
            }
            word = take(&mut self.tokens)?;
            if word.is("value") {
                word = take(&mut self.tokens)?;
            }
        }
        self.form = Form::Values;
        Ok(Statement::Rows(Rows { table, columns, copied: false, at }))
    }

    /// `COPY public.users (a, b) FROM stdin;` with the end of its line. Any other `COPY` brings no rows.
    fn copy(&mut self, at: Position) -> Result<Option<Statement>, Problem> {
        let (table, mut word) = definition::name(&mut self.tokens)?;
        let columns = if word == Token::Symbol(b'(') {
            let columns = self.names()?;
            word = take(&mut self.tokens)?;
            Some(columns)
        } else {
            None
        };
        if !word.is("from") || !take(&mut self.tokens)?.is("stdin") {
            self.skip()?;
            return Ok(None);
        }
        self.skip()?;
        self.tokens.bytes.line(1024)?;
        self.form = Form::Copy;
        Ok(Some(Statement::Rows(Rows { table, columns, copied: true, at })))
    }

    /// Names up to the parenthesis that closes their list.
    fn names(&mut self) -> Result<Vec<String>, Problem> {
        let mut names = Vec::new();
        loop {
            match take(&mut self.tokens)? {
                Token::Word(name) | Token::Name(name) => names.push(name),
                Token::Symbol(b',') => {}
                Token::Symbol(b')') => return Ok(names),
                other => return Err(self.unexpected(&other, "a column")),
            }
        }
    }

    /// The next row of the statement that was read last, and where it begins; none after its last one.
    ///
    /// # Errors
    /// The file breaks off, or goes on with something that is no row.
    pub fn row(&mut self) -> Result<Option<(Position, Vec<Literal>)>, Problem> {
        match self.form {
            Form::None => Ok(None),
            Form::Values => self.row_of_values().map(Some),
            Form::Copy => self.row_of_copy(),
        }
    }

    fn row_of_copy(&mut self) -> Result<Option<(Position, Vec<Literal>)>, Problem> {
        let at = self.position();
        let Some(line) = self.tokens.bytes.line(LONGEST)? else {
            return Err(Problem::new("the file ends inside the rows of COPY: it is truncated").at(at));
        };
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line == copy::END {
            self.form = Form::None;
            return Ok(None);
        }
        Ok(Some((at, copy::values(line))))
    }

    fn row_of_values(&mut self) -> Result<(Position, Vec<Literal>), Problem> {
        let open = take(&mut self.tokens)?;
        let at = self.tokens.at();
        if open != Token::Symbol(b'(') {
            return Err(self.unexpected(&open, "a row"));
        }
        let (mut values, mut size) = (Vec::new(), 0);
        loop {
            let (value, after) = literal::read(&mut self.tokens)?;
            size += if let Literal::Text(text) = &value { text.len() } else { 0 };
            values.push(value);
            if size > LONGEST || values.len() > MOST_VALUES {
                return Err(too_long(LONGEST).at(at));
            }
            match after {
                Token::Symbol(b',') => {}
                Token::Symbol(b')') => break,
                other => return Err(self.unexpected(&other, ", or )")),
            }
        }
        self.tokens.skip_blanks()?;
        if self.delimited()? {
            self.form = Form::None;
            return Ok((at, values));
        }
        let after = take(&mut self.tokens)?;
        if after != Token::Symbol(b',') {
            // `on conflict do nothing`, `on duplicate key update`: which row wins where two are the same.
            if !(after.is("on") || after.is("as")) {
                return Err(self.unexpected(&after, ", or ;"));
            }
            self.skip()?;
            self.form = Form::None;
        }
        Ok((at, values))
    }

    fn unexpected(&self, found: &Token, wanted: &str) -> Problem {
        let found = match found {
            Token::Word(word) | Token::Name(word) | Token::Number(word) => shortened(word),
            Token::Text(text) => shortened(&String::from_utf8_lossy(text)),
            Token::Symbol(symbol) => char::from(*symbol).to_string(),
        };
        Problem::new(format!("{found} where {wanted} is expected: this is not a plain dump"))
            .at(self.tokens.at())
    }
}
