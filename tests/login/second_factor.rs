//! The second factor: asked of whoever has one, good for once, and nobody gets around it.

use crate::{
    importing::{begin, finish, send},
    oauth::{error, opened},
    support::{
        Application, Browser, World,
        admin::Admin,
        browser::{Seen, parameter},
    },
};
use gatehouse::{
    login::totp,
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};
use url::Url;

const EMAIL: &str = "ann@example.com";
pub const PASSWORD: &str = "a password of Ann's own";
pub const SEED: &str = "JBSWY3DPEHPK3PXP";
pub const PAGE: &str = "/u/mfa-otp-challenge";

/// Acme, where Ann has signed up.
pub struct Scene {
    pub world: World,
    pub app: Application,
    pub ann: String,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        world.tenant("acme");
        let app = world.application("acme", &json!({}));
        let ann = sign_up(&world, &app, EMAIL);
        Self { world, app, ann }
    }

    /// Acme, where Ann has an authenticator app and a recovery code.
    pub fn enrolled() -> Self {
        let scene = Self::new();
        scene.give(&[
            method("m1", &scene.ann, "totp", &json!({ "secret": SEED })),
            method("m2", &scene.ann, "recovery-code", &json!({ "secret": "ABCD1234EFGH5678" })),
        ]);
        scene
    }

    /// Brings second factors in, as an import does.
    fn give(&self, methods: &[Json]) {
        self.world.advance(Lifetime::milliseconds(1));
        begin(&self.world, "acme", true).expect(201);
        send(&self.world, "acme", "authentication_methods", 0, methods).expect(200);
        finish(&self.world, "acme", &json!({})).expect(200);
    }

    pub fn admin(&self) -> Admin<'_> {
        self.world.holder("acme", &self.world.machine_token(""))
    }

    pub fn set(&self, mfa: &Json) {
        self.admin().patch("tenants/settings", &json!({ "mfa": mfa })).expect(200);
    }

    pub fn code(&self) -> String {
        code(&self.world, SEED, 0)
    }

    /// Types the password.
    pub fn password(&self, browser: &Browser<'_>, changes: &[(&str, &str)]) -> Seen {
        let page = browser.submit(&browser.open(&self.app.authorize(changes)), &[("username", EMAIL)]);
        browser.submit(&page, &[("password", PASSWORD)])
    }

    pub fn sign_in(&self, browser: &Browser<'_>) -> Url {
        browser.submit(&self.password(browser, &[]), &[("code", &self.code())]).away()
    }

    pub fn id_token(&self, back: &Url) -> Json {
        let tokens = self.app.redeem(&self.world, back).expect(200).json();
        opened(tokens["id_token"].as_str().unwrap()).1
    }

    fn silent(&self, browser: &Browser<'_>) -> Option<String> {
        let back = browser.open(&self.app.authorize(&[("prompt", "none")])).away();
        parameter(&back, "error")
    }

    fn logged(&self, kind: &str) -> usize {
        self.world.home("acme").query(&format!("select id from logs where type = '{kind}'")).len()
    }

    fn sessions(&self) -> usize {
        self.world.home("acme").query("select id from sessions where amr is not null").len()
    }
}

pub fn sign_up(world: &World, app: &Application, email: &str) -> String {
    let back = world.browser().sign_up(&app.authorize(&[]), email, PASSWORD);
    let tokens = app.redeem(world, &back).expect(200).json();
    opened(tokens["id_token"].as_str().unwrap()).1["sub"].as_str().unwrap().to_owned()
}

fn method(id: &str, user: &str, kind: &str, more: &Json) -> Json {
    let mut method = json!({ "id": id, "user_id": user, "type": kind, "confirmed": true, "created_at": 1, "updated_at": 1 });
    method.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    method
}

/// The code of the step that is `away` from now.
pub fn code(world: &World, seed: &str, away: i64) -> String {
    let step = totp::step(Timestamp::from_millis(world.outside.now_millis())) + away;
    totp::code(&totp::base32(seed).unwrap(), step).unwrap()
}

fn refused(seen: &Seen, status: u16) {
    let (url, answer) = seen.page();
    assert_eq!((url.path(), answer.status()), (PAGE, status), "{}", answer.text());
}

/// By a change of the user through the management API.
#[test]
fn what_ends_a_persons_sessions_ends_a_login_that_is_half_done() {
    for (change, signs_in) in [
        (json!({ "name": "Ann" }), true),
        (json!({ "password": "another password of Ann's" }), false),
        (json!({ "email": "new@example.com" }), false),
    ] {
        let scene = Scene::enrolled();
        let browser = scene.world.browser();
        let page = scene.password(&browser, &[]);
        scene.admin().patch(&format!("users/{}", scene.ann.replace('|', "%7C")), &change).expect(200);
        let seen = browser.submit(&page, &[("code", &scene.code())]);
        assert_eq!((matches!(seen, Seen::Away(_)), scene.sessions() > 0), (signs_in, signs_in), "{change}");
    }
}

#[test]
fn a_code_before_the_one_that_was_used_is_not_accepted() {
    let scene = Scene::enrolled();
    scene.sign_in(&scene.world.browser());
    for away in [-1, 0, 1] {
        let browser = scene.world.browser();
        let page = scene.password(&browser, &[]);
        let seen = browser.submit(&page, &[("code", &code(&scene.world, SEED, away))]);
        assert_eq!(matches!(seen, Seen::Away(_)), away > 0, "{away}");
    }
}

/// RFC 6238, appendix B, without the two digits that we do not use.
#[test]
fn the_codes_are_those_of_the_standard() {
    let key = b"12345678901234567890";
    for (seconds, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(totp::code(key, totp::step(Timestamp::from_millis(seconds * 1000))).unwrap(), code);
    }
    // RFC 4648, section 10.
    for (text, bytes) in
        [("", ""), ("MY======", "f"), ("MZXQ", "fo"), ("MZXW6===", "foo"), ("MZXW6YTBOI", "foobar")]
    {
        assert_eq!(totp::base32(text).unwrap(), bytes.as_bytes());
    }
    for wrong in ["my", "M1", "M Y", "M=Y"] {
        assert_eq!(totp::base32(wrong), None, "{wrong}");
    }
    assert_eq!(totp::accepted("", "328482", Timestamp::from_millis(0)), None, "an empty seed has no codes");
}

#[test]
fn whoever_has_an_authenticator_is_asked_for_its_code() {
    let scene = Scene::enrolled();
    let browser = scene.world.browser();
    let page = scene.password(&browser, &[]);
    assert_eq!(page.path(), PAGE);
    assert!(page.page().1.text().contains("autocomplete=\"one-time-code\""));
    assert_eq!(browser.cookie("gatehouse_session"), None, "the password alone is no session");
    assert_eq!(scene.silent(&browser).as_deref(), Some("login_required"));
    let back = browser.submit(&page, &[("code", &scene.code())]).away();
    let claims = scene.id_token(&back);
    assert_eq!((&claims["sub"], &claims["amr"]), (&json!(scene.ann), &json!(["mfa", "otp"])));
    assert_eq!((scene.logged("gd_auth_succeed"), scene.logged("gd_auth_failed")), (1, 0));
    // The session need not do it again for as long as it lives.
    assert_eq!(scene.silent(&browser), None);
    scene.world.advance(Lifetime::hours(71));
    let claims = scene.id_token(&browser.open(&scene.app.authorize(&[])).away());
    assert_eq!(claims["amr"], json!(["mfa", "otp"]));
    // Another login does.
    assert_eq!(scene.password(&browser, &[("prompt", "login")]).path(), PAGE);
}

#[test]
fn whoever_has_none_is_not() {
    let scene = Scene::enrolled();
    sign_up(&scene.world, &scene.app, "bob@example.com");
    let back = scene.world.browser().sign_in(&scene.app.authorize(&[]), "bob@example.com", PASSWORD);
    assert_eq!(scene.id_token(&back).get("amr"), None);
    // One that was never confirmed is none.
    let mut unconfirmed = method("m3", &scene.ann, "totp", &json!({ "secret": SEED }));
    let scene = Scene::new();
    unconfirmed["user_id"] = json!(scene.ann);
    unconfirmed["confirmed"] = json!(false);
    scene.give(&[unconfirmed]);
    scene.password(&scene.world.browser(), &[]).away();
}

#[test]
fn a_code_is_good_for_a_step_before_and_after_and_once() {
    let scene = Scene::enrolled();
    for (away, good) in [(-2, false), (2, false), (-1, true), (0, true), (1, true)] {
        let browser = scene.world.browser();
        let page = scene.password(&browser, &[]);
        let typed = code(&scene.world, SEED, away);
        let spaced = format!(" {} {}", &typed[..3], &typed[3..]);
        match browser.submit(&page, &[("code", &spaced)]) {
            Seen::Away(_) => assert!(good, "{away}"),
            seen => {
                assert!(!good, "{away}");
                refused(&seen, 400);
            }
        }
        // Nobody who looked over a shoulder gets in with it: not at another page, nor at the same.
        for again in [&browser, &scene.world.browser()] {
            let page = scene.password(again, &[("prompt", "login")]);
            refused(&again.submit(&page, &[("code", &typed)]), 400);
        }
    }
    assert_eq!(scene.sessions(), 3);
}

/// Two requests with the same code at the same time: the database lets one of them sign in.
#[test]
fn a_code_that_is_sent_twice_signs_in_once() {
    let scene = Scene::enrolled();
    let (one, two) = (scene.world.browser(), scene.world.browser());
    let pages = [scene.password(&one, &[]), scene.password(&two, &[])];
    let typed = scene.code();
    let world = scene.world.home("acme");
    // What the first request writes is there before the second one looks.
    one.submit(&pages[0], &[("code", &typed)]).away();
    let before = world.query("select id from sessions").len();
    refused(&two.submit(&pages[1], &[("code", &typed)]), 400);
    assert_eq!(world.query("select id from sessions").len(), before, "nothing of the second one is left");
    assert_eq!(world.query("select step from spent_factors").len(), 2, "with the step before it");
    // What nobody's code can be of any more is forgotten.
    scene.world.advance(Lifetime::minutes(5));
    scene.sign_in(&scene.world.browser());
    assert_eq!(world.query("select step from spent_factors").len(), 2);
}

#[test]
fn wrong_codes_lock_whatever_the_address() {
    let scene = Scene::enrolled();
    let address = |number: usize| format!("198.51.100.{number}");
    for number in 1..=10 {
        let browser = scene.world.browser_at(&address(number));
        let page = scene.password(&browser, &[]);
        refused(&browser.submit(&page, &[("code", "000000")]), 400);
    }
    let browser = scene.world.browser_at(&address(99));
    let page = scene.password(&browser, &[]);
    refused(&browser.submit(&page, &[("code", &scene.code())]), 429);
    refused(&browser.submit(&page, &[("code", "ABCD1234EFGH5678")]), 429);
    assert_eq!(scene.logged("gd_otp_rate_limit_exceed"), 1);
    assert_eq!(scene.logged("gd_auth_failed"), 10);
    scene.world.advance(Lifetime::hours(1));
    scene.sign_in(&scene.world.browser());
    assert!(scene.world.home("acme").query("select key from login_attempts where failures > 1").is_empty());
}

#[test]
fn nobody_gets_around_the_page() {
    let scene = Scene::enrolled();
    let browser = scene.world.browser();
    // Before the password there is no such page.
    let first = browser.open(&scene.app.authorize(&[]));
    let second = browser.submit(&first, &[("username", EMAIL)]);
    for seen in [&first, &second] {
        let mut url = seen.page().0.clone();
        url.set_path(PAGE);
        assert_eq!(browser.open(&url).path(), "/u/login/identifier");
        let answer = browser.post(&url, &[("code", &scene.code())]);
        assert_eq!(answer.header("location").map(|to| to.starts_with("/u/login/identifier")), Some(true));
    }
    // With the password alone no other page leads on.
    let page = browser.submit(&second, &[("password", PASSWORD)]);
    let url = page.page().0.clone();
    for path in ["/u/consent", "/u/login/identifier"] {
        let mut url = url.clone();
        url.set_path(path);
        assert_eq!(browser.open(&url).path(), "/u/login/identifier");
    }
    let mut consent = url.clone();
    consent.set_path("/u/consent");
    let answer = browser.post(&consent, &[("decision", "accept")]);
    assert_eq!(answer.header("location").map(|to| to.starts_with("/u/login/identifier")), Some(true));
    // The state is of this browser and of now.
    scene.world.browser().get(&url).expect(400);
    let state = parameter(&url, "state").unwrap();
    let mut tampered = url.clone();
    tampered.query_pairs_mut().clear().append_pair("state", &format!("{}A", &state[..state.len() - 1]));
    browser.post(&tampered, &[("code", &scene.code())]).expect(400);
    scene.world.advance(Lifetime::minutes(10));
    assert_eq!(browser.open(&url).path(), "/u/login/identifier", "a password is good for ten minutes");
    assert_eq!(scene.sessions(), 0);
}

#[test]
fn a_code_of_somebody_else_is_worth_nothing() {
    let scene = Scene::enrolled();
    let bob = sign_up(&scene.world, &scene.app, "bob@example.com");
    let seed = "GEZDGNBVGY3TQOJQ";
    scene.give(&[method("m9", &bob, "totp", &json!({ "secret": seed }))]);
    let browser = scene.world.browser();
    let page = scene.password(&browser, &[]);
    refused(&browser.submit(&page, &[("code", &code(&scene.world, seed, 0))]), 400);
    browser.submit(&page, &[("code", &scene.code())]).away();
}

#[test]
fn who_is_blocked_or_gone_meanwhile_stays_out() {
    let scene = Scene::enrolled();
    let browser = scene.world.browser();
    let page = scene.password(&browser, &[]);
    let id = scene.ann.replace('|', "%7C");
    scene.admin().patch(&format!("users/{id}"), &json!({ "blocked": true })).expect(200);
    refused(&browser.submit(&page, &[("code", &scene.code())]), 403);
    scene.admin().delete(&format!("users/{id}")).expect(204);
    refused(&browser.submit(&page, &[("code", &scene.code())]), 400);
    assert!(scene.world.home("acme").query("select step from spent_factors").is_empty());
}

#[test]
fn a_recovery_code_is_good_for_once() {
    let scene = Scene::enrolled();
    let browser = scene.world.browser();
    let page = scene.password(&browser, &[]);
    refused(&browser.submit(&page, &[("code", "ABCD1234EFGH567")]), 400);
    let back = browser.submit(&page, &[("code", "abcd-1234 efgh-5678")]).away();
    assert_eq!(scene.id_token(&back)["amr"], json!(["mfa"]));
    assert_eq!(scene.logged("gd_recovery_succeed"), 1);
    // Also when an import brings it once more.
    scene.give(&[method("m2", &scene.ann, "recovery-code", &json!({ "secret": "ABCD1234EFGH5678" }))]);
    let page = scene.password(&browser, &[("prompt", "login")]);
    refused(&browser.submit(&page, &[("code", "ABCD1234EFGH5678")]), 400);
    browser.submit(&page, &[("code", &scene.code())]).away();
}

#[test]
fn a_session_that_was_begun_without_is_asked_before_it_goes_on() {
    let scene = Scene::new();
    let browser = scene.world.browser();
    let back = scene.password(&browser, &[]).away();
    let began = scene.id_token(&back)["auth_time"].clone();
    scene.give(&[method("m1", &scene.ann, "totp", &json!({ "secret": SEED }))]);
    scene.world.advance(Lifetime::minutes(1));
    assert_eq!(scene.silent(&browser).as_deref(), Some("interaction_required"));
    let page = browser.open(&scene.app.authorize(&[]));
    assert_eq!(page.path(), PAGE, "for the code alone: the session stands for the password");
    refused(&browser.submit(&page, &[("code", "123456")]), 400);
    assert_eq!(scene.silent(&browser).as_deref(), Some("interaction_required"));
    let claims = scene.id_token(&browser.submit(&page, &[("code", &scene.code())]).away());
    assert_eq!((&claims["amr"], &claims["auth_time"]), (&json!(["mfa", "otp"]), &began));
    assert_eq!(scene.silent(&browser), None);
}

#[test]
fn who_has_only_what_cannot_be_checked_is_refused_and_told_so_unless_the_operator_wants_otherwise() {
    for methods in [
        vec![("phone", json!({ "phone_number": "+14155550100" }))],
        vec![("email", json!({})), ("push", json!({}))],
        vec![("passkey", json!({ "credential_id": "Y3JlZA", "public_key": "a2V5" }))],
        vec![("totp", json!({}))],
    ] {
        let scene = Scene::new();
        let methods = methods.iter().enumerate();
        let methods: Vec<Json> = methods
            .map(|(number, (kind, more))| method(&format!("m{number}"), &scene.ann, kind, more))
            .collect();
        scene.give(&methods);
        let browser = scene.world.browser();
        let seen = scene.password(&browser, &[]);
        let (url, answer) = seen.page();
        assert_eq!((url.path(), answer.status()), ("/u/login/password", 403), "{methods:?}");
        assert!(answer.text().contains("Contact your administrator"));
        assert_eq!((browser.cookie("gatehouse_session"), scene.logged("gd_auth_rejected")), (None, 1));
        scene.set(&json!({ "unsupported_factors": "ignore" }));
        scene.password(&browser, &[]).away();
        scene.set(&json!({ "unsupported_factors": null }));
        assert_eq!(scene.silent(&browser).as_deref(), Some("interaction_required"));
        assert_eq!(browser.open(&scene.app.authorize(&[])).path(), "/u/login/identifier");
    }
}

#[test]
fn a_tenant_that_never_asks_does_not() {
    let scene = Scene::enrolled();
    scene.set(&json!({ "policy": "never" }));
    let browser = scene.world.browser();
    let back = scene.password(&browser, &[]).away();
    assert_eq!(scene.id_token(&back).get("amr"), None);
    scene.set(&json!({ "policy": "always" }));
    assert_eq!(scene.silent(&browser).as_deref(), Some("interaction_required"));
    scene.admin().patch("tenants/settings", &json!({ "mfa": { "policy": "sometimes" } })).expect(400);
}

#[test]
fn an_administrator_sees_them_and_takes_them_away() {
    let scene = Scene::enrolled();
    let admin = scene.admin();
    let path = format!("users/{}/authentication-methods", scene.ann.replace('|', "%7C"));
    let listed = admin.get(&path).expect(200);
    assert!(!listed.text().contains(SEED) && !listed.text().contains("sealed"));
    let kinds: Vec<_> =
        listed.json().as_array().unwrap().iter().map(|method| method["type"].clone()).collect();
    assert_eq!(kinds, ["totp", "recovery-code"]);
    admin.delete(&format!("{path}/m3")).expect(404);
    sign_up(&scene.world, &scene.app, "bob@example.com");
    admin.delete("users/auth0%7Cnobody/authentication-methods/m1").expect(404);
    admin.delete(&format!("{path}/m1")).expect(204);
    assert_eq!(admin.get(&path).json().as_array().unwrap().len(), 1);
    admin.delete(&format!("{path}/m2")).expect(204);
    assert_eq!(admin.get(&path).json(), json!([]));
    scene.password(&scene.world.browser(), &[]).away();
    admin.get("users/auth0%7Cnobody/authentication-methods").expect(404);
}

#[test]
fn a_factor_of_a_linked_identity_is_a_factor_of_the_account() {
    let scene = Scene::enrolled();
    let bob = sign_up(&scene.world, &scene.app, "bob@example.com");
    scene
        .world
        .home("acme")
        .query(&format!("update users set linked_to = '{bob}' where user_id = '{}'", scene.ann));
    for email in [EMAIL, "bob@example.com"] {
        let browser = scene.world.browser();
        let page = browser.submit(&browser.open(&scene.app.authorize(&[])), &[("username", email)]);
        let page = browser.submit(&page, &[("password", PASSWORD)]);
        let back = browser.submit(&page, &[("code", &scene.code())]).away();
        assert_eq!(scene.id_token(&back)["sub"], json!(bob));
        scene.world.advance(Lifetime::minutes(2));
    }
}

/// Nobody types a code only to hear that it can't be taken now; and what was proven before stays proven.
#[test]
fn a_read_only_tenant_asks_for_nothing_and_keeps_what_was_proven() {
    let scene = Scene::enrolled();
    let (proven, halfway) = (scene.world.browser(), scene.world.browser());
    scene.sign_in(&proven);
    let page = scene.password(&halfway, &[]);
    scene.world.admin("").patch("tenants/acme", &json!({ "status": "read_only" })).expect(200);
    scene.world.advance(Lifetime::seconds(5));
    let answer = halfway.post(page.page().0, &[("code", &code(&scene.world, SEED, 1))]);
    assert_eq!((answer.status(), answer.header("retry-after")), (503, Some("30")));
    assert_eq!(scene.silent(&proven), None);
    let back = proven.open(&scene.app.authorize(&[])).away();
    assert_eq!(scene.id_token(&back)["amr"], json!(["mfa", "otp"]));
    assert_eq!(error(&scene.app.redeem_code(&scene.world, "none", "none")), "invalid_grant");
}

/// How often the database is asked: no more than without for whoever has none, twice more for whoever has one.
#[test]
fn what_it_costs() {
    let scene = Scene::enrolled();
    sign_up(&scene.world, &scene.app, "bob@example.com");
    let spent = |browser: &Browser<'_>, email: &str| {
        let page = browser.submit(&browser.open(&scene.app.authorize(&[])), &[("username", email)]);
        let answer = browser.post(page.page().0, &[("password", PASSWORD)]);
        (answer.round_trips(), answer)
    };
    scene.sign_in(&scene.world.browser());
    scene.world.advance(Lifetime::minutes(1));
    spent(&scene.world.browser(), "bob@example.com");
    let (browser, other) = (scene.world.browser(), scene.world.browser());
    assert_eq!(spent(&browser, "bob@example.com").0, 2);
    let (trips, answer) = spent(&other, EMAIL);
    assert_eq!(trips, 2);
    let url = scene.app.url(answer.header("location").unwrap());
    assert_eq!(other.post(&url, &[("code", &scene.code())]).round_trips(), 2);
}
