//! `create table`: which columns a table has, and of what types.

use super::{
    dialect::Dialect,
    token::{Token, Tokens},
    value::Type,
};
use crate::cli::source::{Position, Problem};
use std::io::Read;

/// A table as its dump defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name, without schema.
    pub table: String,
    /// Its columns in order.
    pub columns: Vec<(String, Type)>,
    /// Where that is said.
    pub at: Position,
}

/// Reads from the name of the table to the last parenthesis; none for a table that is defined by another one.
///
/// # Errors
/// It breaks off.
pub fn read<R: Read>(tokens: &mut Tokens<R>, dialect: Dialect) -> Result<Option<Definition>, Problem> {
    let at = tokens.at();
    let (mut table, mut token) = name(tokens)?;
    if token.is("if") {
        // `if not exists`
        tokens.take()?;
        tokens.take()?;
        let named = name(tokens)?;
        (table, token) = (named.0, named.1);
    } else if table.is_empty() {
        return Ok(None);
    }
    if token != Token::Symbol(b'(') {
        return Ok(None);
    }
    let mut columns = Vec::new();
    loop {
        let (first, end) = column(tokens, dialect)?;
        columns.extend(first);
        if end {
            return Ok(Some(Definition { table, columns, at }));
        }
    }
}

/// `name`, `schema.name`, and the token after it. The name is empty when there is none.
pub fn name<R: Read>(tokens: &mut Tokens<R>) -> Result<(String, Token), Problem> {
    let mut name = String::new();
    loop {
        match take(tokens)? {
            Token::Word(word) if word.eq_ignore_ascii_case("if") && name.is_empty() => {
                return Ok((name, Token::Word(word)));
            }
            Token::Word(part) | Token::Name(part) => name = part,
            other => return Ok((name, other)),
        }
        match take(tokens)? {
            Token::Symbol(b'.') => {}
            other => return Ok((name, other)),
        }
    }
}

/// One entry of the list: a column, or nothing if it is a constraint; and whether it was the last.
fn column<R: Read>(
    tokens: &mut Tokens<R>,
    dialect: Dialect,
) -> Result<(Option<(String, Type)>, bool), Problem> {
    let is_constraint = |token: &Token| dialect.constraints().iter().any(|word| token.is(word));
    let mut column = match take(tokens)? {
        token if is_constraint(&token) => None,
        Token::Word(name) | Token::Name(name) => Some((name, None)),
        Token::Symbol(b')') => return Ok((None, true)),
        _ => return Err(Problem::new("a column without a name").at(tokens.at())),
    };
    let mut depth = 0_u32;
    let end = loop {
        match take(tokens)? {
            Token::Symbol(b'(') => depth += 1,
            Token::Symbol(b')') if depth == 0 => break true,
            Token::Symbol(b')') => depth -= 1,
            Token::Symbol(b',') if depth == 0 => break false,
            Token::Word(word) => {
                if let Some((_, declared @ None)) = &mut column {
                    *declared = Some(Type::declared(&word));
                }
            }
            _ => {}
        }
    };
    Ok((column.map(|(name, declared)| (name, declared.unwrap_or(Type::Text))), end))
}

/// The next token, which must be there.
///
/// # Errors
/// The file ends.
pub fn take<R: Read>(tokens: &mut Tokens<R>) -> Result<Token, Problem> {
    tokens.take()?.ok_or_else(|| {
        Problem::new("the file ends in the middle of a statement: it is truncated")
            .at(tokens.bytes.position())
    })
}
