//! Organizations, their members, and what the members hold.

use super::{segment, user};
use crate::support::{Admin, World};
use serde_json::{Value as Json, json};

/// An organization on the main tenant, under a name that no tenant can have.
fn team(admin: &Admin) -> String {
    let team = admin.post("organizations", &json!({ "name": "platform_team" })).expect(201).json();
    team["id"].as_str().unwrap().to_owned()
}

/// The id of the seeded administrator.
fn administrator(world: &World) -> String {
    let users = world.database("SHARED").query("select user_id from users");
    users[0]["user_id"].as_str().unwrap().to_owned()
}

fn members_url(organization: &str) -> String {
    format!("organizations/{organization}/members")
}

fn roles_url(organization: &str, user: &str) -> String {
    format!("organizations/{organization}/members/{}/roles", user.replace('|', "%7C"))
}

#[test]
fn an_organization_is_made_found_changed_and_removed() {
    let world = World::new();
    let admin = world.admin("");
    let body = json!({ "name": "platform_team", "display_name": "Platform", "metadata": { "tier": "1" },
        "branding": { "colors": { "primary": "#123456", "page_background": "#ffffff" } } });
    let made = admin.post("organizations", &body).expect(201).json();
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("org_"), "{id}");
    let mut expected = body;
    expected["id"] = id.into();
    assert_eq!(made, expected, "what is not interpreted is kept");
    assert_eq!(admin.get(&format!("organizations/{id}")).expect(200).json(), made);
    assert_eq!(admin.get("organizations/name/platform_team").expect(200).json(), made);

    let change = json!({ "display_name": null, "metadata": { "tier": "2" }, "name": "platform_crew" });
    let changed = admin.patch(&format!("organizations/{id}"), &change).expect(200).json();
    let branding = &made["branding"];
    let expected =
        json!({ "id": id, "name": "platform_crew", "metadata": { "tier": "2" }, "branding": branding });
    assert_eq!(changed, expected);
    assert_eq!(admin.get(&format!("organizations/{id}")).expect(200).json(), expected);
    admin.get("organizations/name/platform_team").expect(404);

    admin.delete(&format!("organizations/{id}")).expect(204);
    admin.delete(&format!("organizations/{id}")).expect(204);
    assert_eq!(
        admin.get(&format!("organizations/{id}")).expect(404).json()["errorCode"],
        "inexistent_organization"
    );
    for words in ["Create an organization", "Update an organization", "Delete an organization"] {
        let entry = format!("select 1 from logs where type = 'sapi' and description = '{words}'");
        assert_eq!(world.database("SHARED").query(&entry).len(), 1, "{words}");
    }
}

#[test]
fn a_list_is_bare_or_carries_totals() {
    let world = World::new();
    let admin = world.admin("");
    for name in ["b_1", "c_1", "a_1"] {
        admin.post("organizations", &json!({ "name": name })).expect(201);
    }
    let names = |list: &Json| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&admin.get("organizations").expect(200).json()), ["a_1", "b_1", "c_1"]);
    let page = admin.get("organizations?per_page=2&page=1&include_totals=true").expect(200).json();
    assert_eq!(names(&page["organizations"]), ["c_1"]);
    assert_eq!(
        [&page["start"], &page["limit"], &page["length"], &page["total"]],
        [&json!(2), &json!(2), &json!(1), &json!(3)]
    );
    for query in ["per_page=0", "per_page=101", "per_page=abc", "page=-1", "page=1e3"] {
        let refusal = admin.get(&format!("organizations?{query}")).expect(400).json();
        assert_eq!(refusal["errorCode"], "invalid_query_string", "{query}");
    }
}

#[test]
fn a_name_is_checked_and_unique() {
    let world = World::new();
    let admin = world.admin("");
    let id = team(&admin);
    let taken = admin.post("organizations", &json!({ "name": "platform_team" })).expect(409).json();
    assert_eq!(taken["errorCode"], "organization_conflict");
    admin.post("organizations", &json!({ "name": "other_team" })).expect(201);
    admin.patch(&format!("organizations/{id}"), &json!({ "name": "other_team" })).expect(409);

    let before = world.database("SHARED").but_for_logs("main");
    let long = "a_".repeat(26);
    for name in ["", "Acme_X", "with space_", "_team", "-team_", "ümlaut_", long.as_str()] {
        let message = admin.post("organizations", &json!({ "name": name })).expect(400).json();
        assert!(message["message"].as_str().unwrap().contains("'name' must be"), "{name}: {message}");
    }
    for (body, member) in [
        (json!({}), "Missing required property: name"),
        (json!({ "name": 5 }), "'name' must be"),
        (json!({ "name": null }), "'name' must be"),
        (json!({ "name": "team_a", "display_name": [] }), "'display_name' must be"),
        (json!({ "name": "team_a", "metadata": "x" }), "'metadata' must be an object"),
        (json!({ "name": "team_a", "metadata": { "a": 1 } }), "'metadata.a' must be text"),
        (json!({ "name": "team_a", "id": "org_mine" }), "id cannot be set"),
        (json!(["team_a"]), "the body is not a JSON object"),
        (json!("team_a"), "the body is not a JSON object"),
    ] {
        let refusal = admin.post("organizations", &body).expect(400).json();
        assert_eq!(refusal["errorCode"], "invalid_body");
        assert!(refusal["message"].as_str().unwrap().contains(member), "{body}: {refusal}");
    }
    let change =
        admin.patch(&format!("organizations/{id}"), &json!({ "id": "org_other" })).expect(400).json();
    assert!(change["message"].as_str().unwrap().contains("id cannot be set"));
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
}

#[test]
fn on_main_the_organization_of_a_tenant_is_not_made_named_or_removed_by_hand() {
    let world = World::new();
    let admin = world.admin("");
    let id = team(&admin);
    world.database("SHARED").query(
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values ('main', 'org_acme', 'acme', 1, 1)",
    );
    let before = world.database("SHARED").but_for_logs("main");
    for refused in [
        // Whoever makes the organization before the tenant would be handed the tenant.
        admin.post("organizations", &json!({ "name": "globex" })),
        admin.post("organizations", &json!({ "name": "a" })),
        admin.patch(&format!("organizations/{id}"), &json!({ "name": "globex" })),
        admin.patch("organizations/org_acme", &json!({ "name": "once_acme" })),
        admin.delete("organizations/org_acme"),
    ] {
        assert_eq!(refused.expect(403).json()["errorCode"], "organization_of_a_tenant");
    }
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
    admin.patch("organizations/org_acme", &json!({ "display_name": "Acme" })).expect(200);
}

#[test]
fn members_are_users_that_exist_at_most_ten_at_a_time() {
    let world = World::new();
    let admin = world.admin("");
    let members = members_url(&team(&admin));
    let user = administrator(&world);
    admin.post(&members, &json!({ "members": [user] })).expect(204);
    admin.post(&members, &json!({ "members": [user] })).expect(204);
    let list = admin.get(&members).expect(200).json();
    assert_eq!(list, json!([{ "user_id": user, "email": "admin@example.com", "name": "admin@example.com" }]));
    assert_eq!(admin.get(&format!("{members}?include_totals=true")).expect(200).json()["total"], 1);

    let before = world.database("SHARED").but_for_logs("main");
    for (body, words) in [
        (json!({ "members": [user, "auth0|nobody"] }), "There is no user auth0|nobody"),
        (json!({ "members": [] }), "members must hold 1 to 10"),
        (json!({ "members": vec!["auth0|x"; 11] }), "members must hold 1 to 10"),
        (json!({}), "missing field `members`"),
        (json!({ "members": "auth0|x" }), "members: invalid type"),
    ] {
        let refusal = admin.post(&members, &body).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains(words), "{body}: {refusal}");
    }
    admin.post("organizations/org_nobody/members", &json!({ "members": [user] })).expect(404);
    assert_eq!(world.database("SHARED").but_for_logs("main"), before);
    admin.delete_these(&members, &json!({ "members": [user] })).expect(204);
    assert_eq!(admin.get(&members).expect(200).json(), json!([]));
}

#[test]
fn what_a_member_holds_in_the_organization_ends_with_the_membership() {
    let world = World::new();
    let admin = world.admin("");
    let (organization, user) = (team(&admin), administrator(&world));
    let (members, roles) = (members_url(&organization), roles_url(&organization, &user));
    let role = json!({ "roles": ["rol_tenant_admin"] });
    assert_eq!(admin.post(&roles, &role).expect(404).json()["errorCode"], "inexistent_member");
    admin.post(&members, &json!({ "members": [user] })).expect(204);
    admin.post(&roles, &json!({ "roles": ["rol_nobody"] })).expect(400);
    admin.post(&roles, &role).expect(204);
    admin.post(&roles, &role).expect(204);
    assert_eq!(
        admin.get(&roles).expect(200).json(),
        json!([{ "id": "rol_tenant_admin", "name": "Tenant Admin" }])
    );

    admin.delete_these(&members, &json!({ "members": [user] })).expect(204);
    admin.get(&roles).expect(404);
    admin.post(&members, &json!({ "members": [user] })).expect(204);
    assert_eq!(admin.get(&roles).expect(200).json(), json!([]), "coming back does not bring it back");

    admin.post(&roles, &role).expect(204);
    admin.delete_these(&roles, &role).expect(204);
    assert_eq!(admin.get(&roles).expect(200).json(), json!([]));
    admin.post(&roles, &role).expect(204);
    admin.delete(&format!("organizations/{organization}")).expect(204);
    let rows =
        "select 1 from organization_members union all select 1 from user_roles where organization_id <> ''";
    assert_eq!(world.database("SHARED").query(rows).len(), 0);
    let kept = world.database("SHARED").query("select role_id from user_roles where organization_id = ''");
    assert_eq!(kept.len(), 1, "what the user holds everywhere stays");
}

#[test]
fn connections_are_enabled_changed_and_taken_one_by_one_or_all_at_once() {
    let world = World::new();
    let admin = world.admin("");
    let made = |name: &str| {
        let body = json!({ "name": name, "strategy": "auth0" });
        admin.post("connections", &body).expect(201).json()["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (made("first"), made("second"));
    let url = format!("organizations/{}", team(&admin));
    let all = format!("{url}/enabled_connections");
    let body = json!({ "connection_id": first, "assign_membership_on_login": true });
    let enabled = admin.post(&all, &body).expect(201).json();
    let expected = json!({ "connection_id": first, "assign_membership_on_login": true, "show_as_button": true,
        "is_signup_enabled": false, "connection": { "name": "first", "strategy": "auth0" } });
    assert_eq!(enabled, expected);
    assert_eq!(admin.get(&all).expect(200).json(), json!([expected]));
    assert_eq!(admin.post(&all, &body).expect(409).json()["errorCode"], "organization_connection_conflict");
    admin.post(&all, &json!({ "connection_id": "con_nobody" })).expect(400);

    let one = format!("{all}/{first}");
    let changed = admin.patch(&one, &json!({ "show_as_button": false })).expect(200).json();
    assert_eq!(
        (&changed["show_as_button"], &changed["assign_membership_on_login"]),
        (&json!(false), &json!(true))
    );
    let said = admin.get(&url).expect(200).json();
    assert_eq!(said["enabled_connections"][0]["show_as_button"], false, "the organization says the same");

    admin.patch(&url, &json!({ "enabled_connections": [{ "connection_id": second }] })).expect(200);
    let left = admin.get(&format!("{all}?include_totals=true")).expect(200).json();
    assert_eq!(
        (&left["total"], &left["enabled_connections"][0]["connection_id"]),
        (&json!(1), &json!(second))
    );
    admin.get(&one).expect(404);
    admin.delete(&format!("{all}/{second}")).expect(204);
    admin.delete(&format!("{all}/{second}")).expect(204);
    assert_eq!(admin.get(&all).expect(200).json(), json!([]));
}

#[test]
fn members_show_their_roles_when_they_are_asked_for() {
    let world = World::new();
    let admin = world.admin("");
    let id = team(&admin);
    let ann = user(&admin, "ann@acme.test");
    let ann = ann["user_id"].as_str().unwrap();
    admin.post(&format!("organizations/{id}/members"), &json!({ "members": [ann] })).expect(204);
    let role = admin.post("roles", &json!({ "name": "Editor" })).expect(200).json();
    let roles = format!("organizations/{id}/members/{}/roles", segment(ann));
    admin.post(&roles, &json!({ "roles": [role["id"]] })).expect(204);
    let members = admin.get(&format!("organizations/{id}/members")).expect(200).json();
    assert!(members[0].get("roles").is_none());
    let members = admin.get(&format!("organizations/{id}/members?fields=user_id,roles")).expect(200).json();
    assert_eq!(members, json!([{ "user_id": ann, "roles": [{ "id": role["id"], "name": "Editor" }] }]));
}
