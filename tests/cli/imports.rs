//! `gatehouse plan` and `gatehouse import`, from a source to tenants that serve.

use super::{
    files::{Folder, real},
    session::{Fate, Session},
};
use crate::support::{Ask, World};
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// The columns of a small install: the tables that a login needs. A missing column is null.
const TABLES: &str = "
    create table tenants (id text, friendly_name text, audience text, created_at text, updated_at text);
    create table connections (id text, tenant_id text, name text, strategy text, options text, created_at text, updated_at text);
    create table clients (client_id text, tenant_id text, name text, client_secret text, callbacks text, grant_types text,
        app_type text, created_at text, updated_at text);
    create table organizations (id text, tenant_id text, name text, display_name text, created_at text, updated_at text);
    create table users (tenant_id text, user_id text, email text, provider text, connection text, email_verified integer,
        is_social integer, linked_to text, app_metadata text, created_at text, updated_at text);
    create table passwords (id text, tenant_id text, user_id text, password text, algorithm text, is_current integer,
        created_at text, updated_at text);
    create table user_organizations (id text, tenant_id text, user_id text, organization_id text, created_at text, updated_at text);
    create table logs (log_id text, tenant_id text, user_id text, type text, date text, description text);
    create table codes (code_id text, tenant_id text);";

/// `hunter2` by bcrypt at its lowest cost.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuKpZH5xYdoUQO3WZ9Yw5S2wGyvz0oW2e";

const WHEN: &str = "2026-11-23T08:00:00.000Z";

/// Makes an install of these tenants with so many users each.
pub fn install(folder: &Folder, tenants: &[(&str, usize)]) -> PathBuf {
    let path = folder.path("install.sqlite");
    let database = Connection::open(&path).unwrap();
    database.execute_batch("begin").unwrap();
    database.execute_batch(TABLES).unwrap();
    for (tenant, users) in tenants {
        database
            .execute(
                "insert into tenants values (?1, ?2, null, ?3, ?3)",
                (tenant, format!("The {tenant}"), WHEN),
            )
            .unwrap();
        database.execute("insert into connections values (?1, ?2, 'Username-Password-Authentication', 'auth0', '{}', ?3, ?3)", (format!("con_{tenant}"), tenant, WHEN)).unwrap();
        database.execute("insert into clients values (?1, ?2, 'App', 'a-secret-of-the-app', '[\"https://app.example.com/cb\"]', '[\"authorization_code\"]', 'regular_web', ?3, ?3)", (format!("{tenant}-app"), tenant, WHEN)).unwrap();
        database
            .execute(
                "insert into organizations values (?1, ?2, 'sales', 'Sales', ?3, ?3)",
                (format!("org_{tenant}"), tenant, WHEN),
            )
            .unwrap();
        for n in 0..*users {
            let user = format!("auth0|{tenant}-{n}");
            database.execute("insert into users values (?1, ?2, ?3, 'auth0', 'Username-Password-Authentication', 1, 0, null, '{}', ?4, ?4)", (tenant, &user, format!("{tenant}{n}@example.com"), WHEN)).unwrap();
            database
                .execute(
                    "insert into passwords values (?1, ?2, ?3, ?4, 'bcrypt', 1, ?5, ?5)",
                    (format!("p{tenant}{n}"), tenant, &user, HASH, WHEN),
                )
                .unwrap();
            if n % 2 == 0 {
                database
                    .execute(
                        "insert into user_organizations values (?1, ?2, ?3, ?4, ?5, ?5)",
                        (format!("m{tenant}{n}"), tenant, &user, format!("org_{tenant}"), WHEN),
                    )
                    .unwrap();
            }
        }
    }
    database.execute_batch("commit").unwrap();
    path
}

/// Drafts a plan, and gives its path.
fn drafted(session: &Session<'_>, folder: &Folder, source: &Path) -> PathBuf {
    let plan = folder.path("plan.toml");
    session.run(&["plan", "--from", source.to_str().unwrap(), "-o", plan.to_str().unwrap()]).expect(0);
    plan
}

fn import<'s>(session: &'s Session<'_>, plan: &'s Path) -> impl Fn(&[&str]) -> super::session::Said + 's {
    move |more| session.run(&[&["import", "--plan", plan.to_str().unwrap()], more].concat())
}

fn users(session: &Session<'_>, tenant: &str) -> usize {
    let world = session.world;
    let token = world.machine_token("");
    let ask = Ask::get("", "/api/v2/users?include_totals=true").bearer(&token).header("tenant-id", tenant);
    usize::try_from(world.send(ask).expect(200).json()["total"].as_u64().unwrap()).unwrap()
}

#[test]
fn every_tenant_of_an_install_is_there_afterwards_and_again_changes_nothing() {
    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    let source = install(&folder, &[("acme", 7), ("globex", 1203)]);
    let plan = drafted(&session, &folder, &source);
    assert!(session.requests.borrow().is_empty(), "planning asks nobody");
    let said = import(&session, &plan)(&["--json"]).expect(0).json();
    assert_eq!(said["tenants"][0]["to"], "acme");
    assert_eq!(said["tenants"][1]["import"]["status"], "finished");
    assert_eq!(said["tenants"][1]["import"]["taken"]["users"], 1203);
    assert_eq!((users(&session, "acme"), users(&session, "globex")), (7, 1203));
    let requests = session.requests.borrow().len();
    let again = import(&session, &plan)(&["--json"]).expect(0).json();
    assert_eq!(again["tenants"][1]["import"]["finished_at"], said["tenants"][1]["import"]["finished_at"]);
    let sent =
        session.requests.borrow()[requests..].iter().filter(|request| request.ends_with("/records")).count();
    assert_eq!(sent, 0, "nothing was sent again");
}

#[test]
fn an_import_that_is_killed_at_any_request_goes_on_where_it_was() {
    let folder = Folder::new();
    let source = install(&folder, &[("acme", 3), ("globex", 2)]);
    let whole = World::new();
    let session = Session::new(&whole);
    let plan = drafted(&session, &folder, &source);
    import(&session, &plan)(&[]).expect(0);
    let requests = session.requests.borrow().len();
    for at in 0..requests {
        for last in [Fate::Lost, Fate::AnswerLost] {
            let world = World::new();
            let session = Session::new(&world);
            // Nothing is heard from that request on: the command ends, as if it had been killed there.
            *session.fate.borrow_mut() = Box::new(move |number| match number.cmp(&at) {
                std::cmp::Ordering::Less => Fate::Arrives,
                std::cmp::Ordering::Equal => last,
                std::cmp::Ordering::Greater => Fate::Lost,
            });
            import(&session, &plan)(&[]).expect(4);
            *session.fate.borrow_mut() = Box::new(|_| Fate::Arrives);
            import(&session, &plan)(&[]).expect(0);
            assert_eq!((users(&session, "acme"), users(&session, "globex")), (3, 2), "killed at {at}");
        }
    }
    println!("killed at each of {requests} requests, before and after it arrived");
}

#[test]
fn nothing_is_sent_of_a_source_in_which_anything_is_wrong() {
    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    let source = install(&folder, &[("acme", 3), ("globex", 3)]);
    let plan = drafted(&session, &folder, &source);
    let database = Connection::open(&source).unwrap();
    let told = |change: &str, expected: &str| {
        database.execute_batch("savepoint change").unwrap();
        database.execute_batch(change).unwrap();
        database.execute_batch("release change").unwrap();
        let said = import(&session, &plan)(&[]).expect(3);
        assert!(said.out.contains(expected) && said.out.contains("Nothing was sent."), "{}", said.out);
        assert!(session.requests.borrow().is_empty(), "{:?}", session.requests.borrow());
        let document = import(&session, &plan)(&["--json"]).expect(3).json();
        assert!(document["problems"]["count"].as_u64().unwrap() > 0);
    };
    told(
        "update users set email = 'GLOBEX0@example.com' where user_id = 'auth0|globex-2'",
        "table users, row 6 [auth0|globex-2]: column email is that of another row",
    );
    told(
        "update users set email = 'globex2@example.com' where user_id = 'auth0|globex-2'; create table from_the_future (id text); insert into from_the_future values ('x')",
        "table from_the_future: is not known: it may be newer than this tool",
    );
    told(
        "drop table from_the_future; update users set created_at = 'yesterday' where user_id = 'auth0|acme-1'",
        "table users, row 2 [auth0|acme-1]: column created_at",
    );
}

#[test]
fn tables_that_are_not_known_can_be_left_out_and_unknown_columns_are_told() {
    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    let source = install(&folder, &[("acme", 1)]);
    let database = Connection::open(&source).unwrap();
    database.execute_batch("create table from_the_future (id text); insert into from_the_future values ('x');
        alter table users add column horoscope text; update users set horoscope = 'aries';
        insert into passwords values ('orphan', 'acme', 'auth0|nobody', 'x', 'bcrypt', 1, '2026-11-23T08:00:00.000Z', '2026-11-23T08:00:00.000Z')").unwrap();
    let plan = folder.path("plan.toml");
    let said = session
        .run(&["plan", "--from", source.to_str().unwrap(), "-o", plan.to_str().unwrap(), "--json"])
        .expect(3);
    let lost = said.json()["lost"].as_array().unwrap().clone();
    let told = |table: &str, column: &str| {
        lost.iter().any(|note| note["table"] == table && note["column"] == column && note["rows"] == 1)
    };
    assert!(told("users", "horoscope") && told("passwords", "user_id"), "{lost:?}");
    let text = std::fs::read_to_string(&plan).unwrap();
    assert!(text.contains("# Tables that are not known here: [\"from_the_future\"]"), "{text}");
    std::fs::write(&plan, text.replace("leave_out = []", "leave_out = [\"from_the_future\"]")).unwrap();
    session.run(&["plan", plan.to_str().unwrap()]).expect(0);
    import(&session, &plan)(&[]).expect(0);
    assert_eq!(users(&session, "acme"), 1);
}

#[test]
fn a_tenant_becomes_several() {
    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    let source = install(&folder, &[("acme", 5)]);
    let database = Connection::open(&source).unwrap();
    database
        .execute_batch("update users set email = 'boss@corp.example' where user_id = 'auth0|acme-3'")
        .unwrap();
    let plan = drafted(&session, &folder, &source);
    let mut text = std::fs::read_to_string(&plan).unwrap();
    text.push_str(
        "
[[tenant.part]]
to = \"acme-sales\"
placement = \"shared\"
organizations = [\"sales\"]

[[tenant.part]]
to = \"corp\"
email_domains = [\"corp.example\"]
",
    );
    std::fs::write(&plan, text).unwrap();
    import(&session, &plan)(&[]).expect(0);
    assert_eq!(["acme", "acme-sales", "corp"].map(|tenant| users(&session, tenant)), [1, 3, 1]);
    let organizations = |tenant: &str| {
        let ask = Ask::get("", "/api/v2/organizations").bearer(&world.machine_token(""));
        world.send(ask.header("tenant-id", tenant)).expect(200).json().as_array().unwrap().len()
    };
    assert_eq!(["acme", "acme-sales", "corp"].map(organizations), [0, 1, 0]);
}

#[test]
fn an_import_of_something_else_is_not_mixed_in_and_can_be_taken_back() {
    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    let source = install(&folder, &[("acme", 3)]);
    let plan = drafted(&session, &folder, &source);
    *session.fate.borrow_mut() = Box::new(|number| if number < 7 { Fate::Arrives } else { Fate::Lost });
    import(&session, &plan)(&[]).expect(4);
    *session.fate.borrow_mut() = Box::new(|_| Fate::Arrives);
    Connection::open(&source)
        .unwrap()
        .execute_batch("update users set email = 'changed@example.com' where user_id = 'auth0|acme-0'")
        .unwrap();
    let said = import(&session, &plan)(&[]).expect(1);
    assert!(said.err.contains("an import of something else into acme is open"), "{}", said.err);
    let said = import(&session, &plan)(&["--discard", "--json"]).expect(0).json();
    assert_eq!(said, json!({"discarded": ["acme"]}));
    import(&session, &plan)(&[]).expect(0);
    assert_eq!(users(&session, "acme"), 3);
}

#[test]
fn a_tenant_that_serves_is_compared_record_by_record() {
    let folder = Folder::new();
    let source = install(&folder, &[("acme", 2), ("control_plane", 1203)]);
    let (world, probe) = (World::new(), World::new());
    let session = Session::new(&world);
    let plan = drafted(&session, &folder, &source);
    // An organization there with a name that only a tenant's may have here stays behind, and so do its members.
    let planned = session.run(&["plan", plan.to_str().unwrap(), "--json"]).expect(0).json();
    let left = |note: &Json| note["table"] == "user_organizations" && note["rows"] == 602;
    assert!(planned["lost"].as_array().unwrap().iter().any(left), "{planned}");
    let said = import(&session, &plan)(&["--json"]).expect(0).json();
    let main = &said["tenants"][1];
    assert_eq!(
        (&main["to"], &main["compared"], &main["changed"]),
        (&json!("main"), &json!("records"), &json!([]))
    );
    assert_eq!(said["tenants"][0]["compared"], "hashes");
    let compared = session.requests.borrow().iter().position(|one| one.ends_with("main/import/compare"));
    let count = session.requests.borrow().iter().filter(|one| one.ends_with("/compare")).count();
    assert!(count > 5, "1,203 users are more than a chunk: {count}");
    // It is in use from then on: it is not compared again, and neither are the others.
    world.database("SHARED").query("update users set name = 'Ada' where user_id = 'auth0|control_plane-0'");
    let again = import(&session, &plan)(&["--json"]).expect(0).json();
    assert_eq!(again["tenants"][1]["compared"], "finished before");
    let shown = import(&session, &plan)(&[]).expect(0).out;
    assert!(shown.contains("not again: in use since"), "{shown}");

    // Somebody changes one record, or deletes one, just before they are compared.
    let at = compared.unwrap();
    let meanwhile = |world: &World, change: &'static str| {
        let session = Session::new(world);
        let database = world.database("SHARED");
        *session.fate.borrow_mut() = Box::new(move |number| {
            if number == at {
                database.query(change);
            }
            Fate::Arrives
        });
        import(&session, &plan)(&[]).expect(3).out
    };
    let said = meanwhile(
        &probe,
        "update users set email = 'x@example.com' where user_id = 'auth0|control_plane-700'",
    );
    assert!(
        said.contains("main: table users, row auth0|control_plane-700 is not as it was sent: email"),
        "{said}"
    );
    assert!(said.contains("1 changed") && said.contains("finished"), "{said}");
    let lossy = World::new();
    let said = meanwhile(
        &lossy,
        "delete from users where tenant_id = 'main' and user_id = 'auth0|control_plane-700'",
    );
    assert!(said.contains("main: table users, row auth0|control_plane-700 is not there"), "{said}");
    assert!(said.contains("No import is finished"), "{said}");
}

#[test]
fn a_real_install_comes_over_whole() {
    let Some(source) = real("kysely.sqlite") else { return };
    let known: Json = serde_json::from_slice(&std::fs::read(real("known.json").unwrap()).unwrap()).unwrap();
    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    let plan = drafted(&session, &folder, &source);
    let said = import(&session, &plan)(&["--json"]).expect(0).json();
    let main = said["tenants"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&main["from"], &main["to"]), (&json!("control_plane"), &json!("main")));
    for tenant in ["acme", "globex"] {
        let machine = &known["tenants"][tenant]["clients"]["m2m"];
        let audience = known["tenants"][tenant]["audience"].as_str().unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", machine[0].as_str().unwrap()),
            ("client_secret", machine[1].as_str().unwrap()),
            ("audience", audience),
        ];
        world.send(Ask::post(tenant, "/oauth/token").form(&form)).expect(200);
        session.run(&["doctor", tenant]).expect(0);
    }
    let sent: u64 =
        said["tenants"].as_array().unwrap().iter().map(|tenant| tenant["rows"].as_u64().unwrap()).sum();
    println!(
        "{} tenants, {sent} records, {} requests",
        said["tenants"].as_array().unwrap().len(),
        session.requests.borrow().len()
    );
}

#[test]
fn a_draft_does_not_write_over_a_plan() {
    let (world, folder) = (World::new(), Folder::new());
    let session = Session::new(&world);
    let source = install(&folder, &[("acme", 1)]);
    let plan = folder.file("plan.toml", "mine");
    session.run(&["plan", "--from", source.to_str().unwrap(), "-o", plan.to_str().unwrap()]).expect(2);
    assert_eq!(std::fs::read_to_string(&plan).unwrap(), "mine");
    session.run(&["plan", folder.path("no-plan.toml").to_str().unwrap()]).expect(2);
    session.run(&["plan", plan.to_str().unwrap()]).expect(2);
    session.run(&["plan"]).expect(2);
}
