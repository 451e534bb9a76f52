//! Dumps of real servers: PostgreSQL and MariaDB, started for the test where they are installed, on a socket of their
//! own, with no port at all.

use super::{
    files::{Folder, open, real, rows},
    session::Session,
};
use crate::support::World;
use gatehouse::cli::source::{self, Source};
use rusqlite::Connection;
use serde_json::Value as Json;
use std::{
    fmt::Write as _,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// What both servers are given: the database of a real install if it is there, and always a table of values that hurt.
fn install(folder: &Folder) -> (Box<dyn Source>, Vec<(String, String)>) {
    let path = folder.path("install.sqlite");
    if let Some(real) = real("kysely.sqlite") {
        std::fs::copy(real, &path).unwrap();
        let mut writable = std::fs::metadata(&path).unwrap().permissions();
        #[allow(clippy::permissions_set_readonly_false)]
        writable.set_readonly(false);
        std::fs::set_permissions(&path, writable).unwrap();
    }
    let database = Connection::open(&path).unwrap();
    database.execute_batch("create table hurts (id integer, \"key\" text, flag tinyint(1))").unwrap();
    let values = [
        "",
        "it's",
        "\\",
        "\\'",
        "a\nb\r\nc\td",
        "\u{8}\u{c}\u{b}\u{1a}",
        "\\N",
        "\\.",
        "NULL",
        "日本😀é",
        ");--/*'`$$\"",
        "\n\\.\n",
    ];
    for (index, value) in values.iter().enumerate() {
        let flag = (index % 3 < 2).then_some(index % 3);
        database.execute("insert into hurts values (?1, ?2, ?3)", (index, value, flag)).unwrap();
    }
    database.execute("insert into hurts values (?1, null, null)", [i64::MIN]).unwrap();
    let mut columns = database.prepare("select m.name || '.' || c.name, c.type from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'").unwrap();
    let types =
        columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    drop(columns);
    drop(database);
    (source::open(&path, None).unwrap(), types)
}

/// The install as SQL that makes it again: definitions with these types, and a statement for each row.
fn script(
    source: &dyn Source,
    types: &[(String, String)],
    quote: char,
    text: &str,
    flag: &str,
    literal: fn(&str) -> String,
) -> String {
    let name = |name: &str| format!("{quote}{name}{quote}");
    let mut script = String::new();
    for table in source.tables() {
        let declared = |column: &String| {
            let (_, sqlite) = types.iter().find(|(of, _)| *of == format!("{}.{column}", table.name)).unwrap();
            let sqlite = sqlite.to_lowercase();
            let declared = if sqlite.contains("tinyint(1)") {
                flag
            } else if sqlite.contains("int") {
                "bigint"
            } else {
                text
            };
            format!("{} {declared}", name(column))
        };
        let columns: Vec<_> = table.columns.iter().map(declared).collect();
        writeln!(script, "create table {} ({});", name(&table.name), columns.join(", ")).unwrap();
        for row in rows(source, &table.name) {
            let value = |column: &String| match &row.values[column] {
                Json::Null => "null".to_owned(),
                Json::String(text) => literal(text),
                other if declared(column).ends_with("boolean") => (other == 1).to_string(),
                other => other.to_string(),
            };
            let values: Vec<_> = table.columns.iter().map(value).collect();
            writeln!(script, "insert into {} values ({});", name(&table.name), values.join(", ")).unwrap();
        }
    }
    script
}

/// Every table of a dump holds what the install holds.
fn same(form: &str, dump: &[u8], install: &dyn Source) {
    let source = open(dump).unwrap_or_else(|problem| panic!("{form}: {problem}"));
    let names =
        |source: &dyn Source| source.tables().iter().map(|table| table.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(source.as_ref()), names(install), "{form}");
    let mut compared = 0;
    for table in install.tables() {
        let (found, expected) = (rows(source.as_ref(), &table.name), rows(install, &table.name));
        assert_eq!(found.len(), expected.len(), "{form}: {}", table.name);
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.values, expected.values, "{form}: {}", table.name);
        }
        compared += found.len();
    }
    println!("{form}: {} tables, {compared} rows, {} bytes of dump", install.tables().len(), dump.len());
}

/// What an import of a source would send: for each tenant, the rows and the hash of every table. Nothing where there is
/// no tenant.
fn planned(source: &[u8], name: &str) -> Json {
    let (world, folder) = (World::new(), Folder::new());
    let (source, plan) = (folder.file(name, source), folder.path("plan.toml"));
    let arguments = ["plan", "--json", "--from", source.to_str().unwrap(), "-o", plan.to_str().unwrap()];
    let said = Session::new(&world).run(&arguments);
    said.json()["tenants"].clone()
}

/// A dump is planned like the install that it is of, to the last hash.
fn same_plan(form: &str, dump: &[u8], folder: &Folder) {
    let install = planned(&std::fs::read(folder.path("install.sqlite")).unwrap(), "install.sqlite");
    assert_eq!(planned(dump, "dump.sql"), install, "{form}");
    let rows: u64 =
        install.as_array().into_iter().flatten().map(|tenant| tenant["rows"].as_u64().unwrap()).sum();
    println!(
        "{form}: {rows} records for {} tenants, with the same hashes",
        install.as_array().map_or(0, Vec::len)
    );
}

/// A server of the test's own, ended with it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// A command as somebody who is not root, which PostgreSQL insists on.
fn unprivileged(program: &Path) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "nobody", "--"]).arg(program);
    command
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn feed(command: &mut Command, input: &str) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?}");
}

fn until(mut ready: impl FnMut() -> bool) {
    for _ in 0..300 {
        if ready() {
            return;
        }
        // It is a process of its own: there is nothing else to wait for.
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("the server does not start");
}

/// A program in one of these folders.
fn program(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.exists());
    if found.is_none() {
        println!("SKIPPED: {name} is not installed, so its real dumps are not read");
    }
    found
}

fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<_> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    folders.extend(
        std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|version| version.path().join("bin")),
    );
    folders.push("/usr/sbin".into());
    folders
}

#[test]
fn what_pg_dump_writes_of_a_real_install_is_read_back() {
    let folders = folders();
    let Some(initdb) = program(&folders, "initdb") else { return };
    let initdb = initdb.canonicalize().unwrap();
    let bin = initdb.parent().unwrap().to_owned();
    let folder = Folder::new();
    let (install, types) = install(&folder);
    let home = folder.path("postgres");
    std::fs::create_dir(&home).unwrap();
    let _ = Command::new("chown").arg("nobody").arg(&home).status();
    let home = home.to_str().unwrap();
    let data = format!("{home}/data");
    output(
        unprivileged(&initdb)
            .args(["-D", &data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .current_dir(home),
    );
    let mut start = unprivileged(&bin.join("postgres"));
    start.args(["-D", &data, "-k", home, "-c", "listen_addresses=", "-c", "fsync=off"]).stderr(Stdio::null());
    let _server = Server(start.current_dir(home).spawn().unwrap());
    let client = |name: &str| {
        let mut command = Command::new(bin.join(name));
        command.args(["-h", home, "-U", "postgres"]);
        command
    };
    until(|| client("pg_isready").stdout(Stdio::null()).status().unwrap().success());
    let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
    feed(
        client("psql").args(["-q", "-v", "ON_ERROR_STOP=1", "postgres"]),
        &script(install.as_ref(), &types, '"', "text", "boolean", literal),
    );
    for (form, options) in [
        ("pg_dump", vec![]),
        ("pg_dump --inserts", vec!["--inserts"]),
        ("pg_dump --column-inserts, 50 rows", vec!["--column-inserts", "--rows-per-insert=50"]),
    ] {
        let dump = output(client("pg_dump").args(options).arg("postgres"));
        same(form, &dump, install.as_ref());
        same_plan(form, &dump, &folder);
    }
}

#[test]
fn what_mysqldump_writes_of_a_real_install_is_read_back() {
    let folders = folders();
    let Some(make) = program(&folders, "mariadb-install-db") else { return };
    let (Some(daemon), Some(dump)) = (program(&folders, "mariadbd"), program(&folders, "mariadb-dump"))
    else {
        return;
    };
    let folder = Folder::new();
    let (install, types) = install(&folder);
    let home = folder.path("mariadb");
    std::fs::create_dir(&home).unwrap();
    let _ = Command::new("chown").arg("nobody").arg(&home).status();
    let (data, socket) =
        (format!("--datadir={}/data", home.display()), format!("--socket={}/socket", home.display()));
    output(
        unprivileged(&make)
            .args(["--no-defaults", &data, "--auth-root-authentication-method=normal"])
            .current_dir(&home),
    );
    let mut start = unprivileged(&daemon);
    start
        .args(["--no-defaults", &data, &socket, "--skip-networking", "--innodb-flush-log-at-trx-commit=0"])
        .stderr(Stdio::null());
    let _server = Server(start.current_dir(&home).spawn().unwrap());
    let client = |name: &str| {
        let mut command = Command::new(program(&folders, name).unwrap());
        command.args(["--no-defaults", &socket, "-uroot"]);
        command
    };
    until(|| {
        client("mariadb")
            .args(["-e", "create database if not exists install character set utf8mb4"])
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
    });
    let literal =
        |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\r', "\\r"));
    feed(
        client("mariadb").args(["--default-character-set=utf8mb4", "install"]),
        &script(install.as_ref(), &types, '`', "longtext", "tinyint(1)", literal),
    );
    for (form, options) in [
        ("mariadb-dump", vec![]),
        ("mariadb-dump --hex-blob --complete-insert", vec!["--hex-blob", "--complete-insert"]),
        ("mariadb-dump --skip-extended-insert", vec!["--skip-extended-insert", "--compact"]),
    ] {
        let mut command = Command::new(&dump);
        command.args(["--no-defaults", &socket, "-uroot", "--default-character-set=utf8mb4"]).args(options);
        let dump = output(command.arg("install"));
        same(form, &dump, install.as_ref());
        same_plan(form, &dump, &folder);
    }
}
