//! Where a user is signed in, and which organizations they belong to.

use super::{beside, contents, segment, user};
use crate::support::{World, world::BEGINNING};
use serde_json::{Value as Json, json};

fn path(user: &Json, what: &str) -> String {
    format!("users/{}/{what}", segment(user["user_id"].as_str().unwrap()))
}

/// Three live sessions, an ended one, an idle one and an expired one.
fn sign_in(world: &World, user: &Json) {
    let (id, later) = (user["user_id"].as_str().unwrap(), BEGINNING + 1000);
    for (session, expires, idle, revoked) in [
        ("s1", later, later, "null"),
        ("s2", later, later, "null"),
        ("s3", later, later, "null"),
        ("s4", later, later, "5"),
        ("s5", later, BEGINNING, "null"),
        ("s6", BEGINNING, later, "null"),
    ] {
        world.database("SHARED").query(&format!(
            "insert into sessions (tenant_id, id, digest, user_id, clients, ip, user_agent, authenticated_at, created_at,
               used_at, expires_at, idle_expires_at, revoked_at)
             values ('main', '{session}', '{session}', '{id}', '[\"c1\"]', '192.0.2.1', 'Browser', 1000, 1000, 2000, {expires}, {idle}, {revoked})"
        ));
    }
    world.database("SHARED").query(&format!(
        "insert into refresh_tokens (tenant_id, id, lookup, digest, family_id, client_id, user_id, audience, scope, rotating,
           authenticated_at, created_at) values ('main', 'r', 'l', 'd', 'f', 'c', '{id}', '', '', 1, 1, 1)"
    ));
}

#[test]
fn live_sessions_are_listed_and_ended_together() {
    let world = World::new();
    let admin = world.admin("");
    let (ann, bob) = (user(&admin, "ann@acme.test"), user(&admin, "bob@acme.test"));
    sign_in(&world, &ann);
    let page = admin.get(&path(&ann, "sessions?take=2")).expect(200).json();
    assert_eq!(page["next"], "s2");
    assert_eq!(
        page["sessions"][0],
        json!({
            "id": "s1", "user_id": ann["user_id"], "clients": [{ "client_id": "c1" }],
            "device": { "initial_ip": "192.0.2.1", "initial_user_agent": "Browser" },
            "created_at": "1970-01-01T00:00:01.000Z", "authenticated_at": "1970-01-01T00:00:01.000Z",
            "updated_at": "1970-01-01T00:00:02.000Z", "last_interacted_at": "1970-01-01T00:00:02.000Z",
            "expires_at": "2027-01-15T08:00:01.000Z", "idle_expires_at": "2027-01-15T08:00:01.000Z",
        })
    );
    let rest = admin.get(&path(&ann, "sessions?take=2&from=s2")).expect(200).json();
    assert_eq!(rest["sessions"].as_array().unwrap().len(), 1);
    assert!(rest.get("next").is_none());
    assert_eq!(admin.get(&path(&bob, "sessions")).expect(200).json(), json!({ "sessions": [] }));
    admin.get(&path(&ann, "sessions?take=0")).expect(400);

    admin.delete(&path(&bob, "sessions")).expect(202);
    assert_eq!(
        admin.get(&path(&ann, "sessions")).expect(200).json()["sessions"].as_array().unwrap().len(),
        3
    );
    assert!(admin.delete(&path(&ann, "sessions")).expect(202).text().is_empty());
    assert_eq!(admin.get(&path(&ann, "sessions")).expect(200).json(), json!({ "sessions": [] }));
    let tokens = world.database("SHARED").query("select 1 from refresh_tokens where revoked_at is null");
    assert!(tokens.is_empty(), "no app acts for who is signed out everywhere");
    admin.get("users/auth0%7Cnobody/sessions").expect(404);
    admin.delete("users/auth0%7Cnobody/sessions").expect(404);
}

#[test]
fn another_tenants_sessions_are_not_there() {
    let world = World::new();
    let (main, acme) = (world.admin(""), beside(&world, "acme"));
    let ann = user(&main, "ann@acme.test");
    sign_in(&world, &ann);
    let before = contents(&world);
    acme.get(&path(&ann, "sessions")).expect(404);
    acme.delete(&path(&ann, "sessions")).expect(404);
    acme.get(&path(&ann, "organizations")).expect(404);
    assert!(contents(&world) == before);
}

#[test]
fn a_user_has_organizations() {
    let world = World::new();
    let admin = world.admin("");
    let ann = user(&admin, "ann@acme.test");
    let team = json!({ "name": "platform_team", "display_name": "Platform" });
    let team = admin.post("organizations", &team).expect(201).json();
    let url = path(&ann, "organizations");
    assert_eq!(admin.get(&url).expect(200).json(), json!([]));
    let members = format!("organizations/{}/members", team["id"].as_str().unwrap());
    admin.post(&members, &json!({ "members": [ann["user_id"]] })).expect(204);
    let listed = admin.get(&format!("{url}?include_totals=true")).expect(200).json();
    assert_eq!(listed, json!({ "start": 0, "limit": 50, "length": 1, "total": 1, "organizations": [team] }));
    admin.get("users/auth0%7Cnobody/organizations").expect(404);
}

#[test]
fn second_factors_are_listed_bare_or_with_their_number() {
    let world = World::new();
    let admin = world.admin("");
    let ann = user(&admin, "ann@acme.test");
    for number in 1..=3 {
        world.database("SHARED").query(&format!(
            "insert into authentication_methods (tenant_id, id, user_id, type, confirmed, created_at, updated_at)
             values ('main', 'm{number}', '{}', 'phone', 1, {number}, {number})",
            ann["user_id"].as_str().unwrap()
        ));
    }
    let methods = path(&ann, "authentication-methods");
    assert_eq!(admin.get(&methods).expect(200).json().as_array().unwrap().len(), 3);
    let page = admin.get(&format!("{methods}?include_totals=true&per_page=2&page=1")).expect(200).json();
    assert_eq!((&page["total"], &page["start"], &page["length"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!(page["authenticators"].as_array().unwrap().len(), 1);
}
