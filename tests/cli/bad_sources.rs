//! Sources that are not what they should be: what is wrong, and where, and nothing is read.

use super::files::{Folder, open};
use gatehouse::cli::source::{self, Problem};

#[track_caller]
fn refused(dump: impl AsRef<[u8]>) -> Problem {
    match open(dump) {
        Err(problem) => problem,
        Ok(source) => panic!("taken for a {}", source.as_ref().kind()),
    }
}

/// What the person is told.
#[track_caller]
fn told(dump: impl AsRef<[u8]>, expected: &str) {
    let told = refused(dump).to_string();
    assert!(told.contains(expected), "{told}");
}

const TABLE: &str = "CREATE TABLE users (id text, n integer);\n";

#[test]
fn a_truncated_dump() {
    told(
        format!("{TABLE}INSERT INTO users VALUES ('a', 1), ('b"),
        "table users, row 2, line 2, byte 77: the file ends inside quotes",
    );
    told(format!("{TABLE}INSERT INTO users VALUES ('a', 1), ("), "in the middle of a statement");
    told(format!("{TABLE}INSERT INTO users VALUES ('a', 1)"), "in the middle of a statement");
    told("CREATE TABLE users (id text", "in the middle of a statement");
    told(format!("{TABLE}/* a comment"), "line 2, byte 41: the file ends inside a comment");
    told(
        format!("BEGIN TRANSACTION;\n{TABLE}"),
        "line 1, byte 0: the transaction that begins here is never committed",
    );
    told(format!("-- MySQL dump 10.13\n{TABLE}"), "its last line should begin with \"-- Dump completed\"");
    let postgres = format!("-- PostgreSQL database dump\n{TABLE}COPY users (id, n) FROM stdin;\na\t1\n");
    told(&postgres, "\"-- PostgreSQL database dump complete\"");
    told(
        postgres.replace("-- PostgreSQL database dump", "SET statement_timeout = 0;"),
        "table users, row 2, line 5, byte 103: the file ends inside the rows of COPY",
    );
}

#[test]
fn every_place_at_which_a_dump_can_break_off_is_noticed_or_harmless() {
    let rows = "INSERT INTO users VALUES ('it''s', 1), (replace('a\\nb','\\n',char(10)), -2);\n";
    let dump = format!("BEGIN TRANSACTION;\n{TABLE}{rows}COMMIT;\n");
    let whole = dump.trim_end().len();
    for length in 20..whole {
        assert!(open(&dump[..length]).is_err(), "cut off after {length}: {:?}", &dump[..length]);
    }
    assert!(open(&dump[..whole]).is_ok());
}

#[test]
fn a_wrong_encoding() {
    let utf16: Vec<u8> = format!("\u{feff}{TABLE}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    told(&utf16, "UTF-16");
    told(&utf16[2..], "UTF-16");
    let mut latin = format!("{TABLE}INSERT INTO users VALUES ('x', 1), ('caf").into_bytes();
    latin.extend(b"\xe9', 2);\n");
    told(
        &latin,
        "table users, row 2, line 2, byte 76: column id: text that is not UTF-8 (byte 0xe9 after 3 others)",
    );
    told(
        format!("-- MySQL dump\n/*!40101 SET NAMES latin1 */;\n{TABLE}-- Dump completed\n"),
        "line 2, byte 23: the dump is in latin1",
    );
    told("SET statement_timeout = 0;\nSET client_encoding = 'LATIN1';\n", "the dump is in latin1");
}

#[test]
fn rows_that_do_not_fit_their_table() {
    told(
        format!("{TABLE}INSERT INTO users VALUES ('a', 1), ('b');"),
        "row 2, line 2, byte 76: a row of 1 values for 2 columns",
    );
    told(
        format!("{TABLE}INSERT INTO users (id, size) VALUES ('a', 1);"),
        "column size is not in the table's definition",
    );
    told("INSERT INTO users VALUES ('a', 1);", "neither a CREATE TABLE before them nor a list of columns");
    told(
        "SET statement_timeout = 0;\nCOPY users (id) FROM stdin;\na\n\\.\n",
        "no CREATE TABLE that says of what types",
    );
    told(format!("{TABLE}INSERT INTO users VALUES ('a', 'many');"), "column n: \"many\" is not a number");
    told(format!("{TABLE}INSERT INTO users VALUES (now(), 1);"), "\"now\" where a value is expected");
    told(format!("{TABLE}INSERT INTO users SELECT 1;"), "\"SELECT\" where VALUES is expected");
}

#[test]
fn a_table_that_is_there_twice() {
    told(
        format!("{TABLE}CREATE TABLE other (id text);\n{TABLE}"),
        "table users, line 3, byte 78: the table is defined for the second time, after line 1",
    );
    told(
        "SET statement_timeout = 0;\nCREATE TABLE a.users (id text);\nCREATE TABLE b.users (id text);",
        "one schema only",
    );
}

#[test]
fn what_is_no_dump_at_all() {
    told("", "empty");
    told("Dear all,\n", "neither a SQLite file nor a dump");
    told(b"PGDMP\x01\x0e", "pg_restore");
    told(b"\x1f\x8b\x08", "gunzip");
    let missing = source::open(&Folder::new().path("nowhere"), None).err().unwrap();
    assert!(missing.to_string().contains("cannot be read"), "{missing}");
}

#[test]
fn a_value_that_is_too_long_is_refused_before_it_is_whole() {
    let dump = format!("{TABLE}INSERT INTO users VALUES ('{}", "x".repeat(33 * 1024 * 1024));
    told(dump, "line 2, byte 67: a value of more than 32 MB");
}

#[test]
fn functions_inside_functions_have_an_end() {
    let nested = format!("{}'x'{}", "replace(".repeat(100_000), ",'a','b')".repeat(100_000));
    told(format!("{TABLE}INSERT INTO users VALUES ({nested}, 1);"), "where a value is expected");
}

#[test]
fn a_sqlite_file_that_is_damaged_or_cut_off() {
    let folder = Folder::new();
    let path = folder.path("whole.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("create table users (id text, n integer)").unwrap();
    for n in 0..2000 {
        database.execute("insert into users values (?1, ?2)", (format!("user {n}"), n)).unwrap();
    }
    drop(database);
    let whole = std::fs::read(&path).unwrap();
    let told =
        |bytes: &[u8]| source::open(&folder.file("cut.sqlite", bytes), None).err().unwrap().to_string();
    let cut = told(&whole[..whole.len() / 2]);
    assert!(cut.contains("SQLite file"), "{cut}");
    let mut damaged = whole.clone();
    damaged[4096..8192].fill(0xaa);
    let damaged = told(&damaged);
    assert!(damaged.contains("damaged") || damaged.contains("cannot be read"), "{damaged}");
}
