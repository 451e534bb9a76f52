//! Tokens for machines.

use super::{error, opened};
use crate::support::{
    Answer, Ask, World,
    world::{MACHINE_ID, MACHINE_SECRET, MANAGEMENT_AUDIENCE},
};

fn ask(world: &World, fields: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", MACHINE_ID),
        ("client_secret", MACHINE_SECRET),
    ];
    form.extend_from_slice(fields);
    world.send(Ask::post("", "/oauth/token").form(&form))
}

/// Gives the machine an API of its own to call.
fn register_api(world: &World) {
    world.send(Ask::get("", "/readyz")).expect(200);
    for sql in [
        r#"insert into resource_servers (tenant_id, id, identifier, name, document, created_at, updated_at) values
           ('main', 'api_1', 'https://api.example', 'Api', '{"scopes":[{"value":"read"},{"value":"write"}]}', 1, 1),
           ('main', 'api_2', 'https://other.example', 'Other', '{"scopes":[{"value":"read"}]}', 1, 1)"#,
        r#"insert into client_grants (tenant_id, id, client_id, audience, scope, created_at, updated_at) values
           ('main', 'cgr_1', 'management-machine', 'https://api.example', '["read","gone"]', 1, 1)"#,
    ] {
        world.database("SHARED").query(sql);
    }
}

#[test]
fn a_machine_gets_what_it_was_granted_in_one_round_trip() {
    let world = World::new();
    register_api(&world);
    ask(&world, &[("audience", "https://api.example")]).expect(200);
    let answer = ask(&world, &[("audience", "https://api.example")]).expect(200);
    assert_eq!(answer.round_trips(), 1);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &86400.into()));
    assert_eq!(body["scope"], "read", "a scope that the API no longer defines is gone");
    let (header, claims) = opened(body["access_token"].as_str().unwrap());
    assert_eq!((&header["alg"], &header["typ"]), (&"RS256".into(), &"at+jwt".into()));
    assert_eq!(claims["iss"], "http://localhost:8787/");
    assert_eq!(claims["sub"], "management-machine@clients");
    assert_eq!(claims["aud"], "https://api.example");
    assert_eq!((&claims["azp"], &claims["gty"]), (&MACHINE_ID.into(), &"client-credentials".into()));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 86400);
    let entries = world.database("SHARED").query("select type, client_id from logs where type = 'seccft'");
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["client_id"], MACHINE_ID);
}

#[test]
fn a_machine_gets_nothing_that_it_was_not_granted() {
    let world = World::new();
    register_api(&world);
    for (fields, status, expected) in [
        (vec![("audience", "https://other.example")], 403, "access_denied"),
        (vec![("audience", "https://nobody.example")], 403, "access_denied"),
        (vec![("audience", "https://api.example"), ("scope", "read write")], 403, "access_denied"),
        (vec![], 403, "access_denied"),
        (
            vec![("audience", "https://api.example"), ("audience", "https://other.example")],
            400,
            "invalid_request",
        ),
    ] {
        let answer = ask(&world, &fields).expect(status);
        assert_eq!(error(&answer), expected, "{fields:?}");
        assert!(answer.json().get("access_token").is_none());
    }
}

#[test]
fn all_tenants_needs_the_grant_of_the_main_tenant() {
    let world = World::new();
    let token = world.machine_token("tenants:all");
    assert_eq!(opened(&token).1["scope"], "tenants:all");
    world.database("SHARED").query("update client_grants set scope = '[\"read:users\"]'");
    let answer =
        ask(&world.another_isolate(), &[("audience", MANAGEMENT_AUDIENCE), ("scope", "tenants:all")]);
    assert_eq!(error(&answer.expect(403)), "access_denied");
}

#[test]
fn a_client_proves_itself_before_anything_else_is_said() {
    let world = World::new();
    let token = |form: &[(&str, &str)]| world.send(Ask::post("", "/oauth/token").form(form));
    let wrong =
        token(&[("grant_type", "x"), ("client_id", MACHINE_ID), ("client_secret", "wrong")]).expect(401);
    let unknown =
        token(&[("grant_type", "x"), ("client_id", "nobody"), ("client_secret", "wrong")]).expect(401);
    assert_eq!(error(&wrong), "invalid_client");
    assert_eq!(wrong.text(), unknown.text());
    assert!(wrong.header("www-authenticate").is_some());
    let missing = token(&[("grant_type", "client_credentials"), ("client_id", MACHINE_ID)]).expect(401);
    assert_eq!(missing.text(), wrong.text());
    for (grant, expected) in
        [("x", "unsupported_grant_type"), ("password", "unsupported_grant_type"), ("", "invalid_request")]
    {
        let form = [("grant_type", grant), ("client_id", MACHINE_ID), ("client_secret", MACHINE_SECRET)];
        assert_eq!(error(&token(&form).expect(400)), expected, "{grant}");
    }
}

#[test]
fn the_secret_may_come_by_header_form_or_json_but_by_one_way_only() {
    let world = World::new();
    let basic = "Basic bWFuYWdlbWVudC1tYWNoaW5lOmEtc2VjcmV0LW9mLXRoZS1tYW5hZ2VtZW50LW1hY2hpbmU=";
    let form = [("grant_type", "client_credentials"), ("audience", MANAGEMENT_AUDIENCE)];
    world.send(Ask::post("", "/oauth/token").header("authorization", basic).form(&form)).expect(200);
    let json = serde_json::json!({ "grant_type": "client_credentials", "audience": MANAGEMENT_AUDIENCE,
        "client_id": MACHINE_ID, "client_secret": MACHINE_SECRET });
    world.send(Ask::post("", "/oauth/token").json(&json)).expect(200);
    let both = world.send(Ask::post("", "/oauth/token").header("authorization", basic).json(&json));
    assert_eq!(error(&both.expect(400)), "invalid_request");
}

#[test]
fn machines_go_on_working_while_the_tenant_is_read_only() {
    let world = World::new();
    world.machine_token("");
    world.database("DIRECTORY").query("update tenants set status = 'read_only'");
    let isolate = world.another_isolate();
    isolate.machine_token("");
}

#[test]
fn whoever_does_not_prove_to_be_a_client_leaves_an_entry_and_never_more_than_a_few_a_minute() {
    let world = World::new();
    world.machine_token("");
    let wrong = |grant: &str| {
        let form = [("grant_type", grant), ("client_id", MACHINE_ID), ("client_secret", "wrong")];
        world.send(Ask::post("", "/oauth/token").form(&form)).status()
    };
    let logged = |kind: &str| {
        let sql = format!("select client_id from logs where type = '{kind}' and client_id = '{MACHINE_ID}'");
        world.database("SHARED").query(&sql).len()
    };
    for (grant, kind) in
        [("client_credentials", "feccft"), ("authorization_code", "feacft"), ("refresh_token", "fertft")]
    {
        assert_eq!((wrong(grant), logged(kind)), (401, 1), "{grant}");
    }
    for _ in 0..40 {
        wrong("client_credentials");
    }
    assert!(logged("feccft") <= 20, "{}", logged("feccft"));
}
