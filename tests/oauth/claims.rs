//! The `claims` parameter: single claims for the ID token and for userinfo, and what it says of whom the login is about.

use super::{error, opened};
use crate::support::{
    Application, Ask, Browser, World,
    browser::parameter,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::{http::Method, oauth::claims::OF_USERINFO};
use serde_json::{Value as Json, json};
use url::Url;

/// A login with this parameter, about nothing else but who it is.
fn asking(app: &Application, claims: &Json, changes: &[(&str, &str)]) -> Url {
    let claims = claims.to_string();
    let mut wish = vec![("scope", "openid"), ("claims", &*claims)];
    wish.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    wish.extend_from_slice(changes);
    app.authorize(&wish)
}

fn tokens(world: &World, app: &Application, claims: &Json, changes: &[(&str, &str)]) -> Json {
    let back = world.browser().sign_in(&asking(app, claims, changes), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()
}

fn id_token(tokens: &Json) -> Json {
    opened(tokens["id_token"].as_str().unwrap()).1
}

fn access_token(tokens: &Json) -> Json {
    opened(tokens["access_token"].as_str().unwrap()).1
}

fn userinfo(world: &World, tokens: &Json) -> Json {
    let answer = world.send(Ask::get("", "/userinfo").bearer(tokens["access_token"].as_str().unwrap()));
    let answer = answer.expect(200);
    assert_eq!(answer.round_trips(), 1);
    answer.json()
}

/// The members of an object besides these, in order.
fn beside(object: &Json, known: &[&str]) -> Vec<String> {
    let names = object.as_object().unwrap().keys();
    names.filter(|name| !known.contains(&name.as_str())).cloned().collect()
}

/// What an ID token says that nobody asks for.
const ALWAYS: [&str; 9] = ["iss", "sub", "aud", "iat", "exp", "sid", "auth_time", "at_hash", "nonce"];

fn describe(world: &World) {
    world.database("SHARED").query(
        "update users set given_name = 'Ada', phone_number = '+46', phone_verified = 1,
           profile = '{\"locale\":\"sv\",\"address\":{\"country\":\"SE\"},\"secret\":1,\"iss\":\"x\",\"scope\":\"x\"}'",
    );
}

#[test]
fn a_claim_comes_where_it_is_asked_for_and_a_refresh_gives_it_again() {
    let world = World::new();
    let app = world.application("", &json!({}));
    describe(&world);
    let claims = json!({
        "id_token": { "email": { "essential": true }, "auth_time": { "essential": true }, "gender": { "essential": true },
            "locale": null, "secret": null, "iss": { "value": "https://evil.example" }, "name#ja": null, "scope": null },
        "userinfo": { "given_name": null, "address": { "essential": false, "purpose": "parcels" }, "secret": null, "scope": null },
        "verified_claims": { "anything": 1 },
    });
    let url = asking(&app, &claims, &[("scope", "openid offline_access")]);
    world.browser().open(&url);
    let login = world.browser();
    let back = login.sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    let answer = app.redeem(&world, &back).expect(200);
    assert_eq!((login.round_trips.get(), answer.round_trips()), (2, 2), "as any login");
    let first = answer.json();
    let answer = app.refresh(&world, first["refresh_token"].as_str().unwrap()).expect(200);
    assert_eq!(answer.round_trips(), 1, "as any refresh");
    let second = answer.json();
    let third = app.refresh(&world, second["refresh_token"].as_str().unwrap()).expect(200).json();
    for tokens in [&first, &second, &third] {
        let (id, known) = (id_token(tokens), userinfo(&world, tokens));
        assert_eq!(beside(&id, &ALWAYS), ["email", "locale"], "{id}");
        assert_eq!((&id["email"], &id["iss"]), (&json!(ADMIN_EMAIL), &json!("http://localhost:8787/")));
        assert!(id["auth_time"].is_i64());
        assert_eq!(beside(&known, &["sub"]), ["address", "given_name"], "{known}");
        assert_eq!((&known["sub"], &known["address"]), (&id["sub"], &json!({ "country": "SE" })));
        assert_eq!(tokens["scope"], "openid offline_access", "a claim grants no scope");
        let access = access_token(tokens);
        assert_eq!(access[OF_USERINFO], json!({ "given_name": null, "address": null }));
        assert!(!access.to_string().contains(ADMIN_EMAIL), "only its own part: {access}");
    }
}

#[test]
fn a_login_by_session_by_form_or_for_an_id_token_alone_gives_them_too() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let claims = json!({ "id_token": { "email": null } });
    let browser = world.browser();
    browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let url = asking(&app, &claims, &[("prompt", "none")]);
    let silent = app.redeem(&world, &browser.open(&url).away()).expect(200).json();
    assert_eq!(id_token(&silent)["email"], ADMIN_EMAIL);
    let form: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (&**name, &**value)).collect();
    let mut bare = url;
    bare.set_query(None);
    let answer = browser.send(Method::POST, &bare, Some(&form));
    let back = Url::parse(answer.header("location").unwrap()).unwrap();
    assert_eq!(id_token(&app.redeem(&world, &back).expect(200).json())["email"], ADMIN_EMAIL);
    let alone = [
        ("response_type", "id_token"),
        ("response_mode", "form_post"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    let page = browser.open(&asking(&app, &claims, &alone));
    let text = page.page().1.text();
    let token = text.split("name=\"id_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(beside(&opened(token).1, &ALWAYS), ["email"]);
}

#[test]
fn a_value_that_is_not_the_persons_leaves_its_claim_out() {
    let world = World::new();
    let app = world.application("", &json!({}));
    describe(&world);
    for (wish, given) in [
        (json!({ "value": ADMIN_EMAIL }), true),
        (json!({ "values": ["x", ADMIN_EMAIL] }), true),
        (json!({ "value": "x", "values": [ADMIN_EMAIL] }), true),
        (json!({ "value": null }), true),
        (json!({ "value": "other@example.com", "essential": true }), false),
        (json!({ "values": [] }), false),
        (json!({ "value": { "a": [ADMIN_EMAIL] } }), false),
    ] {
        let claims = json!({ "id_token": { "email": wish }, "userinfo": { "email": wish } });
        let issued = tokens(&world, &app, &claims, &[]);
        let seen =
            (id_token(&issued).get("email").is_some(), userinfo(&world, &issued).get("email").is_some());
        assert_eq!(seen, (given, given), "{wish}");
    }
    // What its scope gives stays.
    let claims =
        json!({ "id_token": { "email": { "value": "x" } }, "userinfo": { "email": { "value": "x" } } });
    let issued = tokens(&world, &app, &claims, &[("scope", "openid email")]);
    assert_eq!(id_token(&issued)["email"], ADMIN_EMAIL);
    assert_eq!(access_token(&issued).get(OF_USERINFO), None, "what the scope says is not said twice");
}

fn told(browser: &Browser<'_>, url: &Url) -> Option<String> {
    parameter(&browser.open(url).away(), "error")
}

#[test]
fn nobody_but_the_person_who_is_named_answers() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let back = browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let sub = id_token(&app.redeem(&world, &back).expect(200).json())["sub"].clone();
    let codes = || world.database("SHARED").query("select digest from codes").len();
    for part in ["id_token", "userinfo"] {
        let about = |sub: Json| json!({ part: { "sub": sub } });
        let silent = |sub: Json| told(&browser, &asking(&app, &about(sub), &[("prompt", "none")]));
        assert_eq!(silent(json!({ "value": sub })), None);
        assert_eq!(silent(json!({ "values": ["auth0|x", sub] })), None);
        assert_eq!(silent(json!(null)), None);
        let before = codes();
        for other in [json!({ "value": "auth0|other" }), json!({ "values": [] }), json!({ "value": 7 })] {
            assert_eq!(silent(other.clone()).as_deref(), Some("login_required"), "{other}");
            let url = asking(&app, &about(other), &[]);
            assert_eq!(browser.open(&url).path(), "/u/login/identifier", "their session does not answer");
            let back = browser.sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
            assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
            assert_eq!(codes(), before);
        }
    }
    // Who is named is there already: nobody signs up for it.
    let url =
        asking(&app, &json!({ "id_token": { "sub": { "value": "auth0|x" } } }), &[("screen_hint", "signup")]);
    let page = world.browser().open(&url);
    assert!(!page.page().1.text().contains("name=\"email\""), "{}", page.path());
    // Both parts hold.
    let torn =
        json!({ "id_token": { "sub": { "value": sub } }, "userinfo": { "sub": { "value": "auth0|x" } } });
    assert_eq!(
        told(&browser, &asking(&app, &torn, &[("prompt", "none")])).as_deref(),
        Some("login_required")
    );
}

#[test]
fn what_is_no_such_object_is_refused_before_it_is_parsed_deeply() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let deep = format!("{{\"id_token\":{{\"email\":{{\"value\":{}{}}}}}}}", "[".repeat(40), "]".repeat(40));
    let long = json!({ "id_token": { "email": { "value": "x".repeat(2100) } } }).to_string();
    for wrong in [
        "x",
        "[]",
        "null",
        "\"{}\"",
        "{",
        "{\"id_token\":1}",
        "{\"id_token\":[]}",
        "{\"userinfo\":\"email\"}",
        "{\"id_token\":{\"email\":true}}",
        "{\"id_token\":{\"email\":\"x\"}}",
        "{\"id_token\":{\"email\":[]}}",
        "{\"userinfo\":{\"email\":{\"essential\":\"yes\"}}}",
        "{\"userinfo\":{\"nobody\":{\"values\":\"x\"}}}",
        &deep,
        &long,
    ] {
        let url = app.authorize(&[("claims", wrong)]);
        let back = world.browser().open(&url).away();
        assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"), "{wrong}");
    }
    let mut twice = app.authorize(&[("claims", "{}")]);
    twice.query_pairs_mut().append_pair("claims", "{}");
    assert_eq!(told(&world.browser(), &twice).as_deref(), Some("invalid_request"));
    for fine in
        ["{}", "{\"id_token\":null}", "{\"id_token\":{}}", "{\"id_token\":{\"email\":{\"essential\":null}}}"]
    {
        world.browser().sign_in(&app.authorize(&[("claims", fine)]), ADMIN_EMAIL, ADMIN_PASSWORD);
    }
    // At the token endpoint nobody asks for more than the person saw.
    let form = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("claims", "{}")];
    assert_eq!(error(&app.token(&world, &form).expect(400)), "invalid_request");
}

#[test]
fn a_client_of_somebody_else_gets_what_the_person_has_agreed_to_by_its_scope() {
    let world = World::new();
    let own = world.application("", &json!({}));
    let other = world.application("", &json!({ "app_id": "other", "is_first_party": false }));
    let browser = world.browser();
    browser.sign_in(&own.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let claims = json!({ "id_token": { "email": null }, "userinfo": { "email": { "essential": true } } });
    let silently = |claims: &Json| told(&browser, &asking(&other, claims, &[("prompt", "none")]));

    let page = browser.open(&asking(&other, &json!({}), &[]));
    assert!(!page.page().1.text().contains("email address"));
    other.redeem(&world, &browser.submit(&page, &[("decision", "accept")]).away()).expect(200);
    assert_eq!(silently(&json!({})), None);
    assert_eq!(silently(&claims).as_deref(), Some("consent_required"), "they said yes to less");

    let page = browser.open(&asking(&other, &claims, &[]));
    assert!(page.page().1.text().contains("See your email address"), "{}", page.page().1.text());
    let declined = browser.submit(&page, &[("decision", "decline")]).away();
    assert_eq!(parameter(&declined, "error").as_deref(), Some("access_denied"));
    assert_eq!(silently(&claims).as_deref(), Some("consent_required"));
    let back = browser.submit(&page, &[("decision", "accept")]).away();
    let issued = other.redeem(&world, &back).expect(200).json();
    assert_eq!((&issued["scope"], &id_token(&issued)["email"]), (&json!("openid"), &json!(ADMIN_EMAIL)));
    assert_eq!(userinfo(&world, &issued)["email"], ADMIN_EMAIL);
    assert_eq!(silently(&claims), None);
    let more = json!({ "userinfo": { "email": null, "phone_number": null } });
    assert_eq!(silently(&more).as_deref(), Some("consent_required"));
}

#[test]
fn without_the_scope_openid_there_is_nothing_to_put_them_into() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let claims = json!({ "id_token": { "email": null }, "userinfo": { "email": null } });
    let issued = tokens(&world, &app, &claims, &[("scope", "profile")]);
    assert_eq!((issued.get("id_token"), access_token(&issued).get(OF_USERINFO)), (None, None));
    // Nor after a client wants less than the person signed in for.
    let back = world.browser().sign_in(&asking(&app, &claims, &[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let code = parameter(&back, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", &*app.callback),
        ("code_verifier", crate::support::browser::VERIFIER),
        ("scope", "profile"),
    ];
    let issued = app.token(&world, &form).expect(200).json();
    assert_eq!((issued.get("id_token"), access_token(&issued).get(OF_USERINFO)), (None, None));
}

#[test]
fn discovery_says_so() {
    let world = World::new();
    let document = world.send(Ask::get("", "/.well-known/openid-configuration")).expect(200).json();
    assert_eq!(document["claims_parameter_supported"], true);
    let claims = document["claims_supported"].as_array().unwrap();
    for name in ["email", "auth_time", "acr", "amr"] {
        assert!(claims.contains(&json!(name)), "{name}");
    }
}
