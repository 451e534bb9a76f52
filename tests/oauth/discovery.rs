//! What the server says about itself.

use crate::support::{Ask, World};
use serde_json::json;

#[test]
fn both_documents_say_the_same_and_cost_nothing_when_warm() {
    let world = World::new();
    let openid = world.send(Ask::get("", "/.well-known/openid-configuration")).expect(200);
    let oauth = world.send(Ask::get("", "/.well-known/oauth-authorization-server")).expect(200);
    assert_eq!(openid.json(), oauth.json());
    assert_eq!(oauth.round_trips(), 0);
    assert!(oauth.header("cache-control").unwrap().contains("max-age"));
    let document = openid.json();
    assert_eq!(document["issuer"], "http://localhost:8787/");
    assert_eq!(document["token_endpoint"], "http://localhost:8787/oauth/token");
    assert_eq!(document["jwks_uri"], "http://localhost:8787/.well-known/jwks.json");
}

#[test]
fn keys_are_published_until_they_are_revoked_and_never_their_private_halves() {
    let world = World::new();
    let first = world.send(Ask::get("", "/.well-known/jwks.json")).expect(200);
    let keys = first.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 1);
    let mut members: Vec<&str> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(world.send(Ask::get("", "/.well-known/jwks.json")).round_trips(), 0);

    world.database("SHARED").query("update signing_keys set revoked_at = 1");
    let after = world.another_isolate().send(Ask::get("", "/.well-known/jwks.json")).expect(200);
    assert_eq!(after.json(), json!({ "keys": [] }));
}
