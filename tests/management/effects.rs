//! Settings that only lifetimes and defaults depend on, each with the answer that it changes.

use crate::{
    oauth::{error, opened},
    support::{
        Application, World,
        world::{ADMIN_EMAIL, ADMIN_PASSWORD},
    },
};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

const OFFLINE: &[(&str, &str)] = &[("scope", "openid offline_access")];

fn signed_in(world: &World, app: &Application, changes: &[(&str, &str)]) -> Json {
    let back = world.browser().sign_in(&app.authorize(changes), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()
}

fn text(value: &Json) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn a_client_says_how_long_its_refresh_tokens_live() {
    let minute = Lifetime::seconds(61);
    for (settings, passing, status) in [
        (json!({ "token_lifetime": 60 }), minute, 400),
        (json!({ "token_lifetime": 62 }), minute, 200),
        (json!({ "idle_token_lifetime": 60 }), minute, 400),
        (json!({ "idle_token_lifetime": 62 }), minute, 200),
        (json!({ "infinite_idle_token_lifetime": true }), Lifetime::days(16), 200),
        (
            json!({ "infinite_token_lifetime": true, "infinite_idle_token_lifetime": true }),
            Lifetime::days(40),
            200,
        ),
        (json!({ "infinite_idle_token_lifetime": true }), Lifetime::days(40), 400),
    ] {
        let world = World::new();
        let app = world.application("", &json!({ "refresh_token": settings }));
        let token = text(&signed_in(&world, &app, OFFLINE)["refresh_token"]);
        world.advance(passing);
        assert_eq!(app.refresh(&world, &token).status(), status, "{settings}");
    }
    for (leeway, status) in [(0, 400), (30, 200)] {
        let world = World::new();
        let app = world.application("", &json!({ "refresh_token": { "leeway": leeway } }));
        let token = text(&signed_in(&world, &app, OFFLINE)["refresh_token"]);
        app.refresh(&world, &token).expect(200);
        world.advance(Lifetime::seconds(5));
        assert_eq!(app.refresh(&world, &token).status(), status, "{leeway}");
    }
}

#[test]
fn an_api_says_how_long_its_tokens_are_good() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let api = json!({ "identifier": "https://api.example", "token_lifetime": 60 });
    world.admin("").post("resource-servers", &api).expect(201);
    let tokens = signed_in(&world, &app, &[("audience", "https://api.example")]);
    let (_, claims) = opened(tokens["access_token"].as_str().unwrap());
    assert_eq!(tokens["expires_in"], 60);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
}

#[test]
fn a_session_lasts_as_long_as_the_tenant_says() {
    for (settings, passing, lives) in [
        (json!({ "idle_session_lifetime": 1 }), 2, false),
        (json!({ "idle_session_lifetime": 3 }), 2, true),
        (json!({ "session_lifetime": 1 }), 2, false),
        (json!({ "session_lifetime": 100, "session_lifetime_in_minutes": 90 }), 2, false),
        (json!({ "idle_session_lifetime_in_minutes": 90 }), 2, false),
        (json!({ "idle_session_lifetime_in_minutes": 150 }), 2, true),
        (json!({}), 71, true),
    ] {
        let world = World::new();
        let app = world.application("", &json!({}));
        world.admin("").patch("tenants/settings", &settings).expect(200);
        let browser = world.browser();
        browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
        world.advance(Lifetime::hours(passing));
        let back = browser.open(&app.authorize(&[("prompt", "none")])).away();
        assert_eq!(back.query().unwrap().contains("code="), lives, "{settings}: {back}");
    }
}

#[test]
fn the_default_api_is_there_for_as_long_as_it_is_the_default() {
    let world = World::new();
    let (app, admin) = (world.application("", &json!({})), world.admin(""));
    let default = json!({ "default_audience": "https://api.example" });
    let refusal = admin.patch("tenants/settings", &default).expect(400).json();
    assert!(refusal["message"].as_str().unwrap().contains("default_audience"), "{refusal}");
    admin.post("resource-servers", &json!({ "identifier": "https://api.example" })).expect(201);
    admin.patch("tenants/settings", &default).expect(200);
    let (_, claims) = opened(signed_in(&world, &app, &[])["access_token"].as_str().unwrap());
    assert_eq!(claims["aud"][0], "https://api.example");

    let path = "resource-servers/https%3A%2F%2Fapi.example";
    assert_eq!(admin.delete(path).expect(409).json()["errorCode"], "default_resource_server");
    signed_in(&world.another_isolate(), &app, &[]);
    admin.patch("tenants/settings", &json!({ "default_audience": null })).expect(200);
    admin.delete(path).expect(204);
    // Our own API is always there.
    admin
        .patch("tenants/settings", &json!({ "default_audience": "http://localhost:8787/api/v2/" }))
        .expect(200);
}

#[test]
fn a_default_names_something_that_there_is() {
    let world = World::new();
    let admin = world.admin("");
    let machine = admin
        .post("clients", &json!({ "name": "Machine", "app_type": "non_interactive" }))
        .expect(201)
        .json();
    let app = admin.post("clients", &json!({ "name": "App" })).expect(201).json();
    for (name, value) in [
        ("default_client_id", json!("nobody")),
        ("default_client_id", machine["client_id"].clone()),
        ("default_directory", json!("no-connection")),
        ("default_organization", json!("org_nope")),
    ] {
        let refusal = admin.patch("tenants/settings", &json!({ name: value })).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains(name), "{refusal}");
    }
    admin.patch("tenants/settings", &json!({ "default_client_id": app["client_id"] })).expect(200);
    admin.patch("tenants/settings", &json!({ "default_directory": super::DATABASE })).expect(200);
    let connections = json!([{ "connection_id": "con_x" }]);
    let body = json!({ "name": "team_one", "enabled_connections": connections });
    let refusal = admin.post("organizations", &body).expect(400).json();
    assert!(refusal["message"].as_str().unwrap().contains("con_x"), "{refusal}");
    let known = admin.get("connections").expect(200).json()[0]["id"].clone();
    let body = json!({ "name": "team_one", "enabled_connections": [{ "connection_id": known }] });
    let made = admin.post("organizations", &body).expect(201).json();
    assert_eq!(made["enabled_connections"], body["enabled_connections"]);
}

#[test]
fn a_client_keeps_the_secret_that_it_had_elsewhere() {
    let world = World::new();
    let admin = world.admin("");
    let made = admin
        .post("clients", &json!({ "name": "App", "callbacks": ["https://app.example/cb"] }))
        .expect(201)
        .json();
    let url = format!("clients/{}", text(&made["client_id"]));
    let ask = |secret: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", made["client_id"].as_str().unwrap()),
            ("client_secret", secret),
            ("refresh_token", "rt_a.b"),
        ];
        error(&world.another_isolate().send(crate::support::Ask::post("", "/oauth/token").form(&form)))
    };
    let secret = "brought-from-another-server";
    let shown = admin.patch(&url, &json!({ "client_secret": secret })).expect(200).json();
    assert_eq!(shown["client_secret"], secret);
    assert_eq!(
        (ask(secret), ask(made["client_secret"].as_str().unwrap())),
        ("invalid_grant".to_owned(), "invalid_client".to_owned())
    );
    assert_eq!(admin.get(&url).expect(200).json()["client_secret"], secret);
    for bad in [json!("short"), json!(17), json!("with a space in between"), json!("x".repeat(513))] {
        admin.patch(&url, &json!({ "client_secret": bad })).expect(400);
    }
    let public = json!({ "client_secret": secret, "token_endpoint_auth_method": "none" });
    admin.patch(&url, &public).expect(400);
    assert_eq!(ask(secret), "invalid_grant");

    // Whoever knows the secret of a machine can do what it may do.
    let machine =
        admin.post("clients", &json!({ "name": "M", "app_type": "non_interactive" })).expect(201).json();
    let grant = json!({ "client_id": machine["client_id"], "audience": "http://localhost:8787/api/v2/", "scope": ["delete:users"] });
    admin.post("client-grants", &grant).expect(201);
    let clerk = world.holder(
        "",
        &world.signed(
            "main",
            &json!({ "sub": "auth0|clerk", "scope": "update:clients update:client_keys read:clients" }),
        ),
    );
    clerk
        .patch(&format!("clients/{}", text(&machine["client_id"])), &json!({ "client_secret": secret }))
        .expect(403);
}
