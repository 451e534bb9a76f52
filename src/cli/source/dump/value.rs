//! From what a dump writes to what a column holds. Pure.

use crate::{cli::source::Problem, time::Timestamp};
use serde_json::{Number, Value as Json};

/// A value as a dump writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Nothing.
    Null,
    /// The column's default, which the dump does not say.
    Default,
    /// `true`, `false`.
    Boolean(bool),
    /// A number, as written.
    Number(String),
    /// A string: bytes that may or may not be text.
    Text(Vec<u8>),
}

/// What a column was declared to hold, as far as reading it depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Whole numbers.
    Integer,
    /// Other numbers.
    Real,
    /// `true` and `false`, which the AuthHero schema keeps as 1 and 0.
    Boolean,
    /// A date with a time, which the AuthHero schema keeps as ISO-8601 text.
    Moment,
    /// Bytes, in PostgreSQL's hexadecimal form.
    Bytes,
    /// Anything else: text as it is.
    Text,
}

impl Type {
    /// From the first word of a declaration.
    pub fn declared(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "int" | "integer" | "bigint" | "smallint" | "mediumint" | "tinyint" | "int2" | "int4"
            | "int8" | "serial" | "bigserial" => Self::Integer,
            "real" | "double" | "float" | "numeric" | "decimal" | "float4" | "float8" => Self::Real,
            "boolean" | "bool" => Self::Boolean,
            "timestamp" | "timestamptz" | "datetime" => Self::Moment,
            "bytea" => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// The value of a column of this type.
    ///
    /// # Errors
    /// The words for what it should have been.
    pub fn read(self, literal: Literal) -> Result<Json, Problem> {
        match literal {
            Literal::Null | Literal::Default => Ok(Json::Null),
            Literal::Boolean(value) => Ok(u8::from(value).into()),
            Literal::Number(number) => {
                read_number(&number).ok_or_else(|| Problem::new(format!("{number} is not a number")))
            }
            Literal::Text(bytes) => self.read_text(bytes),
        }
    }

    fn read_text(self, bytes: Vec<u8>) -> Result<Json, Problem> {
        let text = String::from_utf8(bytes).map_err(|error| not_utf8(&error))?;
        let wrong = |what| Problem::new(format!("{} is not {what}", shortened(&text)));
        match self {
            Self::Integer | Self::Real => read_number(&text).ok_or_else(|| wrong("a number")),
            Self::Boolean => match text.as_str() {
                "t" | "true" | "1" => Ok(1.into()),
                "f" | "false" | "0" => Ok(0.into()),
                _ => Err(wrong("true or false")),
            },
            Self::Moment => {
                Ok(read_moment(&text).map_or_else(|| text.clone().into(), |moment| moment.iso().into()))
            }
            Self::Bytes => match text.strip_prefix("\\x") {
                Some(digits) => {
                    let bytes = read_hexadecimal(digits).ok_or_else(|| wrong("hexadecimal"))?;
                    Ok(String::from_utf8(bytes).map_err(|error| not_utf8(&error))?.into())
                }
                None => Ok(text.into()),
            },
            Self::Text => Ok(text.into()),
        }
    }
}

fn read_number(text: &str) -> Option<Json> {
    let whole = || text.parse::<i64>().ok().map(Json::from);
    let large = || text.parse::<u64>().ok().map(Json::from);
    let real = || text.parse::<f64>().ok().and_then(Number::from_f64).map(Json::Number);
    whole().or_else(large).or_else(real)
}

fn read_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some((digit(high)? << 4) | digit(low)?),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(pair).collect()
}

/// `2027-01-15 08:00:00.125+00`, as databases write a moment: in UTC, or with an offset. None for anything else.
fn read_moment(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let zone = time.find(['+', '-', 'Z']).unwrap_or(time.len());
    let (time, zone) = time.split_at_checked(zone)?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
    let milliseconds: String = fraction.chars().chain("000".chars()).take(3).collect();
    let (moment, _) = Timestamp::span(&format!("{date}T{whole}.{milliseconds}Z"))?;
    let offset = match zone.trim_end_matches('Z') {
        "" => 0,
        offset => {
            let (sign, rest) = (if offset.starts_with('-') { -1 } else { 1 }, offset.get(1..)?);
            let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "0"));
            sign * (hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?)
        }
    };
    Some(moment.minus(crate::time::Lifetime::minutes(offset)))
}

fn not_utf8(error: &std::string::FromUtf8Error) -> Problem {
    let at = error.utf8_error().valid_up_to();
    let byte = error.as_bytes().get(at).copied().unwrap_or_default();
    Problem::new(format!(
        "text that is not UTF-8 (byte {byte:#04x} after {at} others): dump in UTF-8, with \
         --default-character-set=utf8mb4 or --encoding=UTF8"
    ))
}

/// The beginning of a long text, for a message.
pub fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
