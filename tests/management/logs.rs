//! The log of a tenant.

use super::{beside, segment, user};
use crate::support::{Ask, World};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

/// A world with 130 entries of one a second, the newest 30 of type `fp`, half of them about Ann.
fn world() -> World {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    let start = crate::support::world::BEGINNING;
    for number in 0..130_i64 {
        let (kind, at) = (if number < 100 { "s" } else { "fp" }, start + number * 1000);
        let who = if number % 2 == 0 { "'auth0|ann'" } else { "null" };
        world.database("SHARED").query(&format!(
            "insert into logs (tenant_id, id, type, date, user_id, client_id, ip, user_agent, description, details)
             values ('main', '{at:012x}{number:03}', '{kind}', {at}, {who}, 'management-machine', '192.0.2.7', '', 'Entry {number}',
               iif({number} = 129, '{{\"try\":3}}', null))"
        ));
    }
    world.advance(Lifetime::seconds(200));
    world
}

fn descriptions(answer: &Json) -> Vec<&str> {
    answer.as_array().unwrap().iter().map(|entry| entry["description"].as_str().unwrap()).collect()
}

#[test]
fn the_newest_come_first_page_by_page_as_auth0_shapes_them() {
    let world = world();
    let admin = world.admin("");
    let answer = admin.get("logs?q=type:fp&per_page=2&include_totals=true").expect(200);
    assert_eq!(answer.round_trips(), 1);
    let page = answer.json();
    let id = page["logs"][0]["log_id"].as_str().unwrap();
    assert_eq!(
        page["logs"][0],
        json!({
            "log_id": id, "_id": id, "date": "2027-01-15T08:02:09.000Z", "type": "fp", "description": "Entry 129",
            "client_id": "management-machine", "client_name": "Management", "ip": "192.0.2.7", "details": { "try": 3 },
        })
    );
    assert_eq!(page["logs"][1]["user_id"], "auth0|ann");
    assert_eq!((&page["total"], &page["length"], &page["limit"]), (&json!(30), &json!(2), &json!(2)));
    assert_eq!(admin.get(&format!("logs/{id}")).expect(200).json(), page["logs"][0]);
    assert_eq!(admin.get(&format!("logs/{id}?fields=type")).expect(200).json(), json!({ "type": "fp" }));

    let second =
        admin.get("logs?q=type:fp%20-user_id:*&per_page=2&page=1&fields=description").expect(200).json();
    assert_eq!(second, json!([{ "description": "Entry 125" }, { "description": "Entry 123" }]));
    let oldest = admin.get("logs?sort=date:1&per_page=2&q=user_id:%22auth0%7Cann%22").expect(200).json();
    assert_eq!(descriptions(&oldest), ["Entry 0", "Entry 2"]);
    let within =
        admin.get("logs?q=date:[2027-01-15T08:00:05Z%20TO%202027-01-15T08:00:06Z]").expect(200).json();
    assert_eq!(descriptions(&within), ["Entry 6", "Entry 5"]);
}

#[test]
fn a_checkpoint_reads_everything_once_oldest_first() {
    let world = world();
    let admin = world.admin("read:logs");
    let (mut from, mut seen) = (String::new(), Vec::new());
    loop {
        let page = admin.get(&format!("logs?take=40{from}")).expect(200).json();
        let page = page.as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        from = format!("&from={}", last["log_id"].as_str().unwrap());
        seen.extend(page);
    }
    let entries: Vec<&Json> = seen.iter().filter(|entry| entry["type"] != "seccft").collect();
    assert_eq!(entries.len(), 130);
    assert_eq!(
        (&entries[0]["description"], &entries[129]["description"]),
        (&json!("Entry 0"), &json!("Entry 129"))
    );
}

#[test]
fn an_entry_that_is_still_on_its_way_is_not_passed_over() {
    let world = world();
    let admin = world.admin("");
    admin.post("roles", &json!({ "name": "Editor" })).expect(200);
    let newest = admin.get("logs?per_page=1&q=type:sapi").expect(200).json();
    assert_eq!(descriptions(&newest), ["Create a Role"], "a page shows what there is");
    let before = &admin.get("logs?q=type:fp&per_page=1").expect(200).json()[0]["log_id"];
    let after = format!("logs?from={}", before.as_str().unwrap());
    assert_eq!(
        admin.get(&after).expect(200).json(),
        json!([]),
        "a checkpoint waits until nothing earlier can come"
    );
    world.advance(Lifetime::seconds(31));
    let settled = admin.get(&after).expect(200).json();
    let mut settled = descriptions(&settled);
    settled.sort_unstable();
    assert_eq!(settled, ["Create a Role", "Machine token issued"]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let world = world();
    let admin = world.admin("");
    for query in [
        "q=nothing:x",
        "sort=type:1",
        "take=0",
        "take=101",
        "take=x",
        "page=101&per_page=100",
        "per_page=500",
        "q=((",
    ] {
        assert_eq!(
            admin.get(&format!("logs?{query}")).expect(400).json()["errorCode"],
            "invalid_query_string",
            "{query}"
        );
    }
    admin.get("logs/nothing").expect(404);
    world.admin("read:users").get("logs").expect(403);
}

#[test]
fn a_user_has_a_log_of_their_own() {
    let world = world();
    let admin = world.admin("");
    let body = json!({ "connection": super::DATABASE, "email": "ann@acme.test", "user_id": "ann" });
    admin.post("users", &body).expect(201);
    let url = format!("users/{}/logs", segment("auth0|ann"));
    let page = admin.get(&format!("{url}?q=type:fp&include_totals=true&per_page=1")).expect(200).json();
    assert_eq!((&page["total"], &page["logs"][0]["description"]), (&json!(15), &json!("Entry 128")));
    admin.get("users/auth0%7Cnobody/logs").expect(404);
    admin.get(&format!("{url}?q=x:y")).expect(400);
}

#[test]
fn another_tenants_log_is_not_there() {
    let world = world();
    let (main, acme) = (world.admin(""), beside(&world, "acme"));
    user(&acme, "eve@acme.test");
    let ours = main.get("logs?q=type:fp&per_page=1").expect(200).json();
    acme.get(&format!("logs/{}", ours[0]["log_id"].as_str().unwrap())).expect(404);
    assert_eq!(descriptions(&acme.get("logs").expect(200).json()), ["Create a User"]);
    let theirs = main.get("logs?q=description:%22Create%20a%20User%22").expect(200).json();
    assert_eq!(theirs, json!([]));
}
