//! The values of an `insert`: literals, and the few functions that writers of dumps hide newlines in.

use super::{
    definition::take,
    token::{LONGEST, Token, Tokens},
    value::{Literal, shortened},
};
use crate::cli::source::Problem;
use std::io::Read;

/// How deep functions are nested at most: SQLite's shell nests two.
const DEEPEST: u32 = 16;

/// Reads one value, and gives it with the token after it.
///
/// # Errors
/// It is an expression that no writer of dumps makes.
pub fn read<R: Read>(tokens: &mut Tokens<R>) -> Result<(Literal, Token), Problem> {
    read_at(tokens, 0)
}

fn read_at<R: Read>(tokens: &mut Tokens<R>, depth: u32) -> Result<(Literal, Token), Problem> {
    let first = take(tokens)?;
    let value = match first {
        Token::Text(bytes) => Literal::Text(bytes),
        Token::Name(text) => Literal::Text(text.into_bytes()),
        Token::Number(number) => Literal::Number(number),
        Token::Symbol(b'-') => match take(tokens)? {
            Token::Number(number) => Literal::Number(format!("-{number}")),
            // PostgreSQL puts negative infinity and the like in quotes; nothing else may be negative.
            _ => return Err(unknown(tokens, "-")),
        },
        Token::Symbol(symbol) => return Err(unknown(tokens, &char::from(symbol).to_string())),
        Token::Word(word) => return read_word(tokens, &word, depth),
    };
    cast(tokens, value)
}

/// `null`, `true`, an introducer such as `_binary`, or a function.
fn read_word<R: Read>(tokens: &mut Tokens<R>, word: &str, depth: u32) -> Result<(Literal, Token), Problem> {
    let value = match word.to_ascii_lowercase().as_str() {
        "null" => Literal::Null,
        "default" => Literal::Default,
        "true" => Literal::Boolean(true),
        "false" => Literal::Boolean(false),
        "replace" | "char" | "unistr" | "cast" if depth < DEEPEST => {
            open(tokens, word)?;
            call(tokens, word, depth + 1)?
        }
        introducer if introducer.starts_with('_') && depth < DEEPEST => return read_at(tokens, depth + 1),
        _ => return Err(unknown(tokens, word)),
    };
    cast(tokens, value)
}

/// Passes over `::type`.
fn cast<R: Read>(tokens: &mut Tokens<R>, value: Literal) -> Result<(Literal, Token), Problem> {
    let mut after = take(tokens)?;
    while after == Token::Symbol(b':') {
        take(tokens)?;
        after = take(tokens)?;
        let mut depth = 0_u32;
        while depth > 0 || !matches!(after, Token::Symbol(b',' | b')' | b':')) {
            match after {
                Token::Symbol(b'(') => depth += 1,
                Token::Symbol(b')') => depth -= 1,
                _ => {}
            }
            after = take(tokens)?;
        }
    }
    Ok((value, after))
}

fn open<R: Read>(tokens: &mut Tokens<R>, word: &str) -> Result<(), Problem> {
    if take(tokens)? == Token::Symbol(b'(') { Ok(()) } else { Err(unknown(tokens, word)) }
}

/// A function of SQLite's shell: `replace('a\nb','\n',char(10))` for a text of two lines, `unistr('a\u000ab')` in
/// newer ones.
fn call<R: Read>(tokens: &mut Tokens<R>, function: &str, depth: u32) -> Result<Literal, Problem> {
    let mut arguments = Vec::new();
    loop {
        let (argument, after) = read_at(tokens, depth)?;
        arguments.push(argument);
        match after {
            Token::Symbol(b',') => {}
            Token::Symbol(b')') => break,
            // `cast(x as text)`
            token if token.is("as") => {
                while take(tokens)? != Token::Symbol(b')') {}
                break;
            }
            _ => return Err(unknown(tokens, function)),
        }
    }
    match (function.to_ascii_lowercase().as_str(), arguments.as_slice()) {
        ("cast", [value]) => Ok(value.clone()),
        ("char", numbers) => {
            let letter = |number: &Literal| match number {
                Literal::Number(text) => text.parse().ok().and_then(char::from_u32),
                _ => None,
            };
            let text: Option<String> = numbers.iter().map(letter).collect();
            text.map(|text| Literal::Text(text.into_bytes())).ok_or_else(|| unknown(tokens, function))
        }
        ("replace", [Literal::Text(text), Literal::Text(old), Literal::Text(new)]) => {
            let replaced = replace(text, old, new);
            if replaced.len() > LONGEST {
                return Err(super::bytes::too_long(LONGEST).at(tokens.at()));
            }
            Ok(Literal::Text(replaced))
        }
        ("unistr", [Literal::Text(text)]) => {
            unistr(text).map(Literal::Text).ok_or_else(|| unknown(tokens, function))
        }
        _ => Err(unknown(tokens, function)),
    }
}

fn replace(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(byte) = rest.first() {
        match rest.strip_prefix(old) {
            Some(after) if !old.is_empty() => {
                replaced.extend(new);
                rest = after;
            }
            _ => {
                replaced.push(*byte);
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    replaced
}

/// `\u000a`, `\\` and the like, undone (SQLite: Built-in Scalar Functions, unistr).
fn unistr(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        let mut rest = letters.clone();
        let digits = match rest.next()? {
            '\\' => {
                plain.push('\\');
                letters = rest;
                continue;
            }
            'u' => 4,
            '+' => 6,
            'U' => 8,
            _ => {
                rest = letters.clone();
                4
            }
        };
        let number: String = rest.by_ref().take(digits).collect();
        plain.push(u32::from_str_radix(&number, 16).ok().and_then(char::from_u32)?);
        letters = rest;
    }
    Some(plain.into_bytes())
}

fn unknown<R: Read>(tokens: &Tokens<R>, word: &str) -> Problem {
    let words = format!("{} where a value is expected: this is not a plain dump", shortened(word));
    Problem::new(words).at(tokens.at())
}
