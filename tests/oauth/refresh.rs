//! Refresh tokens: rotation, reuse, and everything that ends them.

use super::{error, opened};
use crate::support::{
    Application, Browser, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::time::Lifetime;
use serde_json::json;

const OFFLINE: &[(&str, &str)] = &[("scope", "openid profile email offline_access")];

fn signed_in(world: &World, app: &Application, browser: &Browser<'_>) -> String {
    let back = browser.sign_in(&app.authorize(OFFLINE), ADMIN_EMAIL, ADMIN_PASSWORD);
    text(&app.redeem(world, &back).expect(200).json()["refresh_token"])
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn a_refresh_takes_one_round_trip_and_replaces_the_token() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let first = signed_in(&world, &app, &world.browser());
    let answer = app.refresh(&world, &first).expect(200);
    assert_eq!(answer.round_trips(), 1);
    let tokens = answer.json();
    let second = text(&tokens["refresh_token"]);
    assert_ne!(first, second);
    let (_, id) = opened(tokens["id_token"].as_str().unwrap());
    assert_eq!(id["email"], ADMIN_EMAIL);
    assert!(id.get("nonce").is_none());
    world.advance(Lifetime::days(1));
    app.refresh(&world, &second).expect(200);
    let stored = world.database("SHARED").query("select digest, lookup from refresh_tokens");
    let stored = format!("{stored:?}");
    for token in [&first, &second] {
        assert!(!stored.contains(token.split('.').nth(1).unwrap()), "no secret is stored");
    }
    let log = world.database("SHARED").query("select user_id, client_id from logs where type = 'sertft'");
    assert_eq!(log.len(), 2);
    assert_eq!(log[0]["client_id"], app.id.as_str());
}

#[test]
fn within_the_leeway_a_replaced_token_gets_a_sibling_and_after_it_ends_the_family() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let first = signed_in(&world, &app, &world.browser());
    let second = text(&app.refresh(&world, &first).expect(200).json()["refresh_token"]);
    world.advance(Lifetime::seconds(10));
    let sibling = text(&app.refresh(&world, &first).expect(200).json()["refresh_token"]);
    assert_ne!(second, sibling);
    world.advance(Lifetime::milliseconds(1));
    assert_eq!(error(&app.refresh(&world, &first).expect(400)), "invalid_grant");
    for token in [second, sibling] {
        assert_eq!(error(&app.refresh(&world, &token).expect(400)), "invalid_grant");
    }
    let open = world.database("SHARED").query("select id from refresh_tokens where revoked_at is null");
    assert!(open.is_empty());
}

#[test]
fn a_wrong_secret_ends_nothing() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let first = signed_in(&world, &app, &world.browser());
    let second = text(&app.refresh(&world, &first).expect(200).json()["refresh_token"]);
    world.advance(Lifetime::minutes(1));
    let forged = format!("{}.{}", first.split('.').next().unwrap(), "A".repeat(43));
    for token in [forged.as_str(), "rt_unknown.secret", "nonsense", "rt_.", "rt_x"] {
        assert_eq!(error(&app.refresh(&world, token).expect(400)), "invalid_grant", "{token}");
    }
    app.refresh(&world, &second).expect(200);
}

#[test]
fn a_token_is_only_its_clients() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let thief = world.application("", &json!({ "app_id": "thief" }));
    let confidential = world.application(
        "",
        &json!({ "app_id": "secret", "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_basic" }),
    );
    let token = signed_in(&world, &app, &world.browser());
    assert_eq!(error(&thief.refresh(&world, &token).expect(400)), "invalid_grant");
    app.refresh(&world, &token).expect(200);

    let token = signed_in(&world, &confidential, &world.browser());
    let without = Application { secret: None, ..confidential.clone() };
    assert_eq!(error(&without.refresh(&world, &token).expect(401)), "invalid_client");
    confidential.refresh(&world, &token).expect(200);
}

#[test]
fn a_token_ends_with_its_time_its_person_or_its_session() {
    for (what, change, passing) in [
        ("idle for too long", "", Lifetime::days(15)),
        ("blocked", "update users set blocked = 1", Lifetime::default()),
        ("deleted", "delete from users", Lifetime::default()),
        ("signed out", "update sessions set revoked_at = 1", Lifetime::default()),
        ("revoked", "update refresh_tokens set revoked_at = 1", Lifetime::default()),
    ] {
        let world = World::new();
        let app = world.application("", &json!({}));
        let token = signed_in(&world, &app, &world.browser());
        if !change.is_empty() {
            world.database("SHARED").query(change);
        }
        world.advance(passing);
        assert_eq!(error(&app.refresh(&world, &token).expect(400)), "invalid_grant", "{what}");
    }
}

#[test]
fn a_family_ends_after_thirty_days_however_busy() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let mut token = signed_in(&world, &app, &world.browser());
    for _ in 0..2 {
        world.advance(Lifetime::days(14));
        token = text(&app.refresh(&world, &token).expect(200).json()["refresh_token"]);
    }
    world.advance(Lifetime::days(2));
    assert_eq!(error(&app.refresh(&world, &token).expect(400)), "invalid_grant");
}

#[test]
fn a_session_that_ran_out_does_not_end_offline_access() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let token = signed_in(&world, &app, &world.browser());
    world.advance(Lifetime::days(8));
    let token = text(&app.refresh(&world, &token).expect(200).json()["refresh_token"]);
    world.database("SHARED").query("delete from sessions");
    app.refresh(&world, &token).expect(200);
}

#[test]
fn a_token_that_does_not_rotate_stays_as_it_is() {
    let world = World::new();
    let settings = json!({ "rotation_type": "non-rotating", "idle_token_lifetime": 3600 });
    let app = world.application("", &json!({ "refresh_token": settings }));
    let token = signed_in(&world, &app, &world.browser());
    for _ in 0..3 {
        world.advance(Lifetime::minutes(59));
        let answer = app.refresh(&world, &token).expect(200);
        assert!(answer.json().get("refresh_token").is_none());
        assert_eq!(app.refresh(&world, &token).expect(200).round_trips(), 1);
    }
    world.advance(Lifetime::minutes(60));
    app.refresh(&world, &token).expect(400);
}

#[test]
fn scopes_become_fewer_and_never_more() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let token = signed_in(&world, &app, &world.browser());
    let refresh = |token: &str, scope: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)];
        app.token(&world, &form).expect(200).json()
    };
    let tokens = refresh(&token, "openid phone read:users");
    assert_eq!(tokens["scope"], "openid");
    let tokens = refresh(&text(&tokens["refresh_token"]), "");
    assert_eq!(tokens["scope"], "openid profile email offline_access", "the token itself has lost nothing");
}

#[test]
fn nobody_gets_one_unasked_or_unallowed() {
    let world = World::new();
    let app = world.application("", &json!({ "grant_types": ["authorization_code"] }));
    let back = world.browser().sign_in(&app.authorize(OFFLINE), ADMIN_EMAIL, ADMIN_PASSWORD);
    let tokens = app.redeem(&world, &back).expect(200).json();
    assert!(tokens.get("refresh_token").is_none());
    assert_eq!(tokens["scope"], "openid profile email");
    assert_eq!(error(&app.refresh(&world, "rt_a.b").expect(400)), "unauthorized_client");

    let app = world.application("", &json!({ "app_id": "2" }));
    world.database("SHARED").query(
        r#"insert into resource_servers (tenant_id, id, identifier, name, document, created_at, updated_at) values
           ('main', 'api_1', 'https://closed.example', 'Closed', '{}', 1, 1),
           ('main', 'api_2', 'https://open.example', 'Open', '{"allow_offline_access":true}', 1, 1)"#,
    );
    world.advance(Lifetime::seconds(5));
    for (audience, expected) in [("https://closed.example", false), ("https://open.example", true)] {
        let url = app.authorize(&[OFFLINE[0], ("audience", audience)]);
        let back = world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
        let tokens = app.redeem(&world, &back).expect(200).json();
        assert_eq!(tokens.get("refresh_token").is_some(), expected, "{audience}");
    }
}
