//! Attack protection: Auth0's shapes and defaults, merged, and checked.

use crate::support::World;
use serde_json::json;

const BRUTE: &str = "attack-protection/brute-force-protection";
const ADDRESS: &str = "attack-protection/suspicious-ip-throttling";
const BREACHED: &str = "attack-protection/breached-password-detection";

#[test]
fn a_tenant_that_has_set_nothing_is_shown_auth0s_defaults() {
    let world = World::new();
    let admin = world.admin("");
    let shown = |section: &str| admin.get(section).expect(200).json();
    assert_eq!(
        shown(BRUTE),
        json!({ "enabled": true, "shields": ["block", "user_notification"], "allowlist": [],
            "mode": "count_per_identifier_and_ip", "max_attempts": 10 })
    );
    assert_eq!(
        shown(ADDRESS),
        json!({ "enabled": true, "shields": ["admin_notification", "block"], "allowlist": [],
            "stage": { "pre-login": { "max_attempts": 100, "rate": 864_000 },
                "pre-user-registration": { "max_attempts": 50, "rate": 1200 } } })
    );
    assert_eq!(
        shown(BREACHED),
        json!({ "enabled": false, "shields": [], "admin_notification_frequency": [], "method": "standard",
            "stage": { "pre-user-registration": { "shields": [] }, "pre-change-password": { "shields": [] } } })
    );
}

#[test]
fn a_change_merges_and_is_shown_again_and_leaves_other_sections_alone() {
    let world = World::new();
    let admin = world.admin("");
    let changed =
        admin.patch(BRUTE, &json!({ "max_attempts": 5, "allowlist": ["192.0.2.1", "2001:db8::/32"] }));
    let changed = changed.expect(200);
    assert_eq!(changed.round_trips(), 1);
    assert_eq!(changed.json()["max_attempts"], 5);
    let changed = admin.patch(BRUTE, &json!({ "enabled": false })).expect(200).json();
    assert_eq!((&changed["max_attempts"], &changed["enabled"]), (&json!(5), &json!(false)));
    assert_eq!(admin.get(BRUTE).expect(200).json(), changed);
    let stage = json!({ "stage": { "pre-login": { "max_attempts": 7 } } });
    let changed = admin.patch(ADDRESS, &stage).expect(200).json();
    assert_eq!(changed["stage"]["pre-login"], json!({ "max_attempts": 7, "rate": 864_000 }));
    assert_eq!(changed["enabled"], true);
    let all = json!({ "enabled": true, "shields": ["block", "user_notification", "admin_notification"],
        "admin_notification_frequency": ["daily"], "method": "enhanced",
        "stage": { "pre-user-registration": { "shields": ["block", "admin_notification"] },
            "pre-change-password": { "shields": ["block"] } } });
    assert_eq!(admin.patch(BREACHED, &all).expect(200).json(), all);
}

#[test]
fn what_is_unknown_or_of_the_wrong_kind_is_refused() {
    let world = World::new();
    let admin = world.admin("");
    for (section, body) in [
        (BRUTE, json!({ "max_attempt": 5 })),
        (BRUTE, json!({ "max_attempts": 0 })),
        (BRUTE, json!({ "max_attempts": 101 })),
        (BRUTE, json!({ "enabled": null })),
        (BRUTE, json!({ "mode": "count" })),
        (BRUTE, json!({ "shields": ["block", "pray"] })),
        (BRUTE, json!({ "allowlist": ["192.0.2.1/33"] })),
        (BRUTE, json!({ "allowlist": ["example.com"] })),
        (ADDRESS, json!({ "stage": { "pre-logout": {} } })),
        (ADDRESS, json!({ "stage": { "pre-login": { "rate": 0 } } })),
        (ADDRESS, json!({ "stage": { "pre-login": { "max_attempts": 10_001 } } })),
        (BREACHED, json!({ "method": "magic" })),
        (BREACHED, json!({ "admin_notification_frequency": ["hourly"] })),
    ] {
        let before = admin.get(section).expect(200).json();
        let refused = admin.patch(section, &body).expect(400).json();
        assert_eq!(refused["errorCode"], "invalid_body", "{body}");
        assert_eq!(admin.get(section).expect(200).json(), before, "{body}");
    }
    let full = json!({ "allowlist": vec!["192.0.2.1"; 101] });
    admin.patch(ADDRESS, &full).expect(400);
}
