//! Who may manage what: the whole table, and what is taken away between the issue of a token and its use.

use super::segment;
use crate::support::{Answer, Ask, World, world::MANAGEMENT_AUDIENCE};
use gatehouse::{platform::Platform, time::Lifetime};
use serde_json::{Value as Json, json};

/// Two tenants, one in each placement, and somebody who administers the first of them.
struct Scene {
    world: World,
    user: String,
    organization: String,
}

const SCOPE: &str = "read:clients create:organizations";

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let admin = world.admin("");
        admin.post("tenants", &json!({ "id": "acme", "placement": "isolated" })).expect(201);
        admin.post("tenants", &json!({ "id": "globex", "placement": "shared" })).expect(201);
        let user = json!({ "connection": "Username-Password-Authentication", "email": "ann@example.com",
            "password": "A long enough Passw0rd!" });
        let user = admin.post("users", &user).expect(201).json()["user_id"].as_str().unwrap().to_owned();
        let organization = admin.get("organizations/name/acme").expect(200).json();
        let organization = organization["id"].as_str().unwrap().to_owned();
        let members = format!("organizations/{organization}/members");
        admin.post(&members, &json!({ "members": [user] })).expect(204);
        let roles = format!("{members}/{}/roles", segment(&user));
        admin.post(&roles, &json!({ "roles": ["rol_tenant_admin"] })).expect(204);
        Self { world, user, organization }
    }

    /// A token of the main tenant for its administrator of acme, in the organization.
    fn organization_token(&self) -> String {
        let claims =
            json!({ "sub": self.user, "org_id": self.organization, "org_name": "acme", "scope": SCOPE });
        self.world.signed("main", &claims)
    }

    /// A token that a machine of a tenant really gets there.
    fn machine_of(&self, tenant: &str) -> String {
        let audience = format!("http://{tenant}.localhost:8787/api/v2/");
        let all = self.world.machine_token("");
        let admin = self.world.holder(tenant, &all);
        let machine = admin.post("clients", &json!({ "name": "Machine", "app_type": "non_interactive" }));
        let machine = machine.expect(201).json();
        let scopes: Vec<_> = SCOPE.split(' ').collect();
        let grant = json!({ "client_id": machine["client_id"], "audience": audience, "scope": scopes });
        admin.post("client-grants", &grant).expect(201);
        let text = |name: &str| machine[name].as_str().unwrap().to_owned();
        let (id, secret) = (text("client_id"), text("client_secret"));
        let form = [
            ("grant_type", "client_credentials"),
            ("audience", &audience),
            ("client_id", &id),
            ("client_secret", &secret),
        ];
        let answer = self.world.send(Ask::post(tenant, "/oauth/token").form(&form)).expect(200).json();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    fn probe(&self, token: &str, host: &str, header: Option<(&str, &str)>) -> Answer {
        let ask = Ask::get(host, "/api/v2/clients").bearer(token);
        self.world.send(match header {
            Some((name, value)) => ask.header(name, value),
            None => ask,
        })
    }
}

#[test]
fn the_whole_table() {
    let scene = Scene::new();
    let person = json!({ "sub": scene.user, "scope": SCOPE });
    let machine = |scope: &str| json!({ "sub": "m@clients", "gty": "client-credentials", "scope": scope });
    let all = format!("{SCOPE} tenants:all");
    // Main, acme by header, globex by header, acme's host, globex's host.
    let tokens = [
        ("a person of main", scene.world.signed("main", &person), [200, 403, 403, 403, 403]),
        ("a machine of main", scene.world.signed("main", &machine(SCOPE)), [200, 403, 403, 403, 403]),
        ("a machine for all tenants", scene.world.machine_token(&all), [200; 5]),
        (
            "a person who says they are for all tenants",
            scene.world.signed("main", &json!({ "sub": scene.user, "scope": all })),
            [200, 403, 403, 403, 403],
        ),
        ("an administrator of acme", scene.organization_token(), [403, 200, 403, 200, 403]),
        (
            "an administrator of acme who says they are a machine for all",
            scene.world.signed(
                "main",
                &json!({ "sub": scene.user, "org_id": scene.organization, "scope": all, "gty": "client-credentials" }),
            ),
            [403, 200, 403, 200, 403],
        ),
        ("a machine of acme", scene.machine_of("acme"), [403, 200, 403, 200, 403]),
        ("a person of acme", scene.world.signed("acme", &person), [403, 200, 403, 200, 403]),
        ("a machine of acme for all tenants", scene.world.signed("acme", &machine(&all)), [403, 200, 403, 200, 403]),
        (
            "a person of acme who names an organization of main",
            scene.world.signed("acme", &json!({ "org_id": scene.organization, "org_name": "globex", "scope": SCOPE })),
            [403, 200, 403, 200, 403],
        ),
        ("a machine of globex", scene.machine_of("globex"), [403, 403, 200, 403, 200]),
        ("nobody", "garbage".to_owned(), [401; 5]),
    ];
    for (name, token, expected) in tokens {
        for header in ["tenant-id", "x-tenant-id"] {
            let ways = [
                ("", None),
                ("", Some((header, "acme"))),
                ("", Some((header, "globex"))),
                ("acme", None),
                ("globex", None),
            ];
            for (way, status) in ways.into_iter().zip(expected) {
                let answer = scene.probe(&token, way.0, way.1);
                assert_eq!(answer.status(), status, "{name} {way:?}: {}", answer.text());
                if status == 403 {
                    assert_eq!(answer.json()["errorCode"], "wrong_tenant", "{name} {way:?}");
                }
            }
            for (host, named) in
                [("acme", "globex"), ("globex", "acme"), ("acme", "main"), ("globex", "main")]
            {
                let answer = scene.probe(&token, host, Some((header, named)));
                let status = if name == "nobody" { 401 } else { 403 };
                assert_eq!(answer.status(), status, "{name}: a tenant's host manages no other tenant");
            }
            let same = scene.probe(&token, "acme", Some((header, "acme")));
            assert_eq!(same.status(), expected[3], "{name}: the header may repeat the host");
        }
    }
}

#[test]
fn an_answer_is_of_the_tenant_that_was_named() {
    let scene = Scene::new();
    let token = scene.world.machine_token("");
    for tenant in ["acme", "globex"] {
        let made = Ask::post("", "/api/v2/organizations").bearer(&token).header("tenant-id", tenant);
        scene.world.send(made.json(&json!({ "name": format!("of-{tenant}") }))).expect(201);
    }
    let names = |host: &str, header: &str| -> Json {
        let ask = Ask::get(host, "/api/v2/organizations").bearer(&token).header("x-tenant-id", header);
        let list = scene.world.send(ask).expect(200).json();
        list.as_array().unwrap().iter().map(|one| one["name"].clone()).collect()
    };
    assert_eq!(names("", "acme"), json!(["of-acme"]));
    assert_eq!(names("acme", "acme"), json!(["of-acme"]));
    assert_eq!(names("", "globex"), json!(["of-globex"]));
    assert_eq!(names("", "main"), json!(["acme", "globex"]));
}

#[test]
fn a_header_that_names_no_tenant_is_refused() {
    let scene = Scene::new();
    let token = scene.world.machine_token("");
    for named in ["Acme", "acme ", "a.b", "-", "", "acme,globex", "../acme", "acme\t", "äcme"] {
        let refusal = scene.probe(&token, "", Some(("tenant-id", named)));
        assert_eq!(refusal.expect(400).json()["errorCode"], "invalid_tenant", "{named:?}");
    }
    assert_eq!(
        scene.probe(&token, "", Some(("tenant-id", "nobody"))).expect(404).json()["errorCode"],
        "inexistent_tenant"
    );
    let two = Ask::get("", "/api/v2/clients")
        .bearer(&token)
        .header("tenant-id", "acme")
        .header("x-tenant-id", "globex");
    assert_eq!(scene.world.send(two).expect(400).json()["errorCode"], "invalid_tenant");
    let twice = Ask::get("", "/api/v2/clients")
        .bearer(&token)
        .header("tenant-id", "acme")
        .header("tenant-id", "globex");
    assert_eq!(scene.world.send(twice).expect(400).json()["errorCode"], "invalid_tenant");
}

#[test]
fn what_a_proxy_says_of_the_host_is_not_believed() {
    let scene = Scene::new();
    let token = scene.machine_of("acme");
    for name in ["x-forwarded-host", "forwarded", "x-original-host", "x-host"] {
        let value = if name == "forwarded" { "host=acme.localhost:8787" } else { "acme.localhost:8787" };
        scene.probe(&token, "globex", Some((name, value))).expect(403);
        scene.probe(&token, "acme", Some((name, "globex.localhost:8787"))).expect(200);
    }
}

#[test]
fn a_token_counts_only_as_what_it_was_signed_for() {
    let scene = Scene::new();
    let (main, acme) = ("http://localhost:8787/", "http://acme.localhost:8787/");
    let now = scene.world.outside.now().seconds();
    for (name, token, host, status) in [
        (
            "the tenant's own audience",
            scene.world.signed("acme", &json!({ "aud": format!("{acme}api/v2/"), "scope": SCOPE })),
            "acme",
            200,
        ),
        (
            "several audiences",
            scene.world.signed(
                "acme",
                &json!({ "aud": [format!("{acme}userinfo"), MANAGEMENT_AUDIENCE], "scope": SCOPE }),
            ),
            "acme",
            200,
        ),
        (
            "another tenant's audience",
            scene
                .world
                .signed("acme", &json!({ "aud": "http://globex.localhost:8787/api/v2/", "scope": SCOPE })),
            "acme",
            403,
        ),
        (
            "another API's audience",
            scene.world.signed("acme", &json!({ "aud": "https://orders.example", "scope": SCOPE })),
            "acme",
            403,
        ),
        (
            "an audience that begins alike",
            scene.world.signed("acme", &json!({ "aud": format!("{MANAGEMENT_AUDIENCE}x"), "scope": SCOPE })),
            "acme",
            403,
        ),
        ("no scope", scene.world.signed("acme", &json!({})), "acme", 403),
        ("swapped words", scene.world.signed("acme", &json!({ "scope": "clients:read" })), "acme", 403),
        (
            "permissions that are no scopes",
            scene.world.signed("acme", &json!({ "permissions": ["read:clients"] })),
            "acme",
            403,
        ),
        (
            "acme's key in the name of main",
            scene.world.signed("acme", &json!({ "iss": main, "scope": SCOPE })),
            "",
            401,
        ),
        (
            "acme's key in the name of globex",
            scene.world.signed("acme", &json!({ "iss": "http://globex.localhost:8787/", "scope": SCOPE })),
            "globex",
            401,
        ),
        (
            "an issuer that is no tenant",
            scene.world.signed("acme", &json!({ "iss": "http://nobody.localhost:8787/", "scope": SCOPE })),
            "acme",
            401,
        ),
        (
            "an issuer elsewhere",
            scene.world.signed("acme", &json!({ "iss": "https://elsewhere.example/", "scope": SCOPE })),
            "acme",
            401,
        ),
        ("no issuer", scene.world.signed("acme", &json!({ "iss": null, "scope": SCOPE })), "acme", 401),
        ("an ended token", scene.world.signed("acme", &json!({ "exp": now, "scope": SCOPE })), "acme", 401),
        (
            "a token without end",
            scene.world.signed("acme", &json!({ "exp": null, "scope": SCOPE })),
            "acme",
            401,
        ),
        ("an ID token", scene.world.signed_as("JWT", "acme", &json!({ "scope": SCOPE })), "acme", 401),
    ] {
        let answer = scene.probe(&token, host, None);
        assert_eq!(answer.status(), status, "{name}: {}", answer.text());
    }
}

#[test]
fn what_is_taken_away_counts_at_the_next_use() {
    let members = |scene: &Scene| format!("organizations/{}/members", scene.organization);
    let roles = |scene: &Scene| format!("{}/{}/roles", members(scene), segment(&scene.user));
    let role = json!({ "roles": ["rol_tenant_admin"] });
    type Change<'a> = &'a dyn Fn(&Scene);
    let changes: [(&str, Change); 6] = [
        ("the role", &|scene| drop(scene.world.admin("").delete_these(&roles(scene), &role).expect(204))),
        ("the membership", &|scene| {
            let body = json!({ "members": [scene.user] });
            scene.world.admin("").delete_these(&members(scene), &body).expect(204);
        }),
        ("the permission of the role", &|scene| {
            scene.world.database("SHARED").query("delete from role_permissions");
        }),
        ("the sign-in of the user", &|scene| {
            let user = format!("users/{}", segment(&scene.user));
            scene.world.admin("").patch(&user, &json!({ "blocked": true })).expect(200);
        }),
        ("the user", &|scene| {
            scene.world.admin("").delete(&format!("users/{}", segment(&scene.user))).expect(204);
        }),
        ("the organization", &|scene| {
            scene.world.database("SHARED").query("delete from organizations");
        }),
    ];
    for (what, change) in changes {
        let scene = Scene::new();
        let token = scene.organization_token();
        let elsewhere = scene.world.another_isolate();
        let ask = || Ask::get("", "/api/v2/clients").bearer(&token).header("tenant-id", "acme");
        scene.world.send(ask()).expect(200);
        elsewhere.send(ask()).expect(200);
        change(&scene);
        for world in [&scene.world, &elsewhere] {
            let refusal = world.send(ask());
            assert_eq!(refusal.status(), 403, "{what}: {}", refusal.text());
            assert_eq!(refusal.json()["errorCode"], "not_a_tenant_admin", "{what}");
        }
        scene.probe(&token, "acme", None).expect(403);
    }
}

#[test]
fn a_role_that_is_held_everywhere_is_not_held_in_an_organization() {
    let scene = Scene::new();
    let admin = scene.world.admin("");
    let globex = admin.get("organizations/name/globex").expect(200).json()["id"].as_str().unwrap().to_owned();
    admin.post(&format!("organizations/{globex}/members"), &json!({ "members": [scene.user] })).expect(204);
    let token = |organization: &str| {
        scene.world.signed("main", &json!({ "sub": scene.user, "org_id": organization, "scope": SCOPE }))
    };
    assert_eq!(
        scene.probe(&token(&globex), "globex", None).status(),
        403,
        "a member without the permission there"
    );
    scene.world.database("SHARED").query(&format!(
        "insert into user_roles (tenant_id, user_id, organization_id, role_id, created_at)
         values ('main', '{}', '', 'rol_tenant_admin', 1)",
        scene.user
    ));
    assert_eq!(scene.probe(&token(&globex), "globex", None).status(), 403, "nor by a role held everywhere");
    scene.world.database("SHARED").query(&format!(
        "insert into user_permissions (tenant_id, user_id, organization_id, resource_server_identifier, permission_name, created_at)
         values ('main', '{}', '{globex}', '{MANAGEMENT_AUDIENCE}', 'tenant:admin', 1)",
        scene.user
    ));
    scene.probe(&token(&globex), "globex", None).expect(200);
    // An organization that is no tenant's, or is named like the main one, opens nothing.
    for name in ["platform_team", "main"] {
        scene
            .world
            .database("SHARED")
            .query(&format!("update organizations set name = '{name}' where id = '{globex}'"));
        for (host, header) in [("", None), ("globex", None), ("", Some(("tenant-id", "globex")))] {
            scene.probe(&token(&globex), host, header).expect(403);
        }
    }
    assert_eq!(scene.probe(&token("org_nobody"), "globex", None).status(), 403);
}

#[test]
fn a_tenant_that_is_suspended_or_read_only_says_so_and_comes_back() {
    let scene = Scene::new();
    let admin = scene.world.admin("");
    let status = |status: &str| {
        admin.patch("tenants/acme", &json!({ "status": status })).expect(200);
        scene.world.advance(Lifetime::seconds(5));
    };
    let tokens = [scene.organization_token(), scene.machine_of("acme"), scene.world.machine_token("")];
    let write = |token: &str, name: &str| {
        let ask = Ask::post("", "/api/v2/organizations").bearer(token).header("tenant-id", "acme");
        scene.world.send(ask.json(&json!({ "name": name })))
    };
    let elsewhere = scene.world.another_isolate();
    elsewhere.send(Ask::get("acme", "/api/v2/clients").bearer(&tokens[1])).expect(200);

    status("suspended");
    for (token, at_base) in tokens.iter().zip([403, 401, 403]) {
        let refusal = scene.probe(token, "acme", None).expect(403).json();
        assert_eq!(refusal["errorCode"], "tenant_suspended");
        scene.probe(token, "", Some(("tenant-id", "acme"))).expect(at_base);
        write(token, "any").expect(at_base);
    }
    let warm = elsewhere.send(Ask::get("acme", "/api/v2/clients").bearer(&tokens[1]));
    assert_eq!(warm.status(), 403, "an isolate that remembered the tenant learns of it within seconds");

    status("active");
    status("read_only");
    let before = scene.world.database("POOL_01").contents("acme");
    for token in &tokens {
        scene.probe(token, "acme", None).expect(200);
        let refusal = write(token, "any").expect(503);
        assert_eq!(
            (refusal.header("retry-after"), &refusal.json()["errorCode"]),
            (Some("30"), &json!("tenant_read_only"))
        );
    }
    assert_eq!(scene.world.database("POOL_01").contents("acme"), before);

    status("active");
    for (token, name) in tokens.iter().zip(["a", "b", "c"]) {
        scene.probe(token, "acme", None).expect(200);
        write(token, name).expect(201);
    }
    admin.delete("tenants/acme").expect(204);
    scene.probe(&tokens[2], "acme", None).expect(404);
    scene.probe(&tokens[2], "", Some(("tenant-id", "acme"))).expect(404);
    scene.probe(&tokens[0], "", Some(("tenant-id", "acme"))).expect(403);
    scene.probe(&tokens[1], "", None).expect(401);
}

#[test]
fn tenants_are_managed_by_the_main_tenant_alone() {
    let scene = Scene::new();
    let scope = "read:tenants create:tenants update:tenants delete:tenants read:tenant_operations";
    let before = scene.world.database("DIRECTORY").query("select * from tenants");
    for (name, token, status) in [
        ("a person of main", scene.world.signed("main", &json!({ "scope": scope })), 200),
        (
            "an administrator of acme",
            scene
                .world
                .signed("main", &json!({ "sub": scene.user, "org_id": scene.organization, "scope": scope })),
            403,
        ),
        (
            "a machine of acme",
            scene.world.signed("acme", &json!({ "gty": "client-credentials", "scope": scope })),
            403,
        ),
        ("a person without the scope", scene.world.signed("main", &json!({ "scope": SCOPE })), 403),
    ] {
        for path in ["/api/v2/tenants", "/management/tenants", "/api/v2/tenants/acme"] {
            let answer = scene.world.send(Ask::get("", path).bearer(&token));
            assert_eq!(answer.status(), status, "{name} {path}: {}", answer.text());
            scene.world.send(Ask::get("acme", path).bearer(&token)).expect(404);
        }
        if status == 403 {
            scene
                .world
                .send(Ask::post("", "/api/v2/tenants").bearer(&token).json(&json!({ "id": "mine" })))
                .expect(403);
        }
    }
    assert_eq!(scene.world.database("DIRECTORY").query("select * from tenants"), before);
}
