//! Nobody gives away a permission of the management API that they do not hold: no way from a few scopes to all of them.

use super::{beside, contents, machine, segment, user};
use crate::support::{
    Admin, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, MACHINE_ID, MACHINE_SECRET},
};
use serde_json::{Value as Json, json};

const ADMIN_ROLE: &str = "rol_tenant_admin";
const EVERYTHING_ABOUT_PEOPLE: [&str; 14] = [
    "read:users",
    "create:users",
    "update:users",
    "delete:users",
    "read:roles",
    "create:roles",
    "update:roles",
    "delete:roles",
    "create:organizations",
    "create:organization_members",
    "create:organization_member_roles",
    "create:clients",
    "create:client_grants",
    "update:client_grants",
];

fn management(host: &str, name: &str) -> Json {
    json!({ "permissions": [{ "resource_server_identifier": format!("http://{host}/api/v2/"), "permission_name": name }] })
}

fn path(user: &Json) -> String {
    format!("users/{}", segment(user["user_id"].as_str().unwrap()))
}

fn role(admin: &Admin, name: &str) -> String {
    admin.post("roles", &json!({ "name": name })).expect(200).json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn scopes_about_people_and_roles_do_not_make_an_administrator() {
    let world = World::new();
    let all = world.admin("");
    let token = machine(&world, &all, "", &EVERYTHING_ABOUT_PEOPLE);
    let limited = world.holder("", &token);
    let eve = user(&limited, "eve@acme.test");
    let editor = role(&limited, "Editor");
    limited.post(&format!("roles/{editor}/users"), &json!({ "users": [eve["user_id"]] })).expect(200);
    let admin = all.get(&format!("users-by-email?email={ADMIN_EMAIL}")).expect(200).json()[0].clone();
    let client =
        limited.post("clients", &json!({ "name": "x", "app_type": "non_interactive" })).expect(201).json();
    let team = limited.post("organizations", &json!({ "name": "platform_team" })).expect(201).json();
    let members = format!("organizations/{}/members", team["id"].as_str().unwrap());
    limited.post(&members, &json!({ "members": [eve["user_id"]] })).expect(204);
    let eve_in_team = format!("{members}/{}/roles", segment(eve["user_id"].as_str().unwrap()));
    let audience = "http://localhost:8787/api/v2/";

    let before = contents(&world);
    let host = "localhost:8787";
    for refused in [
        limited.post(&format!("{}/roles", path(&eve)), &json!({ "roles": [ADMIN_ROLE] })),
        limited.post(&format!("roles/{ADMIN_ROLE}/users"), &json!({ "users": [eve["user_id"]] })),
        limited.post(&format!("{}/permissions", path(&eve)), &management(host, "tenant:admin")),
        limited.post(&format!("{}/permissions", path(&eve)), &management(host, "read:clients")),
        limited.post(&format!("roles/{editor}/permissions"), &management(host, "update:clients")),
        limited.post(&eve_in_team, &json!({ "roles": [ADMIN_ROLE] })),
        limited.post("client-grants", &json!({ "client_id": client["client_id"], "audience": audience, "scope": ["tenants:all"] })),
        limited.post("client-grants", &json!({ "client_id": client["client_id"], "audience": audience, "scope": ["read:users", "update:clients"] })),
        limited.patch(&path(&admin), &json!({ "password": "Tr0ub4dor-3" })),
        limited.patch(&path(&admin), &json!({ "email": "eve2@acme.test", "email_verified": true })),
        limited.patch(&path(&admin), &json!({ "username": "eve" })),
    ] {
        let refused = refused.expect(403).json();
        assert_eq!(refused["errorCode"], "insufficient_scope", "{refused}");
    }
    assert!(contents(&world) == before);

    limited.patch(&path(&admin), &json!({ "nickname": "root" })).expect(200);
    limited.post(&format!("{}/permissions", path(&eve)), &management(host, "read:users")).expect(201);
    limited.post(&format!("roles/{editor}/permissions"), &management(host, "update:roles")).expect(201);
    limited.patch(&path(&eve), &json!({ "password": "An0ther-one-1" })).expect(200);
    all.post(&format!("{}/roles", path(&eve)), &json!({ "roles": [ADMIN_ROLE] })).expect(204);
    limited.patch(&path(&eve), &json!({ "password": "An0ther-one-2" })).expect(403);
}

#[test]
fn an_administrator_gives_what_this_one_token_holds() {
    let world = World::new();
    let all = world.admin("");
    let eve = user(&all, "eve@acme.test");
    let admin =
        all.get(&format!("users-by-email?email={ADMIN_EMAIL}")).expect(200).json()[0]["user_id"].clone();
    let give = |scope: &str, role: &str| {
        let token = world.signed("main", &json!({ "sub": admin, "scope": scope }));
        world.holder("", &token).post(&format!("{}/roles", path(&eve)), &json!({ "roles": [role] })).status()
    };
    let reader = role(&all, "Reader");
    all.post(&format!("roles/{reader}/permissions"), &management("localhost:8787", "read:users")).expect(201);
    assert_eq!(give("update:users", &reader), 403);
    assert_eq!(give("update:users read:users", &reader), 204);
    let every_one = world.app.shared().scopes.join(" ");
    assert_eq!(give(&every_one, ADMIN_ROLE), 403, "an administrator decides who manages other tenants, too");
    assert_eq!(give("update:users tenant:admin", ADMIN_ROLE), 204);
}

#[test]
fn an_administrator_can_ask_for_a_token_that_holds_everything_and_nobody_else_can() {
    let world = World::new();
    let console = world.application("", &json!({}));
    let scope = [("audience", "http://localhost:8787/api/v2/"), ("scope", "tenant:admin update:users")];
    let tokens = |email: &str, password: &str| {
        let back = world.browser().sign_in(&console.authorize(&scope), email, password);
        console.redeem(&world, &back).expect(200).json()
    };
    let all = world.admin("");
    let eve = user(&all, "eve@acme.test");
    all.post(&format!("{}/permissions", path(&eve)), &management("localhost:8787", "update:users"))
        .expect(201);
    assert_eq!(tokens("eve@acme.test", "Tr0ub4dor-3")["scope"], "update:users");
    let admin = tokens(ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(admin["scope"], "tenant:admin update:users");
    let admin = world.holder("", admin["access_token"].as_str().unwrap());
    admin.post(&format!("{}/roles", path(&eve)), &json!({ "roles": [ADMIN_ROLE] })).expect(204);
    assert_eq!(tokens("eve@acme.test", "Tr0ub4dor-3")["scope"], "tenant:admin update:users");
}

#[test]
fn a_machine_for_all_tenants_gives_shows_and_takes_what_it_holds() {
    let world = World::new();
    let all = world.admin("");
    let audience = "http://localhost:8787/api/v2/";
    let token = machine(&world, &all, "", &["tenants:all", "read:clients", "read:client_keys"]);
    let reader = world.holder("", &token);
    let shown = reader.get(&format!("clients/{MACHINE_ID}")).expect(200).json();
    assert!(shown["client_secret"].is_null(), "{shown}");
    let listed = reader.get("clients").expect(200).json();
    assert!(!listed.to_string().contains(MACHINE_SECRET));
    assert!(all.get(&format!("clients/{MACHINE_ID}")).expect(200).text().contains(MACHINE_SECRET));
    // One that it is worth as much as is shown, and may be given what it has.
    let token = machine(&world, &all, "", &["tenants:all", "create:client_grants", "create:clients"]);
    let maker = world.holder("", &token);
    let made =
        maker.post("clients", &json!({ "name": "x", "app_type": "non_interactive" })).expect(201).json();
    let grant = |scope: &[&str]| {
        let body = json!({ "client_id": made["client_id"], "audience": audience, "scope": scope });
        maker.post("client-grants", &body)
    };
    grant(&["tenants:all", "delete:tenants"]).expect(403);
    grant(&["tenant:admin"]).expect(403);
    grant(&["tenants:all", "create:clients"]).expect(201);
}

#[test]
fn who_holds_less_takes_nothing_from_who_holds_more() {
    let world = World::new();
    let all = world.admin("");
    let scopes = [
        "update:users",
        "delete:users",
        "delete:sessions",
        "delete:authentication_methods",
        "delete:roles",
        "update:roles",
        "delete:grants",
        "update:clients",
        "delete:clients",
        "update:client_keys",
        "update:client_grants",
        "delete:client_grants",
        "update:tenant_settings",
        "update:connections",
        "delete:connections",
        "delete:organization_members",
        "delete:organization_member_roles",
    ];
    let token = machine(&world, &all, "", &scopes);
    let limited = world.holder("", &token);
    all.post("tenants", &json!({ "id": "acme", "placement": "shared" })).expect(201);
    let admin = all.get(&format!("users-by-email?email={ADMIN_EMAIL}")).expect(200).json()[0].clone();
    let eve = user(&all, "eve@acme.test");
    let reader = role(&all, "Reader");
    all.post(&format!("roles/{reader}/permissions"), &management("localhost:8787", "read:users")).expect(201);
    all.post(&format!("{}/roles", path(&eve)), &json!({ "roles": [reader] })).expect(204);
    let console = all
        .post("clients", &json!({ "name": "Console", "callbacks": ["https://c.example/"] }))
        .expect(201)
        .json();
    let console = format!("clients/{}", console["client_id"].as_str().unwrap());
    let grant = all.get(&format!("client-grants?client_id={MACHINE_ID}")).expect(200).json();
    let grant = format!("client-grants/{}", grant[0]["id"].as_str().unwrap());
    let connection = all.get("connections").expect(200).json();
    let connection = format!("connections/{}", connection[0]["id"].as_str().unwrap());
    let acme = all.get("organizations/name/acme").expect(200).json();
    let members = format!("organizations/{}/members", acme["id"].as_str().unwrap());
    all.post(&members, &json!({ "members": [eve["user_id"]] })).expect(204);
    let in_acme = format!("{members}/{}/roles", segment(eve["user_id"].as_str().unwrap()));
    all.post(&in_acme, &json!({ "roles": [ADMIN_ROLE] })).expect(204);

    let before = contents(&world);
    for refused in [
        limited.patch(&path(&admin), &json!({ "blocked": true })),
        limited.patch(&path(&admin), &json!({ "email_verified": false })),
        limited.delete(&path(&admin)),
        limited.delete(&path(&eve)),
        limited.delete(&format!("{}/sessions", path(&admin))),
        limited.delete(&format!("{}/authentication-methods/any", path(&admin))),
        limited.delete_these(&format!("{}/roles", path(&admin)), &json!({ "roles": [ADMIN_ROLE] })),
        limited.delete_these(&format!("{}/roles", path(&eve)), &json!({ "roles": [reader] })),
        limited.delete_these(
            &format!("roles/{reader}/permissions"),
            &management("localhost:8787", "read:users"),
        ),
        limited.delete_these(
            &format!("{}/permissions", path(&eve)),
            &management("localhost:8787", "read:users"),
        ),
        limited.delete(&format!("roles/{reader}")),
        limited.delete_these(&members, &json!({ "members": [eve["user_id"]] })),
        limited.delete_these(&in_acme, &json!({ "roles": [ADMIN_ROLE] })),
        limited.patch(&format!("clients/{MACHINE_ID}"), &json!({ "grant_types": [] })),
        limited.delete(&format!("clients/{MACHINE_ID}")),
        limited.post(&format!("clients/{MACHINE_ID}/rotate-secret"), &json!({})),
        limited.patch(&grant, &json!({ "scope": [] })),
        limited.delete(&grant),
        limited.patch(&console, &json!({ "callbacks": ["https://c.example/", "https://evil.example/"] })),
        limited.patch(&console, &json!({ "web_origins": ["https://evil.example"] })),
        limited.delete(&console),
        limited.patch("tenants/settings", &json!({ "mfa": { "policy": "never" } })),
        limited.patch(&connection, &json!({ "options": { "passwordPolicy": "none" } })),
        limited.delete(&connection),
    ] {
        let refused = refused.expect(403).json();
        assert_eq!(refused["errorCode"], "insufficient_scope", "{refused}");
    }
    assert!(contents(&world) == before);

    // Over those who hold no more, everything is as ever; and over a tenant in which nobody holds anything.
    let bob = user(&all, "bob@acme.test");
    limited.patch(&path(&bob), &json!({ "blocked": true })).expect(200);
    limited.delete(&path(&bob)).expect(204);
    limited.patch("tenants/settings", &json!({ "friendly_name": "Ours" })).expect(200);
    let operator = world.holder("acme", &world.machine_token(""));
    let token = machine(&world, &operator, "acme", &["update:tenant_settings", "update:clients"]);
    let own = world.holder("acme", &token);
    let shop = operator.post("clients", &json!({ "name": "Shop" })).expect(201).json();
    own.patch("tenants/settings", &json!({ "mfa": { "policy": "never" } })).expect(200);
    let callback = json!({ "callbacks": ["https://shop.example/"] });
    own.patch(&format!("clients/{}", shop["client_id"].as_str().unwrap()), &callback).expect(200);
}

#[test]
fn tenants_all_is_for_machines_only() {
    let world = World::new();
    let all = world.admin("");
    let eve = user(&all, "eve@acme.test");
    let refused =
        all.post(&format!("{}/permissions", path(&eve)), &management("localhost:8787", "tenants:all"));
    assert_eq!(refused.expect(400).json()["errorCode"], "inexistent_permission");
}

#[test]
fn a_tenants_own_machine_gives_what_it_holds_and_no_more() {
    let world = World::new();
    let operator = beside(&world, "acme");
    let token =
        machine(&world, &operator, "acme", &["create:users", "update:users", "create:roles", "update:roles"]);
    let acme = world.holder("acme", &token);
    let eve = user(&acme, "eve@acme.test");
    let editor = role(&acme, "Editor");
    let (own, installation) = ("acme.localhost:8787", "localhost:8787");
    acme.post(&format!("roles/{editor}/permissions"), &management(own, "read:users")).expect(403);
    acme.post(&format!("roles/{editor}/permissions"), &management(installation, "read:users")).expect(403);
    acme.post(&format!("roles/{editor}/permissions"), &management(own, "tenant:admin")).expect(400);
    acme.post(&format!("roles/{editor}/permissions"), &management(installation, "update:users")).expect(201);
    let kept = operator.get(&format!("roles/{editor}/permissions")).expect(200).json();
    assert_eq!(
        kept[0]["resource_server_identifier"], "http://acme.localhost:8787/api/v2/",
        "one name for one thing"
    );
    operator.post(&format!("roles/{editor}/permissions"), &management(own, "read:users")).expect(201);
    acme.post(&format!("{}/roles", path(&eve)), &json!({ "roles": [editor] })).expect(403);
    operator.post(&format!("{}/roles", path(&eve)), &json!({ "roles": [editor] })).expect(204);
}
