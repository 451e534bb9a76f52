//! A tenant moves with everything it has, and nobody who uses it sees that.

use super::{
    furnish::{count, furnish, rows, traces},
    trial::{TENANT, Trial, arrived},
};
use crate::support::{Ask, block_on, browser::parameter};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::platform::Platform;
use serde_json::json;

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn every_value_of_every_table_arrives_and_nothing_stays_behind() {
    for (from, to) in [("shared", "isolated"), ("isolated", "shared")] {
        let trial = Trial::new(from);
        furnish(&trial.home(), TENANT, 30);
        let (old, before) = (trial.home(), rows(&trial.home(), TENANT));
        let shown = trial.move_to(to);
        let new = trial.home();
        assert!(!std::rc::Rc::ptr_eq(&old, &new));
        // What the operator's tools did on the way is written down in the main tenant, not here.
        assert_eq!(rows(&new, TENANT), before, "{from} to {to}");
        assert_eq!((count(&old, TENANT), traces(&old), traces(&new)), (0, 0, 0));
        assert_eq!(shown["move"]["rows_total"], shown["move"]["rows_done"]);
        assert_eq!((&shown["move"]["rows_left"], &shown["move"]["bytes_left"]), (&json!(0), &json!(0)));
        assert!(shown["move"]["bytes_done"].as_u64() > shown["move"]["rows_done"].as_u64());
        assert_eq!(shown["move"]["pauses_ms"].as_array().unwrap().len(), 1);
        receipt_agrees(&trial, &shown);
        let tenant = trial.get(&format!("/management/tenants/{TENANT}")).expect(200).json();
        assert_eq!(tenant["placement"], to);
        let free = trial.world.database("DIRECTORY").query("select id from databases where state = 'free'");
        assert_eq!(free.len(), if to == "isolated" { 3 } else { 4 }, "what is left returns to the pool");
        // And back again: what remains of the first move is not in the way of the second.
        trial.move_to(from);
        assert_eq!(rows(&trial.home(), TENANT), before, "{to} to {from}");
    }
}

/// The receipt is signed by the main tenant, and says what is there; nothing takes it for a token.
fn receipt_agrees(trial: &Trial, shown: &serde_json::Value) {
    let receipt = shown["move"]["receipt"].as_str().unwrap();
    let (header, claims) = crate::oauth::opened(receipt);
    assert_eq!((&header["typ"], &claims["sub"]), (&json!("move-receipt+jwt"), &json!(TENANT)));
    let keys = trial.world.send(Ask::get("", "/.well-known/jwks.json")).expect(200).json();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let key: gatehouse::jose::Jwk = serde_json::from_value(key.clone()).unwrap();
    let (message, signature) = receipt.rsplit_once('.').unwrap();
    let signature = Base64UrlUnpadded::decode_vec(signature).unwrap();
    let verified = trial.world.outside.verify(&key, message.as_bytes(), &signature);
    assert!(block_on(verified).unwrap());
    let tables = claims["move"]["compared"].as_object().unwrap();
    let total: i64 = tables.values().map(|table| table["rows"].as_i64().unwrap()).sum();
    assert_eq!(total, count(&trial.home(), TENANT));
    for path in ["/management/tenants", "/userinfo"] {
        trial.world.send(Ask::get("", path).bearer(receipt)).expect(401);
    }
}

#[test]
fn nobody_is_signed_out_and_no_token_stops_working() {
    let trial = Trial::new("shared");
    let (world, person) = (&trial.world, ("ada@example.com", "analytical-engine-1843"));
    let app = world.application(TENANT, &json!({}));
    let offline: &[(&str, &str)] = &[("scope", "openid profile email offline_access")];
    let browser = world.browser();
    let back = browser.sign_up(&app.authorize(offline), person.0, person.1);
    let tokens = app.redeem(world, &back).expect(200).json();
    let refresh = text(&tokens["refresh_token"]);
    // A code in flight, and a second session that is half way through its login.
    let in_flight = browser.open(&app.authorize(offline)).away();
    let half_way = world.browser();
    let page = half_way.open(&app.authorize(offline));
    let page = half_way.submit(&page, &[("username", person.0)]);
    let keys = world.send(Ask::get(TENANT, "/.well-known/jwks.json")).expect(200).text();

    let id = trial.begin(&json!({ "placement": "isolated" }));
    trial.until(&id, arrived);

    assert_eq!(world.send(Ask::get(TENANT, "/.well-known/jwks.json")).expect(200).text(), keys);
    let userinfo = Ask::get(TENANT, "/userinfo").bearer(tokens["access_token"].as_str().unwrap());
    assert_eq!(world.send(userinfo).expect(200).json()["email"], person.0);
    let after = app.refresh(world, &refresh).expect(200).json();
    app.redeem(world, &in_flight).expect(200);
    let silent = browser.open(&app.authorize(&[("prompt", "none")])).away();
    assert!(parameter(&silent, "code").is_some(), "{silent}");
    let landed = half_way.submit(&page, &[("password", person.1)]).away();
    app.redeem(world, &landed).expect(200);

    // Rolled back, nothing of that is lost.
    trial.steer(&id, "rollback").expect(200);
    let shown = trial.until(&id, |shown| shown["status"] != "running");
    assert_eq!(shown["status"], "cancelled");
    app.refresh(world, &text(&after["refresh_token"])).expect(200);
    let silent = half_way.open(&app.authorize(&[("prompt", "none")])).away();
    assert!(parameter(&silent, "code").is_some(), "{silent}");
    assert_eq!(world.send(Ask::get(TENANT, "/.well-known/jwks.json")).expect(200).text(), keys);
}

#[test]
fn an_instance_with_an_old_route_reaches_the_new_home() {
    let trial = Trial::new("shared");
    let stale = trial.world.another_isolate();
    let token = trial.world.machine_token("");
    let create = |email: &str| {
        let person = json!({ "connection": "Username-Password-Authentication", "email": email, "password": "a-long-enough-one" });
        Ask::post("", "/api/v2/users").bearer(&token).header("tenant-id", TENANT).json(&person)
    };
    let list = || Ask::get("", "/api/v2/users").bearer(&token).header("tenant-id", TENANT);
    stale.send(create("before@example.com")).expect(201);
    let id = trial.begin(&json!({ "placement": "isolated" }));
    let old = trial.home();
    // Everything happens while the stale instance still believes its route.
    for _ in 0..10 {
        if arrived(&trial.look(&id)) {
            break;
        }
        trial.ring();
    }
    stale.send(create("after@example.com")).expect(201);
    assert_eq!(stale.send(list()).expect(200).json().as_array().unwrap().len(), 2);
    let at_new = trial.home().query("select email from users where email = 'after@example.com'");
    let at_old = old.query("select email from users where email = 'after@example.com'");
    assert_eq!((at_new.len(), at_old.len()), (1, 0));
}

#[test]
fn an_old_route_reads_nothing_old() {
    let trial = Trial::new("shared");
    let token = trial.world.machine_token("");
    let users = || Ask::get("", "/api/v2/users").bearer(&token).header("tenant-id", TENANT);
    let stale = trial.world.another_isolate();
    let id = trial.begin(&json!({ "placement": "isolated" }));
    while !arrived(&trial.look(&id)) {
        stale.send(users()).expect(200);
        trial.ring();
    }
    trial.home().query(&format!(
        "insert into users (tenant_id, user_id, connection, provider, created_at, updated_at)
         values ('{TENANT}', 'auth0|new', 'c', 'auth0', 1, 1)"
    ));
    assert_eq!(stale.send(users()).expect(200).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_home_stays_what_it_is_when_the_database_that_was_left_cannot_be_emptied() {
    let trial = Trial::new("shared");
    trial.world.database("SHARED").query(
        "create trigger stuck before insert on fences when new.reason = 'removed' begin select raise(abort, 'stuck'); end",
    );
    let id = trial.begin(&json!({ "placement": "isolated", "rollback_days": 0 }));
    // Eight attempts are the last of what is given up.
    trial.until(&id, |shown| shown["step"] == "wipe" && shown["attempt"].as_i64() > Some(9));
    let home = format!("select state from databases where id = '{}'", trial.home_binding());
    assert_eq!(trial.world.database("DIRECTORY").query(&home)[0]["state"], "claimed");
    trial.world.database("SHARED").query("drop trigger stuck");
    let shown = trial.until(&id, |shown| shown["status"] != "running");
    assert_eq!((&shown["status"], &shown["step"]), (&json!("succeeded"), &json!("finish")));
}
