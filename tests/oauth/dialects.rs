//! What access tokens look like: the dialect of the API, and what people and machines hold of it.

use super::opened;
use crate::support::{
    Application, Ask, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, MANAGEMENT_AUDIENCE},
};
use serde_json::{Value as Json, json};

const API: &str = "https://orders.example";

/// A world with an API of this body, of which the administrator holds `read` everywhere and `write` in an organization.
fn world(api: &Json) -> (World, Application) {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    let mut body = json!({ "identifier": API, "allow_offline_access": true, "scopes": [{ "value": "read" },
        { "value": "write" }, { "value": "erase" }] });
    for (name, value) in api.as_object().unwrap() {
        body[name] = value.clone();
    }
    world.admin("").post("resource-servers", &body).expect(201);
    for sql in [
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values ('main', 'org_1', 'team', 1, 1)",
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
           select 'main', 'org_1', user_id, 1 from users",
        "insert into user_permissions (tenant_id, user_id, organization_id, resource_server_identifier, permission_name,
           created_at) select 'main', user_id, '', 'https://orders.example', 'read', 1 from users",
        "insert into user_permissions (tenant_id, user_id, organization_id, resource_server_identifier, permission_name,
           created_at) select 'main', user_id, 'org_1', 'https://orders.example', 'write', 1 from users",
        "insert into user_permissions (tenant_id, user_id, organization_id, resource_server_identifier, permission_name,
           created_at) select 'main', user_id, '', 'https://orders.example', 'gone', 1 from users",
    ] {
        world.database("SHARED").query(sql);
    }
    (world, app)
}

fn signed_in(world: &World, app: &Application, changes: &[(&str, &str)]) -> Json {
    let mut wish = vec![("audience", API)];
    wish.retain(|(name, _)| !changes.iter().any(|(changed, _)| name == changed));
    wish.extend_from_slice(changes);
    let back = world.browser().sign_in(&app.authorize(&wish), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()
}

fn claims(tokens: &Json) -> Json {
    opened(tokens["access_token"].as_str().unwrap()).1
}

fn machine(world: &World, audience: &str, scope: &str) -> Json {
    let admin = world.admin("");
    let client = json!({ "name": "Machine", "app_type": "non_interactive" });
    let client = admin.post("clients", &client).expect(201).json();
    let grant = json!({ "client_id": client["client_id"], "audience": audience, "scope": ["read", "write"] });
    admin.post("client-grants", &grant).expect(201);
    let ask = Ask::post("", "/oauth/token").form(&[
        ("grant_type", "client_credentials"),
        ("client_id", client["client_id"].as_str().unwrap()),
        ("client_secret", client["client_secret"].as_str().unwrap()),
        ("audience", audience),
        ("scope", scope),
    ]);
    claims(&world.send(ask).expect(200).json())
}

const AUTHZ: [&str; 2] = ["access_token_authz", "rfc9068_profile_authz"];

#[test]
fn every_access_token_holds_what_rfc_9068_requires_of_its_type() {
    for dialect in ["access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"] {
        let (world, app) = world(&json!({ "token_dialect": dialect }));
        let person = signed_in(&world, &app, &[("scope", "openid offline_access")]);
        let renewed = app.refresh(&world, person["refresh_token"].as_str().unwrap()).expect(200).json();
        let about_nothing = signed_in(&world, &app, &[("audience", "")]);
        let tokens = [&person, &renewed, &about_nothing].map(claims);
        for claims in tokens.iter().chain([&machine(&world, API, "")]) {
            for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
                assert!(claims.get(name).is_some(), "{dialect}: {name} of {claims}");
            }
        }
        let (header, of_person) = opened(person["access_token"].as_str().unwrap());
        assert_eq!(header["typ"], "at+jwt", "{dialect}");
        assert_eq!(of_person["client_id"], app.id.as_str());
        // RFC 9068 has no azp, Auth0's own dialects do.
        assert_eq!(of_person.get("azp").is_none(), dialect.starts_with("rfc9068"), "{dialect}");
        let (_, id) = opened(person["id_token"].as_str().unwrap());
        assert!(id.get("client_id").is_none() && id.get("permissions").is_none(), "{id}");
    }
}

#[test]
fn permissions_are_what_the_person_holds_of_the_api_whatever_was_asked_for() {
    for dialect in AUTHZ {
        let (world, app) = world(&json!({ "token_dialect": dialect, "enforce_policies": true }));
        let tokens = signed_in(&world, &app, &[("scope", "openid offline_access")]);
        assert_eq!(claims(&tokens)["permissions"], json!(["read"]), "{dialect}");
        assert_eq!(claims(&tokens)["scope"], "openid offline_access");
        let tokens = signed_in(&world, &app, &[("scope", "openid read write erase")]);
        assert_eq!(
            (&claims(&tokens)["permissions"], &claims(&tokens)["scope"]),
            (&json!(["read"]), &json!("openid read"))
        );
        let inside = signed_in(&world, &app, &[("organization", "team"), ("scope", "openid offline_access")]);
        assert_eq!(claims(&inside)["permissions"], json!(["read", "write"]), "{dialect}");
        world.database("SHARED").query("delete from user_permissions where permission_name = 'read'");
        let later = app.refresh(&world, inside["refresh_token"].as_str().unwrap()).expect(200).json();
        assert_eq!(
            claims(&later)["permissions"],
            json!(["write"]),
            "what is lost is gone at the next refresh"
        );
    }
}

#[test]
fn permissions_of_somebody_who_holds_nothing_are_an_empty_list() {
    let (world, app) = world(&json!({ "token_dialect": "access_token_authz", "enforce_policies": true }));
    world.database("SHARED").query("delete from user_permissions");
    let tokens = signed_in(&world, &app, &[("scope", "openid read")]);
    assert_eq!(claims(&tokens)["permissions"], json!([]));
}

#[test]
fn without_policies_or_in_a_plain_dialect_there_are_no_permissions() {
    for api in [
        json!({}),
        json!({ "enforce_policies": true }),
        json!({ "token_dialect": "access_token_authz" }),
        json!({ "token_dialect": "rfc9068_profile", "enforce_policies": true }),
    ] {
        let (world, app) = world(&api);
        let tokens = signed_in(&world, &app, &[("scope", "openid read")]);
        assert!(claims(&tokens).get("permissions").is_none(), "{api}");
    }
}

#[test]
fn permissions_of_a_machine_are_what_its_grant_holds() {
    for dialect in AUTHZ {
        let (world, _) = world(&json!({ "token_dialect": dialect, "enforce_policies": true }));
        let claims = machine(&world, API, "read");
        assert_eq!((&claims["scope"], &claims["permissions"]), (&json!("read"), &json!(["read", "write"])));
    }
    let (world, _) = world(&json!({}));
    assert!(machine(&world, API, "read").get("permissions").is_none());
}

#[test]
fn the_management_api_speaks_our_dialect_whatever_its_row_says() {
    let world = World::new();
    let app = world.application("", &json!({}));
    world.database("SHARED").query(
        "update resource_servers set document = json_set(document, '$.token_dialect', 'rfc9068_profile_authz')",
    );
    let wish = [("audience", MANAGEMENT_AUDIENCE), ("scope", "openid")];
    let claims = claims(&signed_in(&world, &app, &wish));
    assert!(claims.get("permissions").is_none() && claims.get("azp").is_some(), "{claims}");
}

#[test]
fn options_of_the_body_count_as_if_they_stood_at_the_top() {
    let options =
        json!({ "enforce_policies": true, "token_dialect": "access_token_authz", "skip_userinfo": true });
    let (world, app) = world(&json!({ "options": options }));
    let admin = world.admin("");
    let path = "resource-servers/https%3A%2F%2Forders.example";
    let made = admin.get(path).expect(200).json();
    assert_eq!(made["options"], options);
    assert_eq!(
        (&made["enforce_policies"], &made["token_dialect"]),
        (&json!(true), &options["token_dialect"])
    );
    assert_eq!(claims(&signed_in(&world, &app, &[("scope", "openid")]))["permissions"], json!(["read"]));

    // One of them alone leaves the other, and what is set at the top is shown in both places.
    let changed =
        admin.patch(path, &json!({ "options": { "token_dialect": "rfc9068_profile" } })).expect(200).json();
    assert_eq!(changed["enforce_policies"], true);
    assert_eq!(changed["options"], json!({ "token_dialect": "rfc9068_profile", "enforce_policies": true }));
    let changed = admin.patch(path, &json!({ "enforce_policies": false })).expect(200).json();
    assert_eq!(changed["options"]["enforce_policies"], false);
    let torn = json!({ "enforce_policies": true, "options": { "enforce_policies": false } });
    let refusal = admin.patch(path, &torn).expect(400).json();
    assert!(refusal["message"].as_str().unwrap().contains("say different things"), "{refusal}");
    for (body, words) in [
        (json!({ "token_dialect": "jwt" }), "token_dialect"),
        (json!({ "options": { "token_dialect": "jwt" } }), "options.token_dialect"),
        (json!({ "options": { "enforce_polices": true } }), "options.enforce_polices"),
        (json!({ "enforce_polices": true }), "enforce_polices"),
    ] {
        let refusal = admin.patch(path, &body).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains(words), "{refusal}");
    }
}

#[test]
fn a_dialect_that_was_stored_before_it_counted_harms_nothing() {
    let (world, app) = world(&json!({}));
    for stored in ["17", "\"jwt\"", "{}", "null"] {
        world.database("SHARED").query(&format!(
            "update resource_servers set document = json_set(document, '$.token_dialect', json('{stored}'))
             where is_system = 0"
        ));
        let tokens = signed_in(&world.another_isolate(), &app, &[("scope", "openid read")]);
        assert_eq!(claims(&tokens)["scope"], "openid read", "{stored}");
    }
}
