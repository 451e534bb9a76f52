//! Moves from the command line, while their operations are driven by the clock of the world.

use super::session::{Fate, Session};
use crate::support::{Ask, World};
use gatehouse::time::Lifetime;
use serde_json::json;

fn people(world: &World, tenant: &str, count: usize) {
    let token = world.machine_token("");
    for n in 0..count {
        let body = json!({"connection": "Username-Password-Authentication", "email": format!("u{n}@example.com"), "password": "analytical-engine-1843"});
        world
            .send(Ask::post("", "/api/v2/users").bearer(&token).header("tenant-id", tenant).json(&body))
            .expect(201);
    }
}

fn placement(session: &Session<'_>, tenant: &str) -> String {
    let shown = session.run(&["tenants", "get", tenant, "--json"]).expect(0).json();
    shown["placement"].as_str().unwrap().to_owned()
}

#[test]
fn a_tenant_moves_there_and_back() {
    let world = World::new();
    let session = Session::new(&world);
    session.type_in("tenants create acme --placement shared").expect(0);
    people(&world, "acme", 5);
    let plan = session.type_in("move acme --to isolated --plan --json").expect(0).json();
    assert!(plan["plans"][0]["rows"].as_u64().unwrap() > 5, "{plan}");
    session.type_in("move acme --to shared --plan").expect(3);
    let before = session.type_in("verify acme --json").expect(0).json();

    let said = session.type_in("move acme --to isolated --rollback-days 3").expect(0).out;
    assert!(said.contains("to isolated: switched") && said.contains("can be rolled back until"), "{said}");
    assert_eq!(placement(&session, "acme"), "isolated");
    people_are(&session, 5);
    let both = session.type_in("verify acme --json").expect(0).json();
    assert_eq!(both["tenants"][0]["mode"], "compared");
    assert_eq!(both["tenants"][0]["tables"]["users"], before["tenants"][0]["tables"]["users"]);
    assert!(
        session.type_in("status").expect(0).out.contains("acme"),
        "it is not over while it can be rolled back"
    );

    let said = session.type_in("rollback acme").expect(0).out;
    assert!(said.contains("op_"), "{said}");
    assert_eq!(placement(&session, "acme"), "shared");
    people_are(&session, 5);
}

fn people_are(session: &Session<'_>, expected: u64) {
    let said = session.type_in("verify acme --json").expect(0).json();
    assert_eq!(said["tenants"][0]["tables"]["users"]["rows"], expected);
}

#[test]
fn a_move_waits_for_the_word_and_can_be_finished_or_given_up() {
    let world = World::new();
    let session = Session::new(&world);
    for tenant in ["acme", "globex"] {
        session.run(&["tenants", "create", tenant, "--placement", "shared"]).expect(0);
    }
    session.type_in("move acme --to isolated --manual").expect(0);
    assert_eq!(placement(&session, "acme"), "shared");
    session.type_in("operation switch acme").expect(0);
    assert_eq!(placement(&session, "acme"), "isolated");
    session.type_in("operation abort acme").expect(1);
    session.type_in("operation finish acme").expect(0);
    session.type_in("rollback acme").expect(1);

    session.type_in("move globex --to isolated --manual --no-wait").expect(0);
    session.type_in("operation pause globex").expect(0);
    let said = session.type_in("move globex --to isolated").expect(1);
    assert!(said.err.contains("is paused: gatehouse operation resume op_"), "{}", said.err);
    session.type_in("operation resume globex").expect(0);
    session.type_in("operation abort globex").expect(0);
    assert_eq!(placement(&session, "globex"), "shared");
    session.type_in("operation pause nobody").expect(1);
    session.type_in("operation explode globex").expect(2);
}

#[test]
fn a_rehearsal_changes_nothing() {
    let world = World::new();
    let session = Session::new(&world);
    session.type_in("tenants create acme --placement shared").expect(0);
    session.type_in("move acme --to isolated --rehearse").expect(0);
    assert_eq!(placement(&session, "acme"), "shared");
}

#[test]
fn several_are_moved_and_one_that_fails_does_not_stop_the_others() {
    let world = World::new();
    let session = Session::new(&world);
    for tenant in ["acme", "globex"] {
        session.run(&["tenants", "create", tenant, "--placement", "shared"]).expect(0);
    }
    let said = session.type_in("move acme nobody globex --to isolated --keep-going --json").expect(1).json();
    assert_eq!(
        (said["moves"].as_array().unwrap().len(), &said["failed"][0]["tenant"]),
        (2, &json!("nobody"))
    );
    session.type_in("move nobody acme --to shared").expect(1);
    assert_eq!(
        (placement(&session, "acme"), placement(&session, "globex")),
        ("isolated".to_owned(), "isolated".to_owned())
    );
}

#[test]
fn a_move_whose_answers_are_lost_is_taken_up_and_not_doubled() {
    let world = World::new();
    let session = Session::new(&world);
    session.type_in("tenants create acme --placement shared").expect(0);
    let begin = session.requests.borrow().len() + 1;
    *session.fate.borrow_mut() =
        Box::new(move |number| if number == begin { Fate::AnswerLost } else { Fate::Arrives });
    session.type_in("move acme --to isolated").expect(0);
    let operations = session.type_in("status acme --json").expect(0).json();
    let moves =
        operations["operations"].as_array().unwrap().iter().filter(|one| one["kind"] == "move").count();
    assert_eq!(moves, 1);
}

#[test]
fn a_changed_cell_is_found_while_there_are_two_sides() {
    let world = World::new();
    let session = Session::new(&world);
    session.type_in("tenants create acme --placement shared").expect(0);
    people(&world, "acme", 3);
    session.type_in("move acme --to isolated").expect(0);
    world.advance(Lifetime::minutes(1));
    world.database("SHARED").query(
        "update users set email = 'x1@example.com' where tenant_id = 'acme' and email = 'u1@example.com'",
    );
    let said = session.type_in("verify acme").expect(3).out;
    assert!(said.contains("1 differ") && said.contains("table users, row"), "{said}");
}

#[test]
fn the_fleet_is_read_only_and_open_again() {
    let world = World::new();
    let session = Session::new(&world);
    session.type_in("tenants create acme").expect(0);
    assert!(session.type_in("fleet").expect(0).out.contains("active: 1 active"));
    assert!(session.type_in("fleet read_only").expect(0).out.contains("The fleet is read_only"));
    assert!(session.type_in("fleet staging").expect(0).out.contains("The fleet is staging"));
    session.type_in("fleet clean_up").expect(1);
    session.type_in("fleet active").expect(0);
    assert_eq!(session.type_in("fleet clean_up").expect(0).out, "0 moves are being finished.\n");
    session.type_in("fleet asleep").expect(2);
}

#[test]
fn many_are_migrated_at_once_and_what_failed_is_said() {
    let world = World::new();
    let session = Session::new(&world);
    for tenant in ["acme", "globex", "initech"] {
        session.run(&["tenants", "create", tenant, "--placement", "shared"]).expect(0);
    }
    let said = session.type_in("migrate acme nobody --to isolated --json").expect(1).json();
    assert_eq!(said["migration"]["tenants"]["moved"], 1);
    assert_eq!(said["failed"][0]["tenant_id"], "nobody");
    let id = said["migration"]["id"].as_str().unwrap();
    session.run(&["migrate", "--resume", id]).expect(1);
    let status = session.run(&["status", id]).expect(3).out;
    assert!(
        status.contains("failed: 1 moved, 0 moving, 0 waiting, 1 failed") && status.contains("nobody"),
        "{status}"
    );
    assert!(status.contains(&format!("gatehouse migrate --resume {id} tries these again")), "{status}");
    assert!(session.type_in("status").expect(3).out.contains(id));
    session.run(&["operation", "switch", id]).expect(2);
    session.type_in("status mig_none").expect(1);
    session.type_in("status mig_../x").expect(2);
    let said = session.type_in("migrate --all --to isolated --parallelism 2").expect(0).out;
    assert!(said.contains("succeeded: 2 moved"), "{said}");
    assert_eq!(["acme", "globex", "initech"].map(|tenant| placement(&session, tenant)), ["isolated"; 3]);
    session.type_in("migrate --to isolated").expect(2);
    session.type_in("migrate --all").expect(2);
    session.type_in("migrate --resume ../tenants").expect(2);
}

#[test]
fn a_migration_is_paused_and_says_how_to_go_on() {
    let world = World::new();
    let session = Session::new(&world);
    for tenant in ["acme", "globex"] {
        session.run(&["tenants", "create", tenant, "--placement", "shared"]).expect(0);
    }
    let said =
        session.type_in("migrate --all --to isolated --parallelism 1 --no-wait --json").expect(0).json();
    let id = said["migration"]["id"].as_str().unwrap();
    session.run(&["operation", "pause", id]).expect(0);
    let status = session.run(&["status", id]).expect(0).out;
    assert!(
        status.contains("paused: 0 moved")
            && status.contains(&format!("gatehouse operation resume {id} goes on")),
        "{status}"
    );
    session.run(&["operation", "resume", id]).expect(0);
    session.run(&["migrate", "--resume", id]).expect(0);
    assert_eq!(["acme", "globex"].map(|tenant| placement(&session, tenant)), ["isolated"; 2]);
    assert!(session.run(&["status", id]).expect(0).out.contains("succeeded: 2 moved"));
}

#[test]
fn a_migration_whose_answer_is_lost_is_not_begun_twice() {
    let world = World::new();
    let session = Session::new(&world);
    session.type_in("tenants create acme --placement shared").expect(0);
    let begin = session.requests.borrow().len() + 1;
    *session.fate.borrow_mut() =
        Box::new(move |number| if number == begin { Fate::AnswerLost } else { Fate::Arrives });
    session.type_in("migrate --all --to isolated").expect(4);
    let posts =
        session.requests.borrow().iter().filter(|request| *request == "POST /management/migrations").count();
    assert_eq!(posts, 1);
}
