//! The keys that seal what is secret at rest: a new one seals, all of them open; and what strangers have sealed has its own.

use crate::support::{
    Application, Ask, World, block_on,
    browser::parameter,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::{
    db::Meter,
    platform::Platform,
    resources::snapshot::Snapshot,
    secret::{KeyRing, Sealed, Secret},
    time::Lifetime,
};
use serde_json::{Value as Json, json};
use std::{cell::RefCell, rc::Rc};

fn snapshot(world: &World) -> Rc<Snapshot> {
    let (shared, now) = (world.app.shared(), world.outside.now());
    let (tenant, db) = block_on(shared.directory.main(now, &Meter::default())).unwrap();
    block_on(shared.snapshots.of(&tenant, &db, shared.platform.as_ref(), &shared.config, now)).unwrap()
}

/// The id of the key that has sealed this.
fn sealed_by(text: &str) -> &str {
    text.split(':').nth(1).unwrap()
}

fn stored_secret(world: &World, client: &Json) -> String {
    let id = client["client_id"].as_str().unwrap();
    let rows = world
        .database("SHARED")
        .query(&format!("select sealed_secret from clients where client_id = '{id}'"));
    rows[0]["sealed_secret"].as_str().unwrap().to_owned()
}

#[test]
fn a_new_key_seals_and_all_of_them_open() {
    let world = World::new();
    let admin = world.admin("");
    let before = admin.post("clients", &json!({ "name": "Before" })).expect(201).json();
    let listed = admin.get("keys/encryption").expect(200).json();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["state"]), (1, &json!("active")));
    let old = listed[0]["kid"].clone();
    for _ in 0..2 {
        admin.post("keys/encryption/rekey", &json!({})).expect(204);
    }
    let listed = admin.get("keys/encryption").expect(200).json();
    let states: Vec<_> =
        listed.as_array().unwrap().iter().map(|key| key["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["active", "deactivated", "deactivated"]);
    assert_eq!(listed[2]["kid"], old);
    let after = admin.post("clients", &json!({ "name": "After" })).expect(201).json();
    assert_eq!(sealed_by(&stored_secret(&world, &before)), old);
    assert_eq!(sealed_by(&stored_secret(&world, &after)), listed[0]["kid"]);
    let isolate = world.another_isolate();
    for client in [before, after] {
        let path = format!("clients/{}", client["client_id"].as_str().unwrap());
        assert_eq!(isolate.admin("").get(&path).expect(200).json()["client_secret"], client["client_secret"]);
    }
    let text = listed.to_string();
    assert!(!text.contains("wrapped"), "nothing of a key is shown but its id: {text}");
}

#[test]
fn an_older_installation_key_can_be_taken_away_after_a_rekey() {
    let first = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let second = "k2:HxwdHhsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";
    let keys = Rc::new(RefCell::new(first.to_owned()));
    let set = Rc::clone(&keys);
    let world = World::with(&["DIRECTORY", "SHARED", "POOL_01"], move |name| {
        (name == "ENCRYPTION_KEY").then(|| set.borrow().clone())
    });
    let client = world.admin("").post("clients", &json!({ "name": "Before" })).expect(201).json();
    let path = format!("clients/{}", client["client_id"].as_str().unwrap());
    keys.replace(format!("{second},{first}"));
    let both = world.another_isolate();
    both.admin("").post("keys/encryption/rekey", &json!({})).expect(204);
    keys.replace(second.to_owned());
    let after = world.another_isolate();
    assert_eq!(after.admin("").get(&path).expect(200).json()["client_secret"], client["client_secret"]);
    let fresh = after.admin("").post("clients", &json!({ "name": "After" })).expect(201).json();
    assert!(fresh["client_secret"].is_string());
}

/// The key that has sealed the state of a page.
fn state(world: &World, app: &Application) -> String {
    parameter(world.browser().open(&app.authorize(&[])).page().0, "state").unwrap()
}

#[test]
fn what_strangers_have_sealed_is_sealed_by_a_key_of_its_own_for_every_day() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let data_key =
        world.admin("").get("keys/encryption").expect(200).json()[0]["kid"].as_str().unwrap().to_owned();
    let today = state(&world, &app);
    assert!(sealed_by(&today).starts_with(&format!("{data_key}.passing-")), "{today}");
    world.advance(Lifetime::days(1));
    assert_ne!(sealed_by(&state(&world, &app)), sealed_by(&today));
}

#[test]
fn a_login_goes_on_over_midnight_and_over_a_rekey() {
    let world = World::new();
    let app = world.application("", &json!({}));
    // The world begins at 08:00.
    world.advance(Lifetime::hours(15));
    world.advance(Lifetime::minutes(59));
    let browser = world.browser();
    let page = browser.open(&app.authorize(&[]));
    world.admin("").post("keys/encryption/rekey", &json!({})).expect(204);
    world.advance(Lifetime::minutes(2));
    let page = browser.submit(&page, &[("username", ADMIN_EMAIL)]);
    browser.submit(&page, &[("username", ADMIN_EMAIL), ("password", ADMIN_PASSWORD)]).away();
}

#[test]
fn a_login_that_an_earlier_release_has_begun_goes_on() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.open(&app.authorize(&[]));
    let (snapshot, state) = (snapshot(&world), parameter(page.page().0, "state").unwrap());
    let purpose = "login main http://localhost:8787/";
    let plain = snapshot.passing.open(purpose, &Sealed::stored(state)).unwrap();
    // That release sealed with the data key itself.
    let earlier = snapshot.seal.seal(world.outside.as_ref(), purpose, &plain).unwrap();
    let mut url = page.page().0.clone();
    url.query_pairs_mut().clear().append_pair("state", earlier.as_str());
    assert_eq!(browser.get(&url).status(), 200);
}

#[test]
fn keys_that_follow_from_one_another_open_nothing_of_each_other() {
    let world = World::new();
    let ring = KeyRing::single("k1", [7; 32]);
    let [one, other] = ["one", "other"].map(|label| ring.derived(label));
    let plain = Secret::new("plain");
    let sealed = [&ring, &one, &other].map(|ring| ring.seal(world.outside.as_ref(), "p", &plain).unwrap());
    for (place, opener) in [&ring, &one, &other].into_iter().enumerate() {
        for (index, sealed) in sealed.iter().enumerate() {
            assert_eq!(opener.open("p", sealed).is_some(), index == place);
        }
    }
    // Not only because they are held by other ids: the same bytes under the id of another one open nothing.
    let disguised = Sealed::stored(sealed[1].as_str().replace("k1.one", "k1.other"));
    assert!(other.open("p", &disguised).is_none());
    assert!(one.clone().and(&other).open("p", &sealed[2]).is_some());
}

#[test]
fn a_rekey_asks_for_its_scope() {
    let world = World::new();
    let ask =
        |scope: &str| Ask::post("", "/api/v2/keys/encryption/rekey").bearer(&world.machine_token(scope));
    world.send(ask("read:encryption_keys")).expect(403);
    world.send(ask("update:encryption_keys")).expect(204);
}
