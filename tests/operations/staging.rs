//! A tenant that is not open yet: everything is there, and only those who were sent a pass can sign in.

use crate::support::{
    Answer, Application, Ask, Browser, World,
    browser::parameter,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};
use url::Url;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a password of Ann's own";

struct Scene {
    world: World,
    app: Application,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        world.tenant("acme");
        world.tenant("globex");
        let app = world.application("acme", &json!({}));
        world.browser().sign_up(&app.authorize(&[]), EMAIL, PASSWORD);
        Self { world, app }
    }

    fn set(&self, status: &str) -> Answer {
        let answer = self.world.admin("").patch("tenants/acme", &json!({ "status": status }));
        self.world.advance(Lifetime::seconds(5));
        answer
    }

    fn link(&self, tenant: &str) -> Answer {
        let path = format!("/management/tenants/{tenant}/preview");
        self.world.send(Ask::post("", &path).bearer(&self.world.machine_token("")))
    }

    /// A browser that has opened the link.
    fn tester(&self, link: &Json) -> Browser<'_> {
        let browser = self.world.browser();
        browser.get(&Url::parse(link["url"].as_str().unwrap()).unwrap()).expect(200);
        browser
    }

    fn is_closed(&self, answer: &Answer) {
        assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("300")), "{}", answer.text());
        assert!(answer.text().contains("not open yet"), "{}", answer.text());
    }
}

#[test]
fn the_pages_are_closed_and_everything_else_works() {
    let scene = Scene::new();
    let (world, app) = (&scene.world, &scene.app);
    let shown = scene.set("staging").expect(200).json();
    assert_eq!(shown["status"], "staging");
    assert_eq!(world.admin("").get("tenants?status=staging").expect(200).json().as_array().unwrap().len(), 1);
    assert_eq!(world.admin("").get("tenants?status=active").expect(200).json().as_array().unwrap().len(), 2);
    for path in ["authorize", "u/login/identifier", "u/signup", "v2/logout", "oidc/logout"] {
        scene.is_closed(&world.browser().get(&app.url(path)));
    }
    scene.is_closed(&world.browser().get(&app.authorize(&[("prompt", "none")])));
    world.send(Ask::get("acme", "/.well-known/openid-configuration")).expect(200);
    let token = world.machine_token("");
    let role = Ask::post("acme", "/api/v2/roles").bearer(&token).json(&json!({ "name": "Any" }));
    world.send(role).expect(200);
    // Nobody else is closed with it, and it opens again.
    world.browser().sign_in(&world.application("", &json!({})).authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    scene.set("active").expect(200);
    world.browser().sign_in(&app.authorize(&[]), EMAIL, PASSWORD);
}

#[test]
fn who_was_sent_a_pass_signs_in_until_it_ends() {
    let scene = Scene::new();
    scene.set("staging").expect(200);
    let link = scene.link("acme").expect(201).json();
    assert!(link["url"].as_str().unwrap().starts_with("http://acme.localhost:8787/u/preview?pass="));
    let browser = scene.tester(&link);
    let back = browser.sign_in(&scene.app.authorize(&[]), EMAIL, PASSWORD);
    scene.app.redeem(&scene.world, &back).expect(200);
    scene.is_closed(&scene.world.browser().get(&scene.app.authorize(&[])));
    scene.world.advance(Lifetime::days(7));
    scene.is_closed(&browser.get(&scene.app.authorize(&[])));
    browser.get(&Url::parse(link["url"].as_str().unwrap()).unwrap()).expect(400);
}

#[test]
fn a_pass_is_for_its_tenant_and_cannot_be_made_up() {
    let scene = Scene::new();
    scene.set("staging").expect(200);
    let of_globex = scene.link("globex").expect(201).json();
    let (_, pass) = of_globex["url"].as_str().unwrap().split_once("pass=").unwrap();
    let pass = parameter(&Url::parse(&format!("http://x/?pass={pass}")).unwrap(), "pass").unwrap();
    for pass in [pass.as_str(), "", "s1:k1:AAAA", "9999999999999"] {
        let mut url = scene.app.url("u/preview");
        url.query_pairs_mut().append_pair("pass", pass);
        scene.world.browser().get(&url).expect(400);
        let path = scene.app.authorize(&[]);
        let ask = Ask::get("acme", &format!("{}?{}", path.path(), path.query().unwrap()));
        scene.is_closed(&scene.world.send(ask.header("cookie", &format!("gatehouse_preview={pass}"))));
    }
    scene
        .world
        .send(
            Ask::post("", "/management/tenants/acme/preview")
                .bearer(&scene.world.machine_token("read:tenants")),
        )
        .expect(403);
    scene.link("nobody").expect(404);
    scene.set("suspended").expect(200);
    assert_eq!(scene.link("acme").expect(409).json()["errorCode"], "illegal_transition");
}

#[test]
fn the_whole_fleet_goes_through_the_phases_by_one_command_each() {
    let scene = Scene::new();
    let (world, app) = (&scene.world, &scene.app);
    let fleet = |status: &str| {
        let ask = Ask::post("", &format!("/management/fleet/{status}")).bearer(&world.machine_token(""));
        assert_eq!(world.send(ask).expect(200).json()["status"], status);
    };
    let rename = || {
        let ask = Ask::new(gatehouse::http::Method::PATCH, "acme", "/api/v2/tenants/settings");
        world.send(ask.bearer(&world.machine_token("")).json(&json!({ "friendly_name": "Acme" }))).status()
    };
    fleet("staging");
    scene.is_closed(&world.browser().get(&app.authorize(&[])));
    assert_eq!(rename(), 200);
    let tester = scene.tester(&scene.link("acme").expect(201).json());
    tester.sign_in(&app.authorize(&[]), EMAIL, PASSWORD);

    fleet("read_only");
    assert_eq!(rename(), 503);
    let back = tester.open(&app.authorize(&[])).away();
    app.redeem(world, &back).expect(200);
    // A tenant that was in staging by itself is not opened by what is done to all, and nothing of it is written either.
    scene.set("staging").expect(200);
    scene.is_closed(&world.browser().get(&app.authorize(&[])));
    assert_eq!(rename(), 503);
    let back = tester.open(&app.authorize(&[])).away();
    app.redeem(world, &back).expect(200);
    scene.set("active").expect(200);

    fleet("active");
    assert_eq!(rename(), 200);
    world.browser().sign_in(&app.authorize(&[]), EMAIL, PASSWORD);
}
