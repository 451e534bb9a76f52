//! The lines between `COPY … FROM stdin;` and `\.` (PostgreSQL manual: COPY, Text Format). Pure.

use super::value::Literal;

/// The line that ends the rows.
pub const END: &[u8] = b"\\.";

/// The values of a line, its end taken away.
pub fn values(line: &[u8]) -> Vec<Literal> {
    line.split(|byte| *byte == b'\t').map(value).collect()
}

fn value(field: &[u8]) -> Literal {
    if field == b"\\N" {
        return Literal::Null;
    }
    let mut text = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            text.push(*byte);
            continue;
        }
        let Some((escaped, after)) = rest.split_first() else {
            text.push(b'\\');
            break;
        };
        rest = after;
        text.push(match escaped {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'x' if rest.first().is_some_and(u8::is_ascii_hexdigit) => number(&mut rest, 0, 2, 16),
            b'0'..=b'7' => number(&mut rest, escaped - b'0', 2, 8),
            other => *other,
        });
    }
    Literal::Text(text)
}

/// Up to `most` more digits of a byte that is given as a number.
fn number(rest: &mut &[u8], first: u8, most: usize, radix: u8) -> u8 {
    let mut number = first;
    for _ in 0..most {
        let Some((digit, after)) = rest
            .split_first()
            .and_then(|(byte, after)| Some((char::from(*byte).to_digit(radix.into())?, after)))
        else {
            break;
        };
        number = number.wrapping_mul(radix).wrapping_add(u8::try_from(digit).unwrap_or_default());
        *rest = after;
    }
    number
}
