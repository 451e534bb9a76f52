//! Who gets which scopes: what a person holds, where, and what nobody ever gets.

use super::opened;
use crate::support::{
    Application, World,
    browser::parameter,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, MANAGEMENT_AUDIENCE},
};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

const EVERYTHING: &str =
    "openid read:tenants create:tenants read:organizations tenants:all tenant:admin admin:everything";

/// The claims of the access token that a person gets who asks for these things.
fn claims(world: &World, app: &Application, email: &str, password: &str, changes: &[(&str, &str)]) -> Json {
    let back = world.browser().sign_in(&app.authorize(changes), email, password);
    let tokens = app.redeem(world, &back).expect(200).json();
    opened(tokens["access_token"].as_str().unwrap()).1
}

/// An ordinary user, who signs up.
fn ordinary(world: &World, app: &Application) -> (&'static str, &'static str) {
    world.browser().sign_up(&app.authorize(&[]), "eve@example.com", "an ordinary password");
    ("eve@example.com", "an ordinary password")
}

#[test]
fn an_ordinary_user_gets_nothing_of_the_management_api() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let (email, password) = ordinary(&world, &app);
    let wish = [("scope", EVERYTHING), ("audience", MANAGEMENT_AUDIENCE)];
    let claims = claims(&world, &app, email, password, &wish);
    assert_eq!(claims["scope"], "openid");
    assert_eq!(claims["aud"], json!([MANAGEMENT_AUDIENCE, "http://localhost:8787/userinfo"]));
}

#[test]
fn the_administrator_gets_the_whole_catalogue_and_what_stands_for_it_but_never_every_tenant() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let wish = [("scope", EVERYTHING), ("audience", MANAGEMENT_AUDIENCE)];
    let claims = claims(&world, &app, ADMIN_EMAIL, ADMIN_PASSWORD, &wish);
    assert_eq!(claims["scope"], "openid read:tenants create:tenants read:organizations tenant:admin");
    assert!(claims.get("gty").is_none());
}

#[test]
fn the_administrator_loses_it_all_at_the_next_refresh_when_the_role_is_gone() {
    let world = World::new();
    world.application("", &json!({}));
    world.database("SHARED").query(
        r#"update resource_servers set document = json_set(document, '$.allow_offline_access', json('true'))"#,
    );
    world.advance(Lifetime::seconds(5));
    let app = world.application("", &json!({ "app_id": "2" }));
    let wish = [("scope", "openid read:tenants offline_access"), ("audience", MANAGEMENT_AUDIENCE)];
    let back = world.browser().sign_in(&app.authorize(&wish), ADMIN_EMAIL, ADMIN_PASSWORD);
    let tokens = app.redeem(&world, &back).expect(200).json();
    assert_eq!(tokens["scope"], "openid read:tenants offline_access");
    world.database("SHARED").query("delete from user_roles");
    let tokens = app.refresh(&world, tokens["refresh_token"].as_str().unwrap()).expect(200).json();
    assert_eq!(tokens["scope"], "openid offline_access");
}

/// An API with and one without policies, and an organization with the administrator in it.
fn furnish(world: &World) {
    for sql in [
        r#"insert into resource_servers (tenant_id, id, identifier, name, document, created_at, updated_at) values
           ('main', 'api_1', 'https://open.example', 'Open', '{"scopes":[{"value":"read"},{"value":"write"}]}', 1, 1),
           ('main', 'api_2', 'https://strict.example', 'Strict',
            '{"enforce_policies":true,"scopes":[{"value":"read"},{"value":"write"},{"value":"erase"}]}', 1, 1)"#,
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values
           ('main', 'org_1', 'acme', 1, 1), ('main', 'org_2', 'globex', 1, 1)",
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
           select 'main', 'org_1', user_id, 1 from users where email = 'admin@example.com'",
        "insert into user_permissions (tenant_id, user_id, organization_id, resource_server_identifier, permission_name,
           created_at) select 'main', user_id, '', 'https://strict.example', 'read', 1 from users",
        "insert into roles (tenant_id, id, name, created_at, updated_at) values ('main', 'rol_1', 'Writer', 1, 1)",
        "insert into role_permissions (tenant_id, role_id, resource_server_identifier, permission_name, created_at)
           values ('main', 'rol_1', 'https://strict.example', 'write', 1)",
        "insert into user_roles (tenant_id, user_id, organization_id, role_id, created_at)
           select 'main', user_id, 'org_1', 'rol_1', 1 from users",
    ] {
        world.database("SHARED").query(sql);
    }
    world.advance(Lifetime::seconds(5));
}

#[test]
fn an_api_gives_what_it_defines_and_with_policies_only_what_the_person_holds() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    furnish(&world);
    let scope = |audience: &str, organization: &str| {
        let wish =
            [("scope", "read write erase undefined"), ("audience", audience), ("organization", organization)];
        let claims = claims(&world, &app, ADMIN_EMAIL, ADMIN_PASSWORD, &wish);
        claims["scope"].as_str().unwrap().to_owned()
    };
    assert_eq!(scope("https://open.example", ""), "read write");
    assert_eq!(scope("https://strict.example", ""), "read");
    assert_eq!(scope("https://strict.example", "acme"), "read write");
}

#[test]
fn an_organization_is_named_in_the_tokens_and_takes_only_its_members() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "require" }));
    furnish(&world);
    for organization in ["org_1", "acme"] {
        let back = world.browser().sign_in(
            &app.authorize(&[("organization", organization)]),
            ADMIN_EMAIL,
            ADMIN_PASSWORD,
        );
        let tokens = app.redeem(&world, &back).expect(200).json();
        for token in ["access_token", "id_token"] {
            let (_, claims) = opened(tokens[token].as_str().unwrap());
            assert_eq!((&claims["org_id"], &claims["org_name"]), (&json!("org_1"), &json!("acme")));
        }
    }
    let error = |browser: &crate::support::Browser<'_>, changes: &[(&str, &str)]| {
        parameter(&browser.open(&app.authorize(changes)).away(), "error")
    };
    let browser = world.browser();
    assert_eq!(error(&browser, &[]).as_deref(), Some("invalid_request"), "one must be named");
    assert_eq!(
        error(&browser, &[("organization", "nobody"), ("prompt", "none")]).as_deref(),
        Some("login_required")
    );
    let back = browser.sign_in(&app.authorize(&[("organization", "globex")]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(browser.cookie("gatehouse_session"), None);

    browser.sign_in(&app.authorize(&[("organization", "acme")]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(error(&browser, &[("organization", "acme"), ("prompt", "none")]), None);
    let outside = [("organization", "globex"), ("prompt", "none")];
    assert_eq!(error(&browser, &outside).as_deref(), Some("access_denied"));
    assert_eq!(browser.open(&app.authorize(&outside[..1])).path(), "/u/login/identifier");
}

#[test]
fn who_leaves_an_organization_gets_no_more_tokens_of_it() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    furnish(&world);
    let wish = [("organization", "acme"), ("scope", "openid offline_access")];
    let back = world.browser().sign_in(&app.authorize(&wish), ADMIN_EMAIL, ADMIN_PASSWORD);
    let tokens = app.redeem(&world, &back).expect(200).json();
    let late = world.browser().sign_in(&app.authorize(&wish), ADMIN_EMAIL, ADMIN_PASSWORD);
    world.database("SHARED").query("delete from organization_members");
    app.refresh(&world, tokens["refresh_token"].as_str().unwrap()).expect(400);
    app.redeem(&world, &late).expect(400);
}

#[test]
fn a_tenant_admin_of_one_organization_manages_that_tenant_only() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    world.tenant("acme");
    world.tenant("globex");
    let (email, password) = ordinary(&world, &app);
    world.database("SHARED").query(
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
         select 'main', o.id, u.user_id, 1 from organizations o, users u
         where o.tenant_id = 'main' and u.tenant_id = 'main' and u.email = 'eve@example.com'",
    );
    world.database("SHARED").query(
        "insert into user_roles (tenant_id, user_id, organization_id, role_id, created_at)
         select 'main', u.user_id, o.id, 'rol_tenant_admin', 1 from organizations o, users u
         where o.name = 'acme' and u.tenant_id = 'main' and u.email = 'eve@example.com'",
    );
    let token = |organization: &str| {
        let wish = [
            ("scope", "read:organizations tenants:all"),
            ("audience", MANAGEMENT_AUDIENCE),
            ("organization", organization),
        ];
        let back = world.browser().sign_in(&app.authorize(&wish), email, password);
        let tokens = app.redeem(&world, &back).expect(200).json();
        (tokens["access_token"].as_str().unwrap().to_owned(), tokens["scope"].clone())
    };
    let (acme, scope) = token("acme");
    assert_eq!(scope, "read:organizations");
    assert!(token("globex").1.is_null(), "a member who administers nothing there");
    let ask = |token: &str, tenant: &str| {
        let ask = crate::support::Ask::get("", "/api/v2/organizations").header("tenant-id", tenant);
        world.send(ask.bearer(token)).status()
    };
    assert_eq!((ask(&acme, "acme"), ask(&acme, "globex"), ask(&acme, "main")), (200, 403, 403));
}

#[test]
fn an_organization_inside_a_tenant_gives_no_power_over_the_tenant() {
    let world = World::new();
    world.tenant("acme");
    let app = world.application("acme", &json!({ "organization_usage": "allow" }));
    world.browser().sign_up(&app.authorize(&[]), "eve@example.com", "an ordinary password");
    let home = world.home("acme");
    let audience = "http://acme.localhost:8787/api/v2/";
    for sql in [
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values ('acme', 'org_1', 'team', 1, 1)",
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
           select 'acme', 'org_1', user_id, 1 from users where tenant_id = 'acme'",
        &format!(
            "insert into user_permissions (tenant_id, user_id, organization_id, resource_server_identifier, permission_name,
               created_at) select 'acme', user_id, 'org_1', '{audience}', permission, 1 from users,
               (select 'tenant:admin' as permission union select 'read:organizations') where tenant_id = 'acme'"
        ),
    ] {
        home.query(sql);
    }
    let wish =
        [("scope", "read:organizations read:tenants"), ("organization", "team"), ("audience", audience)];
    let inside = claims(&world, &app, "eve@example.com", "an ordinary password", &wish);
    assert_eq!(inside["scope"], "");
    // Held everywhere, it counts: by either name of the management API.
    home.query("update user_permissions set organization_id = '' where tenant_id = 'acme'");
    for audience in [audience, MANAGEMENT_AUDIENCE] {
        let wish = [("scope", "read:organizations read:tenants"), ("audience", audience)];
        let everywhere = claims(&world, &app, "eve@example.com", "an ordinary password", &wish);
        assert_eq!(
            (&everywhere["scope"], &everywhere["aud"]),
            (&json!("read:organizations"), &json!(audience))
        );
    }
}
