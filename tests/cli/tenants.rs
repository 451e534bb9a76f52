//! `gatehouse tenants`, and what all commands have in common.

use super::{
    files::Folder,
    session::{Fate, Session},
};
use crate::support::World;
use serde_json::json;

#[test]
fn a_tenant_from_beginning_to_end() {
    let world = World::new();
    let session = Session::new(&world);
    let said = session
        .run(&["tenants", "create", "acme", "--name", "Acme Inc.", "--placement", "isolated"])
        .expect(0);
    assert!(said.out.contains("issuer         http://acme.localhost:8787/"), "{}", said.out);
    let list = session.type_in("tenants list --status active").expect(0).out;
    assert!(list.contains("acme    active  isolated   acme.localhost:8787  Acme Inc."), "{list}");
    session.type_in("tenants update acme --status read_only").expect(0);
    let shown = session.type_in("tenants get acme --json").expect(0).json();
    assert_eq!((&shown["status"], &shown["friendly_name"]), (&json!("read_only"), &json!("Acme Inc.")));
    session.type_in("tenants delete acme --confirm globex").expect(2);
    session.type_in("tenants delete acme --confirm acme").expect(0);
    session.type_in("tenants get acme").expect(1);
}

#[test]
fn every_tenant_is_listed_whatever_the_size_of_a_page() {
    let world = World::new();
    let session = Session::new(&world);
    for n in 0..120 {
        session.type_in(&format!("tenants create t{n} --placement shared")).expect(0);
    }
    let listed = session.type_in("--json tenants list").expect(0).json();
    assert_eq!(listed["tenants"].as_array().unwrap().len(), 121);
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_server() {
    let world = World::new();
    let session = Session::new(&world);
    session.type_in("tenants create acme").expect(0);
    let said = session.type_in("tenants create acme").expect(1);
    assert_eq!(said.err, "error: There is a tenant acme already (409 tenant_conflict)\n");
    let said = session.type_in("tenants create acme --json").expect(1);
    assert_eq!((said.json()["error"].as_str(), said.err.as_str()), (Some("tenant_conflict"), ""));
    session.type_in("tenants get ../../api/v2/users").expect(2);
    session.type_in("tenants").expect(2);
    session.type_in("tenants explode").expect(2);
    assert!(session.type_in("--help").expect(0).out.contains("Exit codes"));
}

#[test]
fn secrets_go_where_they_belong() {
    let world = World::new();
    let session = Session::new(&world);
    let said = session.type_in("--url http://auth.example.com tenants list").expect(2);
    assert!(said.err.contains("https:// only"), "{}", said.err);
    session.type_in("--url https://auth.example.com/path tenants list").expect(2);
    session.type_in("--url localhost:8787 tenants list").expect(2);
    let nobody =
        ["MANAGEMENT_CLIENT_ID", "MANAGEMENT_CLIENT_SECRET"].map(|name| (name.to_owned(), String::new()));
    session.variables.borrow_mut().extend(nobody);
    let said = session.type_in("--url https://auth.example.com tenants list").expect(2);
    assert!(said.err.contains("there are no credentials"), "{}", said.err);
    assert!(session.requests.borrow().is_empty(), "nobody was asked");

    let folder = Folder::new();
    let file = folder.file(
        "secrets",
        format!(
            "# secrets\nMANAGEMENT_CLIENT_ID=\"{}\"\nMANAGEMENT_CLIENT_SECRET = '{}'\n",
            crate::support::world::MACHINE_ID,
            crate::support::world::MACHINE_SECRET
        ),
    );
    session.run(&["tenants", "list", "--secrets-file", file.to_str().unwrap()]).expect(0);
    session.variables.borrow_mut().push(("GATEHOUSE_TOKEN".to_owned(), "not-a-token".to_owned()));
    let said = session.type_in("tenants list").expect(1);
    assert!(!said.err.contains("not-a-token"), "{}", said.err);
}

#[test]
fn a_server_that_is_busy_or_away_is_asked_again() {
    let world = World::new();
    let session = Session::new(&world);
    let fates = [Fate::Busy, Fate::Arrives, Fate::Lost, Fate::Busy, Fate::Arrives];
    *session.fate.borrow_mut() = Box::new(move |number| *fates.get(number).unwrap_or(&Fate::Arrives));
    session.type_in("tenants list").expect(0);
    assert_eq!(session.requests.borrow().len(), 5);
    *session.fate.borrow_mut() = Box::new(|_| Fate::Lost);
    let said = session.type_in("tenants list --json").expect(4);
    assert_eq!(said.json()["error"], "unreachable");
}
