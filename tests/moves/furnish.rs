//! Rows for every table of a tenant, with values that something in between might change.

use crate::support::sqlite::Sqlite;
use gatehouse::db::schema;

/// Values that are hard to carry: as SQL text literals.
const TEXTS: [&str; 12] = [
    "''",
    "'plain'",
    "'it''s \"quoted\" \\ and \\u0041'",
    "'line' || char(10) || 'tab' || char(9) || 'bell' || char(7)",
    "'Größe Ünïcode 東京 🎩'",
    "'[1,2,{\"a\":null}]'",
    "'null'",
    "'0012'",
    "'1e5'",
    "char(0x2028) || char(0x1f469, 0x200d, 0x1f680) || char(0xfffd)",
    "replace(printf('%4000s', ''), ' ', 'long ')",
    "'9007199254740993'",
];

const NUMBERS: [&str; 6] = ["0", "1", "-1", "9007199254740991", "-9007199254740991", "1800000000000"];

/// Adds `count` rows of `tenant` to every table that moves.
pub fn furnish(database: &Sqlite, tenant: &str, count: usize) {
    furnish_some(database, tenant, count, |_| true);
}

/// The same for the tables that nobody reads who signs in or manages people: the tenant can still be used.
pub fn furnish_beside(database: &Sqlite, tenant: &str, count: usize) {
    let beside =
        ["codes", "login_attempts", "logs", "refresh_tokens", "sessions", "user_permissions", "user_roles"];
    furnish_some(database, tenant, count, |name| beside.contains(&name));
}

fn furnish_some(database: &Sqlite, tenant: &str, count: usize, wanted: impl Fn(&str) -> bool) {
    for table in schema::CURRENT.moved().into_iter().filter(|table| wanted(table.name)) {
        let columns = database.query(&format!(
            "select name, type, \"notnull\", pk from pragma_table_info('{}') order by cid",
            table.name
        ));
        let definition =
            database.query(&format!("select sql from sqlite_schema where name = '{}'", table.name));
        let definition = definition[0]["sql"].as_str().unwrap().to_owned();
        let many = if table.key.len() > 1 { count } else { 1 };
        for number in 0..many {
            let value = |(place, column): (usize, &serde_json::Map<String, serde_json::Value>)| {
                let name = column["name"].as_str().unwrap();
                let check = format!("check ({name} in ('");
                let mixed = number * 7 + place * 3;
                if name == "tenant_id" {
                    format!("'{tenant}'")
                } else if let Some((_, words)) = definition.split_once(&check) {
                    format!("'{}'", words.split('\'').next().unwrap())
                } else if column["type"] == "INTEGER" {
                    let unique = column["pk"].as_i64().unwrap() > 0;
                    if unique { number.to_string() } else { NUMBERS[mixed % NUMBERS.len()].to_owned() }
                } else if column["notnull"] == 0 && mixed % 5 == 0 {
                    "null".to_owned()
                } else {
                    // Unique wherever it has to be.
                    format!("'{number}:{name}:' || {}", TEXTS[mixed % TEXTS.len()])
                }
            };
            let names: Vec<_> = columns.iter().map(|column| column["name"].as_str().unwrap()).collect();
            let values: Vec<_> = columns.iter().enumerate().map(value).collect();
            database.query(&format!(
                "insert or ignore into {} ({}) values ({})",
                table.name,
                names.join(", "),
                values.join(", ")
            ));
        }
    }
}

/// The rows of the tenant, of every table that moves: equal on both sides if nothing was lost or changed.
pub fn rows(database: &Sqlite, tenant: &str) -> String {
    let mut whole = String::new();
    for table in schema::CURRENT.moved() {
        let (columns, key) = (table.columns.join(", "), table.key.join(", "));
        let rows = database.query(&format!(
            "select {columns} from {} where tenant_id = '{tenant}' order by {key}",
            table.name
        ));
        whole.push_str(&format!("{} {}\n", table.name, rows.len()));
        rows.iter().for_each(|row| whole.push_str(&format!("{row:?}\n")));
    }
    whole
}

/// How many rows the tenant has there.
pub fn count(database: &Sqlite, tenant: &str) -> i64 {
    let count = |name: &str| {
        let rows = database.query(&format!("select count(*) as n from {name} where tenant_id = '{tenant}'"));
        rows[0]["n"].as_i64().unwrap()
    };
    schema::CURRENT.moved().iter().map(|table| count(table.name)).sum()
}

/// How many triggers and captured keys of moves there are.
pub fn traces(database: &Sqlite) -> i64 {
    let rows = database.query(
        "select (select count(*) from sqlite_schema where type = 'trigger' and name like 'capture %')
              + (select count(*) from captured_keys) as n",
    );
    rows[0]["n"].as_i64().unwrap()
}
