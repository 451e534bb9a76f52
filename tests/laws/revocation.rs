//! What has been taken away counts: every route, every kind of bearer of a management token, every way in which one ends.
//!
//! The routes are those of the table, so a new one is covered by itself.

use super::inhabitants::segment;
use crate::support::{Ask, World, world::MANAGEMENT_AUDIENCE};
use gatehouse::{http::Method, routes::ROUTES, time::Lifetime};
use serde_json::{Value as Json, json};

/// Somebody with a token, and where it opens something.
struct Bearer {
    name: &'static str,
    /// Whose keys signed it.
    issuer: &'static str,
    /// Whom it speaks for: a user, or a client.
    subject: String,
    token: String,
    /// Where it is used.
    host: &'static str,
    area: &'static [&'static str],
    /// Which tenant it names there.
    tenant: Option<&'static str>,
}

/// The whole installation, with one tenant and everybody who may manage something.
struct Scene {
    world: World,
    organization: String,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        world.tenant("acme");
        let organization = world.admin("").get("organizations/name/acme").expect(200).json();
        let organization = organization["id"].as_str().unwrap().to_owned();
        world.application("", &json!({}));
        world.application("acme", &json!({}));
        Self { world, organization }
    }

    /// Makes everybody: with all scopes, signed in through an application, by a session.
    fn bearers(&self) -> Vec<Bearer> {
        let world = &self.world;
        let scope = world.app.shared().scopes.join(" ");
        let session = |tenant: &str, user: &str| {
            world.home(tenant).query(&format!(
                "insert into sessions (tenant_id, id, digest, user_id, authenticated_at, created_at, used_at, expires_at, idle_expires_at)
                 values ('{tenant}', 'session-of-{user}', 'digest-of-{user}', '{user}', 1, 1, 1, 9000000000000, 9000000000000)"
            ));
        };
        let person = |tenant: &str, user: &str, organization: Option<&str>| {
            session(tenant, user);
            world.signed(
                tenant,
                &json!({ "sub": user, "scope": scope, "azp": "app-1", "sid": format!("session-of-{user}"),
                         "org_id": organization }),
            )
        };
        let main = person("main", "auth0|main", None);
        let administrator = person("main", "auth0|administrator", Some(&self.organization));
        let admin = world.admin("");
        let members = format!("organizations/{}/members", self.organization);
        admin.post(&members, &json!({ "members": ["auth0|administrator"] })).expect(204);
        let roles = format!("{members}/auth0%7Cadministrator/roles");
        admin.post(&roles, &json!({ "roles": ["rol_tenant_admin"] })).expect(204);
        let own = person("acme", "auth0|own", None);
        let machine = |tenant: &str, scope: &str| {
            let sub = format!("machine-of-{tenant}@clients");
            world.signed(tenant, &json!({ "sub": sub, "gty": "client-credentials", "azp": format!("machine-of-{tenant}"), "scope": scope }))
        };
        let (both, tenants): (&[_], &[_]) = (&["Management", "Operator"], &["Management"]);
        let bearer = |name, issuer, subject: &str, token, host, area, tenant| Bearer {
            name,
            issuer,
            subject: subject.to_owned(),
            token,
            host,
            area,
            tenant,
        };
        vec![
            bearer("a person of main", "main", "auth0|main", main, "", both, None),
            bearer(
                "an administrator",
                "main",
                "auth0|administrator",
                administrator,
                "",
                tenants,
                Some("acme"),
            ),
            bearer("a person of the tenant", "acme", "auth0|own", own, "acme", tenants, None),
            bearer(
                "a machine of the tenant",
                "acme",
                "machine-of-acme",
                machine("acme", &scope),
                "acme",
                tenants,
                None,
            ),
            bearer(
                "a machine for all tenants",
                "main",
                "machine-of-main",
                machine("main", &format!("{scope} tenants:all")),
                "",
                both,
                Some("acme"),
            ),
        ]
    }
}

/// The routes that do not refuse this bearer, among those of `methods`.
fn open_to(world: &World, bearer: &Bearer, methods: &[Method]) -> Vec<String> {
    let routes = ROUTES
        .all()
        .iter()
        .filter(|route| bearer.area.contains(&route.area) && methods.contains(&route.method));
    let answer = |path: &str, method: &Method| {
        let place = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
        let ask =
            Ask::new(method.clone(), bearer.host, &place.collect::<Vec<_>>().join("/")).bearer(&bearer.token);
        let ask = if *method == Method::GET { ask } else { ask.json(&json!({})) };
        // The installation is managed without naming a tenant.
        world.send(match bearer.tenant {
            Some(tenant) => ask.header("tenant-id", tenant),
            None => ask,
        })
    };
    routes
        .filter(|route| ![401, 403].contains(&answer(route.path, &route.method).status()))
        .map(|route| format!("{} {}", route.method, route.path))
        .collect()
}

const ALL: [Method; 5] = [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE];

/// A way in which a bearer ends, and whose.
struct Ending {
    name: &'static str,
    of: &'static [&'static str],
    end: fn(&Scene, &Bearer),
}

const PEOPLE: &[&str] = &["a person of main", "an administrator", "a person of the tenant"];
const MACHINES: &[&str] = &["a machine of the tenant", "a machine for all tenants"];

fn user(scene: &Scene, bearer: &Bearer, change: &Json) {
    let host = if bearer.issuer == "main" { "" } else { bearer.issuer };
    let admin = scene.world.holder(host, &scene.world.machine_token(""));
    admin.patch(&format!("users/{}", segment(&bearer.subject)), change).expect(200);
}

fn query(scene: &Scene, bearer: &Bearer, sql: &str) {
    let sql = sql.replace("{}", &bearer.subject);
    scene.world.home(bearer.issuer).query(&format!("{sql} and tenant_id = '{}'", bearer.issuer));
}

fn delete(scene: &Scene, bearer: &Bearer, path: &str) {
    let host = if bearer.issuer == "main" { "" } else { bearer.issuer };
    scene.world.holder(host, &scene.world.machine_token("")).delete(path).expect(204);
}

const ENDINGS: [Ending; 14] = [
    Ending { name: "blocked", of: PEOPLE, end: |scene, it| user(scene, it, &json!({ "blocked": true })) },
    Ending {
        name: "deleted",
        of: PEOPLE,
        end: |scene, it| delete(scene, it, &format!("users/{}", segment(&it.subject))),
    },
    Ending {
        name: "given a new password",
        of: PEOPLE,
        end: |scene, it| user(scene, it, &json!({ "password": "Another Passw0rd, long" })),
    },
    Ending {
        name: "given a new address",
        of: PEOPLE,
        end: |scene, it| user(scene, it, &json!({ "email": "new@example.com" })),
    },
    Ending {
        name: "signed out everywhere",
        of: PEOPLE,
        end: |scene, it| {
            let host = if it.issuer == "main" { "" } else { it.issuer };
            let admin = scene.world.holder(host, &scene.world.machine_token(""));
            admin.delete(&format!("users/{}/sessions", segment(&it.subject))).expect(202);
        },
    },
    Ending {
        name: "signed out there",
        of: PEOPLE,
        end: |scene, it| query(scene, it, "update sessions set revoked_at = 2 where user_id = '{}'"),
    },
    Ending {
        name: "without its application",
        of: PEOPLE,
        end: |scene, it| delete(scene, it, "clients/app-1"),
    },
    Ending {
        name: "without its permissions",
        of: &["a person of main", "a person of the tenant"],
        end: |scene, it| query(scene, it, "delete from user_permissions where user_id = '{}'"),
    },
    Ending {
        name: "without its role",
        of: &["an administrator"],
        end: |scene, it| {
            let path = format!("organizations/{}/members/{}/roles", scene.organization, segment(&it.subject));
            scene.world.admin("").delete_these(&path, &json!({ "roles": ["rol_tenant_admin"] })).expect(204);
        },
    },
    Ending {
        name: "without its membership",
        of: &["an administrator"],
        end: |scene, it| {
            let path = format!("organizations/{}/members", scene.organization);
            scene.world.admin("").delete_these(&path, &json!({ "members": [it.subject] })).expect(204);
        },
    },
    Ending {
        name: "deleted, as a client",
        of: MACHINES,
        end: |scene, it| delete(scene, it, &format!("clients/{}", it.subject)),
    },
    Ending {
        name: "without its grant",
        of: MACHINES,
        end: |scene, it| delete(scene, it, &format!("client-grants/grant-of-{}", it.subject)),
    },
    Ending {
        name: "granted nothing any more",
        of: MACHINES,
        end: |scene, it| {
            let host = if it.issuer == "main" { "" } else { it.issuer };
            let admin = scene.world.holder(host, &scene.world.machine_token(""));
            admin
                .patch(&format!("client-grants/grant-of-{}", it.subject), &json!({ "scope": [] }))
                .expect(200);
        },
    },
    Ending {
        name: "of a tenant that is suspended",
        of: &["an administrator", "a person of the tenant", "a machine of the tenant"],
        end: |scene, _| {
            scene.world.admin("").patch("tenants/acme", &json!({ "status": "suspended" })).expect(200);
        },
    },
];

#[test]
fn every_kind_of_bearer_is_refused_five_seconds_after_every_kind_of_ending() {
    let (mut cases, mut remembered) = (0, 0);
    for ending in &ENDINGS {
        for name in ending.of {
            let scene = Scene::new();
            let bearer = scene.bearers().into_iter().find(|bearer| bearer.name == *name).unwrap();
            // Another isolate knows the bearer, and hears of nothing.
            let elsewhere = scene.world.another_isolate();
            let before = open_to(&elsewhere, &bearer, &[Method::GET]);
            assert!(before.len() > 20, "{name} can do nothing anyhow: {before:?}");
            (ending.end)(&scene, &bearer);
            // The control: without the five seconds, the law would find what is remembered.
            remembered += open_to(&elsewhere, &bearer, &[Method::GET]).len();
            scene.world.advance(Lifetime::seconds(5));
            for world in [&scene.world, &elsewhere] {
                let open = open_to(world, &bearer, &ALL);
                assert!(open.is_empty(), "{name}, {}: {open:?}", ending.name);
            }
            cases += 1;
        }
    }
    assert!(cases >= 28, "{cases}");
    assert!(remembered > 100, "the law finds nothing: {remembered}");
}

#[test]
fn what_is_remembered_of_a_bearer_costs_no_round_trip() {
    let scene = Scene::new();
    for bearer in scene.bearers() {
        let ask = || {
            let ask = Ask::get(bearer.host, "/api/v2/clients/nobody").bearer(&bearer.token);
            scene.world.send(match bearer.tenant {
                Some(tenant) => ask.header("tenant-id", tenant),
                None => ask,
            })
        };
        ask();
        let lookup = u64::from(bearer.name == "an administrator");
        assert_eq!(ask().expect(404).round_trips(), 1 + lookup, "{}", bearer.name);
    }
}

#[test]
fn on_an_isolate_that_knows_nothing_the_bearer_is_read_beside_the_keys() {
    let scene = Scene::new();
    for bearer in scene.bearers().iter().filter(|bearer| bearer.tenant.is_none()) {
        let world = scene.world.another_isolate();
        let ask = Ask::get(bearer.host, "/api/v2/clients/nobody").bearer(&bearer.token);
        assert_eq!(world.send(ask).expect(404).round_trips(), 3, "{}", bearer.name);
    }
}

#[test]
fn a_token_for_the_management_api_lasts_two_hours_at_most() {
    let world = World::new();
    world.machine_token("");
    // Tenants that were made earlier have a day.
    world
        .database("SHARED")
        .query("update resource_servers set document = json_set(document, '$.token_lifetime', 86400)");
    world.advance(Lifetime::seconds(5));
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", crate::support::world::MACHINE_ID),
        ("client_secret", crate::support::world::MACHINE_SECRET),
        ("audience", MANAGEMENT_AUDIENCE),
    ];
    let answer = world.send(Ask::post("", "/oauth/token").form(&form)).expect(200).json();
    assert_eq!(answer["expires_in"], 7200);
}
