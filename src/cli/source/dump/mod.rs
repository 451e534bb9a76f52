//! A dump in plain SQL. It is read twice: once whole, to check it and to note where the rows of each table are, then
//! table by table.

mod bytes;
mod copy;
mod definition;
mod dialect;
mod literal;
mod script;
mod token;
mod value;

pub use dialect::{Dialect, recognise};

use super::{Position, Problem, Row, Source, Table};
use definition::Definition;
use dialect::promised_ending;
use script::{Rows, Script, Statement};
use serde_json::Map;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use value::{Literal, Type};

/// A dump that was read once, to its end.
pub struct Dump {
    path: PathBuf,
    dialect: Dialect,
    length: u64,
    tables: Vec<Table>,
    contents: BTreeMap<String, Contents>,
}

/// What was found of a table.
#[derive(Default)]
struct Contents {
    definition: Option<Definition>,
    columns: Vec<(String, Type)>,
    stretches: Vec<Stretch>,
    rows: u64,
}

/// A part of the file in which there are rows of one table only.
struct Stretch {
    from: Position,
    to: u64,
    backslash: bool,
}

impl Dump {
    /// Reads it to its end.
    ///
    /// # Errors
    /// The first thing in it that cannot be imported, and where it is.
    pub fn open(path: &Path, dialect: Dialect) -> Result<Self, Problem> {
        let cannot = |error| Problem::new(format!("{} cannot be read: {error}", path.display()));
        let file = File::open(path).map_err(cannot)?;
        let length = file.metadata().map_err(cannot)?.len();
        check_ending(&file, length)?;
        let mut contents = BTreeMap::<String, Contents>::new();
        let mut script = Script::new(File::open(path).map_err(cannot)?, dialect, Position::START);
        let mut before: Option<String> = None;
        while let Some(statement) = script.statement()? {
            match statement {
                Statement::Table(definition) => {
                    let found = contents.entry(definition.table.clone()).or_default();
                    define(found, definition)?;
                    before = None;
                }
                Statement::Rows(rows) if is_internal(&rows.table, dialect) => before = None,
                Statement::Rows(rows) => {
                    let found = contents.entry(rows.table.clone()).or_default();
                    let follows = before.as_ref() == Some(&rows.table);
                    check_rows(&mut script, found, &rows, follows)?;
                    before = Some(rows.table);
                }
            }
        }
        let table = |(name, found): (&String, &Contents)| Table {
            name: name.clone(),
            columns: found.columns.iter().map(|(name, _)| name.clone()).collect(),
            rows: found.rows,
        };
        let tables = contents.iter().map(table).collect();
        Ok(Self { path: path.to_owned(), dialect, length, tables, contents })
    }
}

/// What SQLite keeps for itself.
fn is_internal(table: &str, dialect: Dialect) -> bool {
    dialect == Dialect::Sqlite && table.starts_with("sqlite_")
}

/// A dump that signs at the top must have its signature at the bottom.
fn check_ending(mut file: &File, length: u64) -> Result<(), Problem> {
    let unreadable = |error| Problem::new(format!("the file cannot be read: {error}"));
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    file.take(4096).read_to_end(&mut head).map_err(unreadable)?;
    let Some(ending) = promised_ending(&head) else { return Ok(()) };
    file.seek(SeekFrom::Start(length.saturating_sub(4096))).map_err(unreadable)?;
    file.read_to_end(&mut tail).map_err(unreadable)?;
    if String::from_utf8_lossy(&tail).lines().any(|line| line.starts_with(ending)) {
        return Ok(());
    }
    Err(Problem::new(format!("the file is truncated: its last line should begin with {ending:?}")))
}

/// Takes note of a definition. A second one of the same name means two dumps, or two schemas, in one file.
fn define(found: &mut Contents, definition: Definition) -> Result<(), Problem> {
    if let Some(first) = &found.definition {
        let words = format!(
            "the table is defined for the second time, after line {}: dump one database and one schema only",
            first.at.line
        );
        return Err(Problem::new(words).at(definition.at).in_table(&definition.table));
    }
    if found.rows > 0 {
        let words = "the table is defined after its first rows";
        return Err(Problem::new(words).at(definition.at).in_table(&definition.table));
    }
    found.columns.clone_from(&definition.columns);
    found.definition = Some(definition);
    Ok(())
}

/// Reads the rows of a statement, for what is wrong with them, and notes where they are.
fn check_rows(
    script: &mut Script<File>,
    found: &mut Contents,
    rows: &Rows,
    follows: bool,
) -> Result<(), Problem> {
    let wrong = |words: String| Problem::new(words).at(rows.at).in_table(&rows.table);
    if found.definition.is_none() {
        if rows.copied {
            let words =
                "there are rows, but no CREATE TABLE that says of what types: dump without --data-only";
            return Err(wrong(words.to_owned()));
        }
        let Some(columns) = &rows.columns else {
            let words = "there are rows, but neither a CREATE TABLE before them nor a list of columns: dump with the \
                         schema, or with --complete-insert";
            return Err(wrong(words.to_owned()));
        };
        for column in columns {
            if !found.columns.iter().any(|(known, _)| known == column) {
                found.columns.push((column.clone(), Type::Text));
            }
        }
    }
    let columns = chosen(&found.columns, rows)?;
    let (table, backslash) = (&rows.table, *script.backslash());
    while let Some((at, values)) =
        script.row().map_err(|problem| problem.in_table(table).in_row(found.rows + 1))?
    {
        found.rows += 1;
        values_of(&columns, values).map_err(|problem| problem.at(at).in_table(table).in_row(found.rows))?;
    }
    let to = script.position().offset;
    match found.stretches.last_mut() {
        Some(stretch) if follows => stretch.to = to,
        _ => found.stretches.push(Stretch { from: rows.at, to, backslash }),
    }
    Ok(())
}

/// The columns that the rows of a statement have values for.
fn chosen<'a>(all: &'a [(String, Type)], rows: &Rows) -> Result<Vec<&'a (String, Type)>, Problem> {
    let Some(names) = &rows.columns else { return Ok(all.iter().collect()) };
    let find = |name: &String| {
        all.iter().find(|(known, _)| known == name).ok_or_else(|| {
            let words = format!("column {name} is not in the table's definition");
            Problem::new(words).at(rows.at).in_table(&rows.table)
        })
    };
    names.iter().map(find).collect()
}

/// A row by column.
fn values_of(
    columns: &[&(String, Type)],
    values: Vec<Literal>,
) -> Result<Map<String, serde_json::Value>, Problem> {
    if values.len() != columns.len() {
        let words = format!("a row of {} values for {} columns", values.len(), columns.len());
        return Err(Problem::new(words));
    }
    let read = |((name, declared), value): (&&(String, Type), Literal)| match declared.read(value) {
        Ok(value) => Ok((name.clone(), value)),
        Err(problem) => Err(Problem { words: format!("column {name}: {}", problem.words), ..problem }),
    };
    columns.iter().zip(values).map(read).collect()
}

impl Source for Dump {
    fn kind(&self) -> &'static str {
        self.dialect.name()
    }

    fn tables(&self) -> &[Table] {
        &self.tables
    }

    fn read(&self, table: &str, visit: &mut dyn FnMut(Row) -> ControlFlow<()>) -> Result<(), Problem> {
        let Some(found) = self.contents.get(table) else { return Ok(()) };
        let unreadable = |error| Problem::new(format!("the file cannot be read: {error}"));
        let mut number = 0;
        for stretch in &found.stretches {
            let mut file = File::open(&self.path).map_err(unreadable)?;
            if file.metadata().map_err(unreadable)?.len() != self.length {
                return Err(Problem::new("the file has changed since it was checked"));
            }
            file.seek(SeekFrom::Start(stretch.from.offset)).map_err(unreadable)?;
            let mut script = Script::new(file, self.dialect, stretch.from);
            *script.backslash() = stretch.backslash;
            while script.position().offset < stretch.to {
                let Some(Statement::Rows(rows)) = script.statement()? else { break };
                let columns = chosen(&found.columns, &rows)?;
                while let Some((at, values)) = script.row()? {
                    number += 1;
                    let values = values_of(&columns, values)
                        .map_err(|problem| problem.at(at).in_table(table).in_row(number))?;
                    if visit(Row { number, at: Some(at), values }).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}
