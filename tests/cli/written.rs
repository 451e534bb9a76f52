//! Whatever a writer of dumps writes is read back as it was.

use super::files::{open, rows};
use crate::support::properties;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// A row of the table below.
#[derive(Debug, Clone)]
struct Written {
    id: String,
    number: Option<i64>,
    text: Option<String>,
    flag: Option<bool>,
}

impl Written {
    fn json(&self) -> Json {
        json!({"id": self.id, "number": self.number, "text": self.text, "flag": self.flag.map(u8::from)})
    }
}

/// Text that hurts: quotes, backslashes, ends of lines, of statements and of rows.
fn text() -> impl Strategy<Value = String> {
    let hurts = prop_oneof![
        Just("'"),
        Just("''"),
        Just("\""),
        Just("\\"),
        Just("\\'"),
        Just("\\."),
        Just("\n"),
        Just("\r\n"),
        Just("\t"),
        Just(";"),
        Just("--"),
        Just("/*"),
        Just("*/"),
        Just("#"),
        Just("`"),
        Just("$$"),
        Just("\\N"),
        Just("),("),
        Just("\u{1a}"),
        Just("\u{8}"),
        Just("é"),
        Just("日本"),
        Just("😀"),
        Just("NULL"),
        Just("\\n"),
        Just("\n\\.\n"),
        Just("%_")
    ];
    prop::collection::vec(
        prop_oneof![
            hurts.prop_map(str::to_owned),
            "[ -~]{0,4}",
            any::<char>()
                .prop_filter("PostgreSQL has no NUL", |letter| *letter != '\0')
                .prop_map(String::from)
        ],
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

fn row() -> impl Strategy<Value = Written> {
    (text(), any::<Option<i64>>(), prop::option::of(text()), any::<Option<bool>>())
        .prop_map(|(id, number, text, flag)| Written { id, number, text, flag })
}

fn or_null<T>(value: Option<T>, write: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "NULL".to_owned(), write)
}

/// The values of a row between parentheses.
fn tuple(row: &Written, quote: &dyn Fn(&str) -> String, flag: &dyn Fn(bool) -> String) -> String {
    let number = or_null(row.number, |number| number.to_string());
    let text = or_null(row.text.as_deref(), quote);
    format!("({},{number},{text},{})", quote(&row.id), or_null(row.flag, flag))
}

fn standard(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn one_or_zero(flag: bool) -> String {
    u8::from(flag).to_string()
}

/// `sqlite3 .dump`, with what it does about newlines.
fn sqlite(rows: &[Written]) -> String {
    let quote = |text: &str| {
        // The shell looks for a stand-in that is not in the text; a digit more makes it so.
        let stand_in = |letter: char| {
            (0..)
                .map(|n| if n == 0 { format!("\\{letter}") } else { format!("(\\{letter}{n})") })
                .find(|word| !text.contains(word.as_str()))
                .unwrap()
        };
        let (line, carriage) = (stand_in('n'), stand_in('r'));
        let plain = standard(&text.replace('\n', &line).replace('\r', &carriage));
        let with = |inner: String, present: bool, word: &str, code: u8| {
            if present { format!("replace({inner},'{word}',char({code}))") } else { inner }
        };
        with(with(plain, text.contains('\n'), &line, 10), text.contains('\r'), &carriage, 13)
    };
    let inserts: String = rows
        .iter()
        .map(|row| format!("INSERT INTO t VALUES{};\n", tuple(row, &quote, &one_or_zero)))
        .collect();
    format!(
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (id text, number integer, text text, flag integer);\n{inserts}COMMIT;\n"
    )
}

/// `mysqldump`: backslashes, and many rows in a statement.
fn mysql(rows: &[Written], quote: &dyn Fn(&str) -> String) -> String {
    let tuples: Vec<_> = rows.iter().map(|row| tuple(row, quote, &one_or_zero)).collect();
    let insert = if rows.is_empty() {
        String::new()
    } else {
        format!("INSERT INTO `t` VALUES {};\n", tuples.join(","))
    };
    format!(
        "-- MySQL dump 10.13\nCREATE TABLE `t` (`id` text, `number` bigint, `text` longtext, `flag` tinyint(1)) ENGINE=InnoDB;\n{insert}-- Dump completed\n"
    )
}

fn backslashed(text: &str) -> String {
    let escape = |letter: char| match letter {
        '\'' => "\\'".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\0' => "\\0".to_owned(),
        '\u{1a}' => "\\Z".to_owned(),
        other => other.to_string(),
    };
    format!("'{}'", text.chars().map(escape).collect::<String>())
}

/// `--hex-blob`.
fn hexadecimal(text: &str) -> String {
    if text.is_empty() {
        "''".to_owned()
    } else {
        format!("0x{}", text.bytes().map(|byte| format!("{byte:02X}")).collect::<String>())
    }
}

fn postgres(rows: String) -> String {
    format!(
        "--\n-- PostgreSQL database dump\n--\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nCREATE TABLE public.t (\n    id text,\n    number bigint,\n    text text,\n    flag boolean\n);\n{rows}\n--\n-- PostgreSQL database dump complete\n--\n"
    )
}

/// `pg_dump`: lines of `COPY`.
fn copied(rows: &[Written]) -> String {
    let escape = |text: &str| {
        let escape = |letter: char| match letter {
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\u{b}' => "\\v".to_owned(),
            other => other.to_string(),
        };
        text.chars().map(escape).collect::<String>()
    };
    let field = |value: Option<String>| value.unwrap_or_else(|| "\\N".to_owned());
    let line = |row: &Written| {
        let flag = row.flag.map(|flag| if flag { "t" } else { "f" }.to_owned());
        [
            escape(&row.id),
            field(row.number.map(|number| number.to_string())),
            field(row.text.as_deref().map(escape)),
            field(flag),
        ]
        .join("\t")
    };
    let lines: String = rows.iter().map(|row| line(row) + "\n").collect();
    postgres(format!("COPY public.t (id, number, text, flag) FROM stdin;\n{lines}\\.\n"))
}

/// `pg_dump --inserts`, with strings written by `quote`.
fn inserted(rows: &[Written], quote: &dyn Fn(&str) -> String) -> String {
    postgres(
        rows.iter()
            .map(|row| {
                format!("INSERT INTO public.t VALUES {};\n", tuple(row, quote, &|flag| flag.to_string()))
            })
            .collect(),
    )
}

proptest! {
    #![proptest_config(properties())]
    #[test]
    fn what_a_writer_writes_is_read_back(written in prop::collection::vec(row(), 0..6)) {
        let expected: Vec<Json> = written.iter().map(Written::json).collect();
        let escaped = |text: &str| {
            let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
            format!("E'{}'", text.replace('é', "\\u00e9").replace('\t', "\\x09"))
        };
        for (form, dump) in [
            ("sqlite", sqlite(&written)),
            ("mysql", mysql(&written, &backslashed)),
            ("mysql with hexadecimals", mysql(&written, &hexadecimal)),
            ("copy", copied(&written)),
            ("inserts", inserted(&written, &standard)),
            ("inserts with escapes", inserted(&written, &escaped)),
        ] {
            let source = open(&dump).unwrap_or_else(|problem| panic!("{form}: {problem}\n{dump}"));
            let found: Vec<_> = rows(source.as_ref(), "t").into_iter().map(|row| Json::Object(row.values)).collect();
            prop_assert_eq!(&found, &expected, "{}: {}", form, dump);
        }
    }
}
