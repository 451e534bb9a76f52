//! Signing out: what ends, and where one may be sent.

use crate::support::{
    Application, Ask, Browser, World,
    browser::{Seen, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

const OFFLINE: (&str, &str) = ("scope", "openid offline_access");

fn signed_in(world: &World, app: &Application, browser: &Browser<'_>) -> Json {
    let back = browser.sign_in(&app.authorize(&[OFFLINE]), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()
}

fn logout(app: &Application, browser: &Browser<'_>, path: &str, parameters: &[(&str, &str)]) -> Seen {
    let mut url = app.url(path);
    url.query_pairs_mut().extend_pairs(parameters);
    browser.open(&url)
}

fn is_signed_in(app: &Application, browser: &Browser<'_>) -> bool {
    let back = browser.open(&app.authorize(&[("prompt", "none")])).away();
    parameter(&back, "code").is_some()
}

#[test]
fn with_a_hint_the_session_ends_and_the_person_is_sent_back() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let tokens = signed_in(&world, &app, &browser);
    // The hint has expired by then: it still says whose session it was.
    world.advance(Lifetime::hours(11));
    let bye = format!("https://{}.example/bye", app.id);
    let hint = tokens["id_token"].as_str().unwrap();
    let seen = logout(
        &app,
        &browser,
        "oidc/logout",
        &[("id_token_hint", hint), ("post_logout_redirect_uri", &bye), ("state", "s 1")],
    );
    assert_eq!(seen.away().as_str(), format!("{bye}?state=s+1"));
    assert_eq!(browser.cookie("gatehouse_session"), None);
    assert!(!is_signed_in(&app, &browser));
    let open = world.database("SHARED").query("select id from sessions where revoked_at is null");
    assert!(open.is_empty());
    assert_eq!(world.database("SHARED").query("select id from logs where type = 'slo'").len(), 1);
}

#[test]
fn without_a_hint_the_person_is_asked_and_nobody_else_can_answer() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let (browser, attacker) = (world.browser(), world.browser());
    signed_in(&world, &app, &browser);
    attacker.sign_up(&app.authorize(&[]), "eve@example.com", "an ordinary password");
    let hidden = |seen: &Seen| {
        let text = seen.page().1.text();
        let value = text.split("name=\"confirmed\" value=\"").nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    let bye = format!("https://{}.example/bye", app.id);
    let parameters = [("client_id", app.id.as_str()), ("post_logout_redirect_uri", &bye), ("state", "<s>")];
    let theirs = hidden(&logout(&app, &attacker, "oidc/logout", &[]));
    let asked = logout(&app, &browser, "oidc/logout", &parameters);
    for confirmed in ["", "yes", &theirs] {
        let mut form = parameters.to_vec();
        form.push(("confirmed", confirmed));
        let answer = browser.post(&app.url("oidc/logout"), &form).expect(200);
        assert!(answer.text().contains("Do you want to sign out?"));
        assert!(is_signed_in(&app, &browser), "{confirmed}");
    }
    assert!(asked.page().1.text().contains("value=\"&lt;s&gt;\""));
    let yes = hidden(&asked);
    let mut form = parameters.to_vec();
    form.push(("confirmed", &yes));
    let answer = browser.post(&app.url("oidc/logout"), &form).expect(303);
    assert_eq!(answer.header("location").unwrap(), format!("{bye}?state=%3Cs%3E"));
    assert!(!is_signed_in(&app, &browser));
    let again = logout(&app, &browser, "oidc/logout", &parameters);
    assert!(again.away().as_str().starts_with(&bye), "nobody to ask any more");
}

#[test]
fn nobody_is_sent_where_the_application_did_not_say() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let other = world.application("", &json!({ "app_id": "other" }));
    let browser = world.browser();
    let tokens = signed_in(&world, &app, &browser);
    let hint = tokens["id_token"].as_str().unwrap();
    for uri in [
        "https://evil.example/",
        "https://app-1.example/bye/",
        "https://app-1.example/bye?x",
        "https://app-1.example/bye#x",
        "https://app-1.example/BYE",
        "https://app-1.example@evil.example/bye",
        "https://app-1.example/callback",
        "https://app-other.example/bye",
        "javascript:alert(1)",
    ] {
        for (path, name) in [("oidc/logout", "post_logout_redirect_uri"), ("v2/logout", "returnTo")] {
            // Auth0: there neither query nor fragment is part of the comparison.
            if path == "v2/logout" && uri.ends_with('x') {
                continue;
            }
            let parameters = [("id_token_hint", hint), ("client_id", app.id.as_str()), (name, uri)];
            let seen = logout(&app, &browser, path, &parameters);
            assert_eq!(seen.page().1.status(), 400, "{path} {uri}");
        }
    }
    let bye = "https://app-1.example/bye";
    let access = tokens["access_token"].as_str().unwrap();
    let (head, tail) = hint.split_at(hint.len() - 8);
    let forged = format!("{head}{}", tail.chars().rev().collect::<String>());
    for parameters in [
        vec![("post_logout_redirect_uri", bye)],
        vec![("client_id", "nobody"), ("post_logout_redirect_uri", bye)],
        vec![("id_token_hint", hint), ("client_id", other.id.as_str())],
        vec![("id_token_hint", access)],
        vec![("id_token_hint", forged.as_str())],
        vec![("id_token_hint", "nonsense")],
        vec![("client_id", app.id.as_str()), ("client_id", other.id.as_str())],
    ] {
        let seen = logout(&app, &browser, "oidc/logout", &parameters);
        assert_eq!(seen.page().1.status(), 400, "{parameters:?}");
    }
    assert!(is_signed_in(&app, &browser));
}

#[test]
fn a_hint_alone_ends_nothing() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let (one, two) = (world.browser(), world.browser());
    let tokens = signed_in(&world, &app, &one);
    two.sign_up(&app.authorize(&[]), "ann@example.com", "an ordinary password");
    let hint = [("id_token_hint", tokens["id_token"].as_str().unwrap())];
    logout(&app, &two, "oidc/logout", &hint);
    logout(&app, &world.browser(), "oidc/logout", &hint);
    assert!(is_signed_in(&app, &one), "whoever holds an ID token need not be its person");
    assert!(is_signed_in(&app, &two), "Ann stays");
    app.refresh(&world, tokens["refresh_token"].as_str().unwrap()).expect(200);
}

#[test]
fn with_a_hint_of_another_session_the_person_is_asked() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let (before, browser) = (world.browser(), world.browser());
    let old = signed_in(&world, &app, &before);
    signed_in(&world, &app, &browser);
    let hint = [("id_token_hint", old["id_token"].as_str().unwrap())];
    let asked = logout(&app, &browser, "oidc/logout", &hint);
    assert!(asked.page().1.text().contains("Do you want to sign out?"));
    assert!(is_signed_in(&app, &browser));
    let text = asked.page().1.text();
    let yes = text.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    browser.post(&app.url("oidc/logout"), &[hint[0], ("confirmed", yes)]);
    assert!(!is_signed_in(&app, &browser));
    assert!(is_signed_in(&app, &before), "only this browser");
}

#[test]
fn the_older_endpoint_ends_the_session_with_and_without_a_way_back() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let bye = format!("https://{}.example/bye", app.id);
    for parameters in [vec![], vec![("client_id", app.id.as_str()), ("returnTo", bye.as_str())]] {
        let browser = world.browser();
        let tokens = signed_in(&world, &app, &browser);
        match logout(&app, &browser, "v2/logout", &parameters) {
            Seen::Away(url) => assert_eq!(url.as_str(), bye),
            Seen::Page(_, answer) => drop(answer.expect(200)),
        }
        assert!(!is_signed_in(&app, &browser));
        app.refresh(&world, tokens["refresh_token"].as_str().unwrap()).expect(200);
    }
}

/// Auth0's rules for `returnTo`.
#[test]
fn the_older_endpoint_sends_people_where_the_client_or_else_the_tenant_says() {
    let world = World::new();
    let urls = json!(["https://*.app.example/bye", "https://app-1.example/bye", "https://app-1.example/2"]);
    let app = world.application("", &json!({ "allowed_logout_urls": urls }));
    let none = world.application("", &json!({ "app_id": "none", "allowed_logout_urls": [] }));
    let settings =
        json!({ "allowed_logout_urls": ["https://tenant.example/bye", "https://*.tenant.example/"] });
    world.admin("").patch("tenants/settings", &settings).expect(200);
    let client = ("client_id", app.id.as_str());
    let gone = |parameters: &[(&str, &str)]| {
        let mut url = app.url("v2/logout");
        url.query_pairs_mut().extend_pairs(parameters);
        let answer = world.browser().get(&url);
        answer.header("location").map_or_else(|| answer.status().to_string(), str::to_owned)
    };
    for (parameters, expected) in [
        (vec![client, ("returnTo", "https://app-1.example/bye")], "https://app-1.example/bye"),
        (
            vec![client, ("returnTo", "https://app-1.example/bye?a=b&c=%2Fd")],
            "https://app-1.example/bye?a=b&c=%2Fd",
        ),
        (vec![client, ("returnTo", "https://app-1.example/bye#top")], "https://app-1.example/bye#top"),
        (vec![client, ("returnTo", "https://one.app.example/bye?x")], "https://one.app.example/bye?x"),
        (vec![client, ("returnTo", "https://app-1.example/2"), ("federated", "")], "https://app-1.example/2"),
        // The first that is an address.
        (vec![client], "https://app-1.example/bye"),
        (vec![client, ("returnTo", "")], "https://app-1.example/bye"),
        (vec![], "https://tenant.example/bye"),
        (vec![("returnTo", "https://tenant.example/bye?x")], "https://tenant.example/bye?x"),
        (vec![("returnTo", "https://b.tenant.example/")], "https://b.tenant.example/"),
        (vec![("client_id", none.id.as_str())], "200"),
        // The client's list and the tenant's are two.
        (vec![client, ("returnTo", "https://tenant.example/bye")], "400"),
        (vec![("returnTo", "https://app-1.example/bye")], "400"),
        (vec![client, ("returnTo", "https://evil.example/?https://app-1.example/bye")], "400"),
        (vec![client, ("returnTo", "https://evil.example?.app.example/bye")], "400"),
        (vec![client, ("returnTo", "https://evil.example#.app.example/bye")], "400"),
        (vec![client, ("returnTo", "https://a.b.app.example/bye")], "400"),
        (vec![client, ("returnTo", "https://*.app.example/bye")], "400"),
        (vec![client, ("returnTo", "javascript:alert(1)//https://app-1.example/bye")], "400"),
        (vec![("client_id", "nobody"), ("returnTo", "https://tenant.example/bye")], "400"),
    ] {
        assert_eq!(gone(&parameters), expected, "{parameters:?}");
    }
    for url in ["http://tenant.example/", "nowhere", "https://{organization_name}.tenant.example/"] {
        let settings = json!({ "allowed_logout_urls": [url] });
        let answer = world.admin("").patch("tenants/settings", &settings).expect(400);
        assert!(answer.text().contains("allowed_logout_urls"), "{}", answer.text());
    }
}

/// RP-Initiated Logout 1.0 §3 has the address compared as it is, but Auth0's patterns count here too.
#[test]
fn a_registered_pattern_is_good_for_both_ways_to_sign_out() {
    let world = World::new();
    let app = world.application("", &json!({ "allowed_logout_urls": ["https://*.app.example/bye"] }));
    let asked = |uri: &str| {
        let parameters = [("client_id", app.id.as_str()), ("post_logout_redirect_uri", uri)];
        let mut url = app.url("oidc/logout");
        url.query_pairs_mut().extend_pairs(parameters);
        world.browser().get(&url).status()
    };
    assert_eq!(asked("https://one.app.example/bye"), 302);
    assert_eq!(asked("https://one.app.example/bye?x"), 400);
    assert_eq!(asked("https://*.app.example/bye"), 400);
}

#[test]
fn the_description_names_the_endpoint_unless_the_tenant_says_otherwise() {
    let world = World::new();
    let shown = || {
        let document = world.another_isolate().send(Ask::get("", "/.well-known/openid-configuration"));
        document.expect(200).json()["end_session_endpoint"].is_string()
    };
    assert!(shown());
    let settings = json!({ "oidc_logout": { "rp_logout_end_session_endpoint_discovery": false } });
    world.admin("").patch("tenants/settings", &settings).expect(200);
    assert!(!shown());
    let settings = json!({ "oidc_logout": { "rp_logout_end_session_endpoint_discovery": true } });
    world.admin("").patch("tenants/settings", &settings).expect(200);
    assert!(shown());
}
