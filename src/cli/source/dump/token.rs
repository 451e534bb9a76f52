//! The words of a dump. A token is at most one value long, however long the statement is.

use super::{
    bytes::{Bytes, too_long},
    dialect::Dialect,
};
use crate::cli::source::{Position, Problem};
use std::io::Read;

/// The longest value, in bytes: well above what D1 keeps, well below what hurts.
pub const LONGEST: usize = 32 * 1024 * 1024;

/// One word of SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A keyword, or a name without quotes, as it was written.
    Word(String),
    /// A name in quotes.
    Name(String),
    /// A string, its escapes undone: bytes, which may or may not be text.
    Text(Vec<u8>),
    /// A number as it was written, without sign.
    Number(String),
    /// Any other character.
    Symbol(u8),
}

impl Token {
    /// Whether it is this keyword, which is given in lower case.
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// Makes tokens of bytes.
pub struct Tokens<R> {
    /// The bytes that are left.
    pub bytes: Bytes<R>,
    dialect: Dialect,
    /// Whether a backslash in an ordinary string escapes.
    pub backslash: bool,
    /// How many `/*!` are open.
    conditions: u32,
    last: Position,
}

impl<R: Read> Tokens<R> {
    /// The tokens of these bytes.
    pub fn new(bytes: Bytes<R>, dialect: Dialect) -> Self {
        let last = bytes.position();
        Self { bytes, dialect, backslash: dialect.backslash_escapes(), conditions: 0, last }
    }

    /// Where the last token began.
    pub fn at(&self) -> Position {
        self.last
    }

    fn problem(&self, words: impl Into<String>) -> Problem {
        Problem::new(words).at(self.last)
    }

    /// Takes the next token; none at the end.
    ///
    /// # Errors
    /// It does not end, or is not UTF-8 where it has to be.
    pub fn take(&mut self) -> Result<Option<Token>, Problem> {
        self.skip_blanks()?;
        self.last = self.bytes.position();
        let Some(byte) = self.bytes.take()? else { return Ok(None) };
        Ok(Some(match byte {
            b'\'' => Token::Text(self.quoted(b'\'', self.backslash)?),
            // A string in MySQL, a name elsewhere; whoever needs a value takes either.
            b'"' => self.name(b'"', self.dialect == Dialect::Mysql && self.backslash)?,
            b'`' => self.name(b'`', false)?,
            b'[' if self.dialect == Dialect::Sqlite => self.name(b']', false)?,
            b'$' if self.dialect.dollar_quotes() => self.dollar_quoted()?,
            b'0'..=b'9' => self.number(byte)?,
            // A full stop before anything but a digit separates names, also one that begins with an `e`.
            b'.' if self.bytes.peek()?.is_some_and(|byte| byte.is_ascii_digit()) => self.number(byte)?,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.word(byte)?,
            other => Token::Symbol(other),
        }))
    }

    /// Takes blanks and comments.
    ///
    /// # Errors
    /// A comment that does not end.
    pub fn skip_blanks(&mut self) -> Result<(), Problem> {
        loop {
            let Some(byte) = self.bytes.peek()? else { return Ok(()) };
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | 0x0c => {
                    self.bytes.take()?;
                }
                b'#' if self.dialect.hash_comments() => self.skip_line()?,
                b'-' if self.bytes.starts_with(b"--")? && self.begins_comment()? => self.skip_line()?,
                b'/' if self.bytes.starts_with(b"/*")? => self.skip_comment()?,
                b'*' if self.conditions > 0 && self.bytes.starts_with(b"*/")? => {
                    self.bytes.skip(2)?;
                    self.conditions -= 1;
                }
                _ => return Ok(()),
            }
        }
    }

    fn begins_comment(&mut self) -> Result<bool, Problem> {
        let after = self.bytes.peek_at(2)?;
        Ok(!self.dialect.hash_comments() || after.is_none_or(|byte| byte.is_ascii_whitespace()))
    }

    fn skip_line(&mut self) -> Result<(), Problem> {
        while let Some(byte) = self.bytes.take()? {
            if byte == b'\n' {
                break;
            }
        }
        Ok(())
    }

    /// A comment, or the beginning of a conditional one, whose content counts: `/*!40101 …`, `/*M!100100 …`. Version
    /// 999999 and above exist nowhere: what stands there is for the client.
    fn skip_comment(&mut self) -> Result<(), Problem> {
        let start = self.bytes.position();
        self.bytes.skip(2)?;
        if self.dialect.conditional_comments() && (self.bytes.take_if(b"!")? || self.bytes.take_if(b"M!")?) {
            let mut version = String::new();
            while let Some(digit @ b'0'..=b'9') = self.bytes.peek()? {
                version.push(char::from(digit));
                self.bytes.take()?;
            }
            if version.parse().unwrap_or(0) < 999_999_u32 {
                self.conditions += 1;
                return Ok(());
            }
        }
        let mut depth = 1;
        while depth > 0 {
            if self.dialect.nested_comments() && self.bytes.take_if(b"/*")? {
                depth += 1;
            } else if self.bytes.take_if(b"*/")? {
                depth -= 1;
            } else if self.bytes.take()?.is_none() {
                return Err(Problem::new("the file ends inside a comment that begins here").at(start));
            }
        }
        Ok(())
    }

    /// The rest of something in quotes. A doubled quote is one.
    fn quoted(&mut self, close: u8, backslash: bool) -> Result<Vec<u8>, Problem> {
        let mut content = Vec::new();
        loop {
            if content.len() > LONGEST {
                return Err(too_long(LONGEST).at(self.last));
            }
            let Some(byte) = self.bytes.take()? else {
                return Err(self.problem("the file ends inside quotes that open here: it is truncated"));
            };
            if byte == close {
                if self.bytes.peek()? != Some(close) {
                    return Ok(content);
                }
                self.bytes.take()?;
                content.push(close);
            } else if byte == b'\\' && backslash {
                self.escape(&mut content)?;
            } else {
                content.push(byte);
            }
        }
    }

    /// What stands after a backslash.
    fn escape(&mut self, content: &mut Vec<u8>) -> Result<(), Problem> {
        let Some(byte) = self.bytes.take()? else {
            return Err(self.problem("the file ends inside quotes that open here: it is truncated"));
        };
        if self.dialect == Dialect::Postgres {
            return self.escape_of_postgres(byte, content);
        }
        match byte {
            b'0' => content.push(0),
            b'b' => content.push(8),
            b'n' => content.push(b'\n'),
            b'r' => content.push(b'\r'),
            b't' => content.push(b'\t'),
            b'Z' => content.push(0x1a),
            // Kept with their backslash: they mean something to LIKE only (MySQL manual: String Literals).
            b'%' | b'_' => content.extend([b'\\', byte]),
            other => content.push(other),
        }
        Ok(())
    }

    /// PostgreSQL manual §4.1.2.2.
    fn escape_of_postgres(&mut self, byte: u8, content: &mut Vec<u8>) -> Result<(), Problem> {
        content.push(match byte {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'0'..=b'7' => {
                let number = self.digits(Some(byte), 3, 8)?;
                number.to_le_bytes()[0]
            }
            b'x' => {
                let number = self.digits(None, 2, 16)?;
                number.to_le_bytes()[0]
            }
            b'u' | b'U' => {
                let number = self.digits(None, if byte == b'u' { 4 } else { 8 }, 16)?;
                let letter =
                    char::from_u32(number).ok_or_else(|| self.problem("an escape that is no character"))?;
                content.extend(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            other => other,
        });
        Ok(())
    }

    /// The number that `first` and the digits after it make.
    fn digits(&mut self, first: Option<u8>, most: usize, radix: u32) -> Result<u32, Problem> {
        let mut text: String = first.map(char::from).into_iter().collect();
        while text.len() < most
            && let Some(digit) = self.bytes.peek()?.map(char::from).filter(|digit| digit.is_digit(radix))
        {
            text.push(digit);
            self.bytes.take()?;
        }
        u32::from_str_radix(&text, radix).map_err(|_| self.problem("an escape without digits"))
    }

    fn name(&mut self, close: u8, backslash: bool) -> Result<Token, Problem> {
        let bytes = self.quoted(close, backslash)?;
        String::from_utf8(bytes).map(Token::Name).map_err(|_| self.problem("a name that is not UTF-8"))
    }

    /// `$tag$ … $tag$`.
    fn dollar_quoted(&mut self) -> Result<Token, Problem> {
        let mut tag = vec![b'$'];
        loop {
            match self.bytes.peek()? {
                Some(byte) if byte == b'_' || byte.is_ascii_alphanumeric() => tag.push(byte),
                Some(b'$') => break,
                _ => return Ok(Token::Symbol(b'$')),
            }
            self.bytes.take()?;
        }
        tag.push(b'$');
        self.bytes.take()?;
        let mut content = Vec::new();
        while !self.bytes.take_if(&tag)? {
            match self.bytes.take()? {
                Some(byte) if content.len() < LONGEST => content.push(byte),
                Some(_) => return Err(too_long(LONGEST).at(self.last)),
                None => {
                    return Err(self.problem("the file ends inside quotes that open here: it is truncated"));
                }
            }
        }
        Ok(Token::Text(content))
    }

    /// `12`, `1.5e-3`, and `0x4142`, which is a string.
    fn number(&mut self, first: u8) -> Result<Token, Problem> {
        if first == b'0' && matches!(self.bytes.peek()?, Some(b'x' | b'X')) {
            self.bytes.take()?;
            return self.hexadecimal(None);
        }
        let mut number = String::from(char::from(first));
        while let Some(byte) = self.bytes.peek()? {
            let exponent = matches!(byte, b'+' | b'-') && number.ends_with(['e', 'E']);
            if !(byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') || exponent) {
                break;
            }
            number.push(char::from(byte));
            self.bytes.take()?;
        }
        Ok(Token::Number(number))
    }

    /// Bytes as hexadecimal digits, up to `close` or to what is no such digit.
    fn hexadecimal(&mut self, close: Option<u8>) -> Result<Token, Problem> {
        let (mut content, mut half) = (Vec::new(), None);
        loop {
            let byte = self.bytes.peek()?;
            let Some(digit) = byte.and_then(|byte| char::from(byte).to_digit(16)) else { break };
            let digit = u8::try_from(digit).unwrap_or_default();
            self.bytes.take()?;
            half = match half {
                None => Some(digit << 4),
                Some(high) => {
                    content.push(high | digit);
                    None
                }
            };
            if content.len() > LONGEST {
                return Err(too_long(LONGEST).at(self.last));
            }
        }
        if half.is_some() {
            return Err(self.problem("an odd number of hexadecimal digits"));
        }
        if let Some(close) = close
            && self.bytes.take()? != Some(close)
        {
            return Err(self.problem("the file ends, or goes on with something else, inside X'…'"));
        }
        Ok(Token::Text(content))
    }

    /// A word, or what only looks like one: `E'…'`, `X'…'`, `N'…'`, `U&'…'` and `_binary '…'`.
    fn word(&mut self, first: u8) -> Result<Token, Problem> {
        let mut word = vec![first];
        while let Some(byte) = self.bytes.peek()? {
            if !(byte == b'_' || byte == b'$' || byte.is_ascii_alphanumeric() || byte >= 0x80) {
                break;
            }
            word.push(byte);
            self.bytes.take()?;
        }
        let quote = self.bytes.peek()? == Some(b'\'');
        match word.as_slice() {
            b"E" | b"e" if quote && self.dialect == Dialect::Postgres => {
                self.bytes.take()?;
                Ok(Token::Text(self.quoted(b'\'', true)?))
            }
            b"X" | b"x" if quote => {
                self.bytes.take()?;
                self.hexadecimal(Some(b'\''))
            }
            b"N" | b"n" if quote => {
                self.bytes.take()?;
                Ok(Token::Text(self.quoted(b'\'', self.backslash)?))
            }
            _ => {
                String::from_utf8(word).map(Token::Word).map_err(|_| self.problem("a word that is not UTF-8"))
            }
        }
    }
}
