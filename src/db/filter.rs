//! `q` as SQL: a parsed query over a closed list of fields becomes a condition with every value bound. Only the
//! columns of that list and words of this file ever reach the SQL text.

use super::{
    Query, Scope, Value,
    lucene::{self, Clause, End, Test},
};
use crate::time::Timestamp;

/// A field that may be searched.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in `q`.
    pub name: &'static str,
    /// Its column, as the statement names it.
    pub column: &'static str,
    /// What the column holds.
    pub kind: Kind,
    /// Whether a word without a field name is looked for here.
    pub usual: bool,
}

/// What a column holds, which decides what can be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text in which case matters: an id.
    Exact,
    /// Text that is stored in lower case.
    Lower,
    /// Text in which case does not matter (in ASCII: SQLite's `lower`).
    Words,
    /// 0 or 1.
    Flag,
    /// An integer.
    Number,
    /// Milliseconds; asked for as ISO-8601.
    Moment,
    /// A JSON object, whose members are asked for by their paths: `app_metadata.plan`.
    Document,
}

impl Field {
    /// A field of this kind whose column has its name.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, column: name, kind, usual: false }
    }

    /// The same field, in a column of another name.
    pub const fn column(self, column: &'static str) -> Self {
        Self { column, ..self }
    }

    /// The same field, also searched for words without a field name.
    pub const fn usual(self) -> Self {
        Self { usual: true, ..self }
    }
}

/// A condition with its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    /// SQL that is true of the rows that match; `true` for all of them.
    pub sql: String,
    /// What its parameters stand for, in order.
    pub values: Vec<Value>,
    first: usize,
}

/// D1 takes 100 parameters; the rest is for the statement around the condition.
const MAX_VALUES: usize = 90;

impl Filter {
    /// Compiles `q`, if there is one, over `fields`; its first parameter will be `?{first}`.
    ///
    /// # Errors
    /// What is wrong, in words for the client: a field that is not on the list is refused, never ignored, since an
    /// ignored condition would answer with everybody.
    pub fn compile(q: Option<&str>, fields: &[Field], first: usize) -> Result<Self, String> {
        let clause = q.map_or(Ok(None), lucene::parse)?;
        let mut compiler = Compiler { fields, first, values: Vec::new() };
        let sql = clause.map_or_else(|| Ok("true".to_owned()), |clause| compiler.clause(&clause))?;
        if compiler.values.len() > MAX_VALUES {
            return Err("q: too long".to_owned());
        }
        Ok(Self { sql, values: compiler.values, first })
    }

    /// The `index`-th parameter after the filter's own: `?5`.
    pub fn after(&self, index: usize) -> String {
        format!("?{}", self.first + self.values.len() + index)
    }

    /// Binds the values to a statement that contains the SQL, when the next free parameter is the one it was compiled with.
    pub fn bind<S: Scope>(&self, query: Query<S>) -> Query<S> {
        self.values.iter().cloned().fold(query, Query::bind)
    }
}

struct Compiler<'a> {
    fields: &'a [Field],
    first: usize,
    values: Vec<Value>,
}

impl Compiler<'_> {
    fn clause(&mut self, clause: &Clause) -> Result<String, String> {
        match clause {
            Clause::All(clauses) => self.join(clauses, " and "),
            Clause::Any(clauses) => self.join(clauses, " or "),
            // A row whose column is null does not match a condition, so it matches the opposite.
            Clause::Not(clause) => Ok(format!("({}) is not true", self.clause(clause)?)),
            Clause::Term(Some(name), test) => {
                if let Some((column, path)) = self.inside(name) {
                    return self.member(column, path, test);
                }
                let field = self.fields.iter().find(|field| field.name == name);
                let field = *field.ok_or_else(|| format!("q: {name} cannot be searched"))?;
                self.test(&field, test)
            }
            Clause::Term(None, test) => self.usual(test),
        }
    }

    /// The column of a document, and the path in it, that a name with dots means. Only names that need no quotes in a path.
    fn inside(&self, name: &str) -> Option<(&'static str, String)> {
        let (document, rest) = name.split_once('.')?;
        let field =
            self.fields.iter().find(|field| field.kind == Kind::Document && field.name == document)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let fits = rest.split('.').all(|part| !part.is_empty() && part.bytes().all(plain));
        fits.then(|| {
            let parts: Vec<String> = rest.split('.').map(|part| format!(".\"{part}\"")).collect();
            (field.column, format!("${}", parts.concat()))
        })
    }

    /// A condition on a member of a document: on the value there or, of a list, on any of its items (Auth0).
    fn member(&mut self, column: &str, path: String, test: &Test) -> Result<String, String> {
        let path = self.value(path);
        let condition = match test {
            Test::Exists => "type <> 'null'".to_owned(),
            Test::Between(..) => {
                format!(
                    "type in ('integer', 'real') and {}",
                    self.test(&Field::new("atom", Kind::Number), test)?
                )
            }
            Test::Matches { .. } => self.test(&Field::new("a member", Kind::Exact).column(ATOM), test)?,
        };
        let document = format!("iif(json_valid({column}), {column}, '{{}}')");
        Ok(format!("exists (select 1 from json_each({document}, {path}) where {condition})"))
    }

    fn join(&mut self, clauses: &[Clause], word: &str) -> Result<String, String> {
        let conditions = clauses.iter().map(|clause| self.clause(clause)).collect::<Result<Vec<_>, _>>()?;
        Ok(format!("({})", conditions.join(word)))
    }

    /// A word without a field is looked for inside every usual one, as a person who types into a search box expects.
    fn usual(&mut self, test: &Test) -> Result<String, String> {
        let Test::Matches { text, .. } = test else {
            return Err("q: this needs the name of a field before it".to_owned());
        };
        let usual: Vec<Field> = self.fields.iter().filter(|field| field.usual).copied().collect();
        if usual.is_empty() {
            return Err(format!("q: `{text}` needs the name of a field before it"));
        }
        let conditions: Vec<String> = usual.iter().map(|field| self.contains(field, text)).collect();
        Ok(format!("({})", conditions.join(" or ")))
    }

    fn test(&mut self, field: &Field, test: &Test) -> Result<String, String> {
        let column = field.column;
        match (field.kind, test) {
            (Kind::Document, _) => Err(format!("q: {} needs the path of a member behind it", field.name)),
            (_, Test::Exists) => Ok(format!("{column} is not null")),
            (Kind::Flag, Test::Matches { text, open_start: false, open_end: false }) => match text.as_str() {
                "true" => Ok(format!("{column} = 1")),
                "false" => Ok(format!("{column} = 0")),
                _ => Err(format!("q: {} is true or false", field.name)),
            },
            (Kind::Number | Kind::Moment, Test::Matches { text, open_start: false, open_end: false }) => {
                let end = || Some(End { text: text.clone(), inclusive: true });
                self.between(field, end().as_ref(), end().as_ref())
            }
            (Kind::Number | Kind::Moment, Test::Between(from, to)) => {
                self.between(field, from.as_ref(), to.as_ref())
            }
            (Kind::Exact | Kind::Lower | Kind::Words, Test::Matches { text, open_start, open_end }) => {
                self.matches(field, text, *open_start, *open_end)
            }
            (Kind::Exact | Kind::Lower | Kind::Words | Kind::Flag, Test::Between(..)) => {
                Err(format!("q: {} has no order", field.name))
            }
            (_, Test::Matches { .. }) => Err(format!("q: {} takes no star", field.name)),
        }
    }

    /// Ranges and `instr` instead of `like`: D1 refuses patterns of more than 50 bytes, and a range uses the index.
    fn matches(
        &mut self,
        field: &Field,
        text: &str,
        open_start: bool,
        open_end: bool,
    ) -> Result<String, String> {
        // Auth0: a star in front needs three letters behind it.
        if open_start && text.chars().count() < 3 {
            return Err("q: a star in front of a word needs at least three letters after it".to_owned());
        }
        let (column, folded) = folded(field, text);
        Ok(match (open_start, open_end) {
            (false, false) => format!("{column} = {}", self.value(folded)),
            (false, true) => {
                // No text goes beyond U+10FFFF, so this is everything that begins with the prefix.
                let beyond = format!("{folded}{}", char::MAX);
                let (from, to) = (self.value(folded), self.value(beyond));
                format!("({column} >= {from} and {column} < {to})")
            }
            (true, false) => {
                let value = self.value(folded);
                format!("substr({column}, -length({value})) = {value}")
            }
            (true, true) => self.contains(field, text),
        })
    }

    fn contains(&mut self, field: &Field, text: &str) -> String {
        let (column, folded) = folded(field, text);
        format!("instr({column}, {}) > 0", self.value(folded))
    }

    /// Each end names a span (a day, a number); a range takes whole spans or leaves them out.
    fn between(&mut self, field: &Field, from: Option<&End>, to: Option<&End>) -> Result<String, String> {
        let column = field.column;
        let from = from.map(|end| Ok::<_, String>((span(field, &end.text)?, end.inclusive))).transpose()?;
        let to = to.map(|end| Ok::<_, String>((span(field, &end.text)?, end.inclusive))).transpose()?;
        let lower = from.map(|((start, beyond), inclusive)| {
            format!("{column} >= {}", self.value(if inclusive { start } else { beyond }))
        });
        let upper = to.map(|((start, beyond), inclusive)| {
            format!("{column} < {}", self.value(if inclusive { beyond } else { start }))
        });
        match (lower, upper) {
            (Some(lower), Some(upper)) => Ok(format!("({lower} and {upper})")),
            (Some(one), None) | (None, Some(one)) => Ok(one),
            (None, None) => Ok(format!("{column} is not null")),
        }
    }

    fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.first + self.values.len() - 1)
    }
}

/// A value of `json_each` as text.
const ATOM: &str =
    "(case type when 'true' then 'true' when 'false' then 'false' else cast(atom as text) end)";

/// The column and the text, both without the case that does not matter.
fn folded(field: &Field, text: &str) -> (String, String) {
    match field.kind {
        Kind::Lower => (field.column.to_owned(), text.to_lowercase()),
        Kind::Words => (format!("lower({})", field.column), text.to_ascii_lowercase()),
        _ => (field.column.to_owned(), text.to_owned()),
    }
}

/// The integers that a value stands for: from the first up to, but not including, the second.
fn span(field: &Field, text: &str) -> Result<(i64, i64), String> {
    let named = match field.kind {
        Kind::Moment => Timestamp::span(text).map(|(start, end)| (start.millis(), end.millis())),
        // D1 keeps integers up to 2^53.
        _ => {
            text.parse().ok().filter(|number: &i64| number.abs() < 1 << 53).map(|number| (number, number + 1))
        }
    };
    let wanted = if field.kind == Kind::Moment { "an ISO-8601 date" } else { "an integer" };
    named.ok_or_else(|| format!("q: {} is compared with {wanted}", field.name))
}
