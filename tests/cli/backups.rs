//! Archives from the command line: made, listed, restored, deleted; whatever is cut off is taken up.

use super::session::{Fate, Session};
use crate::{
    operations::cloudflare::Cloudflare,
    support::{Ask, World},
};
use gatehouse::{platform::Platform, time::Lifetime};
use serde_json::{Value as Json, json};

/// Tenants that share a database, with a person each.
fn tenants(session: &Session<'_>, tenants: &[&str]) {
    for tenant in tenants {
        session.run(&["tenants", "create", tenant, "--placement", "shared"]).expect(0);
        add(session, tenant, "ada@example.com");
    }
}

fn add(session: &Session<'_>, tenant: &str, email: &str) {
    let body = json!({"connection": "Username-Password-Authentication", "email": email, "password": "analytical-engine-1843"});
    let ask = Ask::post("", "/api/v2/users").bearer(&session.world.machine_token(""));
    session.world.send(ask.header("tenant-id", tenant).json(&body)).expect(201);
}

fn emails(session: &Session<'_>, tenant: &str) -> Vec<String> {
    let ask = Ask::get("", "/api/v2/users").bearer(&session.world.machine_token(""));
    let users = session.world.send(ask.header("tenant-id", tenant)).expect(200).json();
    let mut emails: Vec<_> =
        users.as_array().unwrap().iter().map(|user| user["email"].as_str().unwrap().to_owned()).collect();
    emails.sort();
    emails
}

fn archives(session: &Session<'_>, tenant: &str) -> Vec<Json> {
    let said = session.run(&["backups", "list", tenant, "--json"]).expect(0).json();
    said["backups"].as_array().unwrap().clone()
}

fn id(archive: &Json) -> &str {
    archive["id"].as_str().unwrap()
}

#[test]
fn a_tenant_comes_back_in_its_place_as_another_one_and_after_it_was_deleted() {
    let world = World::new();
    let session = Session::new(&world);
    tenants(&session, &["acme"]);
    assert!(session.type_in("backups list acme").expect(0).out.contains("has no archives"));
    let said = session.type_in("backup acme --everything --json").expect(0).json();
    let backup = id(&said["backups"][0]).to_owned();
    assert_eq!(said["backups"][0]["include"], json!(["keys", "sessions", "logs"]));
    let shown = session.run(&["backups", "get", "acme", &backup]).expect(0).out;
    assert!(shown.contains("whole") && shown.contains("keys, sessions, logs"), "{shown}");

    add(&session, "acme", "grace@example.com");
    let said = session.run(&["restore", "acme", "--from", &backup]).expect(2);
    assert!(said.err.contains("--confirm must be acme"), "{}", said.err);
    session.run(&["restore", "acme", "--from", &backup, "--confirm", "globex"]).expect(2);
    assert_eq!(emails(&session, "acme").len(), 2, "nothing has happened");
    let said = session.run(&["restore", "acme", "--from", &backup, "--confirm", "acme"]).expect(0).out;
    assert_eq!(emails(&session, "acme"), ["ada@example.com"]);
    // The way back is named, and works.
    let before = archives(&session, "acme").into_iter().find(|one| one["reason"] == "restore").unwrap();
    assert!(said.contains(&format!("restore acme --from {} --confirm acme", id(&before))), "{said}");
    session.run(&["restore", "acme", "--from", id(&before), "--confirm", "acme"]).expect(0);
    assert_eq!(emails(&session, "acme").len(), 2);

    let said = session.run(&["restore", "acme", "--from", &backup, "--into", "twin", "--json"]).expect(0);
    assert_eq!(said.json()["tenant"]["id"], "twin");
    assert_eq!(emails(&session, "twin"), ["ada@example.com"]);
    // The same again finds it there; another archive is not put on top of it.
    session.run(&["restore", "acme", "--from", &backup, "--into", "twin"]).expect(0);
    let said = session.run(&["restore", "acme", "--from", id(&before), "--into", "twin"]).expect(1);
    assert!(said.err.contains("There is a tenant twin already"), "{}", said.err);

    session.type_in("tenants delete acme --confirm acme").expect(0);
    assert_eq!(archives(&session, "acme")[0]["reason"], "deletion");
    session.type_in("restore acme --from newest --placement isolated").expect(0);
    assert_eq!(emails(&session, "acme").len(), 2);

    session.run(&["backups", "delete", "acme", &backup]).expect(0);
    session.run(&["backups", "get", "acme", &backup]).expect(1);
    session.run(&["backups", "delete", "acme", &backup]).expect(0);
    session.run(&["restore", "acme", "--from", &backup, "--into", "third"]).expect(1);
}

#[test]
fn all_are_archived_and_one_that_cannot_be_does_not_stop_the_others() {
    let world = World::new();
    let session = Session::new(&world);
    tenants(&session, &["acme", "globex", "initech"]);
    // A move that can be rolled back is not over.
    session.type_in("move globex --to isolated").expect(0);
    let said = session.type_in("backup --all --parallelism 2 --json").expect(1).json();
    let of = |list: &Json, name: &str| {
        list.as_array().unwrap().iter().map(|one| one[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut whole = of(&said["backups"], "tenant_id");
    whole.sort();
    assert_eq!(whole, ["acme", "initech", "main"]);
    assert_eq!(of(&said["failed"], "tenant"), ["globex"]);
    assert_eq!(said["failed"][0]["failure"]["error"], "operation_in_progress");
    session.type_in("operation finish globex").expect(0);

    // Who has been archived since is left out, unless more is wanted.
    let since = "2020-01-01T00:00:00Z";
    let said = session.run(&["backup", "--all", "--since", since]).expect(0).out;
    assert!(said.contains("acme was left out: it was archived at") && said.contains("globex"), "{said}");
    assert_eq!(["acme", "globex"].map(|tenant| archives(&session, tenant).len()), [1, 1]);
    session.run(&["backup", "--all", "--since", since, "--include", "keys"]).expect(0);
    assert_eq!(["acme", "globex"].map(|tenant| archives(&session, tenant).len()), [2, 2]);
    let now = session.world.outside.now().plus(Lifetime::seconds(1)).iso();
    session.run(&["backup", "acme", "--since", &now]).expect(0);
    assert_eq!(archives(&session, "acme").len(), 3);
}

#[test]
fn whatever_is_cut_off_is_taken_up_and_never_doubled() {
    let whole = World::new();
    let session = Session::new(&whole);
    tenants(&session, &["acme"]);
    let first = session.requests.borrow().len();
    session.type_in("backup acme").expect(0);
    let last = session.requests.borrow().len();
    for at in 0..last - first {
        // One answer is lost, and the command goes on by itself.
        let world = World::new();
        let session = Session::new(&world);
        tenants(&session, &["acme"]);
        let first = session.requests.borrow().len();
        *session.fate.borrow_mut() =
            Box::new(move |number| if number == first + at { Fate::AnswerLost } else { Fate::Arrives });
        session.type_in("backup acme").expect(0);
        assert_eq!(archives(&session, "acme").len(), 1, "request {at}");
        // Nothing is heard from a request on. By the time that the same is asked for again, it may have been done.
        let (first, since) = (session.requests.borrow().len(), world.outside.now().iso());
        *session.fate.borrow_mut() =
            Box::new(move |number| if number >= first + at { Fate::Lost } else { Fate::Arrives });
        let line = ["backup", "acme", "--everything", "--since", &since];
        session.run(&line).expect(4);
        *session.fate.borrow_mut() = Box::new(|_| Fate::Arrives);
        session.run(&line).expect(0);
        assert_eq!(archives(&session, "acme").len(), 2, "request {at}");
    }
}

#[test]
fn a_restore_whose_answers_are_lost_happens_once() {
    for (more, operation) in [("--confirm acme", "restore"), ("--into twin", "restore_new")] {
        let whole = World::new();
        let session = Session::new(&whole);
        tenants(&session, &["acme"]);
        session.type_in("backup acme").expect(0);
        let post = session.requests.borrow().len();
        let line = format!("restore acme --from newest {more}");
        session.type_in(&format!("{line} --no-wait")).expect(0);
        let posted = session.requests.borrow()[post..].iter().position(|one| one.ends_with("/restores"));
        let at = posted.unwrap();
        for fate in [Fate::AnswerLost, Fate::Lost] {
            let world = World::new();
            let session = Session::new(&world);
            tenants(&session, &["acme"]);
            session.type_in("backup acme").expect(0);
            let first = session.requests.borrow().len();
            *session.fate.borrow_mut() =
                Box::new(move |number| if number == first + at { fate } else { Fate::Arrives });
            session.type_in(&line).expect(0);
            let count = world
                .database("DIRECTORY")
                .query(&format!("select count(*) as n from operations where kind = '{operation}'"));
            assert_eq!(count[0]["n"], 1, "{line} {fate:?}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let world = World::new();
    let session = Session::new(&world);
    tenants(&session, &["acme"]);
    session.type_in("backup").expect(2);
    session.type_in("backup acme --all").expect(2);
    session.type_in("backup acme --include passwords").expect(2);
    session.type_in("backup acme --since yesterday").expect(2);
    session.type_in("backup ../acme").expect(2);
    session.type_in("backup nobody").expect(1);
    session.type_in("restore acme").expect(2);
    session.type_in("restore acme --from newest --into twin").expect(1);
    session.type_in("restore acme --from ../x --into twin").expect(2);
    session.type_in("restore acme --from bak_none --into twin").expect(1);
    session.type_in("restore acme --from newest --at 2027-01-01").expect(2);
    session.type_in("restore acme --at noon --confirm acme").expect(2);
    session.type_in("restore acme --at 2027-01-14T08:00:00Z").expect(2);
    let said = session.type_in("restore acme --at 2027-01-14T08:00:00Z --confirm acme").expect(1);
    assert!(said.err.contains("take all the other tenants back too"), "{}", said.err);
    session.type_in("backups delete acme ..").expect(2);
    world.outside.keeps_archives.set(false);
    let said = session.type_in("backup --all").expect(1);
    assert!(said.err.contains("bind an R2 bucket as ARCHIVE"), "{}", said.err);
    assert_eq!((archives(&session, "acme").len(), emails(&session, "acme").len()), (0, 1));
}

#[test]
fn a_database_goes_back_in_time() {
    let world = World::with(&["DIRECTORY", "SHARED"], Cloudflare::variable);
    let cloudflare = Cloudflare::serve(&world.outside);
    let session = Session::new(&world);
    session.type_in("tenants create acme --placement isolated").expect(0);
    world.advance(Lifetime::minutes(1));
    cloudflare.settle();
    add(&session, "acme", "ada@example.com");
    let moment = cloudflare.remember(world.outside.now()).iso();
    world.advance(Lifetime::minutes(5));
    add(&session, "acme", "grace@example.com");
    let said = session.run(&["restore", "acme", "--at", &moment, "--confirm", "acme"]).expect(0).out;
    assert!(said.contains(&format!("acme is as {moment} shows it")), "{said}");
    world.advance(Lifetime::seconds(10));
    assert_eq!(emails(&session, "acme"), ["ada@example.com"]);
}
