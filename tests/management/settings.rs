//! Tenant settings: merged, cleared, checked.

use super::{beside, contents};
use crate::support::World;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const URL: &str = "tenants/settings";

#[test]
fn settings_are_shown_with_the_defaults_that_hold() {
    let world = World::new();
    let admin = world.admin("");
    let shown = admin.get(URL).expect(200).json();
    assert_eq!(
        shown,
        json!({ "friendly_name": "Gatehouse", "session_lifetime": 168, "idle_session_lifetime": 72 })
    );
    assert_eq!(
        admin.get(&format!("{URL}?fields=friendly_name")).expect(200).json(),
        json!({ "friendly_name": "Gatehouse" })
    );
}

#[test]
fn a_change_merges_at_every_level_and_null_clears() {
    let world = World::new();
    let admin = world.admin("");
    let change = json!({ "support_email": "help@acme.test", "session_lifetime": 24, "default_audience": "https://api/",
        "flags": { "enable_sso": true, "no_disclose_enterprise_connections": true }, "enabled_locales": ["en", "sv"],
        "change_password": { "enabled": true, "html": "<p>" } });
    admin.post("resource-servers", &json!({ "identifier": "https://api/" })).expect(201);
    admin.get(URL).expect(200);
    let answer = admin.patch(URL, &change).expect(200);
    assert_eq!(answer.round_trips(), 2, "one to see that the default API is there");
    let mut expected = change;
    expected["friendly_name"] = "Gatehouse".into();
    expected["idle_session_lifetime"] = 72.into();
    assert_eq!(answer.json(), expected);

    let change = json!({ "session_lifetime": null, "support_email": null, "enabled_locales": ["sv"],
        "flags": { "enable_sso": null, "revoke_refresh_token_grant": false }, "change_password": { "enabled": false } });
    let changed = admin.patch(URL, &change).expect(200).json();
    assert_eq!(
        changed,
        json!({ "friendly_name": "Gatehouse", "session_lifetime": 168, "idle_session_lifetime": 72, "default_audience": "https://api/",
            "flags": { "no_disclose_enterprise_connections": true, "revoke_refresh_token_grant": false },
            "enabled_locales": ["sv"], "change_password": { "enabled": false, "html": "<p>" } })
    );
    assert_eq!(admin.get(URL).expect(200).json(), changed);
    assert_eq!(world.another_isolate().admin("").get(URL).expect(200).json(), changed);
}

#[test]
fn what_cannot_be_set_is_refused() {
    let world = World::new();
    let admin = world.admin("");
    admin.get(URL).expect(200);
    let before = contents(&world);
    for body in [
        json!({ "friendly_name": "" }),
        json!({ "friendly_name": ["x"] }),
        json!({ "session_lifetime": "24" }),
        json!({ "session_lifetime": 0 }),
        json!({ "session_lifetime": -1 }),
        json!({ "session_lifetime": 1.5 }),
        json!({ "session_lifetime": 9_000_000_000_000_000_000_i64 }),
        json!({ "support_email": "nobody" }),
        json!({ "support_url": "javascript:alert(1)" }),
        json!({ "flags": { "enable_sso": "yes" } }),
        json!({ "flags": [] }),
        json!({ "enabled_locales": "en" }),
        json!({ "enabled_locales": [1] }),
        json!({ "session_cookie": { "mode": "eternal" } }),
        json!({ "change_password": { "on": true } }),
        json!({ "frendly_name": "Acme" }),
        json!({ "id": "globex" }),
    ] {
        let refused = admin.patch(URL, &body).expect(400).json();
        assert_eq!(refused["errorCode"], "invalid_body", "{body}");
    }
    assert!(contents(&world) == before);
    world.admin("read:tenant_settings").patch(URL, &json!({})).expect(403);
}

#[test]
fn of_hours_and_minutes_what_was_said_last_counts() {
    let world = World::new();
    let admin = world.admin("");
    let shown = admin.patch(URL, &json!({ "session_lifetime_in_minutes": 90 })).expect(200).json();
    assert_eq!(shown["session_lifetime_in_minutes"], 90);
    let shown = admin.patch(URL, &json!({ "session_lifetime": 5 })).expect(200).json();
    assert_eq!((&shown["session_lifetime"], shown.get("session_lifetime_in_minutes")), (&json!(5), None));
}

#[test]
fn settings_are_each_tenants_own() {
    let world = World::new();
    let (main, acme) = (world.admin(""), beside(&world, "acme"));
    acme.patch(URL, &json!({ "friendly_name": "Acme Inc", "session_lifetime": 1 })).expect(200);
    assert_eq!(main.get(URL).expect(200).json()["friendly_name"], "Gatehouse");
    main.patch(URL, &json!({ "friendly_name": "Control" })).expect(200);
    assert_eq!(acme.get(URL).expect(200).json()["friendly_name"], "Acme Inc");
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (0_i64..10_000).prop_map(Json::from),
        "[a-z]{0,6}".prop_map(Json::from),
        Just(json!("a@b.test")),
        Just(json!("https://a.test/")),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::btree_map("[a-z_]{1,8}|enabled|html|mode", inner, 0..3)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 24, ..crate::support::properties() })]

    /// A document that could not be read would take the whole tenant down: every request reads it.
    #[test]
    fn whatever_is_accepted_can_be_read(
        patches in prop::collection::vec(
            prop::collection::btree_map(
                "friendly_name|session_lifetime|idle_session_lifetime|default_audience|flags|support_url|change_password|[a-z]{3}",
                value(), 0..3),
            1..4),
    ) {
        let world = World::new();
        let admin = world.admin("");
        for patch in patches {
            let status = admin.patch(URL, &Json::Object(patch.into_iter().collect())).status();
            prop_assert!(status == 200 || status == 400);
        }
        prop_assert_eq!(world.another_isolate().admin("").get(URL).status(), 200);
    }
}
