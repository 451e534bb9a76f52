//! Guesses at passwords: of one account from many places, of many accounts from one, and all at once.

use crate::support::{
    Application, Ask, World,
    browser::Seen,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::{http::Method, time::Lifetime};
use serde_json::{Value as Json, json};

/// The main tenant's application, and somebody with an address and a user name.
struct Scene {
    world: World,
    app: Application,
}

const EMAIL: &str = "ann@example.com";
const USERNAME: &str = "ann";
const PASSWORD: &str = "a password of her own";

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let app = world.application("", &json!({}));
        let scene = Self { world, app };
        let user = json!({ "connection": "Username-Password-Authentication", "email": EMAIL,
            "username": USERNAME, "password": PASSWORD });
        scene.manage(Method::POST, "/api/v2/users", &user, 201);
        scene
    }

    fn manage(&self, method: Method, path: &str, body: &Json, status: u16) -> Json {
        let ask = Ask::new(method, "", path).bearer(&self.world.machine_token(""));
        self.world.send(ask.json(body)).expect(status).json()
    }

    /// Sets a section of attack protection, and has everybody see it.
    fn protect(&self, section: &str, body: &Json) {
        self.manage(Method::PATCH, &format!("/api/v2/attack-protection/{section}"), body, 200);
    }

    /// The status of an attempt from an address, and what its page says of when to come back; 302 for whoever is in.
    fn attempt(&self, ip: &str, name: &str, password: &str) -> (u16, Option<i64>) {
        let browser = self.world.browser_at(ip);
        let page = browser.submit(&browser.open(&self.app.authorize(&[])), &[("username", name)]);
        match browser.submit(&page, &[("password", password)]) {
            Seen::Away(_) => (302, None),
            Seen::Page(_, answer) => {
                let wait = answer.header("retry-after").map(|seconds| seconds.parse().unwrap());
                (answer.status(), wait)
            }
        }
    }

    /// How many of so many wrong passwords were looked at.
    fn looked_at(&self, attempts: impl IntoIterator<Item = (String, String)>) -> usize {
        let is_looked_at = |(ip, name): (String, String)| self.attempt(&ip, &name, "wrong password").0 == 400;
        attempts.into_iter().filter(|attempt| is_looked_at(attempt.clone())).count()
    }
}

/// Nine wrong passwords from each of so many addresses: not enough to be locked out at any of them.
fn from_many(addresses: usize, name: &str) -> Vec<(String, String)> {
    (0..addresses * 9).map(|n| (format!("203.0.113.{}", n / 9), name.to_owned())).collect()
}

#[test]
fn guesses_at_one_account_from_many_addresses_have_to_wait_for_each_other() {
    let scene = Scene::new();
    assert_eq!(scene.attempt("192.0.2.200", EMAIL, PASSWORD).0, 302);
    let looked_at = scene.looked_at(from_many(6, EMAIL));
    assert_eq!(looked_at, 31, "thirty, and the one whose turn it was");
    let (status, wait) = scene.attempt("198.51.100.7", EMAIL, PASSWORD);
    assert_eq!((status, wait), (429, Some(60)), "a stranger who knows the password waits as well");
    assert_eq!(scene.attempt("192.0.2.200", EMAIL, PASSWORD).0, 302, "where she has been she need not");
    scene.world.advance(Lifetime::minutes(1));
    assert_eq!(scene.attempt("198.51.100.7", EMAIL, PASSWORD).0, 302, "then it is somebody's turn");
    assert_eq!(scene.attempt("198.51.100.7", EMAIL, PASSWORD).0, 302, "and she has been there now");
}

#[test]
fn the_more_there_were_the_longer_the_next_one_waits() {
    let scene = Scene::new();
    scene.looked_at(from_many(6, EMAIL));
    let mut looked_at = 31;
    for n in 0..200 {
        scene.world.advance(Lifetime::minutes(1));
        looked_at += scene.looked_at([(format!("198.51.100.{n}"), EMAIL.to_owned())]);
    }
    assert!((80..=100).contains(&looked_at), "{looked_at} in 200 minutes");
}

#[test]
fn a_session_makes_a_browser_known_wherever_it_goes() {
    let scene = Scene::new();
    let browser = scene.world.browser_at("192.0.2.200");
    browser.sign_in(&scene.app.authorize(&[]), EMAIL, PASSWORD);
    scene.looked_at(from_many(6, EMAIL));
    let cookie = browser.cookie("gatehouse_session").unwrap();
    let abroad = scene.world.browser_at("198.51.100.7");
    let host = ("localhost:8787".to_owned(), "gatehouse_session".to_owned());
    abroad.cookies.borrow_mut().insert(host, cookie);
    abroad.sign_in(&scene.app.authorize(&[("prompt", "login")]), EMAIL, PASSWORD);
}

#[test]
fn an_account_that_does_not_exist_is_protected_like_one_that_does() {
    let (known, unknown) = (Scene::new(), Scene::new());
    let tried = |scene: &Scene, name: &str| {
        let attempts = from_many(6, name).into_iter();
        attempts.map(|(ip, name)| scene.attempt(&ip, &name, "wrong password")).collect::<Vec<_>>()
    };
    assert_eq!(tried(&known, EMAIL), tried(&unknown, "nobody@example.com"));
}

#[test]
fn an_address_and_a_user_name_of_one_account_count_together() {
    let scene = Scene::new();
    let names = [EMAIL, USERNAME].into_iter().flat_map(|name| [name; 10]);
    let looked_at = scene.looked_at(names.map(|name| ("192.0.2.1".to_owned(), name.to_owned())));
    assert_eq!(looked_at, 10);
}

#[test]
fn a_list_of_accounts_cannot_be_tried_from_one_network() {
    let scene = Scene::new();
    let name = |n: usize| (format!("2001:db8:0:{n:x}::1"), format!("somebody{n}@example.com"));
    assert_eq!(scene.looked_at((0..60).map(name)), 30);
    let (status, wait) = scene.attempt("2001:db8:0:ff::1", ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!((status, wait), (429, Some(20)));
    assert_eq!(scene.attempt("2001:db8:0:100::1", ADMIN_EMAIL, ADMIN_PASSWORD).0, 302);
    let limits = scene.world.database("SHARED").query("select id from logs where type = 'limit_mu'");
    assert_eq!(limits.len(), 1, "recorded once");
    // Ten minutes on there are thirty more; a hundred in all, and then one every 864 seconds.
    let mut looked_at = 30;
    for round in 1..10 {
        scene.world.advance(Lifetime::minutes(10));
        looked_at += scene.looked_at(
            (0..40)
                .map(|n| name(round * 40 % 200 + n))
                .map(|(_, name)| ("2001:db8::1".to_owned(), format!("{round}{name}"))),
        );
    }
    assert!((100..=108).contains(&looked_at), "{looked_at}");
}

#[test]
fn whoever_signs_in_uses_nothing_up_for_others_in_their_network() {
    let scene = Scene::new();
    for _ in 0..40 {
        assert_eq!(scene.attempt("192.0.2.1", EMAIL, PASSWORD).0, 302);
    }
}

#[test]
fn wrong_passwords_that_come_at_once_are_all_counted() {
    let scene = Scene::new();
    let browser = scene.world.browser();
    let page = browser.submit(&browser.open(&scene.app.authorize(&[])), &[("username", EMAIL)]);
    let ask =
        |n: usize| browser.ask(Method::POST, page.page().0, Some(&[("password", &format!("wrong {n}"))]));
    let answers = scene.world.send_at_once((0..30).map(ask).collect());
    assert_eq!(answers.iter().filter(|answer| answer.status() == 400).count(), 10);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 429).count(), 20);
}

#[test]
fn what_is_refused_is_never_hashed() {
    let scene = Scene::new();
    scene.looked_at((0..12).map(|_| ("192.0.2.1".to_owned(), EMAIL.to_owned())));
    // No password can be hashed any more: an attempt that tried would be a fault.
    scene.world.outside.password_cost.set((0, 0));
    assert_eq!(scene.attempt("192.0.2.1", EMAIL, "wrong password").0, 429);
}

#[test]
fn a_tenant_can_have_it_otherwise() {
    let ten = |scene: &Scene| scene.looked_at((0..12).map(|_| ("192.0.2.1".to_owned(), EMAIL.to_owned())));
    let brute = "brute-force-protection";
    let with = |section: &str, body: Json| {
        let scene = Scene::new();
        scene.protect(section, &body);
        scene
    };
    assert_eq!(ten(&with(brute, json!({ "max_attempts": 3 }))), 3);
    assert_eq!(ten(&with(brute, json!({ "enabled": false }))), 12);
    assert_eq!(ten(&with(brute, json!({ "shields": ["user_notification"] }))), 12);
    assert_eq!(ten(&with(brute, json!({ "allowlist": ["192.0.2.0/24"] }))), 12);
    let anywhere = with(brute, json!({ "mode": "count_per_identifier" }));
    assert_eq!(ten(&anywhere), 10);
    assert_eq!(
        anywhere.attempt("198.51.100.7", EMAIL, PASSWORD).0,
        429,
        "its owner is locked out: so it was set"
    );

    let list = |scene: &Scene| {
        scene.looked_at((0..60).map(|n| ("192.0.2.1".to_owned(), format!("somebody{n}@example.com"))))
    };
    let address = "suspicious-ip-throttling";
    assert_eq!(list(&with(address, json!({ "enabled": false }))), 60);
    assert_eq!(list(&with(address, json!({ "shields": ["admin_notification"] }))), 60);
    assert_eq!(list(&with(address, json!({ "allowlist": ["192.0.2.1"] }))), 60);
    let stage = json!({ "stage": { "pre-login": { "max_attempts": 50, "rate": 1000 } } });
    assert_eq!(list(&with(address, stage)), 50, "what a tenant says holds instead of our own");
}

#[test]
fn a_connection_can_leave_failures_uncounted() {
    let scene = Scene::new();
    let connections =
        scene.world.send(Ask::get("", "/api/v2/connections").bearer(&scene.world.machine_token("")));
    let id = connections.expect(200).json()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v2/connections/{id}");
    scene.manage(Method::PATCH, &path, &json!({ "options": { "brute_force_protection": false } }), 200);
    assert_eq!(scene.looked_at((0..12).map(|_| ("192.0.2.1".to_owned(), EMAIL.to_owned()))), 12);
}
