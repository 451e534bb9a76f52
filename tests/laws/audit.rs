//! The log tells of everything: each write, each refusal, each secret that was shown; and what it told cannot be changed
//! without being found. That writes and readings are told of, every test of every route checks ([`audit::faults`]).

use super::{filled, inhabitants::Inhabited};
use crate::support::{Ask, World, audit, block_on, world::MACHINE_ID};
use gatehouse::{
    db::Meter,
    events::{blocks, store},
    http::Method,
    routes::ROUTES,
    time::Lifetime,
};
use serde_json::{Value as Json, json};

/// A request, and an entry that tells of it well.
fn told(method: &Method) -> (gatehouse::http::Request, Json) {
    let request = Ask::new(method.clone(), "", "/api/v2/clients/c").into_request();
    let asked =
        json!({ "method": method.as_str(), "path": request.path, "auth": { "user": { "user_id": "u" } } });
    let details = json!({ "request": asked, "object": { "type": "client", "id": "c" }, "changes": {} });
    (request, details)
}

#[test]
fn a_write_without_its_entry_is_found() {
    let (request, details) = told(&Method::PATCH);
    let faults = |details: &[Json]| {
        let noted: Vec<_> = details.iter().map(|details| ("sapi".to_owned(), details.clone())).collect();
        audit::faults(&request, 200, b"{}", &(noted, true))
    };
    assert_eq!(faults(std::slice::from_ref(&details)), Vec::<String>::new());
    assert!(!faults(&[]).is_empty(), "without an entry");
    for missing in [
        "/request/auth/user/user_id",
        "/request/path",
        "/request/method",
        "/object/id",
        "/object/type",
        "/changes",
    ] {
        let mut details = details.clone();
        *details.pointer_mut(missing).unwrap() = Json::Null;
        assert!(!faults(&[details]).is_empty(), "without {missing}");
    }
}

#[test]
fn a_secret_shown_without_its_entry_is_found() {
    let (request, details) = told(&Method::GET);
    let shown = br#"[{"client_id":"c","client_secret":"s"}]"#;
    let noted = |kind: &str| (vec![(kind.to_owned(), details.clone())], false);
    assert_eq!(audit::faults(&request, 200, shown, &noted("mgmt_api_read")), Vec::<String>::new());
    assert!(!audit::faults(&request, 200, shown, &noted("sapi")).is_empty());
    assert!(!audit::faults(&request, 200, shown, &(vec![], false)).is_empty());
    assert_eq!(
        audit::faults(&request, 200, br#"[{"client_id":"c"}]"#, &(vec![], false)),
        Vec::<String>::new()
    );
}

#[test]
fn whoever_reads_secrets_is_written_down_and_whoever_reads_none_is_not() {
    let world = World::new();
    let admin = world.admin("");
    let made =
        admin.post("clients", &json!({ "name": "A", "app_type": "non_interactive" })).expect(201).json();
    let id = made["client_id"].as_str().unwrap();
    let readings = || admin.get("logs?q=type:mgmt_api_read").expect(200).json().as_array().unwrap().clone();
    world.admin("read:clients").get(&format!("clients/{id}")).expect(200);
    assert_eq!(readings(), Vec::<Json>::new());
    admin.get(&format!("clients/{id}")).expect(200);
    let entry = readings().remove(0);
    assert_eq!(entry["details"]["object"], json!({ "type": "client", "id": id }));
    assert_eq!(entry["details"]["request"]["auth"]["client"]["client_id"], format!("{MACHINE_ID}@clients"));
    assert!(!entry.to_string().contains(made["client_secret"].as_str().unwrap()));
    admin.get("clients").expect(200);
    let all = readings().into_iter().find(|entry| entry["details"]["objects"].is_array()).unwrap();
    assert_eq!(all["details"]["objects"].as_array().unwrap().len(), 2);
}

#[test]
fn a_secret_is_not_shown_if_nobody_can_write_that_down() {
    let world = World::new();
    let admin = world.admin("");
    admin.get(&format!("clients/{MACHINE_ID}")).expect(200);
    world.database("SHARED").query(
        "create trigger full before insert on logs when new.type = 'mgmt_api_read' begin select raise(abort, 'full'); end",
    );
    let refused = admin.get(&format!("clients/{MACHINE_ID}")).expect(500);
    assert!(!refused.text().contains("client_secret"));
}

#[test]
fn every_refusal_of_the_management_api_is_told_of_with_who_asked() {
    let world = World::new();
    world.tenant("acme");
    let managed: Vec<_> =
        ROUTES.all().iter().filter(|route| ["Management", "Operator"].contains(&route.area)).collect();
    assert!(managed.len() > 100);
    for route in managed {
        // So many in a minute, and no more: see `laws::strangers`.
        world.advance(Lifetime::minutes(1));
        let ask = || {
            let path = filled(route.path, |_| "x".to_owned());
            let ask = Ask::new(route.method.clone(), "", &path);
            if route.method == Method::GET { ask } else { ask.json(&json!({})) }
        };
        let refusals = || {
            let (noted, _) = world.noted();
            let refused = noted.into_iter().filter(|(kind, _)| kind == "fapi");
            refused.map(|(_, details)| details).collect::<Vec<_>>()
        };
        let narrow = world.machine_token("tenants:all");
        for (token, status) in [(None, 401), (Some("no.good.token"), 401), (Some(narrow.as_str()), 403)] {
            let told = {
                world.noted();
                let ask = token.map_or_else(ask, |token| ask().bearer(token));
                let response = block_on(world.app.handle(ask.into_request()));
                assert_eq!(response.status.as_u16(), status, "{} {}", route.method, route.path);
                // The entry is written after the answer.
                world.settle();
                refusals()
            };
            let [entry] = told.as_slice() else { panic!("{} {}: {told:?}", route.method, route.path) };
            assert_eq!(entry["response"]["statusCode"], status);
            assert_eq!(entry["request"]["method"], route.method.as_str());
            let actor = &entry["request"]["auth"]["client"]["client_id"];
            assert_eq!(actor.is_string(), status == 403, "{} {}: {entry}", route.method, route.path);
        }
    }
}

#[test]
fn what_a_handler_refuses_is_told_of_where_it_was_refused() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    let narrow = world.machine_token("update:users tenants:all");
    let path = format!("users/{}/permissions", acme.user().replace('|', "%7C"));
    let ask = Ask::post("", &format!("/api/v2/{path}")).bearer(&narrow).header("tenant-id", "acme");
    let body = json!({ "permissions": [{ "resource_server_identifier": "http://acme.localhost:8787/api/v2/", "permission_name": "delete:users" }] });
    world.send(ask.json(&body)).expect(403);
    let told = acme.database.query("select * from logs where tenant_id = 'acme' and type = 'fapi'");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["client_id"], MACHINE_ID);
}

#[test]
fn who_proves_to_be_no_client_is_told_of() {
    let world = World::new();
    let told = |client: &str, form: &[(&str, &str)]| {
        world.send(Ask::post("", "/oauth/token").form(form)).expect(401);
        let sql = format!("select * from logs where client_id is {client} order by id desc");
        world.database("SHARED").query(&sql).remove(0)
    };
    let known = told(
        "'management-machine'",
        &[("grant_type", "client_credentials"), ("client_id", MACHINE_ID), ("client_secret", "guess")],
    );
    assert_eq!(
        (&known["type"], &known["description"]),
        (&json!("feccft"), &json!("Client authentication failed"))
    );
    let unknown =
        told("null", &[("grant_type", "refresh_token"), ("client_id", "made up"), ("refresh_token", "x")]);
    assert_eq!(
        (&unknown["type"], &unknown["description"]),
        (&json!("fertft"), &json!("There is no such client"))
    );
    let text = world
        .database("SHARED")
        .query("select * from logs")
        .iter()
        .map(|row| json!(row).to_string())
        .collect::<String>();
    assert!(!text.contains("guess") && !text.contains("made up"), "nothing that was sent is kept");
    world.send(Ask::get("", "/userinfo").bearer("no.good.token")).expect(401);
    let refused = world.database("SHARED").query("select * from logs where type = 'fapi'");
    assert_eq!(refused.len(), 1);
}

/// A tenant with a sealed log of several blocks.
fn sealed() -> World {
    let world = World::new();
    world.tenant("acme");
    for turn in 0..4 {
        for number in 0..=turn {
            let body = json!({ "name": format!("Role {turn} {number}") });
            world.holder("acme", &world.machine_token("")).post("roles", &body).expect(200);
        }
        world.advance(blocks::model::INTERVAL);
        world.tick();
    }
    world
}

/// What is wrong with the log of acme, block by block: the number of each, and what was found.
fn findings(world: &World) -> Vec<(i64, String)> {
    let (mut from, mut found) = (1, Vec::new());
    loop {
        let path = format!("logs/blocks?from={from}");
        let page = world.holder("acme", &world.machine_token("")).get(&path).expect(200).json();
        for block in page["blocks"].as_array().unwrap() {
            found.extend(
                block["finding"].as_str().map(|what| (block["number"].as_i64().unwrap(), what.to_owned())),
            );
        }
        match page["next"].as_i64() {
            Some(next) => from = next,
            None => return found,
        }
    }
}

#[test]
fn the_log_is_sealed_by_the_clock_in_a_chain_of_blocks() {
    let world = sealed();
    let blocks =
        world.database("SHARED").query("select * from log_blocks where tenant_id = 'acme' order by number");
    assert_eq!(blocks.len(), 4);
    for (before, block) in blocks.iter().zip(&blocks[1..]) {
        assert_eq!((&block["previous"], &block["since"]), (&before["hash"], &before["until"]));
    }
    assert_eq!(
        blocks.iter().map(|block| block["entries"].as_i64().unwrap()).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert_eq!(findings(&world), []);
    // The log of the Worker names every hash.
    let log = world.outside.log.borrow().join("\n");
    assert!(blocks.iter().all(|block| log.contains(block["hash"].as_str().unwrap())));
    // Nothing new, no block.
    world.advance(Lifetime::hours(1));
    world.tick();
    assert_eq!(world.database("SHARED").query("select 1 from log_blocks where tenant_id = 'acme'").len(), 4);
}

/// The law can fail: each of these is what somebody does who can write to the database.
#[test]
fn an_entry_that_is_missing_changed_or_added_is_found() {
    let of_block = |number: i64| {
        format!(
            "tenant_id = 'acme' and id = (select until from log_blocks where tenant_id = 'acme' and number = {number})"
        )
    };
    let tampered = |sql: &str| {
        let world = sealed();
        world.database("SHARED").query(sql);
        findings(&world)
    };
    let found = |number: i64, what: &str| vec![(number, what.to_owned())];
    assert_eq!(tampered(&format!("delete from logs where {}", of_block(2))), found(2, "entries_missing"));
    assert_eq!(
        tampered(&format!(
            "insert into logs select tenant_id, substr(id, 1, 23) || '!', type, date, user_id, client_id, ip, user_agent, description, details from logs where {}",
            of_block(3)
        )),
        found(3, "entries_added")
    );
    for column in ["type", "date", "user_id", "client_id", "ip", "user_agent", "description", "details"] {
        let value = if column == "date" { "date + 1" } else { "'changed'" };
        let sql = format!("update logs set {column} = {value} where {}", of_block(1));
        assert_eq!(tampered(&sql), found(1, "entry_changed"), "{column}");
    }
    let block = "tenant_id = 'acme' and number = 2";
    assert_eq!(tampered(&format!("delete from log_blocks where {block}")), found(3, "block_missing"));
    for column in ["since", "hash"] {
        let sql = format!("update log_blocks set {column} = 'x' where {block}");
        assert!(!tampered(&sql).is_empty(), "{column}");
    }
    // A block made anew over other entries is not the one that the next follows.
    let sql = format!(
        "update log_blocks set hash = (select hash from log_blocks where tenant_id = 'acme' and number = 1) where {block}"
    );
    assert!(tampered(&sql).contains(&(3, "block_missing".to_owned())));
}

#[test]
fn what_has_become_too_old_leaves_in_whole_blocks_and_the_rest_is_still_sealed() {
    let world = sealed();
    world.advance(Lifetime::days(store::RETENTION_DAYS + 1));
    world.holder("acme", &world.machine_token("")).post("roles", &json!({ "name": "New" })).expect(200);
    world.advance(blocks::model::INTERVAL);
    world.tick();
    let now = gatehouse::platform::Platform::now(world.outside.as_ref());
    let tenant = gatehouse::id::TenantId::parse("acme").unwrap();
    let resolved = block_on(world.app.shared().directory.by_id(&tenant, now, &Meter::default())).unwrap();
    let gatehouse::tenant::Resolved::Serving(_, db) = resolved else { panic!("acme does not serve") };
    block_on(db.commit([store::sweep_old(now), store::sweep_loose()])).unwrap();
    let left = world.database("SHARED").query("select description from logs where tenant_id = 'acme'");
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        world.database("SHARED").query("select number from log_blocks where tenant_id = 'acme'")[0]["number"],
        5
    );
    assert_eq!(findings(&world), []);
}

#[test]
fn a_log_that_is_longer_than_a_block_and_than_a_day_is_sealed_piece_by_piece() {
    let world = World::new();
    world.tenant("acme");
    let (now, day) = (world.outside.now_millis(), 86_400_000);
    for number in 0..1_300_i64 {
        let moment = now - 3 * day + (number % 2) * day + number;
        world.database("SHARED").query(&format!(
            "insert into logs (tenant_id, id, type, date) values ('acme', '{moment:012x}{number:012}', 's', {moment})"
        ));
    }
    world.advance(blocks::model::INTERVAL);
    for _ in 0..3 {
        world.advance(blocks::model::INTERVAL);
        world.tick();
    }
    let blocks = world
        .database("SHARED")
        .query("select entries from log_blocks where tenant_id = 'acme' order by number");
    let entries: Vec<_> = blocks.iter().map(|block| block["entries"].as_i64().unwrap()).collect();
    assert_eq!(entries[..4], [500, 150, 500, 150]);
    assert_eq!(findings(&world), []);
}
