//! What an operator does with a move: plan, rehearse, pause, switch by hand, abort, compare; and what is refused.

use super::{
    furnish::{count, furnish, rows, traces},
    trial::{TENANT, Trial, arrived},
};
use crate::support::Ask;
use gatehouse::time::Lifetime;
use serde_json::json;

fn level(shown: &serde_json::Value) -> bool {
    shown["move"]["phase"] == "following" && shown["move"]["lag"] == 0
}

#[test]
fn a_rehearsal_does_everything_but_the_switch() {
    let trial = Trial::new("shared");
    furnish(&trial.home(), TENANT, 10);
    let (home, before) = (trial.home(), rows(&trial.home(), TENANT));
    let id = trial.begin(&json!({ "placement": "isolated", "rehearse": true }));
    trial.steer(&id, "switch").expect(409);
    let shown = trial.until(&id, |shown| shown["status"] != "running");
    assert_eq!(shown["status"], "succeeded");
    assert!(std::rc::Rc::ptr_eq(&home, &trial.home()));
    assert_eq!(rows(&home, TENANT), before);
    assert_eq!(traces(&home), 0);
    assert_eq!(count(&trial.world.database("POOL_01"), TENANT), 0);
    assert_eq!(shown["move"]["pauses_ms"], json!([]));
    assert!(!shown["move"]["compared"].as_object().unwrap().is_empty());
}

#[test]
fn a_move_waits_for_its_switch_and_can_be_paused_and_aborted() {
    let trial = Trial::new("isolated");
    furnish(&trial.home(), TENANT, 10);
    let (home, before) = (trial.home(), rows(&trial.home(), TENANT));
    let id = trial.begin(&json!({ "placement": "shared", "switch": "manual" }));
    trial.steer(&id, "rollback").expect(409);
    trial.steer(&id, "finish").expect(409);
    trial.until(&id, level);
    trial.steer(&id, "pause").expect(200);
    for _ in 0..5 {
        trial.ring();
    }
    assert_eq!(trial.look(&id)["move"]["held"], true);
    trial.steer(&id, "resume").expect(200);
    trial.ring();
    assert!(std::rc::Rc::ptr_eq(&home, &trial.home()), "nobody has said so");
    trial.steer(&id, "abort").expect(200);
    trial.steer(&id, "switch").expect(409);
    let shown = trial.until(&id, |shown| shown["status"] != "running");
    assert_eq!(shown["status"], "cancelled");
    assert_eq!(rows(&home, TENANT), before);
    assert_eq!((traces(&home), count(&trial.world.database("SHARED"), TENANT)), (0, 0));
    // It can be tried again, and now somebody does say so.
    let id = trial.begin(&json!({ "placement": "shared", "switch": "manual" }));
    trial.until(&id, level);
    trial.steer(&id, "switch").expect(200);
    trial.until(&id, arrived);
    trial.steer(&id, "abort").expect(409);
    assert_eq!(rows(&trial.home(), TENANT), before);
}

#[test]
fn a_tenant_goes_there_and_back_as_often_as_wanted_and_both_databases_stay_in_step() {
    let trial = Trial::new("shared");
    furnish(&trial.home(), TENANT, 10);
    let home = trial.home();
    let id = trial.begin(&json!({ "placement": "isolated", "rollback_days": 1 }));
    trial.steer(&id, "return").expect(409);
    let there = {
        trial.until(&id, arrived);
        trial.home()
    };
    for turn in 1..=3 {
        there.query(&format!("update roles set name = 'there {turn}' where id like '7:%'"));
        trial.steer(&id, "return").expect(200);
        let shown = trial.until(&id, |shown| !arrived(shown) && level(shown));
        assert!(std::rc::Rc::ptr_eq(&home, &trial.home()));
        assert_eq!((&shown["status"], &shown["move"]["switched_at"]), (&json!("running"), &json!(null)));
        assert_eq!(rows(&home, TENANT), rows(&there, TENANT), "nothing that was written there is lost");
        home.query(&format!("update roles set name = 'here {turn}' where id like '7:%'"));
        // Nothing follows by itself, however long it waits.
        trial.world.advance(Lifetime::days(2));
        trial.ring();
        assert!(std::rc::Rc::ptr_eq(&home, &trial.home()));
        trial.steer(&id, "switch").expect(200);
        trial.until(&id, arrived);
        assert!(std::rc::Rc::ptr_eq(&there, &trial.home()));
        assert_eq!(rows(&home, TENANT), rows(&there, TENANT));
        assert_eq!(trial.look(&id)["move"]["pauses_ms"].as_array().unwrap().len(), 1 + 2 * turn);
    }
    trial.steer(&id, "return").expect(200);
    let shown = trial.until(&id, |shown| !arrived(shown) && level(shown));
    assert_eq!(shown["move"]["wanted"], "return");
    let before = rows(&home, TENANT);
    trial.steer(&id, "abort").expect(200);
    trial.steer(&id, "return").expect(409);
    assert_eq!(trial.until(&id, |shown| shown["status"] != "running")["status"], "cancelled");
    assert_eq!(rows(&home, TENANT), before);
    assert_eq!((count(&there, TENANT), traces(&home), traces(&there)), (0, 0, 0));
}

#[test]
fn a_move_ends_by_itself_when_it_cannot_be_rolled_back_any_more() {
    let trial = Trial::new("shared");
    let id = trial.begin(&json!({ "placement": "isolated", "rollback_days": 2 }));
    let shown = trial.until(&id, arrived);
    let began = trial.world.outside.now_millis();
    assert!(shown["move"]["rollback_until"].is_string());
    let shown = trial.until(&id, |shown| shown["status"] != "running");
    assert_eq!(shown["status"], "succeeded");
    let lasted = trial.world.outside.now_millis() - began;
    let days = Lifetime::days(2).as_millis();
    assert!((days - 1_000..days + 60_000).contains(&lasted), "{lasted}");
}

#[test]
fn a_changed_cell_is_found_and_nothing_is_switched() {
    let trial = Trial::new("shared");
    furnish(&trial.home(), TENANT, 20);
    let home = trial.home();
    let id = trial.begin(&json!({ "placement": "isolated", "switch": "manual" }));
    trial.until(&id, level);
    let verify = format!("/management/tenants/{TENANT}/verify");
    let same = trial.get(&verify).expect(200).json();
    assert_eq!((&same["mode"], &same["differences"]), (&json!("compared"), &json!([])));
    trial.world.database("POOL_01").query("update roles set name = name || '.' where id like '7:%'");
    let found = trial.get(&verify).expect(200).json();
    let differences = found["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1, "{found:#}");
    assert_eq!((&differences[0]["table"], &differences[0]["kind"]), (&json!("roles"), &json!("changed")));
    trial.steer(&id, "abort").expect(200);
    trial.until(&id, |shown| shown["status"] == "cancelled");

    // The same while it is copied: the comparison before the switch finds it, and the move waits for somebody.
    trial.world.database("POOL_01").query(
        "create trigger planted after insert on roles when new.id like '7:%' begin
           update roles set name = name || '.' where id = new.id; end",
    );
    let id = trial.begin(&json!({ "placement": "isolated" }));
    let shown = trial.until(&id, |shown| shown["move"]["held"] == true);
    assert_eq!(shown["move"]["differences"][0]["table"], "roles");
    assert!(std::rc::Rc::ptr_eq(&home, &trial.home()));
    // Mended by hand, it goes on.
    trial.world.database("POOL_01").query("drop trigger planted");
    trial
        .world
        .database("POOL_01")
        .query("update roles set name = substr(name, 1, length(name) - 1) where id like '7:%'");
    trial.steer(&id, "resume").expect(200);
    trial.until(&id, arrived);
}

#[test]
fn what_cannot_be_moved_is_refused_and_a_plan_says_so_before() {
    let trial = Trial::new("shared");
    let moves = format!("/management/tenants/{TENANT}/moves");
    for (body, word) in [
        (json!({ "placement": "shared" }), "already"),
        (json!({ "placement": "isolated", "region": "weur" }), "API token"),
        (json!({ "placement": "shared", "region": "weur" }), "placement isolated"),
        (json!({ "placement": "isolated", "region": "mars" }), "region must be"),
        (json!({ "placement": "isolated", "rollback_days": 31 }), "rollback_days"),
        (json!({ "placement": "elsewhere" }), "placement"),
        (json!({}), "placement"),
    ] {
        let answer = trial.post(&moves, &body).expect(400).json();
        assert!(answer["message"].as_str().unwrap().contains(word), "{body}: {answer}");
    }
    trial.post("/management/tenants/nobody/moves", &json!({ "placement": "shared" })).expect(404);
    trial.post("/management/tenants/main/moves", &json!({ "placement": "isolated" })).expect(403);
    let plan = trial.get(&format!("{moves}/plan?placement=isolated")).expect(200).json();
    assert_eq!(plan["blockers"], json!([]));
    assert!(plan["rows"].as_i64().unwrap() > 0);
    let plan = trial.get(&format!("{moves}/plan?placement=shared")).expect(200).json();
    assert_eq!(plan["blockers"].as_array().unwrap().len(), 1);
    let id = trial.begin(&json!({ "placement": "isolated" }));
    trial.post(&moves, &json!({ "placement": "isolated" })).expect(409);
    trial.until(&id, arrived);
    let live = trial.get(&format!("{moves}/plan?placement=shared")).expect(200).json();
    assert_eq!(live["blockers"].as_array().unwrap().len(), 1, "{live}");
    let delete = crate::support::Ask::new(
        gatehouse::http::Method::DELETE,
        "",
        &format!("/management/tenants/{TENANT}"),
    );
    let refused = trial.world.send(delete.clone().bearer(&trial.world.machine_token(""))).expect(409).json();
    assert!(refused["message"].as_str().unwrap().contains(id.as_str()), "{refused}");
    trial.steer(&id, "elsewhere").expect(404);
    trial.post("/management/operations/op_nothing/pause", &json!({})).expect(404);
    trial.steer(&id, "finish").expect(200);
    trial.until(&id, |shown| shown["status"] == "succeeded");
    trial.world.send(delete.bearer(&trial.world.machine_token(""))).expect(204);
}

#[test]
fn cleaning_up_finishes_what_has_arrived_and_leaves_the_rest_alone() {
    let trial = Trial::new("shared");
    furnish(&trial.home(), TENANT, 10);
    let (left, id) = (trial.home(), trial.begin(&json!({ "placement": "isolated", "switch": "manual" })));
    let world = &trial.world;
    let command = |what: &str| {
        let ask = Ask::post("", &format!("/management/fleet/{what}"));
        world.send(ask.bearer(&world.machine_token("")))
    };
    trial.until(&id, level);
    assert_eq!(command("clean_up").expect(200).json(), json!({ "finishing": [] }), "it has not arrived");
    trial.steer(&id, "switch").expect(200);
    trial.until(&id, arrived);

    command("read_only").expect(200);
    assert_eq!(command("clean_up").expect(409).json()["errorCode"], "illegal_transition");
    assert_eq!(trial.look(&id)["status"], "running");
    command("active").expect(200);
    assert_eq!(command("clean_up").expect(200).json(), json!({ "finishing": [id] }));
    assert_eq!(command("clean_up").expect(200).json(), json!({ "finishing": [] }));
    let shown = trial.until(&id, |shown| shown["status"] != "running");
    assert_eq!(shown["status"], "succeeded");
    assert_eq!((count(&left, TENANT), traces(&left)), (0, 0));
    trial.steer(&id, "rollback").expect(409);
}

#[test]
fn a_switch_that_cannot_be_finished_is_given_up_and_tried_again() {
    let trial = Trial::new("shared");
    let (home, target) = (trial.home(), trial.world.database("POOL_01"));
    let id = trial.begin(&json!({ "placement": "isolated", "switch": "manual" }));
    trial.until(&id, level);
    target.query(
        "create trigger broken before update of role on moves when new.role = 'leading'
         begin select raise(abort, 'out of order'); end",
    );
    trial.steer(&id, "switch").expect(200);
    for _ in 0..3 {
        trial.ring();
        let shown = trial.look(&id);
        assert!(shown["error"].as_str().unwrap().contains("out of order"), "{shown:#}");
        // Nobody waits for it meanwhile.
        let person = json!({ "connection": "Username-Password-Authentication", "email": format!("{}@example.com", trial.world.outside.now_millis()), "password": "a-long-enough-one" });
        let ask = crate::support::Ask::post("", "/api/v2/users").header("tenant-id", TENANT).json(&person);
        let began = trial.world.outside.now_millis();
        trial.world.send(ask.bearer(&trial.world.machine_token(""))).expect(201);
        assert_eq!(trial.world.outside.now_millis(), began, "nobody waited");
    }
    assert!(std::rc::Rc::ptr_eq(&home, &trial.home()));
    target.query("drop trigger broken");
    trial.until(&id, arrived);
    assert_eq!(rows(&home, TENANT), rows(&trial.home(), TENANT), "what was written meanwhile is there");
}
