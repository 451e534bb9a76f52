//! What writers of dumps write, as they write it.

use super::files::{Folder, open, real, rows};
use gatehouse::cli::source;
use serde_json::{Value as Json, json};

fn values(dump: &str, table: &str) -> Vec<Json> {
    let source = open(dump).unwrap();
    rows(source.as_ref(), table).into_iter().map(|row| Json::Object(row.values)).collect()
}

#[test]
fn sqlite_shell_hides_newlines_in_functions() {
    let dump = "PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE IF NOT EXISTS \"keys\"(kid text primary key, [cert] text, `n` integer, r real, primary key (kid));
INSERT INTO keys VALUES('k1',replace(replace('a\\nb\\r''c','\\n',char(10)),'\\r',char(13)),-7,1.5);
INSERT INTO keys VALUES('k2',unistr('a\\u000ab\\\\c'),NULL,NULL);
INSERT INTO keys VALUES(X'6b33',CAST('x' AS TEXT),9007199254740993,1e3);
INSERT INTO sqlite_sequence VALUES('keys',3);
CREATE TRIGGER t AFTER INSERT ON keys BEGIN select case when 1 then 2 end; insert into keys values ('no','',1,1); END;
CREATE INDEX i on keys (n);
COMMIT;
";
    assert_eq!(
        values(dump, "keys"),
        [
            json!({"kid":"k1","cert":"a\nb\r'c","n":-7,"r":1.5}),
            json!({"kid":"k2","cert":"a\nb\\c","n":null,"r":null}),
            json!({"kid":"k3","cert":"x","n":9_007_199_254_740_993_i64,"r":1000.0}),
        ]
    );
}

#[test]
fn mysqldump_escapes_and_joins_rows() {
    let dump = r#"/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB
--
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `users`;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `users` (
  `id` varchar(21) NOT NULL DEFAULT 'a,b)',
  `key` int(11) DEFAULT NULL COMMENT 'not a key; really',
  `picture` longtext CHARACTER SET utf8mb4 /*!80023 INVISIBLE */,
  `verified` tinyint(1) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `by_key` (`key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
/*!40101 SET character_set_client = @saved_cs_client */;
LOCK TABLES `users` WRITE;
/*!40000 ALTER TABLE `users` DISABLE KEYS */;
INSERT INTO `users` VALUES
('a\'b"c',-1,'line\nend\\ \% \0x',1),('c;--',NULL,_binary 'bin\'ary',0),
('d',0,0x6869,1);
INSERT INTO `users` VALUES ('e',5,X'',1) ON DUPLICATE KEY UPDATE `key`=1;
/*!40000 ALTER TABLE `users` ENABLE KEYS */;
UNLOCK TABLES;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t BEFORE INSERT ON users FOR EACH ROW BEGIN
  INSERT INTO nowhere VALUES (1); END */;;
DELIMITER ;
# the end
-- Dump completed on 2026-11-24 12:00:00
"#;
    assert_eq!(
        values(dump, "users"),
        [
            json!({"id":"a'b\"c","key":-1,"picture":"line\nend\\ \\% \0x","verified":1}),
            json!({"id":"c;--","key":null,"picture":"bin'ary","verified":0}),
            json!({"id":"d","key":0,"picture":"hi","verified":1}),
            json!({"id":"e","key":5,"picture":"","verified":1}),
        ]
    );
}

const POSTGRES: &str = r"--
-- PostgreSQL database dump
--
\restrict abc
SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS $_$ insert into x values (';'); $_$;
CREATE TABLE public.users (
    user_id character varying(255) NOT NULL,
    logins bigint DEFAULT '0'::bigint,
    verified boolean DEFAULT false,
    seen timestamp with time zone,
    data jsonb DEFAULT '{}'::jsonb,
    picture bytea,
    CONSTRAINT c CHECK ((logins > 0))
);
";
const COMPLETE: &str = "\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n";

#[test]
fn pg_dump_copies_lines() {
    let dump = format!(
        "{POSTGRES}COPY public.users (user_id, logins, verified, seen, data, picture) FROM stdin;\n{}\\.\n{COMPLETE}",
        "auth0|1\t12\tt\t2026-01-15 09:00:00.5+01\t{\"a\": \"b\\\\nc\"}\t\\\\x6869\n\
         tab\\tnl\\nbs\\\\ \\x41\\102\\.\t\\N\tf\t2026-01-15 08:00:00+00\t\\N\t\\N\n"
    );
    let expected = [
        json!({"user_id":"auth0|1","logins":12,"verified":1,"seen":"2026-01-15T08:00:00.500Z",
            "data":"{\"a\": \"b\\nc\"}","picture":"hi"}),
        json!({"user_id":"tab\tnl\nbs\\ AB.","logins":null,"verified":0,"seen":"2026-01-15T08:00:00.000Z",
            "data":null,"picture":null}),
    ];
    assert_eq!(values(&dump, "users"), expected);
    assert_eq!(values(&dump.replace('\n', "\r\n"), "users"), expected, "with the line ends of Windows");
    assert_eq!(values(&format!("\u{feff}{dump}"), "users"), expected, "with a byte order mark");
}

#[test]
fn pg_dump_inserts() {
    let dump = format!(
        "{POSTGRES}{}{COMPLETE}",
        r#"INSERT INTO public.users VALUES ('it''s \n', 12, true, '2026-01-15 08:00:00', '{"a": 1}', '\x6869');
INSERT INTO public.users (logins, user_id) OVERRIDING SYSTEM VALUE VALUES
	(-3, E'a\\b\n\u00e9\x41'), (DEFAULT, $q$a'b$q$) ON CONFLICT DO NOTHING;
INSERT INTO public.users (logins, user_id) VALUES (4::bigint, 'c'::character varying(3));
"#
    );
    assert_eq!(
        values(&dump, "users"),
        [
            json!({"user_id":"it's \\n","logins":12,"verified":1,"seen":"2026-01-15T08:00:00.000Z",
                "data":"{\"a\": 1}","picture":"hi"}),
            json!({"user_id":"a\\b\né\u{41}","logins":-3}),
            json!({"user_id":"a'b","logins":null}),
            json!({"user_id":"c","logins":4}),
        ]
    );
}

#[test]
fn a_table_whose_name_begins_like_an_exponent() {
    let dump = format!(
        "{POSTGRES}CREATE TABLE public.e (n real);\nINSERT INTO public.e VALUES (.5), (1e3);{COMPLETE}"
    );
    assert_eq!(values(&dump, "e"), [json!({"n": 0.5}), json!({"n": 1000.0})]);
}

#[test]
fn old_servers_may_escape_in_every_string() {
    let dump = POSTGRES.replace("strings = on", "strings = off");
    let dump = format!("{dump}INSERT INTO public.users (user_id) VALUES ('a\\\\b\\'c');{COMPLETE}");
    assert_eq!(values(&dump, "users"), [json!({"user_id":"a\\b'c"})]);
}

#[test]
fn rows_of_a_table_may_be_in_many_places() {
    let dump = "CREATE TABLE a (n integer); CREATE TABLE b (n integer);
        INSERT INTO a VALUES (1); INSERT INTO a VALUES (2); INSERT INTO b VALUES (9); /* here */ INSERT INTO a VALUES (3);";
    let source = open(dump).unwrap();
    let of = |table| rows(source.as_ref(), table);
    assert_eq!(of("a").iter().map(|row| row.values["n"].clone()).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(of("a").iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(of("a")[2].at.unwrap().line, 2);
    assert_eq!(of("b").len(), 1);
    assert!(of("c").is_empty());
    assert_eq!(source.as_ref().table("a").unwrap().rows, 3);
}

#[test]
fn a_sqlite_file_is_read_with_its_log_and_while_it_is_written() {
    let folder = Folder::new();
    let path = folder.path("live.sqlite");
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer.execute_batch("pragma journal_mode = wal; create table users (id text, n integer); insert into users values ('in the log', 1)").unwrap();
    assert!(std::fs::metadata(folder.path("live.sqlite-wal")).unwrap().len() > 0);
    let source = source::open(&path, None).unwrap();
    writer.execute_batch("insert into users values ('too late', 2)").unwrap();
    let found = rows(source.as_ref(), "users");
    assert_eq!(found.len(), 1, "what is written later is not seen");
    assert_eq!(Json::Object(found[0].values.clone()), json!({"id":"in the log","n":1}));
}

#[test]
fn the_dump_of_a_real_install_on_d1_is_read() {
    let Some(path) = real("d1-export.sql") else { return };
    let source = source::open(&path, None).unwrap();
    let counted: u64 = source.tables().iter().map(|table| table.rows).sum();
    let users = rows(source.as_ref(), "users");
    assert_eq!(users.len() as u64, source.table("users").unwrap().rows);
    assert!(counted > 1000, "{counted}");
    let key = &rows(source.as_ref(), "keys")[0];
    assert!(key.values["pkcs7"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----\r\n"));
}
