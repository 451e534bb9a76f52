//! `gatehouse doctor`: each thing that can be wrong is found, and nothing is found where nothing is.

use super::{
    files::Folder,
    session::{Fate, Session},
};
use crate::support::{Ask, World, world::ADMIN_EMAIL};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

struct Scene {
    world: World,
    user: String,
    organization: String,
}

impl Scene {
    /// An administrator of acme, who may manage it.
    fn new() -> Self {
        let world = World::new();
        world.tenant("acme");
        let admin = world.admin("");
        let user = admin.get(&format!("users?q=email:{ADMIN_EMAIL}")).expect(200).json()[0]["user_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let organization =
            admin.get("organizations/name/acme").expect(200).json()["id"].as_str().unwrap().to_owned();
        admin
            .post(&format!("organizations/{organization}/members"), &json!({ "members": [user] }))
            .expect(204);
        Self { world, user, organization }
    }

    fn claims(&self) -> Json {
        json!({ "sub": self.user, "org_id": self.organization, "org_name": "acme", "scope": "read:users", "permissions": ["tenant:admin"] })
    }

    /// What is found about a token: what is not good, with its words.
    fn wrong(&self, token: &str) -> Vec<(String, String)> {
        let folder = Folder::new();
        let file = folder.file("token", token);
        let said = Session::new(&self.world).run(&["doctor", "--json", "--token", file.to_str().unwrap()]);
        let checks = said.json()["checks"].as_array().unwrap().clone();
        let is_wrong = checks.iter().any(|check| check["state"] == "wrong");
        assert_eq!(said.exit, if is_wrong { 3 } else { 0 }, "{checks:?}");
        let text = |check: &Json, name: &str| check[name].as_str().unwrap().to_owned();
        checks
            .iter()
            .filter(|check| check["state"] != "good")
            .map(|check| (text(check, "what"), text(check, "found")))
            .collect()
    }

    #[track_caller]
    fn only(&self, token: &str, what: &str, found: &str) {
        let wrong = self.wrong(token);
        assert!(wrong.len() == 1 && wrong[0].0 == what && wrong[0].1.contains(found), "{wrong:?}");
    }
}

#[test]
fn a_token_with_which_nothing_is_wrong() {
    let scene = Scene::new();
    assert_eq!(scene.wrong(&scene.world.signed("main", &scene.claims())), []);
    assert_eq!(scene.wrong(&format!("Bearer {}\n", scene.world.machine_token(""))), []);
}

#[test]
fn whatever_is_wrong_with_a_token_is_said() {
    let scene = Scene::new();
    let token = |change: Json| {
        let mut claims = scene.claims();
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        scene.world.signed("main", &claims)
    };
    let good = token(json!({}));
    let now = 1_800_000_000;
    scene.only(
        &token(json!({"exp": now - 7200})),
        "time",
        "expired at 2027-01-15T06:00:00.000Z, 2 hours ago",
    );
    scene.only(&token(json!({"iat": now + 600})), "clock", "from the future");
    scene.only(&token(json!({"aud": "http://localhost:8787/api/v2"})), "audience", "is no API of the tenant");
    let gone = token(json!({"sub": "gone@clients", "org_id": null}));
    scene.world.database("SHARED").query("delete from clients where client_id = 'gone'");
    scene.only(&gone, "subject", "client does not exist");
    scene.only(&token(json!({"org_id": "org_gone"})), "organization", "org_gone is not there");
    scene.only(&token(json!({"org_name": "globex"})), "organization", "is called acme by now, not globex");
    scene.only(&token(json!({"org_id": null})), "organization", "none: it manages the main tenant");
    scene.only(&token(json!({"permissions": []})), "permission", "tenant:admin");
    scene.only(&token(json!({"iss": "https://other.example.com/"})), "issuer", "no tenant here");
    scene.only("rt_abc.def", "shape", "2 parts");
    scene.only("rt_abc", "shape", "refresh token");
    scene.only("a.b.c.d.e", "shape", "encrypted");
    scene.only(&good[..good.len() / 3], "shape", "part");
    // Another payload under the same signature.
    let parts: Vec<_> = good.split('.').collect();
    let other = token(json!({"scope": "delete:users"}));
    let forged = [parts[0], other.split('.').nth(1).unwrap(), parts[2]].join(".");
    scene.only(&forged, "signature", "does not hold");
    // A token that another tenant has signed, and that names this one.
    let stranger = scene.world.signed("acme", &json!({"iss": "http://localhost:8787/", "sub": scene.user, "org_id": scene.organization, "permissions": ["tenant:admin"]}));
    scene.only(&stranger, "key", "is not among the tenant's published keys");
    let members = format!("/api/v2/organizations/{}/members", scene.organization);
    let remove = Ask::new(gatehouse::http::Method::DELETE, "", &members)
        .bearer(&scene.world.machine_token(""))
        .json(&json!({"members": [scene.user]}));
    scene.world.send(remove).expect(204);
    scene.only(&good, "membership", "no member");
}

#[test]
fn a_healthy_tenant_and_what_can_ail_it() {
    let scene = Scene::new();
    let session = Session::new(&scene.world);
    let said = session.type_in("doctor acme --json").expect(0).json();
    let found = |said: &Json, what: &str| {
        said["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["what"] == what)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(found(&said, "issuer")["found"], "http://acme.localhost:8787/");
    assert_eq!(found(&said, "connections")["found"], "1");
    assert_eq!(found(&said, "users")["state"], "unusual", "nobody has an account yet");
    assert_eq!(found(&said, "managers")["found"], "1 members of its organization on the main tenant");
    assert_eq!(found(&said, "indexes")["state"], "good");
    assert!(
        found(&said, "binding")["found"].as_str().unwrap().contains("the running script has as SHARED"),
        "{said}"
    );
    let keys = found(&said, "keys");
    assert!(keys["found"].as_str().unwrap().contains("signs; 1 are published"), "{keys}");

    session.type_in("tenants update acme --status suspended").expect(0);
    let said = session.type_in("doctor acme").expect(3).out;
    assert!(said.contains("WRONG  status        suspended"), "{said}");
    assert!(said.contains("→ gatehouse tenants update acme --status active"), "{said}");
    assert!(session.type_in("doctor").expect(3).out.contains("acme: suspended"));
    session.type_in("tenants update acme --status active").expect(0);
    scene.world.advance(Lifetime::seconds(10));
    session.type_in("doctor").expect(0);
    assert!(session.type_in("doctor nobody").expect(3).out.contains("there is no tenant nobody"));
}

#[test]
fn a_tenant_whose_database_is_gone_is_found() {
    let scene = Scene::new();
    let session = Session::new(&scene.world);
    session.type_in("tenants create alone --placement isolated").expect(0);
    session.type_in("doctor alone").expect(0);
    let bindings: Vec<_> = scene
        .world
        .outside
        .databases
        .borrow()
        .keys()
        .filter(|name| name.starts_with("POOL"))
        .cloned()
        .collect();
    for binding in bindings {
        scene.world.outside.databases.borrow_mut().remove(&binding);
    }
    scene.world.advance(Lifetime::seconds(10));
    let said = session.type_in("doctor alone").expect(3).out;
    assert!(said.contains("WRONG  database") && said.contains("WRONG  issuer"), "{said}");
    assert!(said.contains("WRONG  binding       the running script does not have POOL_"), "{said}");
    assert!(session.type_in("doctor").expect(3).out.contains("does not have POOL_"));
    *session.fate.borrow_mut() = Box::new(|_| Fate::Lost);
    session.type_in("doctor").expect(4);
}

#[test]
fn an_index_that_is_missing_another_one_or_nobodys_is_named_with_its_database() {
    let scene = Scene::new();
    let session = Session::new(&scene.world);
    session.type_in("tenants create globex --placement shared").expect(0);
    let shared = scene.world.database("SHARED");
    shared.query("drop index sessions_by_user");
    shared.query("drop index logs_by_user");
    shared.query("create index logs_by_user on logs (tenant_id, id)");
    shared.query("create index somebodys on users (tenant_id, name)");
    let said = session.type_in("doctor globex").expect(3).out;
    for words in [
        "WRONG  indexes       sessions_by_user is missing",
        "make it again in SHARED: create index sessions_by_user on sessions (tenant_id, user_id)",
        "WRONG  indexes       logs_by_user is another one: create index logs_by_user on logs (tenant_id, id)",
        "look   indexes       somebodys is nobody's",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    // All together it is said once, of the database.
    let said = session.type_in("doctor --json").expect(3).json();
    let of = |words: &str| {
        let checks = said["checks"].as_array().unwrap().iter();
        checks.filter(|check| check["found"].as_str().unwrap().contains(words)).count()
    };
    assert_eq!((of("SHARED: sessions_by_user is missing"), of("sessions_by_user")), (1, 1));
    let shared = said["databases"].as_array().unwrap().iter().find(|one| one["id"] == "SHARED").unwrap();
    assert_eq!((&shared["bound"], &shared["tenants"]), (&json!(true), &json!(["acme", "globex", "main"])));
}

#[test]
fn nobody_to_manage_a_tenant_is_said_and_an_organization_that_is_gone() {
    let scene = Scene::new();
    let session = Session::new(&scene.world);
    let admin = scene.world.admin("");
    admin.delete_these(
        &format!("organizations/{}/members", scene.organization),
        &json!({"members": [scene.user]}),
    );
    let said = session.type_in("doctor acme").expect(0).out;
    assert!(said.contains("look   managers      nobody may manage it but machine clients"), "{said}");
    scene.world.database("SHARED").query("delete from organizations where name = 'acme'");
    let said = session.type_in("doctor acme").expect(3).out;
    assert!(said.contains("WRONG  managers"), "{said}");
}
