//! Roles, their permissions, and who holds them.

use super::{beside, contents, segment, user};
use crate::support::{Admin, World};
use serde_json::{Value as Json, json};

const API: &str = "https://orders.example/";
const ADMIN_ROLE: &str = "rol_tenant_admin";

fn role(admin: &Admin, name: &str) -> String {
    let made = admin.post("roles", &json!({ "name": name })).expect(200).json();
    made["id"].as_str().unwrap().to_owned()
}

/// A world with an API of three scopes.
fn world() -> World {
    let world = World::new();
    let scopes = json!([{ "value": "read", "description": "Read orders" }, { "value": "write" }, { "value": "delete" }]);
    let api = json!({ "identifier": API, "name": "Orders", "scopes": scopes });
    world.admin("").post("resource-servers", &api).expect(201);
    world
}

fn permissions(names: &[&str]) -> Json {
    let permission = |name: &&str| json!({ "resource_server_identifier": API, "permission_name": name });
    json!({ "permissions": names.iter().map(permission).collect::<Vec<_>>() })
}

#[test]
fn a_role_is_made_listed_changed_and_removed() {
    let world = World::new();
    let admin = world.admin("");
    let made = admin.post("roles", &json!({ "name": "Editor", "description": "Edits" })).expect(200).json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(made, json!({ "id": id, "name": "Editor", "description": "Edits" }));
    assert!(id.starts_with("rol_"));
    assert_eq!(admin.get(&format!("roles/{id}")).expect(200).json(), made);
    assert_eq!(admin.get("roles?name_filter=DIT").expect(200).json(), json!([made]));
    let all = admin.get("roles?include_totals=true&per_page=1").expect(200);
    assert_eq!(all.round_trips(), 1);
    assert_eq!(all.json(), json!({ "start": 0, "limit": 1, "length": 1, "total": 2, "roles": [made] }));

    let changed = admin.patch(&format!("roles/{id}"), &json!({ "description": null })).expect(200).json();
    assert_eq!(changed, json!({ "id": id, "name": "Editor" }));
    let changed = admin.patch(&format!("roles/{id}"), &json!({ "name": "Author" })).expect(200).json();
    assert_eq!(admin.get(&format!("roles/{id}")).expect(200).json(), changed);
    admin.delete(&format!("roles/{id}")).expect(204);
    admin.get(&format!("roles/{id}")).expect(404);
    admin.delete(&format!("roles/{id}")).expect(204);
}

#[test]
fn what_cannot_be_a_role_is_refused() {
    let world = World::new();
    let admin = world.admin("");
    let id = role(&admin, "Editor");
    role(&admin, "Author");
    let before = contents(&world);
    for body in [
        json!({}),
        json!({ "name": "" }),
        json!({ "name": null }),
        json!({ "name": 7 }),
        json!({ "name": "x".repeat(51) }),
        json!({ "name": "x", "description": "x".repeat(256) }),
        json!({ "name": "x", "is_system": true }),
        json!({ "name": "x", "id": "rol_mine" }),
    ] {
        assert_eq!(admin.post("roles", &body).expect(400).json()["errorCode"], "invalid_body", "{body}");
    }
    admin.post("roles", &json!({ "name": "Author" })).expect(409);
    admin.patch(&format!("roles/{id}"), &json!({ "name": "Author" })).expect(409);
    admin.patch(&format!("roles/{id}"), &json!({ "is_system": true })).expect(400);
    admin.patch("roles/rol_nobody", &json!({ "name": "x" })).expect(404);
    assert!(contents(&world) == before);
}

#[test]
fn a_role_of_ours_can_be_given_but_not_changed() {
    let world = world();
    let admin = world.admin("");
    let before = contents(&world);
    let url = format!("roles/{ADMIN_ROLE}");
    assert_eq!(admin.get(&url).expect(200).json()["is_system"], true);
    admin.patch(&url, &json!({ "name": "x" })).expect(403);
    admin.delete(&url).expect(403);
    admin.post(&format!("{url}/permissions"), &permissions(&["read"])).expect(403);
    admin.delete_these(&format!("{url}/permissions"), &permissions(&["read"])).expect(403);
    assert!(contents(&world) == before);
    let ann = user(&admin, "ann@acme.test");
    admin.post(&format!("{url}/users"), &json!({ "users": [ann["user_id"]] })).expect(200);
}

#[test]
fn a_role_has_the_permissions_it_was_given() {
    let world = world();
    let admin = world.admin("");
    let url = format!("roles/{}/permissions", role(&admin, "Editor"));
    admin.post(&url, &permissions(&["write", "read"])).expect(201);
    admin.post(&url, &permissions(&["write", "delete"])).expect(201);
    let all = admin.get(&format!("{url}?include_totals=true")).expect(200).json();
    let shown = |name: &str| json!({ "resource_server_identifier": API, "resource_server_name": "Orders", "permission_name": name });
    let mut read = shown("read");
    read["description"] = "Read orders".into();
    assert_eq!(
        all,
        json!({ "start": 0, "limit": 50, "length": 3, "total": 3, "permissions": [shown("delete"), read, shown("write")] })
    );
    admin.delete_these(&url, &permissions(&["delete", "write"])).expect(204);
    assert_eq!(admin.get(&url).expect(200).json(), json!([read]));

    let before = contents(&world);
    let elsewhere = json!({ "permissions": [{ "resource_server_identifier": "https://elsewhere/", "permission_name": "read" }] });
    for body in [
        json!({}),
        json!({ "permissions": [] }),
        json!({ "permissions": "read" }),
        json!({ "permissions": [{ "permission_name": "read" }] }),
        permissions(&["fly"]),
        elsewhere,
        json!({ "permissions": vec![permissions(&["read"])["permissions"][0].clone(); 1001] }),
    ] {
        admin.post(&url, &body).expect(400);
    }
    admin.post("roles/rol_nobody/permissions", &permissions(&["read"])).expect(404);
    admin.get("roles/rol_nobody/permissions").expect(404);
    assert!(contents(&world) == before);
}

#[test]
fn users_are_given_roles_from_either_side_and_lose_them_with_the_role() {
    let world = world();
    let admin = world.admin("");
    let (editor, author) = (role(&admin, "Editor"), role(&admin, "Author"));
    let ann = user(&admin, "ann@acme.test");
    let ann_roles = format!("users/{}/roles", segment(ann["user_id"].as_str().unwrap()));
    admin.post(&ann_roles, &json!({ "roles": [editor, author] })).expect(204);
    admin.post(&ann_roles, &json!({ "roles": [editor] })).expect(204);
    let both = json!([{ "id": author, "name": "Author" }, { "id": editor, "name": "Editor" }]);
    assert_eq!(admin.get(&ann_roles).expect(200).json(), both);

    let people: Vec<Json> =
        (0..100).map(|number| user(&admin, &format!("u{number}@acme.test"))["user_id"].clone()).collect();
    admin.post(&format!("roles/{editor}/users"), &json!({ "users": people })).expect(200);
    let holders = |page: u8| {
        let url = format!("roles/{editor}/users?include_totals=true&per_page=100&page={page}");
        admin.get(&url).expect(200).json()
    };
    let pages = [holders(0), holders(1)];
    let lengths = pages.each_ref().map(|page| (page["length"].clone(), page["total"].clone()));
    assert_eq!(lengths, [(json!(100), json!(101)), (json!(1), json!(101))]);
    let mut all = pages.iter().flat_map(|page| page["users"].as_array().unwrap());
    let shown = all.find(|holder| holder["user_id"] == ann["user_id"]);
    let expected = json!({ "user_id": ann["user_id"], "email": "ann@acme.test", "name": "ann@acme.test" });
    assert_eq!(shown, Some(&expected));

    admin.delete_these(&ann_roles, &json!({ "roles": [author] })).expect(204);
    assert_eq!(admin.get(&ann_roles).expect(200).json(), json!([{ "id": editor, "name": "Editor" }]));
    admin.delete(&format!("roles/{editor}")).expect(204);
    assert_eq!(admin.get(&ann_roles).expect(200).json(), json!([]));

    let before = contents(&world);
    for body in [
        json!({}),
        json!({ "roles": [] }),
        json!({ "roles": [7] }),
        json!({ "roles": ["rol_nobody"] }),
        json!({ "roles": [author, editor] }),
    ] {
        admin.post(&ann_roles, &body).expect(400);
    }
    admin.post(&format!("roles/{author}/users"), &json!({ "users": ["auth0|nobody"] })).expect(400);
    admin.post("users/auth0%7Cnobody/roles", &json!({ "roles": [author] })).expect(404);
    admin.delete_these("users/auth0%7Cnobody/roles", &json!({ "roles": [author] })).expect(404);
    admin.get("users/auth0%7Cnobody/roles").expect(404);
    admin.post("roles/rol_nobody/users", &json!({ "users": [ann["user_id"]] })).expect(404);
    admin.get("roles/rol_nobody/users").expect(404);
    assert!(contents(&world) == before);
}

#[test]
fn a_user_has_permissions_directly_and_by_roles_and_it_says_from_where() {
    let world = world();
    let admin = world.admin("");
    let editor = role(&admin, "Editor");
    admin.post(&format!("roles/{editor}/permissions"), &permissions(&["read", "write"])).expect(201);
    let ann = user(&admin, "ann@acme.test");
    let url = format!("users/{}", segment(ann["user_id"].as_str().unwrap()));
    admin.post(&format!("{url}/roles"), &json!({ "roles": [editor] })).expect(204);
    admin.post(&format!("{url}/permissions"), &permissions(&["read", "delete"])).expect(201);
    let direct = json!({ "source_id": "", "source_name": "", "source_type": "DIRECT" });
    let by_role = json!({ "source_id": editor, "source_name": "Editor", "source_type": "ROLE" });
    let shown = |name: &str, sources: Json| json!({ "resource_server_identifier": API, "resource_server_name": "Orders", "permission_name": name, "sources": sources });
    let mut read = shown("read", json!([direct, by_role]));
    read["description"] = "Read orders".into();
    let all = admin.get(&format!("{url}/permissions?include_totals=true")).expect(200).json();
    assert_eq!(
        all["permissions"],
        json!([shown("delete", json!([direct])), read, shown("write", json!([by_role]))])
    );
    assert_eq!(all["total"], 3);

    admin.delete_these(&format!("{url}/permissions"), &permissions(&["read", "delete", "write"])).expect(204);
    let left = admin.get(&format!("{url}/permissions")).expect(200).json();
    assert_eq!(left.as_array().unwrap().len(), 2, "what a role gives is taken with the role only");
    admin.post(&format!("{url}/permissions"), &permissions(&["fly"])).expect(400);
    admin.post("users/auth0%7Cnobody/permissions", &permissions(&["read"])).expect(404);
    admin.get("users/auth0%7Cnobody/permissions").expect(404);
    admin.delete_these("users/auth0%7Cnobody/permissions", &permissions(&["read"])).expect(404);
}

#[test]
fn another_tenants_roles_are_not_there() {
    let world = world();
    let (main, acme) = (world.admin(""), beside(&world, "acme"));
    let (ours, theirs) = (role(&main, "Editor"), role(&acme, "Editor"));
    let (ann, eve) = (user(&main, "ann@acme.test"), user(&acme, "eve@acme.test"));
    let before = contents(&world);
    acme.get(&format!("roles/{ours}")).expect(404);
    acme.patch(&format!("roles/{ours}"), &json!({ "name": "x" })).expect(404);
    acme.delete(&format!("roles/{ours}")).expect(204);
    acme.post(&format!("roles/{theirs}/users"), &json!({ "users": [ann["user_id"]] })).expect(400);
    let eve_roles = format!("users/{}/roles", segment(eve["user_id"].as_str().unwrap()));
    acme.post(&eve_roles, &json!({ "roles": [ours] })).expect(400);
    acme.post(&format!("roles/{theirs}/permissions"), &permissions(&["read"])).expect(400);
    assert_eq!(acme.get("roles").expect(200).json(), json!([{ "id": theirs, "name": "Editor" }]));
    assert!(contents(&world) == before);
}
