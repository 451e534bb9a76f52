//! A client that asks for a second factor by the claim `acr`, whatever the tenant does by itself.

use super::second_factor::{PAGE, PASSWORD, Scene, sign_up};
use crate::support::browser::{Seen, parameter};
use gatehouse::oauth::claims::MULTI_FACTOR;
use serde_json::{Value as Json, json};

fn acr(wish: &Json) -> String {
    json!({ "id_token": { "acr": wish } }).to_string()
}

fn needed() -> String {
    acr(&json!({ "essential": true, "values": ["urn:something", MULTI_FACTOR] }))
}

#[test]
fn an_essential_acr_asks_for_the_second_factor_that_the_tenant_does_not() {
    let scene = Scene::enrolled();
    scene.set(&json!({ "policy": "never" }));
    let (browser, needed) = (scene.world.browser(), needed());
    let silent = |claims: &str| {
        let back = browser.open(&scene.app.authorize(&[("prompt", "none"), ("claims", claims)])).away();
        parameter(&back, "error")
    };
    let back = scene.password(&browser, &[]).away();
    assert_eq!(scene.id_token(&back).get("acr"), None);
    assert_eq!(silent("{}"), None);
    assert_eq!(silent(&needed).as_deref(), Some("interaction_required"));
    // The session stands for the password.
    let page = browser.open(&scene.app.authorize(&[("claims", &needed)]));
    assert_eq!(page.path(), PAGE);
    let claims = scene.id_token(&browser.submit(&page, &[("code", &scene.code())]).away());
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!(MULTI_FACTOR), &json!(["mfa", "otp"])));
    assert_eq!(silent(&needed), None, "once is enough for as long as the session lives");
    // A login without a session asks for both, and one that does not want it for the password alone.
    assert_eq!(scene.password(&scene.world.browser(), &[("claims", &needed)]).path(), PAGE);
    assert!(matches!(scene.password(&scene.world.browser(), &[]), Seen::Away(_)));
}

#[test]
fn an_acr_that_cannot_be_reached_is_a_failed_login() {
    let scene = Scene::enrolled();
    sign_up(&scene.world, &scene.app, "bob@example.com");
    let sign_in = |claims: &str, email: &str| {
        let back =
            scene.world.browser().sign_in(&scene.app.authorize(&[("claims", claims)]), email, PASSWORD);
        (parameter(&back, "error").unwrap_or_default(), parameter(&back, "code").is_some())
    };
    let unmet = ("unmet_authentication_requirements".to_owned(), false);
    assert_eq!(sign_in(&needed(), "bob@example.com"), unmet, "who has no second factor");
    for unknown in
        [json!({ "essential": true, "values": ["urn:gold"] }), json!({ "essential": true, "value": 4 })]
    {
        assert_eq!(sign_in(&acr(&unknown), "bob@example.com"), unmet, "{unknown}");
    }
    let browser = scene.world.browser();
    scene.sign_in(&browser);
    let gold = acr(&json!({ "essential": true, "value": "urn:gold" }));
    for prompt in ["none", ""] {
        let back = browser.open(&scene.app.authorize(&[("prompt", prompt), ("claims", &gold)])).away();
        assert_eq!(parameter(&back, "error"), Some(unmet.0.clone()), "{prompt}");
    }
    // Nobody makes an account to get around it.
    let url = scene.app.authorize(&[("claims", &needed())]);
    let back = scene.world.browser().sign_up(&url, "eve@example.com", PASSWORD);
    assert_eq!(parameter(&back, "error"), Some(unmet.0));
}

#[test]
fn a_voluntary_acr_is_told_as_it_is_and_asks_for_nothing() {
    let scene = Scene::enrolled();
    scene.set(&json!({ "policy": "never" }));
    let browser = scene.world.browser();
    let wishes = [json!(null), json!({ "essential": true }), json!({ "values": [MULTI_FACTOR] })];
    for wish in &wishes {
        let back = scene.password(&browser, &[("prompt", "login"), ("claims", &acr(wish))]).away();
        assert_eq!(scene.id_token(&back).get("acr"), None, "{wish}");
    }
    scene.set(&json!({ "policy": null }));
    let page = scene.password(&browser, &[("prompt", "login")]);
    browser.submit(&page, &[("code", &scene.code())]).away();
    let acr_of = |wish: &Json| {
        let back = browser.open(&scene.app.authorize(&[("claims", &acr(wish))])).away();
        scene.id_token(&back)["acr"].clone()
    };
    for wish in &wishes {
        assert_eq!(acr_of(wish), MULTI_FACTOR, "{wish}");
    }
    assert_eq!(acr_of(&json!({ "values": ["urn:gold"] })), Json::Null, "only what is asked for");
}
