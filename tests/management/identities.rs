//! People without a password here, numbers that are one person's, and identities that are linked to an account.

use super::{DATABASE, segment};
use crate::support::{Admin, World};
use serde_json::{Value as Json, json};

fn connections(admin: &Admin<'_>) {
    for strategy in ["email", "sms"] {
        admin.post("connections", &json!({ "name": strategy, "strategy": strategy })).expect(201);
    }
}

fn by_number(admin: &Admin<'_>, phone: &str) -> crate::support::Answer {
    admin.post("users", &json!({ "connection": "sms", "phone_number": phone }))
}

#[test]
fn people_without_a_password_are_made_by_address_or_number() {
    let world = World::new();
    let admin = world.admin("");
    connections(&admin);
    let made = by_number(&admin, "+14155550100").expect(201).json();
    assert!(made["user_id"].as_str().unwrap().starts_with("sms|"), "{made}");
    assert_eq!((&made["name"], &made["phone_verified"]), (&json!("+14155550100"), &json!(false)));
    assert_eq!(made["identities"][0]["provider"], "sms");
    let body = json!({ "connection": "email", "email": "Ann@Example.com", "email_verified": true, "user_id": "ann" });
    let made = admin.post("users", &body).expect(201).json();
    assert_eq!((&made["user_id"], &made["email"]), (&json!("email|ann"), &json!("ann@example.com")));
    admin.post("users", &json!({ "connection": "email", "email": "ann@example.com" })).expect(409);
    admin.post("connections", &json!({ "name": "social", "strategy": "google-oauth2" })).expect(201);
    for (body, words) in [
        (json!({ "connection": "sms" }), "phone_number"),
        (json!({ "connection": "sms", "email": "a@example.com" }), "phone_number"),
        (json!({ "connection": "email", "phone_number": "+14155550101" }), "email"),
        (
            json!({ "connection": "email", "email": "b@example.com", "password": "A long enough Passw0rd!" }),
            "no password",
        ),
        (json!({ "connection": "social", "email": "b@example.com" }), "elsewhere"),
        (json!({ "connection": DATABASE, "phone_number": "+14155550101" }), "email"),
    ] {
        let refusal = admin.post("users", &body).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains(words), "{refusal}");
    }
}

#[test]
fn a_number_is_one_persons_in_a_connection() {
    let world = World::new();
    let admin = world.admin("");
    connections(&admin);
    by_number(&admin, "+14155550100").expect(201);
    let other = by_number(&admin, "+14155550101").expect(201).json();
    let before = world.database("SHARED").query("select user_id, phone_number from users order by user_id");
    assert_eq!(by_number(&admin, "+14155550100").expect(409).json()["errorCode"], "user_exists");
    let url = format!("users/{}", segment(other["user_id"].as_str().unwrap()));
    let taken = json!({ "phone_number": "+14155550100", "nickname": "taken" });
    assert_eq!(admin.patch(&url, &taken).expect(409).json()["errorCode"], "user_exists");
    assert_eq!(
        world.database("SHARED").query("select user_id, phone_number from users order by user_id"),
        before
    );
    assert!(admin.get(&url).expect(200).json()["nickname"] != "taken", "all or nothing");
    admin.patch(&url, &json!({ "phone_number": "+14155550101", "nickname": "same" })).expect(200);
    admin.patch(&url, &json!({ "phone_number": "+14155550102" })).expect(200);
    by_number(&admin, "+14155550101").expect(201);
    // A number of a profile is nothing to sign in with.
    for email in ["a@example.com", "b@example.com"] {
        let body = json!({ "connection": DATABASE, "email": email, "phone_number": "+14155550100" });
        admin.post("users", &body).expect(201);
    }
}

/// An account with a linked identity of each kind.
fn account(world: &World) -> String {
    let admin = world.admin("");
    connections(&admin);
    admin.post("connections", &json!({ "name": "second", "strategy": "auth0" })).expect(201);
    let user = super::user(&admin, "ann@example.com");
    let id = user["user_id"].as_str().unwrap().to_owned();
    for (row, connection, provider, email, phone) in [
        ("sms|1", "sms", "sms", "null", "'+14155550100'"),
        ("auth0|second", "second", "auth0", "'ann@example.com'", "null"),
        ("auth0|older", DATABASE, "auth0", "'older@example.com'", "null"),
    ] {
        world.database("SHARED").query(&format!(
            "insert into users (tenant_id, user_id, connection, provider, email, phone_number, linked_to, created_at, updated_at)
             values ('main', '{row}', '{connection}', '{provider}', {email}, {phone}, '{id}', 1, 1)"
        ));
    }
    id
}

fn row(world: &World, id: &str) -> Json {
    let rows = world.database("SHARED").query(&format!(
        "select email, email_verified, phone_number, phone_verified, blocked, nickname from users where user_id = '{id}'"
    ));
    Json::Object(rows[0].clone())
}

#[test]
fn the_connection_of_a_linked_identity_says_whose_sign_in_changes() {
    let world = World::new();
    let (id, admin) = (account(&world), world.admin(""));
    let url = format!("users/{}", segment(&id));
    let body = json!({ "connection": "sms", "phone_number": "+14155550199", "phone_verified": true, "nickname": "Annie" });
    let shown = admin.patch(&url, &body).expect(200).json();
    assert_eq!(
        (&row(&world, "sms|1")["phone_number"], &row(&world, "sms|1")["phone_verified"]),
        (&json!("+14155550199"), &json!(1))
    );
    assert_eq!(
        (&shown["nickname"], &shown["phone_number"]),
        (&json!("Annie"), &Json::Null),
        "what is no way in is the account's"
    );
    admin.patch(&url, &json!({ "connection": "second", "email": "new@example.com" })).expect(200);
    assert_eq!(row(&world, "auth0|second")["email"], "new@example.com");
    assert_eq!(row(&world, &id)["email"], "ann@example.com");
    admin.patch(&url, &json!({ "connection": "sms", "blocked": true })).expect(200);
    assert_eq!(row(&world, &id)["blocked"], 1);

    admin.patch(&url, &json!({ "connection": "second", "password": "A long enough Passw0rd!" })).expect(200);
    let of = |id: &str| {
        world.database("SHARED").query(&format!("select hash from passwords where user_id = '{id}'"))
    };
    assert_eq!((of("auth0|second").len(), of(&id).len()), (1, 1));
    admin.patch(&url, &json!({ "connection": "sms", "password": "A long enough Passw0rd!" })).expect(400);
    admin.patch(&url, &json!({ "connection": "email", "email": "x@example.com" })).expect(400);
    by_number(&admin, "+14155550155").expect(201);
    admin.patch(&url, &json!({ "connection": "sms", "phone_number": "+14155550155" })).expect(409);
    // Another account's identity is nobody else's to change.
    let stranger = super::user(&admin, "eve@example.com");
    let path = format!("users/{}", segment(stranger["user_id"].as_str().unwrap()));
    admin.patch(&path, &json!({ "connection": "second", "email": "eve@example.com" })).expect(400);
    let low =
        world.holder("", &world.signed("main", &json!({ "sub": "auth0|clerk", "scope": "update:users" })));
    let administrator =
        world.database("SHARED").query("select user_id from users where email = 'admin@example.com'");
    let administrator = segment(administrator[0]["user_id"].as_str().unwrap());
    low.patch(
        &format!("users/{administrator}"),
        &json!({ "connection": "second", "password": "A long enough Passw0rd!" }),
    )
    .expect(403);
}

#[test]
fn a_new_address_takes_along_the_identities_that_had_the_old_one() {
    let world = World::new();
    let (id, admin) = (account(&world), world.admin(""));
    let url = format!("users/{}", segment(&id));
    admin.patch(&url, &json!({ "email": "ann@new.example", "email_verified": true })).expect(200);
    let second = row(&world, "auth0|second");
    assert_eq!((&second["email"], &second["email_verified"]), (&json!("ann@new.example"), &json!(1)));
    assert_eq!(row(&world, "auth0|older")["email"], "older@example.com");
}

#[test]
fn an_account_can_take_the_address_of_its_own_identity_and_of_nobody_elses() {
    let world = World::new();
    let (id, admin) = (account(&world), world.admin(""));
    super::user(&admin, "eve@example.com");
    let url = format!("users/{}", segment(&id));
    let taken = admin.patch(&url, &json!({ "email": "eve@example.com" })).expect(400).json();
    assert_eq!(taken["errorCode"], "user_exists");
    assert_eq!(row(&world, "auth0|second")["email"], "ann@example.com", "all or nothing");
    admin.patch(&url, &json!({ "email": "older@example.com" })).expect(200);
    assert_eq!(
        (&row(&world, &id)["email"], &row(&world, "auth0|older")["email"]),
        (&json!("older@example.com"), &Json::Null)
    );
}

#[test]
fn the_log_of_an_account_holds_what_its_identities_did() {
    let world = World::new();
    let (id, admin) = (account(&world), world.admin(""));
    for (entry, user) in [("1", "sms|1"), ("2", id.as_str()), ("3", "auth0|stranger")] {
        world.database("SHARED").query(&format!(
            "insert into logs (tenant_id, id, type, date, user_id, description) values ('main', 'log-{entry}', 's', 1, '{user}', 'Entry {entry}')"
        ));
    }
    let logs =
        admin.get(&format!("users/{}/logs?include_totals=true&q=type:s", segment(&id))).expect(200).json();
    assert_eq!(logs["total"], 2, "{logs}");
}
