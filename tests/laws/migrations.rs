//! Migrations: complete, from every version on, and of a shape in which a tenant is a set of rows.

use super::{files, name, text};
use crate::support::{block_on, sqlite::Sqlite};
use gatehouse::db::schema::{self, Migration};
use serde_json::{Map, Value as Json};

const ALL: [(&str, &[Migration]); 2] = [("directory", schema::DIRECTORY), ("tenant", schema::TENANT)];

/// The name of a database that obeys the laws of its folder.
fn database(folder: &str) -> Sqlite {
    Sqlite::new(if folder == "directory" { "DIRECTORY" } else { "SHARED" })
}

fn column<'a>(row: &'a Map<String, Json>, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

fn tables(database: &Sqlite) -> Vec<String> {
    let rows = database.query(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'd1_migrations'",
    );
    rows.iter().map(|row| column(row, "name").to_owned()).collect()
}

#[test]
fn every_file_is_embedded_in_order() {
    for (folder, embedded) in ALL {
        let listed: Vec<_> = files(&format!("migrations/{folder}"))
            .iter()
            .map(|path| (name(path).rsplit('/').next().unwrap().to_owned(), text(path)))
            .collect();
        let embedded: Vec<_> =
            embedded.iter().map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned())).collect();
        assert_eq!(listed, embedded, "migrations/{folder}");
        for (index, (name, _)) in listed.iter().enumerate() {
            assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name} must be number {}", index + 1);
        }
    }
}

/// What the migrations make: a change of it is seen in review.
#[test]
fn the_schema() {
    let mut whole = String::new();
    for (folder, migrations) in ALL {
        let database = database(folder);
        block_on(schema::migrate(&database, migrations)).unwrap();
        for table in tables(&database) {
            whole.push_str(&format!("{folder}.{table}\n"));
            for row in database.query(&format!("select * from pragma_table_info('{table}')")) {
                let null = if row["notnull"] == 1 { "" } else { " null" };
                let key = row["pk"]
                    .as_i64()
                    .filter(|key| *key > 0)
                    .map(|key| format!(" key {key}"))
                    .unwrap_or_default();
                whole.push_str(&format!("  {} {}{null}{key}\n", column(&row, "name"), column(&row, "type")));
            }
            let indexes = format!(
                "select name, sql from sqlite_schema where type = 'index' and tbl_name = '{table}' and sql is not null order by name"
            );
            for row in database.query(&indexes) {
                whole.push_str(&format!("  {}\n", column(&row, "sql")));
            }
        }
    }
    insta::assert_snapshot!(whole);
}

#[test]
fn every_table_of_a_tenant_begins_with_its_tenant_and_says_how_it_moves() {
    let database = database("tenant");
    block_on(schema::migrate(&database, schema::TENANT)).unwrap();
    let files: String = schema::TENANT.iter().map(|(_, sql)| *sql).collect();
    for table in tables(&database) {
        let columns = database
            .query(&format!("select name, pk, \"notnull\" from pragma_table_info('{table}') order by cid"));
        assert_eq!(column(&columns[0], "name"), "tenant_id", "{table}");
        assert_eq!(
            (&columns[0]["pk"], &columns[0]["notnull"]),
            (&1.into(), &1.into()),
            "{table}: its key begins with it"
        );
        let list =
            database.query(&format!("select strict, wr from pragma_table_list where name = '{table}'"));
        assert_eq!(
            (&list[0]["strict"], &list[0]["wr"]),
            (&1.into(), &1.into()),
            "{table} is strict, without rowid"
        );
        let (before, _) = files.split_once(&format!("create table {table} (")).unwrap();
        let comment: Vec<_> = before.lines().rev().take_while(|line| line.starts_with("--")).collect();
        assert!(
            comment.iter().any(|line| line.starts_with("-- moves: ")),
            "{table} does not say how it moves"
        );
        for index in database.query(&format!("select name from pragma_index_list('{table}')")) {
            let first =
                format!("select name from pragma_index_info('{}') where seqno = 0", column(&index, "name"));
            let first = database.query(&first);
            assert_eq!(column(&first[0], "name"), "tenant_id", "{}", column(&index, "name"));
        }
    }
}

#[test]
fn a_database_of_any_version_reaches_the_newest_and_keeps_what_it_holds() {
    for (folder, migrations) in ALL {
        for version in 0..=migrations.len() {
            let database = database(folder);
            block_on(schema::migrate(&database, &migrations[..version])).unwrap();
            let held: Vec<_> =
                tables(&database).into_iter().map(|table| (fill(&database, &table), table)).collect();
            block_on(schema::migrate(&database, migrations)).unwrap();
            for (row, table) in &held {
                let kept = database.query(&format!("select * from {table}"));
                let kept = &kept[0];
                assert!(
                    row.iter().all(|(name, value)| kept.get(name) == Some(value)),
                    "{table} from version {version}"
                );
            }
            let marks = database.query("select name from d1_migrations");
            assert_eq!(marks.len(), migrations.len());
            block_on(schema::migrate(&database, migrations)).unwrap();
            assert_eq!(database.query("select name from d1_migrations"), marks, "nothing is applied twice");
        }
    }
}

/// Puts one row into a table, and answers it.
fn fill(database: &Sqlite, table: &str) -> Map<String, Json> {
    let definition = database.query(&format!("select sql from sqlite_schema where name = '{table}'"));
    let value = |row: &Map<String, Json>| {
        // The first word that a check allows; a reference finds nothing to hold it.
        let check = format!("check ({} in ('", column(row, "name"));
        match (column(row, "type"), column(&definition[0], "sql").split_once(&check)) {
            (_, Some((_, words))) => format!("'{}'", words.split('\'').next().unwrap()),
            ("INTEGER", None) => "7".to_owned(),
            (_, None) => "'seven'".to_owned(),
        }
    };
    let columns =
        database.query(&format!("select name, type from pragma_table_info('{table}') order by cid"));
    let names: Vec<_> = columns.iter().map(|row| column(row, "name")).collect();
    let values: Vec<_> = columns.iter().map(value).collect();
    database.query("pragma foreign_keys = off");
    database.query(&format!("insert into {table} ({}) values ({})", names.join(", "), values.join(", ")));
    database.query(&format!("select * from {table}")).remove(0)
}

/// What is read from the text of the migrations is what SQLite makes of it; and a table moves unless it says that it does not.
#[test]
fn tables_and_their_columns_are_read_from_the_files() {
    let moved: Vec<_> = schema::CURRENT.moved().into_iter().map(|table| table.name).collect();
    for (folder, migrations) in ALL {
        let database = database(folder);
        block_on(schema::migrate(&database, migrations)).unwrap();
        let files: String = migrations.iter().map(|(_, sql)| *sql).collect();
        let known = schema::tables(migrations);
        assert_eq!(known.len(), tables(&database).len());
        for table in known {
            let info = |order: &str| {
                let rows = database
                    .query(&format!("select name, pk from pragma_table_info('{}') {order}", table.name));
                rows.iter().map(|row| column(row, "name").to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(info("order by cid"), table.columns, "{}", table.name);
            assert_eq!(info("where pk > 0 order by pk"), table.key, "{}", table.name);
            let (before, _) = files.split_once(&format!("create table {} (", table.name)).unwrap();
            let stays = before
                .lines()
                .rev()
                .take_while(|line| line.starts_with("--"))
                .any(|line| line.starts_with("-- moves: never"));
            if folder == "tenant" {
                assert_eq!(moved.contains(&table.name), !stays, "{}", table.name);
            }
        }
    }
}
