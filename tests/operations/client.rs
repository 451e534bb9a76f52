//! The client of the Cloudflare API: what it sends, what it makes of the answers, and when it does not call at all.

use super::cloudflare::{ACCOUNT, BASE, Cloudflare, Mishap, TOKEN};
use crate::support::{World, block_on};
use gatehouse::{
    cloudflare::{
        Api, Binding, Kind, Problem, RestDriver,
        bindings::{Attachment, check, list_for},
        databases::Place,
    },
    config::CloudflareConfig,
    db::{Driver, RawStatement, Value},
    error::FaultKind,
    platform::{Answer, Ask, Incoming, Outgoing, Platform},
    secret::Secret,
    time::Lifetime,
};
use serde_json::{Value as Json, json};
use std::{cell::RefCell, rc::Rc};

fn config() -> CloudflareConfig {
    CloudflareConfig {
        account_id: ACCOUNT.to_owned(),
        api_token: Secret::new(TOKEN),
        api_base: BASE.to_owned(),
        script_name: "gatehouse".to_owned(),
        pool_free: 0,
    }
}

fn api(world: &World) -> Api {
    Api::new(Rc::clone(&world.outside) as Rc<dyn Platform>, config())
}

/// A network that answers each call with the next of these, and remembers what was sent.
fn answering(world: &World, answers: Vec<(u16, &'static str, Json)>) -> Rc<RefCell<Vec<Outgoing>>> {
    let sent: Rc<RefCell<Vec<Outgoing>>> = Rc::default();
    let (calls, answers) = (Rc::clone(&sent), RefCell::new(answers.into_iter()));
    *world.outside.network.borrow_mut() = Some(Box::new(move |request| {
        calls.borrow_mut().push(request);
        let (status, retry_after, body) = answers.borrow_mut().next().expect("a call that nobody expects");
        let headers = vec![("retry-after".to_owned(), retry_after.to_owned())];
        let headers = if retry_after.is_empty() { Vec::new() } else { headers };
        Ok(Incoming { status, headers, body: body.to_string().into_bytes() })
    }));
    sent
}

fn refusal(code: i64) -> Json {
    json!({ "success": false, "errors": [{ "code": code, "message": "no" }], "messages": [], "result": null })
}

fn later(world: &World) -> gatehouse::time::Timestamp {
    world.outside.now().plus(Lifetime::seconds(30))
}

#[test]
fn a_database_is_made_where_it_was_asked_for() {
    for (place, members) in [
        (Place::Anywhere, json!({ "name": "db" })),
        (Place::Near("weur"), json!({ "name": "db", "primary_location_hint": "weur" })),
        (Place::Within("eu"), json!({ "name": "db", "jurisdiction": "eu" })),
    ] {
        let world = World::new();
        let made = json!({ "success": true, "result": { "uuid": "u1", "name": "db" } });
        let sent = answering(&world, vec![(200, "", made)]);
        assert_eq!(block_on(api(&world).create_database("db", place, later(&world))), Ok("u1".to_owned()));
        let sent = &sent.borrow()[0];
        assert_eq!(sent.url, format!("{BASE}/accounts/{ACCOUNT}/d1/database"));
        assert!(sent.headers.contains(&("authorization".to_owned(), format!("Bearer {TOKEN}"))));
        assert_eq!(serde_json::from_slice::<Json>(&sent.body).unwrap(), members);
    }
}

#[test]
fn every_failure_says_what_follows_from_it() {
    let pause = |seconds| Kind::Throttled(Lifetime::seconds(seconds));
    for (status, retry_after, body, kind) in [
        (400, "", refusal(7502), Kind::Exists),
        (409, "", refusal(7502), Kind::Exists),
        (400, "", refusal(7406), Kind::Limit),
        (404, "", refusal(7404), Kind::NotFound),
        (404, "", json!("nothing"), Kind::NotFound),
        (401, "", refusal(10000), Kind::Unauthorized),
        (403, "", refusal(9109), Kind::Unauthorized),
        (400, "", refusal(10000), Kind::Unauthorized),
        (429, "7", refusal(971), pause(7)),
        (429, "", refusal(971), pause(5)),
        (429, "0", refusal(971), pause(1)),
        (429, "86400", refusal(971), pause(300)),
        (429, "Wed, 21 Oct 2026 07:28:00 GMT", refusal(971), pause(5)),
        (400, "", refusal(971), pause(5)),
        (400, "", refusal(7400), Kind::Refused),
        (200, "", refusal(7400), Kind::Refused),
        (500, "", refusal(7500), Kind::Unknown),
        (502, "", json!("bad gateway"), Kind::Unknown),
        (200, "", json!([]), Kind::Unknown),
        (200, "", json!({ "success": true, "result": {} }), Kind::Unknown),
    ] {
        let world = World::new();
        let sent = answering(&world, vec![(status, retry_after, body.clone())]);
        let problem =
            block_on(api(&world).create_database("db", Place::Anywhere, later(&world))).unwrap_err();
        assert_eq!(problem.kind, kind, "{status} {body}");
        assert_eq!(sent.borrow().len(), 1, "what makes something is never repeated: {status} {body}");
    }
}

#[test]
fn what_can_be_repeated_is_tried_three_times_and_not_when_it_was_understood() {
    let found = json!({ "success": true, "result": [{ "uuid": "u0", "name": "database" }, { "uuid": "u1", "name": "data" }] });
    let world = World::new();
    let sent = answering(&world, vec![(500, "", refusal(7500)), (503, "", json!("")), (200, "", found)]);
    assert_eq!(block_on(api(&world).database_by_name("data")), Ok(Some("u1".to_owned())));
    assert_eq!(sent.borrow().len(), 3);

    let sent = answering(&world, vec![(500, "", json!("")), (500, "", json!("")), (500, "", json!(""))]);
    assert_eq!(block_on(api(&world).delete_database("u1")).unwrap_err().kind, Kind::Unknown);
    assert_eq!(sent.borrow().len(), 3);

    let sent = answering(&world, vec![(429, "", refusal(971))]);
    assert!(matches!(block_on(api(&world).bindings()).unwrap_err().kind, Kind::Throttled(_)));
    assert_eq!(sent.borrow().len(), 1);

    answering(&world, vec![(500, "", json!("")), (404, "", refusal(7404))]);
    assert_eq!(block_on(api(&world).delete_database("u1")), Ok(()));
}

#[test]
fn nothing_is_sent_beyond_the_budget_or_after_the_deadline() {
    let world = World::new();
    let sent = answering(&world, vec![]);
    while block_on(world.outside.coordinate(Ask::Spend { calls: 1 })).unwrap() == Answer::Granted {}
    let problem = block_on(api(&world).bindings()).unwrap_err();
    assert_eq!(problem.kind, Kind::NotSent(Lifetime::milliseconds(375)));

    world.advance(Lifetime::minutes(5));
    let late = world.outside.now().minus(Lifetime::milliseconds(1));
    let problem = block_on(api(&world).set_bindings(&[], late)).unwrap_err();
    assert!(matches!(problem, Problem { kind: Kind::NotSent(_), .. }));
    assert!(sent.borrow().is_empty());
}

fn binding(value: Json) -> Binding {
    serde_json::from_value(value).unwrap()
}

fn attachment(name: &str, uuid: &str) -> Attachment {
    Attachment { name: name.to_owned(), uuid: uuid.to_owned() }
}

fn bindings() -> Vec<Binding> {
    vec![
        binding(json!({ "type": "d1", "name": "DIRECTORY", "database_id": "d0" })),
        binding(json!({ "type": "secret_text", "name": "ENCRYPTION_KEY" })),
        binding(json!({ "type": "plain_text", "name": "TENANT_LIMIT", "text": "5" })),
        binding(json!({ "type": "d1", "name": "TENANT_A", "id": "a" })),
    ]
}

#[test]
fn a_list_of_bindings_changes_ours_and_inherits_everything_else() {
    let (a, b) = (attachment("TENANT_A", "a"), attachment("TENANT_B", "b"));
    let inherit = |name: &str| json!({ "type": "inherit", "name": name });
    let others = ["DIRECTORY", "ENCRYPTION_KEY", "TENANT_LIMIT"].map(inherit).to_vec();
    let new = |name: &str, uuid: &str| json!({ "type": "d1", "name": name, "database_id": uuid });
    assert_eq!(list_for(&bindings(), std::slice::from_ref(&a)), None);
    assert_eq!(
        list_for(&bindings(), &[a.clone(), b.clone()]),
        Some([others.clone(), vec![inherit("TENANT_A"), new("TENANT_B", "b")]].concat())
    );
    assert_eq!(list_for(&bindings(), &[]), Some(others.clone()));
    assert_eq!(list_for(&bindings(), &[b]), Some([others.clone(), vec![new("TENANT_B", "b")]].concat()));
    assert_eq!(
        list_for(&bindings(), &[attachment("TENANT_A", "another")]),
        Some([others, vec![new("TENANT_A", "another")]].concat())
    );
}

#[test]
fn what_was_read_back_is_compared_to_the_last_member() {
    let (before, a) = (bindings(), [attachment("TENANT_A", "a")]);
    assert_eq!(check(&before, &before, &a), Ok(()));
    assert!(check(&before, &before, &[]).unwrap_err().contains("still has the binding TENANT_A"));
    let more = [attachment("TENANT_A", "a"), attachment("TENANT_B", "b")];
    assert!(check(&before, &before, &more).unwrap_err().contains("no binding TENANT_B"));
    for lost in 0..3 {
        let mut after = bindings();
        after.remove(lost);
        assert!(check(&before, &after, &a).unwrap_err().contains("not as it was"));
        let mut after = bindings();
        after[lost].other.insert("text".to_owned(), json!("changed"));
        assert!(check(&before, &after, &a).unwrap_err().contains("not as it was"));
    }
}

#[test]
fn statements_over_rest_answer_as_through_a_binding() {
    let world = World::new();
    let cloudflare = Cloudflare::serve(&world.outside);
    let uuid = block_on(api(&world).create_database("db", Place::Anywhere, later(&world))).unwrap();
    let driver = RestDriver::new(Rc::clone(&world.outside) as Rc<dyn Platform>, config(), &uuid);
    let run = |sql: &'static str, params: Vec<Value>| {
        block_on(driver.run(vec![RawStatement { sql: sql.into(), params }]))
    };
    let table = "create table pairs (tenant_id text, name text, number integer, primary key (tenant_id, name)) strict";
    run(table, vec![]).unwrap();
    let pair = |name: &str, number: Value| vec![Value::from("acme"), Value::from(name), number];
    let insert = "insert into pairs (tenant_id, name, number) values (?1, ?2, ?3) returning number";
    let outcomes = run(insert, pair("seven", Value::from(7))).unwrap();
    assert_eq!((outcomes[0].rows[0].int("number").unwrap(), outcomes[0].changes), (7, 1));
    let outcomes = run(insert, pair("none", Value::Null)).unwrap();
    assert_eq!(outcomes[0].rows[0].optional_int("number").unwrap(), None);
    let taken = run(insert, pair("seven", Value::Null)).unwrap_err();
    assert_eq!(taken.kind, FaultKind::Conflict("pairs.tenant_id, pairs.name".to_owned()));
    let select = "select number from pairs where tenant_id = ?1 and name = ?2";
    let named = |name: &str| vec![Value::from("acme"), Value::from(name)];
    assert!(run(select, named("nobody")).unwrap()[0].rows.is_empty());

    // A read is repeated when its answer is lost; a write is not, since it may have been done.
    let next = cloudflare.calls();
    *cloudflare.mishaps.borrow_mut() =
        vec![(next, Mishap::Lost), (next + 1, Mishap::Lost), (next + 3, Mishap::Swallowed)];
    assert_eq!(run(select, named("seven")).unwrap()[0].rows.len(), 1);
    let lost = run(insert, pair("lost", Value::Null)).unwrap_err();
    assert_eq!(lost.kind, FaultKind::Unavailable);
    assert_eq!(cloudflare.calls(), next + 4);
    block_on(api(&world).delete_database(&uuid)).unwrap();
    assert_eq!(run(select, named("seven")).unwrap_err().kind, FaultKind::Internal);
}
