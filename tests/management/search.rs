//! `q`: what it means, and that nothing a client can write reaches the SQL text.

use gatehouse::{
    db::{Filter, Value},
    resources::users::search::FIELDS,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn compile(q: &str) -> Result<Filter, String> {
    Filter::compile(Some(q), &FIELDS, 2)
}

/// Three people, and which of them a query finds.
fn found(q: &str) -> String {
    let filter = compile(q).unwrap_or_else(|why| panic!("{q}: {why}"));
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection
        .execute_batch(
            "create table users (user_id, email, email_verified, username, phone_number, phone_verified, name,
               given_name, family_name, nickname, blocked, connection, provider, last_ip, last_login, logins_count,
               created_at, updated_at, app_metadata default '{}', user_metadata default '{}');
             insert into users (user_id, email, name, blocked, logins_count, created_at, last_login) values
               ('auth0|a', 'ann@acme.test', 'Ann Smith', 0, 1, 1514764800000, 1518134400000),
               ('auth0|b', 'bob+x@acme.test', 'Bob \"Bo\" Smith', 1, 5, 1517443199999, null),
               ('auth0|c', 'cy@globex.test', null, 0, 10, 1517443200000, null);
             update users set app_metadata = '{\"plan\":\"gold\",\"seats\":5,\"deep\":{\"x\":true},\"tags\":[\"a\",\"b\"]}'
               where user_id = 'auth0|a';
             update users set app_metadata = '{' where user_id = 'auth0|b';
             update users set user_metadata = '{\"city\":\"Zürich\",\"plan\":null}' where user_id = 'auth0|c'",
        )
        .unwrap();
    let sql =
        format!("select substr(user_id, 7) from users where ?1 = ?1 and {} order by user_id", filter.sql);
    let mut prepared = connection.prepare(&sql).unwrap();
    let values = std::iter::once(&Value::Int(1)).chain(&filter.values).map(|value| match value {
        Value::Null => rusqlite::types::Value::Null,
        Value::Int(number) => rusqlite::types::Value::Integer(*number),
        Value::Text(text) => rusqlite::types::Value::Text(text.clone()),
    });
    let rows = prepared.query_map(rusqlite::params_from_iter(values), |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn finds_what_lucene_would_find() {
    for (q, expected) in [
        ("", "abc"),
        ("email:ann@acme.test", "a"),
        ("email:\"ANN@acme.test\"", "a"),
        ("email:bob+x@acme.test", "b"),
        ("email:*@acme.test", "ab"),
        ("email:*globex*", "c"),
        ("email:a*", "a"),
        ("name:\"ann smith\"", "a"),
        ("name:bob*", "b"),
        (r#"name:"Bob \"Bo\" Smith""#, "b"),
        (r#"name:Bob\ \"Bo\"\ Smith"#, "b"),
        ("name:*", "ab"),
        ("email.raw:\"ann@acme.test\"", "a"),
        ("app_metadata.plan:\"gold\"", "a"),
        ("app_metadata.plan:g*", "a"),
        ("app_metadata.plan:silver", ""),
        ("app_metadata.seats:5", "a"),
        ("app_metadata.seats:[4 TO 6]", "a"),
        ("app_metadata.seats:[6 TO *]", ""),
        ("app_metadata.deep.x:true", "a"),
        ("app_metadata.tags:b", "a"),
        ("user_metadata.city:\"Zürich\"", "c"),
        ("_exists_:app_metadata.plan", "a"),
        ("_exists_:user_metadata.plan", ""),
        ("NOT app_metadata.plan:gold", "bc"),
        ("_exists_:name", "ab"),
        ("NOT _exists_:name", "c"),
        ("-name:ann*", "bc"),
        ("smith", "ab"),
        ("smith -bob", "a"),
        ("ACME", "ab"),
        ("\"bo\\\" sm\"", "b"),
        ("email:a* OR email:c*", "ac"),
        ("email:a* email:c*", ""),
        ("blocked:false AND name:*", "a"),
        ("NOT (email:a* OR email:c*)", "b"),
        ("email:a* OR blocked:true AND logins_count:5", "ab"),
        ("(email:a* OR blocked:true) AND logins_count:5", "b"),
        ("user_id:(\"auth0|a\" OR auth0|c)", "ac"),
        ("user_id:\"auth0|A\"", ""),
        ("blocked:true", "b"),
        ("NOT blocked:true", "ac"),
        ("NOT NOT blocked:true", "b"),
        ("logins_count:[1 TO 5]", "ab"),
        ("logins_count:{1 TO 5}", ""),
        ("logins_count:{1 TO 10]", "bc"),
        ("logins_count:>=5", "bc"),
        ("logins_count:<5", "a"),
        ("logins_count:[* TO *]", "abc"),
        ("created_at:2018", "abc"),
        ("created_at:2018-01", "ab"),
        ("created_at:2018-01-31", "b"),
        ("created_at:[2018-01-01 TO 2018-01-31]", "ab"),
        ("created_at:[2018-01-01 TO 2018-02-01}", "ab"),
        ("created_at:{2018-01-01 TO *]", "bc"),
        ("created_at:>2018-01", "c"),
        ("created_at:2018-01-31T23:59:59.999Z", "b"),
        ("created_at:2018-01-31T23:59Z", "b"),
        ("last_login:>=2018-02-09T00:00:00Z", "a"),
        ("NOT last_login:*", "bc"),
    ] {
        assert_eq!(found(q), expected, "{q}");
    }
}

#[test]
fn refuses_what_it_cannot_answer_instead_of_ignoring_it() {
    for q in [
        "app_metadata:gold",
        "password:*",
        "tenant_id:globex",
        "1=1:x",
        "*",
        "email:",
        "email: x",
        "email:a*b",
        "email:*ab",
        "email:[a TO b]",
        "blocked:yes",
        "blocked:t*",
        "blocked:>true",
        "logins_count:many",
        "logins_count:1*",
        "logins_count:99999999999999999",
        "logins_count:[1 TO 2",
        "logins_count:[1 2]",
        "created_at:yesterday",
        "created_at:2018-13",
        "created_at:2018-02-30",
        "created_at:2018-01-01T25:00Z",
        "(email:a*",
        "email:a*)",
        "email:\"a",
        "a OR",
        "AND a",
        "NOT",
        "name:(email:a)",
        ">=5",
        &"(".repeat(1000),
        &"-".repeat(100_000),
        &"a ".repeat(41),
        &"name:x OR ".repeat(100),
        &format!("{}a{}", "(".repeat(20), ")".repeat(20)),
    ] {
        assert!(compile(q).is_err(), "{}", &q[..q.len().min(60)]);
    }
}

/// The words that the compiler may put into SQL, besides columns and `?n`.
const WORDS: [&str; 8] = ["and", "or", "is", "not", "null", "true", "instr", "lower"];

fn check_is_closed(filter: &Filter) {
    let mut largest = 1;
    for token in filter.sql.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_?".contains(letter))) {
        let known = token.is_empty()
            || WORDS.contains(&token)
            || ["substr", "length", "0", "1"].contains(&token)
            || FIELDS.iter().any(|field| field.column == token);
        match token.strip_prefix('?') {
            Some(number) => largest = largest.max(number.parse().unwrap()),
            None => assert!(known, "`{token}` in {}", filter.sql),
        }
    }
    assert_eq!(largest, filter.values.len() + 1, "every value has its parameter: {}", filter.sql);
    assert!(
        !filter.sql.contains(['\'', '"', ';', '\\', '-']) || !filter.sql.contains("--"),
        "{}",
        filter.sql
    );
    assert!(filter.values.len() < 98, "{}", filter.values.len());
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(" ".to_owned()),
        prop::sample::select(vec![
            "email:",
            "name:",
            "logins_count:",
            "created_at:",
            "blocked:",
            "_exists_:",
            "AND ",
            "OR ",
            "NOT ",
            "-",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "\"",
            "*",
            "\\",
            ">=",
            "<",
            " TO ",
            "true",
            "2018-01-01",
            "5",
            "' or 1=1 --",
            "?1",
            ";",
        ])
        .prop_map(str::to_owned),
        "\\PC{1,6}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(crate::support::properties())]

    #[test]
    fn no_text_panics_or_reaches_the_sql(q in prop_oneof![any::<String>(), pieces()]) {
        if let Ok(filter) = compile(&q) {
            check_is_closed(&filter);
        }
    }

    #[test]
    fn whatever_compiles_runs(q in pieces()) {
        if compile(&q).is_ok() {
            found(&q);
        }
    }

    #[test]
    fn a_quoted_value_is_found_as_it_is(name in "\\PC{1,40}") {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let filter = compile(&format!("user_id:\"{quoted}\"")).unwrap();
        prop_assert_eq!(filter.sql, "user_id = ?2");
        prop_assert_eq!(filter.values, vec![Value::Text(name)]);
    }

    #[test]
    fn not_is_everybody_else(q in pieces()) {
        if compile(&q).is_ok_and(|filter| filter.sql != "true") && compile(&format!("NOT ({q})")).is_ok() {
            let (with, without) = (found(&q), found(&format!("NOT ({q})")));
            let mut together: Vec<char> = with.chars().chain(without.chars()).collect();
            together.sort_unstable();
            prop_assert_eq!(together, vec!['a', 'b', 'c'], "{}", q);
        }
    }
}

#[test]
fn spans_of_time_end_where_the_next_one_begins() {
    use gatehouse::time::Timestamp;
    let shown = |text: &str| Timestamp::span(text).map(|(start, end)| json!([start.iso(), end.iso()]));
    assert_eq!(shown("2024-02"), Some(json!(["2024-02-01T00:00:00.000Z", "2024-03-01T00:00:00.000Z"])));
    assert_eq!(shown("2023-12-31"), Some(json!(["2023-12-31T00:00:00.000Z", "2024-01-01T00:00:00.000Z"])));
    assert_eq!(
        shown("2024-02-29T10:30"),
        Some(json!(["2024-02-29T10:30:00.000Z", "2024-02-29T10:31:00.000Z"]))
    );
    for text in
        ["", "24", "2023-02-29", "2023-1-1", "2023-00", "2023-01-01-01", "2023T10:00", "2023-01-01T", "é"]
    {
        assert_eq!(shown(text), None::<Json>, "{text}");
    }
}

proptest! {
    #![proptest_config(crate::support::properties())]

    #[test]
    fn a_moment_reads_what_it_writes(millis in -62_135_596_800_000_i64..253_402_300_800_000) {
        use gatehouse::time::Timestamp;
        let moment = Timestamp::from_millis(millis);
        let (start, end) = Timestamp::span(&moment.iso()).unwrap();
        prop_assert_eq!((start.millis(), end.millis()), (millis, millis + 1));
    }
}
