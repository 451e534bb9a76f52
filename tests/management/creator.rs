//! Whoever makes a tenant administers it, and nobody else does: with tokens that people got by signing in.

use crate::support::{
    Answer, Application, Ask, Browser, World,
    browser::parameter,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, MANAGEMENT_AUDIENCE},
};
use serde_json::{Value as Json, json};

const PASSWORD: &str = "a password of their own";

/// The console in which people manage tenants, an application of the main tenant.
struct Scene {
    world: World,
    console: Application,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let console = world.application("", &json!({ "organization_usage": "allow" }));
        Self { world, console }
    }

    /// Somebody who has signed up and may make tenants, but nothing else.
    fn maker(&self, email: &str) -> Browser<'_> {
        let browser = self.world.browser();
        browser.sign_up(&self.console.authorize(&[]), email, PASSWORD);
        let admin = self.world.admin("");
        let user =
            admin.get(&format!("users-by-email?email={email}")).expect(200).json()[0]["user_id"].clone();
        let user = user.as_str().unwrap().replace('|', "%7C");
        let permission =
            json!({ "resource_server_identifier": MANAGEMENT_AUDIENCE, "permission_name": "create:tenants" });
        admin.post(&format!("users/{user}/permissions"), &json!({ "permissions": [permission] })).expect(201);
        browser
    }

    /// Where the console is sent when this browser's session asks for a token of the management API.
    fn back(&self, browser: &Browser<'_>, organization: &str, scope: &str) -> url::Url {
        let wish = [
            ("prompt", "none"),
            ("audience", MANAGEMENT_AUDIENCE),
            ("scope", scope),
            ("organization", organization),
        ];
        browser.open(&self.console.authorize(&wish)).away()
    }

    fn tokens(&self, browser: &Browser<'_>, organization: &str, scope: &str) -> Json {
        self.console.redeem(&self.world, &self.back(browser, organization, scope)).expect(200).json()
    }

    fn token(&self, browser: &Browser<'_>, organization: &str, scope: &str) -> String {
        self.tokens(browser, organization, scope)["access_token"].as_str().unwrap().to_owned()
    }

    fn create(&self, token: &str, id: &str) -> Answer {
        self.world.send(Ask::post("", "/management/tenants").bearer(token).json(&json!({ "id": id })))
    }

    /// Makes a client of the tenant, at the base domain or at the tenant's own host.
    fn make_client(&self, token: &str, host: &str, tenant: &str) -> Answer {
        let ask = Ask::post(host, "/api/v2/clients").header("tenant-id", tenant).bearer(token);
        self.world.send(ask.json(&json!({ "name": "App" })))
    }
}

#[test]
fn who_makes_a_tenant_administers_it_and_no_other() {
    let scene = Scene::new();
    let (ann, ben) = (scene.maker("ann@example.com"), scene.maker("ben@example.com"));
    let made = scene.create(&scene.token(&ann, "", "create:tenants"), "acme").expect(201).json();
    assert!(made["operation"]["initiated_by"].as_str().unwrap().starts_with("auth0|"));
    scene.create(&scene.token(&ben, "", "create:tenants"), "globex").expect(201);

    let wish = "create:clients read:clients create:tenants tenants:all";
    let tokens = scene.tokens(&ann, "acme", wish);
    assert_eq!(
        tokens["scope"], "create:clients read:clients create:tenants",
        "all of the catalogue, but no other tenant"
    );
    let token = tokens["access_token"].as_str().unwrap();
    scene.make_client(token, "", "acme").expect(201);
    scene.make_client(token, "acme", "acme").expect(201);
    for (host, tenant) in [("", "globex"), ("globex", "globex"), ("", "main"), ("acme", "globex")] {
        scene.make_client(token, host, tenant).expect(403);
    }
    // Inside the organization they manage that tenant; tenants are made outside.
    scene.create(token, "initech").expect(403);

    // Ben is no member of it: the session gets no token, and signing in again does not help.
    let refused = scene.back(&ben, "acme", wish);
    assert_eq!(parameter(&refused, "error").as_deref(), Some("access_denied"));
    let again = scene.world.browser().sign_in(
        &scene.console.authorize(&[("organization", "acme")]),
        "ben@example.com",
        PASSWORD,
    );
    assert_eq!(parameter(&again, "error").as_deref(), Some("access_denied"));
    // What he may do everywhere does not let him in either.
    let own = scene.token(&ben, "", "create:tenants create:clients");
    scene.make_client(&own, "", "acme").expect(403);
    scene.make_client(&own, "acme", "acme").expect(403);
}

#[test]
fn who_may_not_make_a_tenant_makes_none_and_administers_none() {
    let scene = Scene::new();
    let browser = scene.world.browser();
    browser.sign_up(&scene.console.authorize(&[]), "eve@example.com", PASSWORD);
    let before = scene.world.database("DIRECTORY").everything();
    let tokens = scene.tokens(&browser, "", "create:tenants");
    assert!(tokens["scope"].is_null());
    scene.create(tokens["access_token"].as_str().unwrap(), "acme").expect(403);
    assert_eq!(scene.world.database("DIRECTORY").everything(), before);
}

#[test]
fn a_creator_who_leaves_administers_no_more_and_a_newcomer_does() {
    let scene = Scene::new();
    let (ann, ben) = (scene.maker("ann@example.com"), scene.maker("ben@example.com"));
    scene.create(&scene.token(&ann, "", "create:tenants"), "acme").expect(201);
    let token = scene.token(&ann, "acme", "create:clients");
    scene.make_client(&token, "", "acme").expect(201);

    let admin = scene.world.admin("");
    let organization =
        admin.get("organizations/name/acme").expect(200).json()["id"].as_str().unwrap().to_owned();
    let id = |email: &str| {
        admin.get(&format!("users-by-email?email={email}")).expect(200).json()[0]["user_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let members = format!("organizations/{organization}/members");
    let (ann_id, ben_id) = (id("ann@example.com"), id("ben@example.com"));
    admin.delete_these(&members, &json!({ "members": [ann_id] })).expect(204);
    scene.make_client(&token, "", "acme").expect(403);
    let refused = scene.back(&ann, "acme", "create:clients");
    assert_eq!(parameter(&refused, "error").as_deref(), Some("access_denied"));

    admin.post(&members, &json!({ "members": [ben_id] })).expect(204);
    let roles = format!("{members}/{}/roles", ben_id.replace('|', "%7C"));
    scene.make_client(&scene.token(&ben, "acme", "create:clients"), "", "acme").expect(403);
    admin.post(&roles, &json!({ "roles": ["rol_tenant_admin"] })).expect(204);
    scene.make_client(&scene.token(&ben, "acme", "create:clients"), "", "acme").expect(201);
}

#[test]
fn a_machine_that_makes_a_tenant_makes_nobody_its_administrator() {
    let scene = Scene::new();
    scene.world.tenant("acme");
    let members = "select m.user_id from organization_members m join organizations o on o.id = m.organization_id where o.name = 'acme'";
    assert_eq!(scene.world.database("SHARED").query(members).len(), 0);
    // Not even the first administrator of the installation, who manages tenants but is a member of none.
    let browser = scene.world.browser();
    browser.sign_in(&scene.console.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let refused = scene.back(&browser, "acme", "create:clients");
    assert_eq!(parameter(&refused, "error").as_deref(), Some("access_denied"));
}
