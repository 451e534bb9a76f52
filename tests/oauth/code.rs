//! Authorization codes, from the first request to the tokens.

use super::{error, opened};
use crate::support::{
    Application, World,
    browser::{VERIFIER, challenge, parameter},
    gate::{Effect, Fate},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::{error::Fault, time::Lifetime};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{cell::Cell, rc::Rc};
use url::Url;

#[test]
fn a_whole_login_takes_four_round_trips() {
    let world = World::new();
    let app = world.application("", &json!({}));
    world.browser().sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);

    let browser = world.browser();
    let back = browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let answer = app.redeem(&world, &back).expect(200);
    assert_eq!((browser.round_trips.get(), answer.round_trips()), (2, 2));

    assert_eq!(back.as_str().split('?').next().unwrap(), app.callback);
    assert_eq!(parameter(&back, "state").unwrap(), "the-state");
    assert_eq!(parameter(&back, "iss").unwrap(), "http://localhost:8787/");
    let tokens = answer.json();
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(tokens.get("refresh_token").is_none(), "nobody asked for offline_access");
    assert_eq!(tokens["scope"], "openid profile email");

    let (header, access) = opened(tokens["access_token"].as_str().unwrap());
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(access["aud"], "http://localhost:8787/userinfo");
    assert_eq!(access["azp"], app.id.as_str());
    let (header, id) = opened(tokens["id_token"].as_str().unwrap());
    assert_eq!(header["typ"], "JWT");
    assert_eq!(id["aud"], app.id.as_str());
    assert_eq!(id["nonce"], "the-nonce");
    assert_eq!(id["email"], ADMIN_EMAIL);
    assert_eq!(id["email_verified"], true);
    assert_eq!(id["auth_time"], id["iat"]);
    assert_eq!(id["sub"], access["sub"]);
    assert_eq!(id["sid"], access["sid"]);
    assert!(id.get("scope").is_none() && access.get("email").is_none());
    let hash = Sha256::digest(tokens["access_token"].as_str().unwrap().as_bytes());
    assert_eq!(id["at_hash"], Base64UrlUnpadded::encode_string(&hash[..16]));

    let user = &world.database("SHARED").query("select logins_count, last_ip from users")[0];
    assert_eq!((&user["logins_count"], &user["last_ip"]), (&json!(2), &json!("192.0.2.1")));
    let log = world.database("SHARED").query("select type from logs order by type");
    let kinds: Vec<&str> = log.iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["s", "s", "seacft"]);
}

#[test]
fn a_login_that_names_an_organization_takes_no_more() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    for sql in [
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values ('main', 'org_1', 'acme', 1, 1)",
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
           select 'main', 'org_1', user_id, 1 from users",
    ] {
        world.database("SHARED").query(sql);
    }
    let url = app.authorize(&[("organization", "acme")]);
    world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    let browser = world.browser();
    let back = browser.sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    let answer = app.redeem(&world, &back).expect(200);
    assert_eq!((browser.round_trips.get(), answer.round_trips()), (2, 2));
    let (_, access) = opened(answer.json()["access_token"].as_str().unwrap());
    assert_eq!(access["org_id"], "org_1");

    // It is remembered for a moment, but never who its members are.
    world.database("SHARED").query("delete from organization_members");
    let back = world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
}

#[test]
fn a_session_answers_for_the_person_in_two_round_trips() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    browser.round_trips.set(0);
    let back = browser.open(&app.authorize(&[("prompt", "none")])).away();
    assert_eq!(browser.round_trips.get(), 2);
    app.redeem(&world, &back).expect(200);
}

#[test]
fn a_code_is_good_once_and_its_second_use_ends_what_came_of_the_first() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let url = app.authorize(&[("scope", "openid offline_access")]);
    let back = browser.sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    let tokens = app.redeem(&world, &back).expect(200).json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(error(&app.redeem(&world, &back).expect(400)), "invalid_grant");
    assert_eq!(error(&app.refresh(&world, refresh).expect(400)), "invalid_grant");
    let silent = browser.open(&app.authorize(&[("prompt", "none")])).away();
    assert_eq!(parameter(&silent, "error").unwrap(), "login_required");
}

/// A code stands in histories and logs of proxies: whoever finds it there has not proven anything by it.
#[test]
fn a_used_code_ends_nothing_for_who_does_not_prove_that_it_is_theirs() {
    let (world, app, back) = with_code();
    let stranger = world.application("", &json!({ "app_id": "stranger" }));
    let code = parameter(&back, "code").unwrap();
    let tokens = app.redeem(&world, &back).expect(200).json();
    let other = "another-verifier-of-the-right-length-0123456789";
    stranger.redeem_code(&world, &code, VERIFIER).expect(400);
    app.redeem_code(&world, &code, other).expect(400);
    let form = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &app.callback)];
    app.token(&world, &form).expect(400);
    let fresh = app.refresh(&world, tokens["refresh_token"].as_str().unwrap()).expect(200).json();
    // The control: who proves it has the same code in another pair of hands.
    app.redeem(&world, &back).expect(400);
    app.refresh(&world, fresh["refresh_token"].as_str().unwrap()).expect(400);
}

#[test]
fn of_many_redemptions_of_one_code_one_wins() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let back = world.browser().sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let statuses: Vec<u16> = (0..10).map(|_| app.redeem(&world.another_isolate(), &back).status()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses[0], 200);
}

/// An application whose person has come back with a code for offline access, in a warm world.
fn with_code() -> (World, Application, Url) {
    let world = World::new();
    let app = world.application("", &json!({}));
    let url = app.authorize(&[("scope", "openid offline_access")]);
    let back = world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    (world, app, back)
}

#[test]
fn an_exchange_is_one_commit_and_before_it_nothing_has_happened() {
    let (world, app, back) = with_code();
    let before = world.database("SHARED").contents("main");
    let commits = Rc::new(Cell::new(0));
    for (fails, status) in [(true, 503), (false, 200)] {
        commits.set(0);
        let counted = Rc::clone(&commits);
        *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
            if effect == Effect::Commit && !happened {
                counted.set(counted.get() + 1);
            }
            if fails { Fate::Fail(Fault::unavailable("the database stalls")) } else { Fate::Go }
        }));
        app.redeem(&world, &back).expect(status);
        assert_eq!(commits.get(), 1);
        assert_eq!(world.database("SHARED").contents("main") == before, fails);
    }
}

#[test]
fn of_two_redemptions_at_once_the_slower_ends_what_came_of_the_faster() {
    let (world, app, back) = with_code();
    let (rival, rivals, same, first) = (world.another_isolate(), app.clone(), back.clone(), Cell::new(true));
    let (sender, receiver) = std::sync::mpsc::channel();
    // Between the read and the commit of the one, the other does all of it.
    *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        if effect == Effect::Commit && !happened && first.replace(false) {
            sender.send(rivals.redeem(&rival, &same).expect(200).json()).unwrap();
        }
        Fate::Go
    }));
    assert_eq!(error(&app.redeem(&world, &back).expect(400)), "invalid_grant");
    *world.outside.gate.rule.borrow_mut() = None;
    let tokens = receiver.recv().unwrap();
    app.refresh(&world, tokens["refresh_token"].as_str().unwrap()).expect(400);
    assert_eq!(world.database("SHARED").query("select id from refresh_tokens").len(), 1);
    assert_eq!(world.database("SHARED").query("select id from logs where type = 'seacft'").len(), 1);
}

#[test]
fn a_code_is_only_for_its_client_its_address_its_verifier_and_its_minute() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let thief = world.application("", &json!({ "app_id": "thief" }));
    let code = || {
        let back = world.browser().sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
        parameter(&back, "code").unwrap()
    };
    let redeem = |fields: &[(&str, &str)], code: &str| {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code)];
        form.extend_from_slice(fields);
        app.token(&world, &form)
    };
    let good = [("redirect_uri", app.callback.as_str()), ("code_verifier", VERIFIER)];
    redeem(&good, &code()).expect(200);

    let other = "another-verifier-of-the-right-length-0123456789";
    for (what, form) in [
        ("no address", vec![good[1]]),
        ("another address", vec![("redirect_uri", "https://app-1.example/callback/"), good[1]]),
        ("no verifier", vec![good[0]]),
        ("another verifier", vec![good[0], ("code_verifier", other)]),
        ("the challenge itself", vec![good[0], ("code_verifier", &challenge(VERIFIER))]),
    ] {
        let code = code();
        assert_eq!(error(&redeem(&form, &code).expect(400)), "invalid_grant", "{what}");
        redeem(&good, &code).expect(200);
    }
    let stolen = code();
    assert_eq!(error(&thief.redeem_code(&world, &stolen, VERIFIER).expect(400)), "invalid_grant");
    redeem(&good, &stolen).expect(200);
    let late = code();
    world.advance(Lifetime::seconds(60));
    assert_eq!(error(&redeem(&good, &late).expect(400)), "invalid_grant");
    assert_eq!(error(&redeem(&good, "nonsense").expect(400)), "invalid_grant");
    assert_eq!(error(&redeem(&good[..1], "").expect(400)), "invalid_request");
}

#[test]
fn a_confidential_client_needs_its_secret_and_the_verifier() {
    let world = World::new();
    let app = world.application(
        "",
        &json!({ "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post" }),
    );
    let back = world.browser().sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let without = Application { secret: None, ..app.clone() };
    assert_eq!(error(&without.redeem(&world, &back).expect(401)), "invalid_client");
    app.redeem(&world, &back).expect(200);

    let unprotected = app.authorize(&[("code_challenge", ""), ("code_challenge_method", "")]);
    let back = world.browser().sign_in(&unprotected, ADMIN_EMAIL, ADMIN_PASSWORD);
    // A verifier where there was no challenge: somebody took the challenge away.
    assert_eq!(error(&app.redeem(&world, &back).expect(400)), "invalid_grant");
    let back = world.browser().sign_in(&unprotected, ADMIN_EMAIL, ADMIN_PASSWORD);
    let code = parameter(&back, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", app.callback.as_str()),
    ];
    app.token(&world, &form).expect(200);
}

#[test]
fn a_person_who_is_blocked_or_signed_out_between_code_and_token_gets_none() {
    for change in ["update users set blocked = 1", "update sessions set revoked_at = 1"] {
        let world = World::new();
        let app = world.application("", &json!({}));
        let back = world.browser().sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
        world.database("SHARED").query(change);
        assert_eq!(error(&app.redeem(&world, &back).expect(400)), "invalid_grant", "{change}");
    }
}
