//! Nobody gives away a permission of the management API that they do not hold: no way from a few scopes to all of them.

use super::{beside, contents, machine, segment, user};
use crate::support::{Admin, World, world::ADMIN_EMAIL};
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
fn an_administrator_gives_whatever_this_one_token_asked_for() {
    let world = World::new();
    let all = world.admin("");
    let (ann, eve) = (user(&all, "ann@acme.test"), user(&all, "eve@acme.test"));
    let give = |sub: &Json, claims: Json| {
        let mut claims = claims;
        claims["sub"] = sub.clone();
        claims["scope"] = "update:users".into();
        let token = world.signed("main", &claims);
        world
            .holder("", &token)
            .post(&format!("{}/roles", path(&eve)), &json!({ "roles": [ADMIN_ROLE] }))
            .status()
    };
    let admin =
        all.get(&format!("users-by-email?email={ADMIN_EMAIL}")).expect(200).json()[0]["user_id"].clone();
    assert_eq!(give(&ann["user_id"], json!({})), 403);
    assert_eq!(give(&admin, json!({})), 204);
    all.delete_these(
        &format!("users/{}/roles", segment(admin.as_str().unwrap())),
        &json!({ "roles": [ADMIN_ROLE] }),
    )
    .expect(204);
    assert_eq!(give(&admin, json!({})), 403, "from the moment it is taken away");
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
