//! A read-only tenant: whoever is signed in stays so, whoever is not is told when to come back, and nothing changes.

use super::{error, opened};
use crate::support::{
    Answer, Application, Ask, Browser, World,
    browser::{VERIFIER, parameter},
};
use gatehouse::{http::Method, time::Lifetime};
use serde_json::{Value as Json, json};
use url::Url;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a password of Ann's own";

/// Acme, where Ann is signed in and has a refresh token.
struct Scene {
    world: World,
    app: Application,
    tokens: Json,
}

impl Scene {
    fn new(document: &Json) -> Self {
        let world = World::new();
        world.tenant("acme");
        let app = world.application("acme", document);
        let back =
            world.browser().sign_up(&app.authorize(&[("scope", "openid offline_access")]), EMAIL, PASSWORD);
        let tokens = app.redeem(&world, &back).expect(200).json();
        Self { world, app, tokens }
    }

    fn signed_in(&self) -> Browser<'_> {
        let browser = self.world.browser();
        browser.sign_in(&self.app.authorize(&[]), EMAIL, PASSWORD);
        browser
    }

    fn set(&self, status: &str) {
        self.world.admin("").patch("tenants/acme", &json!({ "status": status })).expect(200);
        self.world.advance(Lifetime::seconds(5));
    }

    fn contents(&self) -> String {
        self.world.home("acme").contents("acme")
    }

    fn silent(&self, browser: &Browser<'_>, changes: &[(&str, &str)]) -> Url {
        let wish = [&[("prompt", "none"), ("scope", "openid email offline_access")], changes].concat();
        browser.open(&self.app.authorize(&wish)).away()
    }

    fn refresh_token(&self) -> &str {
        self.tokens["refresh_token"].as_str().unwrap()
    }
}

/// An answer that says to come back, in a form that a machine reads.
fn is_paused(answer: &Answer) {
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("30")), "{}", answer.text());
}

#[test]
fn a_session_hands_out_codes_and_nothing_changes() {
    let scene = Scene::new(&json!({}));
    let browser = scene.signed_in();
    scene.set("read_only");
    let before = scene.contents();
    let back = scene.silent(&browser, &[]);
    assert_eq!(parameter(&back, "state").as_deref(), Some("the-state"));
    let tokens = scene.app.redeem(&scene.world, &back).expect(200).json();
    assert_eq!(tokens["scope"], "openid email", "no refresh token, which would have to be kept");
    assert!(tokens.get("refresh_token").is_none());
    let (_, id) = opened(tokens["id_token"].as_str().unwrap());
    assert_eq!((&id["email"], &id["nonce"]), (&json!(EMAIL), &json!("the-nonce")));
    let userinfo = Ask::get("acme", "/userinfo").bearer(tokens["access_token"].as_str().unwrap());
    assert_eq!(scene.world.send(userinfo).expect(200).json()["email"], EMAIL);
    // Not silently, either: who has a session sees no page.
    let back = browser.open(&scene.app.authorize(&[])).away();
    scene.app.redeem(&scene.world, &back).expect(200);
    assert_eq!(scene.contents(), before);
}

#[test]
fn such_a_code_is_good_once_for_its_client_its_verifier_its_minute_and_its_tenant() {
    let scene = Scene::new(&json!({}));
    scene.world.tenant("globex");
    let elsewhere = scene.world.application("globex", &json!({}));
    let thief = scene.world.application("acme", &json!({ "app_id": "thief" }));
    let browser = scene.signed_in();
    scene.set("read_only");
    let before = scene.contents();
    let code = || parameter(&scene.silent(&browser, &[]), "code").unwrap();
    let refused = |answer: Answer| assert_eq!(error(&answer.expect(400)), "invalid_grant");
    let redeem = |code: &str| scene.app.redeem_code(&scene.world, code, VERIFIER);

    let used = code();
    redeem(&used).expect(200);
    refused(redeem(&used));
    refused(scene.app.redeem_code(&scene.world.another_isolate(), &used, VERIFIER));
    for attempt in [
        |scene: &Scene, _: &Application, code: &str| {
            scene.app.redeem_code(&scene.world, code, &"x".repeat(43))
        },
        |scene: &Scene, thief: &Application, code: &str| thief.redeem_code(&scene.world, code, VERIFIER),
    ] {
        let code = code();
        refused(attempt(&scene, &thief, &code));
        redeem(&code).expect(200);
    }
    let stolen = code();
    refused(elsewhere.redeem_code(&scene.world, &stolen, VERIFIER));
    let mut changed = stolen.clone();
    changed.replace_range(40..41, if &stolen[40..41] == "A" { "B" } else { "A" });
    refused(redeem(&changed));
    redeem(&stolen).expect(200);
    let late = code();
    scene.world.advance(Lifetime::seconds(60));
    refused(redeem(&late));
    assert_eq!(scene.contents(), before);
}

#[test]
fn of_a_code_that_outlives_the_pause_a_second_use_ends_the_session() {
    let scene = Scene::new(&json!({}));
    let browser = scene.signed_in();
    scene.set("read_only");
    let back = scene.silent(&browser, &[]);
    scene.set("active");
    scene.app.redeem(&scene.world, &back).expect(200);
    assert_eq!(error(&scene.app.redeem(&scene.world, &back).expect(400)), "invalid_grant");
    let silent = scene.silent(&browser, &[]);
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"));
}

#[test]
fn what_has_been_taken_from_a_person_counts_for_such_a_code() {
    for change in ["update users set blocked = 1", "update sessions set revoked_at = 1"] {
        let scene = Scene::new(&json!({}));
        let browser = scene.signed_in();
        scene.set("read_only");
        let back = scene.silent(&browser, &[]);
        scene.world.home("acme").query(change);
        assert_eq!(error(&scene.app.redeem(&scene.world, &back).expect(400)), "invalid_grant", "{change}");
    }
}

#[test]
fn who_is_not_signed_in_is_told_before_typing_anything() {
    let scene = Scene::new(&json!({}));
    let (world, app) = (&scene.world, &scene.app);
    let browser = world.browser();
    let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", EMAIL)]);
    let page = page.page().0.clone();
    let signed_in = scene.signed_in();
    scene.set("read_only");
    let before = scene.contents();
    let logged = world.outside.log.borrow().len();
    for answer in [
        world.browser().get(&app.authorize(&[])),
        signed_in.get(&app.authorize(&[("prompt", "login")])),
        browser.get(&page),
        browser.post(&page, &[("password", PASSWORD)]),
    ] {
        is_paused(&answer);
        assert!(answer.text().contains("read-only right now"), "{}", answer.text());
    }
    is_paused(&signed_in.get(&app.url("v2/logout")));
    // An application that asks silently is told what it always is: then it shows its own page, or sends the person here.
    let silent = scene.silent(&world.browser(), &[]);
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"));
    assert_eq!(scene.contents(), before);
    let lines = world.outside.log.borrow();
    assert!(lines[logged..].iter().all(|line| line.starts_with("Info")), "what is meant to be is no error");
}

#[test]
fn a_refresh_token_is_served_as_it_is_and_rotates_again_afterwards() {
    let scene = Scene::new(&json!({}));
    scene.set("read_only");
    let before = scene.contents();
    for _ in 0..2 {
        let answer = scene.app.refresh(&scene.world, scene.refresh_token()).expect(200);
        assert!(answer.json().get("refresh_token").is_none(), "the client keeps the one it has");
        assert_eq!(
            opened(answer.json()["id_token"].as_str().unwrap()).1["sub"],
            opened(scene.tokens["id_token"].as_str().unwrap()).1["sub"]
        );
        scene.world.advance(Lifetime::minutes(2));
    }
    assert_eq!(error(&scene.app.refresh(&scene.world, "rt_a.b").expect(400)), "invalid_grant");
    assert_eq!(scene.contents(), before);
    scene.set("active");
    let next = scene.app.refresh(&scene.world, scene.refresh_token()).expect(200).json();
    let next = next["refresh_token"].as_str().unwrap().to_owned();
    scene.world.advance(Lifetime::minutes(2));
    scene.set("read_only");
    // One that was replaced is worth nothing, and its family is revoked as soon as that can be written.
    assert_eq!(error(&scene.app.refresh(&scene.world, scene.refresh_token()).expect(400)), "invalid_grant");
    scene.app.refresh(&scene.world, &next).expect(200);
    scene.set("active");
    scene.app.refresh(&scene.world, scene.refresh_token()).expect(400);
    scene.app.refresh(&scene.world, &next).expect(400);
}

#[test]
fn a_token_that_does_not_rotate_goes_on_and_what_was_taken_away_counts() {
    let scene = Scene::new(&json!({ "refresh_token": { "rotation_type": "non-rotating" } }));
    scene.set("read_only");
    scene.app.refresh(&scene.world, scene.refresh_token()).expect(200);
    scene.world.home("acme").query("update users set blocked = 1");
    assert_eq!(error(&scene.app.refresh(&scene.world, scene.refresh_token()).expect(400)), "invalid_grant");
}

#[test]
fn what_must_change_something_says_when_to_come_back() {
    let scene = Scene::new(&json!({}));
    let kept = scene.silent(&scene.signed_in(), &[]);
    scene.set("read_only");
    let before = scene.contents();
    let answer = scene.app.redeem(&scene.world, &kept);
    is_paused(&answer);
    assert_eq!(error(&answer), "temporarily_unavailable");
    let revoke = Ask::post("acme", "/oauth/revoke")
        .form(&[("client_id", &scene.app.id), ("token", scene.refresh_token())]);
    let answer = scene.world.send(revoke);
    is_paused(&answer);
    assert_eq!(error(&answer), "temporarily_unavailable");
    let token = scene.world.machine_token("");
    let create =
        Ask::new(Method::POST, "acme", "/api/v2/roles").bearer(&token).json(&json!({ "name": "Any" }));
    let answer = scene.world.send(create);
    is_paused(&answer);
    assert_eq!(answer.json()["errorCode"], "tenant_read_only");
    assert_eq!(scene.contents(), before);
    scene.set("active");
    scene.app.redeem(&scene.world, &kept).expect(200);
}
