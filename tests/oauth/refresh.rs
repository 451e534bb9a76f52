//! Refresh tokens: rotation, reuse, and everything that ends them.

use super::{error, opened};
use crate::support::{
    Application, Ask, Browser, World,
    browser::parameter,
    gate::{Effect, Fate},
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
fn within_the_leeway_a_replaced_token_gets_the_same_successor_and_after_it_ends_the_family() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let first = signed_in(&world, &app, &world.browser());
    let second = text(&app.refresh(&world, &first).expect(200).json()["refresh_token"]);
    world.advance(Lifetime::seconds(10));
    let again = text(&app.refresh(&world.another_isolate(), &first).expect(200).json()["refresh_token"]);
    assert_eq!(second, again);
    assert_eq!(live(&world), 1);
    world.advance(Lifetime::milliseconds(1));
    assert_eq!(error(&app.refresh(&world, &first).expect(400)), "invalid_grant");
    assert_eq!(error(&app.refresh(&world, &second).expect(400)), "invalid_grant");
    let open = world.database("SHARED").query("select id from refresh_tokens where revoked_at is null");
    assert!(open.is_empty());
}

/// How many tokens can still be used for the first time.
fn live(world: &World) -> usize {
    let sql = "select id from refresh_tokens where revoked_at is null and rotated_at is null";
    world.database("SHARED").query(sql).len()
}

#[test]
fn of_twenty_uses_at_once_one_line_is_left() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let first = signed_in(&world, &app, &browser);
    let answers: Vec<_> = (0..20).map(|_| app.refresh(&world.another_isolate(), &first)).collect();
    let successors: std::collections::BTreeSet<_> =
        answers.into_iter().map(|answer| text(&answer.expect(200).json()["refresh_token"])).collect();
    assert_eq!(successors.len(), 1, "nobody of them is signed out by the others");
    assert_eq!(live(&world), 1);
    app.refresh(&world, successors.first().unwrap()).expect(200);
}

#[test]
fn of_two_uses_that_cross_one_line_is_left() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let first = signed_in(&world, &app, &world.browser());
    let (rival, rivals, same, fresh) =
        (world.another_isolate(), app.clone(), first.clone(), std::cell::Cell::new(true));
    let (sender, receiver) = std::sync::mpsc::channel();
    *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        if effect == Effect::Commit && !happened && fresh.replace(false) {
            sender.send(text(&rivals.refresh(&rival, &same).expect(200).json()["refresh_token"])).unwrap();
        }
        Fate::Go
    }));
    let slower = text(&app.refresh(&world, &first).expect(200).json()["refresh_token"]);
    *world.outside.gate.rule.borrow_mut() = None;
    assert_eq!((slower, live(&world)), (receiver.recv().unwrap(), 1));
}

#[test]
fn once_its_successor_was_used_a_replaced_token_is_a_thiefs_even_within_the_leeway() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let first = signed_in(&world, &app, &browser);
    let second = text(&app.refresh(&world, &first).expect(200).json()["refresh_token"]);
    let third = text(&app.refresh(&world, &second).expect(200).json()["refresh_token"]);
    app.refresh(&world, &first).expect(400);
    app.refresh(&world, &third).expect(400);
    assert_eq!(live(&world), 0);
    let silent = browser.open(&app.authorize(&[("prompt", "none")])).away();
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"), "nor is the browser trusted");
}

#[test]
fn a_thief_beside_the_owner_is_found_at_the_next_use() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let stolen = signed_in(&world, &app, &world.browser());
    let owners = text(&app.refresh(&world, &stolen).expect(200).json()["refresh_token"]);
    world.advance(Lifetime::seconds(5));
    let thiefs = text(&app.refresh(&world, &stolen).expect(200).json()["refresh_token"]);
    world.advance(Lifetime::hours(1));
    app.refresh(&world, &owners).expect(200);
    world.advance(Lifetime::minutes(1));
    app.refresh(&world, &thiefs).expect(400);
    assert_eq!(live(&world), 0);
}

#[test]
fn without_the_key_of_the_tenant_a_successor_does_not_follow_from_its_token() {
    let (one, two) = (World::new(), World::new());
    let tokens: Vec<_> = [&one, &two]
        .map(|world| {
            let app = world.application("", &json!({}));
            let first = signed_in(world, &app, &world.browser());
            (first.clone(), text(&app.refresh(world, &first).expect(200).json()["refresh_token"]))
        })
        .into_iter()
        .collect();
    // Both worlds follow from one seed; the control.
    assert_eq!(tokens[0], tokens[1]);
    let stored = one.database("SHARED").query("select successor, digest from refresh_tokens");
    let secret = tokens[0].1.split('.').nth(1).unwrap();
    assert!(!format!("{stored:?}").contains(secret), "nor is it stored");
}

#[test]
fn a_person_has_two_hundred_live_tokens_of_a_client_and_the_oldest_leave() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let oldest = signed_in(&world, &app, &world.browser());
    world.database("SHARED").query(
        "with recursive n (n) as (select 1 union all select n + 1 from n where n < 199)
         insert into refresh_tokens (tenant_id, id, lookup, digest, family_id, client_id, user_id, audience, scope, rotating,
           authenticated_at, created_at)
         select t.tenant_id, 'id' || n, 'lookup' || n, 'digest', 'family' || n, t.client_id, t.user_id, t.audience, t.scope, 1,
           t.authenticated_at, t.created_at + n from refresh_tokens t, n",
    );
    world.advance(Lifetime::minutes(1));
    assert_eq!(live(&world), 200);
    let newest = signed_in(&world, &app, &world.browser());
    assert_eq!(live(&world), 200);
    app.refresh(&world, &oldest).expect(400);
    app.refresh(&world, &newest).expect(200);
    let other = world.application("", &json!({ "app_id": "other" }));
    signed_in(&world, &other, &world.browser());
    assert_eq!(live(&world), 201, "another client's count apart");
}

#[test]
fn a_public_clients_tokens_rotate_or_end() {
    let world = World::new();
    let admin = world.admin("");
    let endless = json!({ "rotation_type": "non-rotating", "infinite_token_lifetime": true });
    let new = |method: &str, settings: &serde_json::Value| json!({ "name": "App", "app_type": "native", "token_endpoint_auth_method": method, "refresh_token": settings });
    admin.post("clients", &new("none", &endless)).expect(400);
    let confidential = json!({ "name": "App", "app_type": "regular_web", "refresh_token": endless });
    let made = admin.post("clients", &confidential).expect(201).json();
    let path = format!("clients/{}", text(&made["client_id"]));
    admin.patch(&path, &json!({ "token_endpoint_auth_method": "none" })).expect(400);
    let rotating = json!({ "rotation_type": "rotating", "infinite_token_lifetime": true });
    admin.post("clients", &new("none", &rotating)).expect(201);

    // One that was brought over with such settings keeps them, can be changed otherwise, and its tokens end.
    let app = world.application("", &json!({ "refresh_token": endless }));
    let token = signed_in(&world, &app, &world.browser());
    admin.patch(&format!("clients/{}", app.id), &json!({ "description": "Old" })).expect(200);
    let ends = world.database("SHARED").query("select expires_at is not null as ends from refresh_tokens");
    assert_eq!(ends[0]["ends"], 1);
    // So does a token that was brought over without an end, thirty days after it is used here for the first time.
    world.database("SHARED").query("update refresh_tokens set expires_at = null, idle_expires_at = null");
    world.advance(Lifetime::days(100));
    for days in [14, 14] {
        app.refresh(&world, &token).expect(200);
        world.advance(Lifetime::days(days));
    }
    app.refresh(&world, &token).expect(200);
    world.advance(Lifetime::days(2));
    app.refresh(&world, &token).expect(400);
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
fn a_sign_out_does_not_end_offline_access_unless_the_tenant_says_so() {
    for (setting, status) in [(None, 200), (Some(false), 200), (Some(true), 400)] {
        for path in ["v2/logout", "oidc/logout"] {
            let world = World::new();
            if let Some(setting) = setting {
                let change = json!({ "logout_revokes_refresh_tokens": setting });
                world.admin("").patch("tenants/settings", &change).expect(200);
            }
            let app = world.application("", &json!({}));
            let browser = world.browser();
            let back = browser.sign_in(&app.authorize(OFFLINE), ADMIN_EMAIL, ADMIN_PASSWORD);
            let tokens = app.redeem(&world, &back).expect(200).json();
            let mut url = app.url(path);
            url.query_pairs_mut().append_pair("id_token_hint", &text(&tokens["id_token"]));
            browser.open(&url);
            let answer = app.refresh(&world, &text(&tokens["refresh_token"])).expect(status);
            if status == 200 {
                let (_, claims) = opened(answer.json()["access_token"].as_str().unwrap());
                assert!(claims.get("sid").is_none(), "{path}: it speaks of no session that has been ended");
                let ask = Ask::get("", "/userinfo").bearer(answer.json()["access_token"].as_str().unwrap());
                world.send(ask).expect(200);
            }
        }
    }
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
