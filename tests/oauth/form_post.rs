//! Answers in a form that the browser sends on: the code stands in no address and in no log.

use crate::support::{
    Answer, Application, World,
    browser::{VERIFIER, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use base64ct::{Base64, Encoding};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What stands between two texts.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1.split_once(to).unwrap().0
}

/// The form of a page: where it goes, and its fields.
fn form(answer: &Answer) -> (String, BTreeMap<String, String>) {
    let text = answer.text();
    let field = |input: &str| {
        (between(input, "name=\"", "\"").to_owned(), between(input, "value=\"", "\"").to_owned())
    };
    let fields = text.split("<input type=\"hidden\"").skip(1).map(field).collect();
    (between(&text, "action=\"", "\"").to_owned(), fields)
}

fn asked(app: &Application, changes: &[(&str, &str)]) -> url::Url {
    app.authorize(&[&[("response_mode", "form_post")], changes].concat())
}

#[test]
fn a_code_is_sent_on_by_a_form_and_by_nothing_else() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.submit(&browser.open(&asked(&app, &[])), &[("username", ADMIN_EMAIL)]);
    let first = browser.submit(&page, &[("password", ADMIN_PASSWORD)]);
    assert!(browser.cookie("gatehouse_session").is_some());
    let silent = browser.get(&asked(&app, &[("prompt", "none")]));
    for answer in [first.page().1, &silent] {
        let (target, fields) = form(answer);
        assert_eq!(
            (answer.status(), answer.header("location"), target.as_str()),
            (200, None, app.callback.as_str())
        );
        assert_eq!(
            (fields["state"].as_str(), fields["iss"].as_str()),
            ("the-state", "http://localhost:8787/")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        app.redeem_code(&world, &fields["code"], VERIFIER).expect(200);
    }
}

#[test]
fn the_page_runs_the_one_script_that_sends_its_form() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let answer = world.browser().get(&asked(&app, &[("prompt", "none")]));
    let text = answer.text();
    let script = between(&text, "<script>", "</script>");
    let hash = Base64::encode_string(&Sha256::digest(script.as_bytes()));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.ends_with(&format!("; script-src 'sha256-{hash}'"))
            && policy.starts_with("default-src 'none'")
    );
    assert!(text.contains("<button type=\"submit\">"), "for who has switched scripts off");
    let plain = world.browser().get(&app.authorize(&[("client_id", "nobody")]));
    assert!(
        !plain.header("content-security-policy").unwrap().contains("script-src"),
        "no other page has one"
    );
}

#[test]
fn an_error_comes_in_the_same_way_and_what_is_in_it_is_text() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let answer =
        world.browser().get(&asked(&app, &[("prompt", "none"), ("state", "\"><script>alert(1)</script>")]));
    let (_, fields) = form(&answer);
    assert_eq!(fields["error"], "login_required");
    assert_eq!(fields["state"], "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;");
    assert_eq!(answer.text().matches("<script>").count(), 1);
}

#[test]
fn a_form_goes_to_a_web_address_only() {
    let world = World::new();
    let app =
        world.application("", &json!({ "app_type": "native", "callbacks": ["com.example.app:/callback"] }));
    let app = Application { callback: "com.example.app:/callback".to_owned(), ..app };
    let answer = world.browser().get(&asked(&app, &[])).expect(302);
    let back = url::Url::parse(answer.header("location").unwrap()).unwrap();
    assert_eq!(parameter(&back, "error").as_deref(), Some("invalid_request"));
    let answer = world.browser().get(&app.authorize(&[("response_mode", "web_message")])).expect(302);
    assert!(answer.header("location").unwrap().contains("error=invalid_request"));
}
