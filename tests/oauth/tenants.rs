//! Two tenants: nothing of one is worth anything at the other.

use super::error;
use crate::support::{Application, Ask, World, browser::parameter};
use serde_json::json;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a password of Ann's own";

/// Acme and Globex with the same application, and the same person at both.
fn twins() -> (World, Application, Application) {
    let world = World::new();
    world.tenant("acme");
    world.tenant("globex");
    let apps = ["acme", "globex"].map(|tenant| {
        let app = world.application(tenant, &json!({}));
        world.browser().sign_up(&app.authorize(&[]), EMAIL, PASSWORD);
        app
    });
    let [acme, globex] = apps;
    (world, acme, globex)
}

#[test]
fn a_person_of_one_tenant_is_nobody_at_another() {
    let world = World::new();
    world.tenant("acme");
    world.tenant("globex");
    let (acme, globex) = (world.application("acme", &json!({})), world.application("globex", &json!({})));
    let browser = world.browser();
    browser.sign_up(&acme.authorize(&[]), EMAIL, PASSWORD);
    let silent = browser.open(&globex.authorize(&[("prompt", "none")])).away();
    assert_eq!(parameter(&silent, "error").as_deref(), Some("login_required"));
    let page = browser.submit(&browser.open(&globex.authorize(&[])), &[("username", EMAIL)]);
    browser
        .submit(&page, &[("password", PASSWORD)])
        .page()
        .1
        .text()
        .contains("is wrong")
        .then_some(())
        .unwrap();
}

#[test]
fn codes_and_refresh_tokens_are_their_tenants() {
    let (world, acme, globex) = twins();
    let url = acme.authorize(&[("scope", "openid offline_access")]);
    let back = world.browser().sign_in(&url, EMAIL, PASSWORD);
    assert_eq!(error(&globex.redeem(&world, &back).expect(400)), "invalid_grant");
    let tokens = acme.redeem(&world, &back).expect(200).json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(error(&globex.refresh(&world, refresh).expect(400)), "invalid_grant");
    acme.refresh(&world, refresh).expect(200);
}

#[test]
fn a_session_cookie_of_one_tenant_opens_nothing_at_another() {
    let (world, acme, globex) = twins();
    let browser = world.browser();
    browser.sign_in(&acme.authorize(&[]), EMAIL, PASSWORD);
    let stolen = browser.cookie("gatehouse_session").unwrap();
    let path = globex.authorize(&[("prompt", "none")]);
    let path = format!("{}?{}", path.path(), path.query().unwrap());
    let ask = Ask::get("globex", &path).header("cookie", &format!("gatehouse_session={stolen}"));
    let answer = world.send(ask).expect(302);
    assert!(answer.header("location").unwrap().contains("error=login_required"));
}

#[test]
fn the_state_of_one_tenants_login_is_worth_nothing_at_another() {
    let (world, acme, _) = twins();
    let browser = world.browser();
    let seen = browser.open(&acme.authorize(&[]));
    let url = seen.page().0;
    let cookie = browser.cookie("gatehouse_login").unwrap();
    let ask = Ask::get("globex", &format!("{}?{}", url.path(), url.query().unwrap()));
    world.send(ask.header("cookie", &format!("gatehouse_login={cookie}"))).expect(400);
}
