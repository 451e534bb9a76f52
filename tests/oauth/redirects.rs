//! Registered addresses that leave a part of their host open (Auth0): what they stand for, and what they do not.

use crate::support::{Application, World, browser::parameter, properties};
use gatehouse::{
    oauth::redirect::RedirectTarget,
    resources::clients::{
        model::AppType,
        urls::{check_logout, check_origin, check_target},
    },
};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn an_open_label_is_one_label_and_nothing_else() {
    let world = World::new();
    let callbacks =
        json!(["https://*.app.example/cb", "https://app-*-team.vercel.app/cb", "http://*.localhost:3000/cb"]);
    let app = world.application("", &json!({ "callbacks": callbacks }));
    for (uri, expected) in [
        ("https://one.app.example/cb", true),
        ("https://one-2.app.example/cb", true),
        ("https://app-pr7-team.vercel.app/cb", true),
        ("http://one.localhost:3000/cb", true),
        ("https://*.app.example/cb", false),
        ("https://app.example/cb", false),
        ("https://.app.example/cb", false),
        ("https://one.two.app.example/cb", false),
        ("https://one.app.example/cb/", false),
        ("https://one.app.example/cb?x", false),
        ("https://one.app.example:8443/cb", false),
        ("http://one.app.example/cb", false),
        ("https://evil.example/?.app.example/cb", false),
        ("https://evil.example#.app.example/cb", false),
        ("https://evil.example/.app.example/cb", false),
        ("https://evil.example:443.app.example/cb", false),
        ("https://evil.example%2f.app.example/cb", false),
        ("https://evil.example\\.app.example/cb", false),
        ("https://user@one.app.example/cb", false),
        ("https://app--evil-team.vercel.app/cb", true),
        ("https://app-team.vercel.app/cb", false),
        ("https://evil-team.vercel.app/cb", false),
    ] {
        let answer = world.browser().get(&app.authorize(&[("redirect_uri", uri)]));
        assert_eq!(answer.status(), if expected { 302 } else { 400 }, "{uri}");
    }
}

#[test]
fn a_code_for_an_open_address_is_redeemed_with_the_address_it_was_sent_to() {
    let world = World::new();
    let app = world.application("", &json!({ "callbacks": ["https://*.app.example/cb"] }));
    let one = Application { callback: "https://one.app.example/cb".to_owned(), ..app };
    let browser = world.browser();
    let back = browser.sign_up(&one.authorize(&[]), "ann@example.com", "an ordinary password");
    assert!(back.as_str().starts_with("https://one.app.example/cb?"));
    one.redeem(&world, &back).expect(200);
    let back = browser.open(&one.authorize(&[])).away();
    let two = Application { callback: "https://two.app.example/cb".to_owned(), ..one };
    two.redeem(&world, &back).expect(400);
}

#[test]
fn the_name_of_the_organization_stands_for_itself_alone() {
    let world = World::new();
    let document = json!({
        "callbacks": ["https://{organization_name}.app.example/cb"],
        "organization_usage": "allow",
    });
    world.tenant("acme");
    let app = world.application("acme", &document);
    let admin = world.holder("acme", &world.machine_token(""));
    let id = admin.post("organizations", &json!({ "name": "blue" })).expect(201).json()["id"].clone();
    admin.post("organizations", &json!({ "name": "red" })).expect(201);
    for (organization, uri, expected) in [
        ("blue", "https://blue.app.example/cb", true),
        ("Blue", "https://blue.app.example/cb", true),
        (id.as_str().unwrap(), "https://blue.app.example/cb", true),
        ("red", "https://blue.app.example/cb", false),
        ("", "https://blue.app.example/cb", false),
        ("nobody", "https://nobody.app.example/cb", false),
        ("blue", "https://{organization_name}.app.example/cb", false),
        ("blue", "https://blue.evil.example/cb", false),
    ] {
        let changes = [("redirect_uri", uri), ("organization", organization)];
        let answer = world.browser().get(&app.authorize(&changes));
        assert_eq!(answer.status(), if expected { 302 } else { 400 }, "{organization} {uri}");
    }
}

#[test]
fn an_answer_can_come_in_the_fragment() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let url = app.authorize(&[("response_mode", "fragment")]);
    let back = browser.sign_up(&url, "ann@example.com", "an ordinary password");
    assert_eq!(back.query(), None);
    let mut in_query = back.clone();
    in_query.set_query(back.fragment());
    assert_eq!(parameter(&in_query, "state").as_deref(), Some("the-state"));
    app.redeem(&world, &in_query).expect(200);
}

/// Texts as somebody may register them.
fn registered() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["https://", "http://", "com.example.app://", "HTTPS://", ""]);
    let host = prop::sample::select(vec![
        "app.example.com",
        "*.example.com",
        "a-*-b.example.com",
        "{organization_name}.example.com",
        "*.com",
        "*.co.uk",
        "*",
        "a.*.example.com",
        "*.*.example.com",
        "*.localhost:3000",
        "localhost",
        "*.vercel.app",
        "a*.vercel.app",
        "\u{fc}.example.com",
        "*.example.com:8443",
        "user@*.example.com",
        "*.0.0.1",
        "127.0.0.1:1",
        "[::1]",
    ]);
    let path =
        prop::sample::select(vec!["", "/", "/cb", "/*", "/cb?x=*", "/cb?x=1", "/c b", "/cb#x", "/\u{fc}"]);
    (scheme, host, path).prop_map(|(scheme, host, path)| format!("{scheme}{host}{path}"))
}

proptest! {
    #![proptest_config(properties())]

    /// Nothing is accepted that nothing will ever match, and what is open is never matched by itself.
    #[test]
    fn what_is_accepted_when_it_is_registered_is_matched_when_it_is_used(
        text in registered(),
        app in prop::sample::select(vec![AppType::Native, AppType::Spa, AppType::RegularWeb]),
    ) {
        let known = [text.clone()];
        let used = text.replace('*', "a").replace("{organization_name}", "acme");
        if check_target(&text, app).is_ok() {
            let matched = |url: &str| RedirectTarget::matching(url, &known, app, Some("acme")).is_some();
            prop_assert!(matched(&used), "{text}");
            prop_assert_eq!(matched(&text), used == text, "{}", text);
        }
        if check_logout(&text, app).is_ok() {
            prop_assert!(RedirectTarget::after_logout(&used, &known).is_some(), "{text}");
            prop_assert!(RedirectTarget::after_older_logout(&used, &known).is_some(), "{text}");
        }
        if check_origin(&text, app).is_ok() {
            let document = json!({ "app_type": app, "web_origins": [text], "allowed_origins": [] });
            let client: gatehouse::resources::clients::model::Client = serde_json::from_value(document).unwrap();
            let parsed = url::Url::parse(&used).unwrap();
            let sent = match parsed.scheme() {
                "http" | "https" => parsed.origin().ascii_serialization(),
                scheme => format!("{scheme}://{}", parsed.host_str().unwrap_or_default()),
            };
            prop_assert!(client.has_web_origin(&sent, Some("acme")), "{text} {sent}");
            prop_assert!(client.may_call_from(&sent), "{text} {sent}");
        }
    }
}
