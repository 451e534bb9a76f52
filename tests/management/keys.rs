//! Signing keys: rotated without anybody noticing, revoked without leaving nobody to sign.

use super::{beside, contents};
use crate::support::{Ask, World};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

const URL: &str = "keys/signing";

fn kid_of(token: &str) -> String {
    let header = Base64UrlUnpadded::decode_vec(token.split('.').next().unwrap()).unwrap();
    serde_json::from_slice::<Json>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
}

fn published(world: &World) -> Vec<String> {
    let keys = world.send(Ask::get("", "/.well-known/jwks.json")).expect(200).json();
    let mut kids: Vec<String> =
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    kids.sort();
    kids
}

fn sorted(kids: [&Json; 2]) -> Vec<String> {
    let mut kids = kids.map(|kid| kid.as_str().unwrap().to_owned());
    kids.sort();
    kids.to_vec()
}

#[test]
fn keys_are_shown_without_anything_private() {
    let world = World::new();
    let admin = world.admin("");
    let answer = admin.get(URL).expect(200);
    let keys = answer.json();
    let kid = keys[0]["kid"].as_str().unwrap();
    assert_eq!(keys.as_array().unwrap().len(), 1);
    let jwk = keys[0]["jwk"].clone();
    assert_eq!(
        keys[0],
        json!({ "kid": kid, "type": "jwt_signing", "algorithm": "RS256", "current": true, "next": false, "previous": false,
            "revoked": false, "current_since": "2027-01-15T08:00:00.000Z", "jwk": jwk })
    );
    let mut members: Vec<&String> = jwk.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(admin.get(&format!("{URL}/{kid}")).expect(200).json(), keys[0]);
    assert!(!answer.text().contains("s1:") && !answer.text().contains("private"));
    admin.get(&format!("{URL}/nothing")).expect(404);
    world.admin("read:users").get(URL).expect(403);
}

#[test]
fn a_rotation_is_announced_then_takes_over_and_what_was_signed_before_stays_good() {
    let world = World::new();
    let admin = world.admin("");
    let old = admin.get(URL).expect(200).json()[0].clone();
    let new = admin.post(&format!("{URL}/rotate"), &json!({})).expect(201).json();
    assert_eq!((&new["next"], &new["current"]), (&json!(true), &json!(false)));
    assert_eq!(
        published(&world),
        sorted([&old["kid"], &new["kid"]]),
        "everybody can know it before it signs"
    );
    let early = world.machine_token("");
    assert_eq!(kid_of(&early), old["kid"]);

    world.advance(Lifetime::minutes(6));
    let late = world.machine_token("");
    assert_eq!(kid_of(&late), new["kid"], "without anybody doing anything");
    let shown = world.holder("", &late).get(URL).expect(200).json();
    assert_eq!((&shown[0]["kid"], &shown[0]["current"]), (&new["kid"], &json!(true)));
    assert_eq!((&shown[1]["previous"], &shown[1]["revoked"]), (&json!(true), &json!(false)));
    assert_eq!(shown[1]["revoked_at"], "2027-01-16T08:06:00.000Z");
    world.holder("", &early).get("users").expect(200);

    // The last token of the old key lives as long as any: until the key goes.
    world.advance(Lifetime::minutes(24 * 60 - 7));
    assert_eq!(published(&world), sorted([&old["kid"], &new["kid"]]));
    world.advance(Lifetime::minutes(8));
    assert_eq!(published(&world), [new["kid"].as_str().unwrap()]);
    let shown = world.admin("").get(URL).expect(200).json();
    assert_eq!((&shown[1]["revoked"], &shown[1]["previous"]), (&json!(true), &json!(false)));
}

#[test]
fn a_key_verifies_as_long_as_the_longest_token_lives() {
    let world = World::new();
    let admin = world.admin("");
    let api = json!({ "identifier": "https://orders.example/", "token_lifetime": 30 * 86_400 });
    admin.post("resource-servers", &api).expect(201);
    admin.post(&format!("{URL}/rotate"), &json!({})).expect(201);
    assert_eq!(admin.get(URL).expect(200).json()[1]["revoked_at"], "2027-02-14T08:06:00.000Z");
}

#[test]
fn two_rotations_leave_one_key_without_an_end() {
    let world = World::new();
    let admin = world.admin("");
    admin.post(&format!("{URL}/rotate"), &json!({})).expect(201);
    world.advance(Lifetime::minutes(1));
    let second = admin.post(&format!("{URL}/rotate"), &json!({})).expect(201).json();
    let endless = world.database("SHARED").query("select kid from signing_keys where revoked_at is null");
    assert_eq!(json!(endless), json!([{ "kid": second["kid"] }]));
    world.advance(Lifetime::minutes(7));
    assert_eq!(kid_of(&world.machine_token("")), second["kid"]);
}

#[test]
fn the_only_key_cannot_be_revoked_and_a_revoked_one_is_worth_nothing() {
    let world = World::new();
    let admin = world.admin("");
    let stolen = world.machine_token("");
    let old = kid_of(&stolen);
    let before = contents(&world);
    let refused = admin.put(&format!("{URL}/{old}/revoke")).expect(409).json();
    assert_eq!(refused["errorCode"], "last_signing_key");
    admin.put(&format!("{URL}/nothing/revoke")).expect(404);
    assert!(contents(&world) == before);

    let new = admin.post(&format!("{URL}/rotate"), &json!({})).expect(201).json();
    let revoked = admin.put(&format!("{URL}/{old}/revoke")).expect(200).json();
    assert_eq!((&revoked["revoked"], &revoked["current"]), (&json!(true), &json!(false)));
    assert_eq!(world.holder("", &stolen).get("users").status(), 401);
    let fresh = world.machine_token("");
    assert_eq!(kid_of(&fresh), new["kid"], "the next key signs at once: there is no other");
    let admin = world.holder("", &fresh);
    assert_eq!(
        admin.put(&format!("{URL}/{old}/revoke")).expect(200).json()["revoked"],
        true,
        "once is enough"
    );
    let kid = new["kid"].as_str().unwrap();
    admin.put(&format!("{URL}/{kid}/revoke")).expect(409);
}

#[test]
fn an_old_key_with_an_end_is_no_reason_to_let_the_last_one_go() {
    let world = World::new();
    let admin = world.admin("");
    let new = admin.post(&format!("{URL}/rotate"), &json!({})).expect(201).json();
    world.advance(Lifetime::minutes(7));
    let kid = new["kid"].as_str().unwrap();
    world.admin("").put(&format!("{URL}/{kid}/revoke")).expect(409);
}

#[test]
fn keys_are_each_tenants_own() {
    let world = World::new();
    let (main, acme) = (world.admin(""), beside(&world, "acme"));
    let ours = main.get(URL).expect(200).json();
    let theirs = acme.get(URL).expect(200).json();
    assert_ne!(ours[0]["kid"], theirs[0]["kid"]);
    let before = contents(&world);
    let kid = ours[0]["kid"].as_str().unwrap();
    acme.get(&format!("{URL}/{kid}")).expect(404);
    acme.put(&format!("{URL}/{kid}/revoke")).expect(404);
    acme.post(&format!("{URL}/rotate"), &json!({})).expect(201);
    assert!(contents(&world) == before);
    assert_eq!(main.get(URL).expect(200).json(), ours);
}
