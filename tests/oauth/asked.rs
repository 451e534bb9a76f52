//! What an authorization request may ask for: connections, organizations, sessions of other applications, apps of a device,
//! and an ID token alone.

use super::opened;
use crate::support::{
    Application, Browser, World,
    browser::{Seen, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use serde_json::{Value as Json, json};
use url::Url;

const CONNECTION: &str = "Username-Password-Authentication";

fn error(browser: &Browser<'_>, url: &Url) -> Option<String> {
    parameter(&browser.open(url).away(), "error")
}

/// Says which clients the connection is for, and forgets what an isolate remembers.
fn enable(world: &World, clients: &Json) {
    let admin = world.admin("");
    let list = admin.get("connections").expect(200).json();
    let found = list.as_array().unwrap().iter().find(|connection| connection["name"] == CONNECTION).unwrap();
    let id = found["id"].as_str().unwrap();
    admin.patch(&format!("connections/{id}"), &json!({ "enabled_clients": clients })).expect(200);
}

#[test]
fn a_connection_is_for_the_clients_that_it_is_enabled_for() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let other = world.application("", &json!({ "app_id": "other" }));
    let (by_default, by_name) = (app.authorize(&[]), app.authorize(&[("connection", CONNECTION)]));
    let sign_up = app.authorize(&[("screen_hint", "signup"), ("connection", CONNECTION)]);
    // Never set, it is for all.
    assert_eq!(world.browser().open(&by_default).path(), "/u/login/identifier");
    for clients in [json!([]), json!([other.id])] {
        enable(&world, &clients);
        for url in [&by_default, &by_name, &sign_up] {
            assert_eq!(error(&world.browser(), url).as_deref(), Some("invalid_request"), "{clients} {url}");
        }
    }
    assert_eq!(world.browser().open(&other.authorize(&[])).path(), "/u/login/identifier");
    enable(&world, &json!([other.id, app.id]));
    assert_eq!(world.browser().open(&by_name).path(), "/u/login/identifier");
    enable(&world, &Json::Null);
    assert_eq!(world.browser().open(&by_name).path(), "/u/login/identifier");
}

/// The attacks: pages that were opened before, and a session that came of another client.
#[test]
fn neither_an_open_page_nor_a_session_gets_around_what_a_connection_is_for() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let other = world.application("", &json!({ "app_id": "other" }));
    let (typing, signing_up, signed_in) = (world.browser(), world.browser(), world.browser());
    let password = typing.submit(&typing.open(&app.authorize(&[])), &[("username", ADMIN_EMAIL)]);
    let form = signing_up.open(&app.authorize(&[("screen_hint", "signup")]));
    signed_in.sign_in(&other.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(error(&signed_in, &app.authorize(&[("prompt", "none")])), None);

    enable(&world, &json!([other.id]));
    let before = world.everything();
    let refused = typing.submit(&password, &[("password", ADMIN_PASSWORD)]);
    assert_eq!(refused.page().1.status(), 400);
    let fields = [("email", "eve@example.com"), ("password", "an ordinary password")];
    assert_eq!(signing_up.submit(&form, &fields).page().1.status(), 400);
    assert_eq!(error(&signed_in, &app.authorize(&[("prompt", "none")])).as_deref(), Some("invalid_request"));
    assert!(world.everything() == before, "nothing came of it");
    assert_eq!(error(&signed_in, &other.authorize(&[("prompt", "none")])), None);
}

/// An organization with the administrator in it, and one without.
fn organizations(world: &World) {
    world.database("SHARED").query(
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values
           ('main', 'org_1', 'blue-team', 1, 1), ('main', 'org_2', 'red-team', 1, 1)",
    );
    world.database("SHARED").query(
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
         select 'main', 'org_1', user_id, 1 from users",
    );
}

#[test]
fn an_organization_is_found_by_its_name_in_any_case() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    world.browser().open(&app.authorize(&[]));
    organizations(&world);
    for asked in ["org_1", "blue-team", "Blue-Team", "BLUE-TEAM"] {
        let url = app.authorize(&[("organization", asked)]);
        let back = world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
        let tokens = app.redeem(&world, &back).expect(200).json();
        let (_, claims) = opened(tokens["id_token"].as_str().unwrap());
        assert_eq!(
            (&claims["org_id"], &claims["org_name"]),
            (&json!("org_1"), &json!("blue-team")),
            "{asked}"
        );
    }
    let asked = app.authorize(&[("organization", "ORG_1")]);
    let back = world.browser().sign_in(&asked, ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"), "an id is as it is");
}

/// Whoever tries names learns nothing: neither before nor after signing in does one that exists differ from one that does not.
#[test]
fn strangers_do_not_learn_which_organizations_there_are() {
    let world = World::new();
    let app = world.application("", &json!({ "organization_usage": "allow" }));
    world.browser().open(&app.authorize(&[]));
    organizations(&world);
    let told = |asked: &str| {
        let url = |prompt: &str| app.authorize(&[("organization", asked), ("prompt", prompt)]);
        let said =
            |back: &Url| format!("{:?} {:?}", parameter(back, "error"), parameter(back, "error_description"));
        let browser = world.browser();
        let silent = said(&browser.open(&url("none")).away());
        let first = browser.open(&url(""));
        let second = browser.submit(&first, &[("username", ADMIN_EMAIL)]);
        let pages = [&first, &second].map(|seen| {
            let (url, answer) = seen.page();
            let states: Vec<String> = url.query_pairs().map(|(_, state)| state.into_owned()).collect();
            let text = states.iter().fold(answer.text(), |text, state| text.replace(state.as_str(), ""));
            (url.path().to_owned(), answer.status(), text.split("state=").next().unwrap().to_owned())
        });
        let sign_up = browser.open(&app.authorize(&[("organization", asked), ("screen_hint", "signup")]));
        let back = browser.submit(&second, &[("password", ADMIN_PASSWORD)]).away();
        let signed_in = world.browser();
        signed_in.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
        let known = said(&signed_in.open(&url("none")).away());
        (silent, pages, sign_up.path().to_owned(), said(&back), known, browser.cookie("gatehouse_session"))
    };
    let exists = told("red-team");
    assert!(exists.0.contains("login_required") && exists.3.contains("access_denied"), "{exists:?}");
    assert!(exists.4.contains("access_denied"), "{exists:?}");
    assert_eq!(exists, told("nobody-knows"));
    assert_eq!(exists, told("org_doesnotexist"));
}

#[test]
fn a_client_that_stands_alone_takes_no_session_of_another() {
    let world = World::new();
    let other = world.application("", &json!({}));
    let alone = world.application("", &json!({ "app_id": "alone", "sso_disabled": true }));
    let browser = world.browser();
    browser.sign_in(&other.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(error(&browser, &alone.authorize(&[("prompt", "none")])).as_deref(), Some("login_required"));
    assert_eq!(browser.open(&alone.authorize(&[])).path(), "/u/login/identifier");
    browser.sign_in(&alone.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(
        error(&browser, &alone.authorize(&[("prompt", "none")])),
        None,
        "by then it has one of its own"
    );
    assert_eq!(error(&browser, &other.authorize(&[("prompt", "none")])), None);
}

fn native(world: &World, id: &str, callback: &str, document: &Json) -> Application {
    let mut registered = json!({ "app_id": id, "app_type": "native", "callbacks": [callback] });
    for (name, value) in document.as_object().unwrap() {
        registered[name] = value.clone();
    }
    Application { callback: callback.to_owned(), ..world.application("", &registered) }
}

/// RFC 8252 §8.6: any app of the device can claim a scheme or listen at a port.
#[test]
fn an_app_that_nobody_can_tell_from_another_gets_no_code_unseen() {
    let world = World::new();
    let web = world.application("", &json!({}));
    let browser = world.browser();
    browser.sign_in(&web.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    for (id, callback) in [
        ("scheme", "com.example.app:/cb"),
        ("loopback", "http://127.0.0.1/cb"),
        ("localhost", "http://localhost:7777/cb"),
    ] {
        let app = native(&world, id, callback, &json!({}));
        assert_eq!(
            error_at(&browser, &app.authorize(&[("prompt", "none")])).as_deref(),
            Some("interaction_required"),
            "{id}"
        );
        let page = browser.open(&app.authorize(&[]));
        assert_eq!(page.path(), "/u/consent");
        assert!(page.page().1.text().contains("an app on this device"), "{id}");
        let (url, _) = page.page();
        let declined = browser.post(url, &[("decision", "decline")]);
        assert!(declined.header("location").unwrap().contains("error=access_denied"));
        let accepted = browser.post(url, &[("decision", "accept")]);
        assert!(accepted.header("location").unwrap().contains("code="), "{id}");
        // Yes once is not yes for ever.
        assert_eq!(browser.open(&app.authorize(&[])).path(), "/u/consent");
        // Who types a password has seen where they are.
        let fresh = world.browser();
        let first = fresh.open(&app.authorize(&[]));
        let second = fresh.submit(&first, &[("username", ADMIN_EMAIL)]);
        let back = fresh.post(second.page().0, &[("password", ADMIN_PASSWORD)]);
        assert!(back.header("location").unwrap().contains("code="), "{id}");
    }
    assert!(
        world.database("SHARED").query("select id from grants").is_empty(),
        "a yes to an app of ours is no consent"
    );
    // An address that only its owner can listen at, and whoever wants no question, are asked nothing.
    let skip = json!({ "skip_non_verifiable_callback_uri_confirmation_prompt": true });
    let claimed = native(&world, "claimed", "https://app.example/cb", &json!({}));
    assert_eq!(error_at(&browser, &claimed.authorize(&[("prompt", "none")])), None);
    let skipping = native(&world, "skipping", "com.example.app:/cb", &skip);
    assert_eq!(error_at(&browser, &skipping.authorize(&[("prompt", "none")])), None);
    let app = native(&world, "tenant", "com.example.app:/cb", &json!({}));
    world.admin("").patch("tenants/settings", &skip).expect(200);
    assert_eq!(error_at(&browser, &app.authorize(&[("prompt", "none")])), None);
}

/// The error that an application is told, whatever its address is.
fn error_at(browser: &Browser<'_>, url: &Url) -> Option<String> {
    let answer = browser.get(url).expect(302);
    parameter(&Url::parse(answer.header("location").unwrap()).unwrap(), "error")
}

fn id_token_request(app: &Application, changes: &[(&str, &str)]) -> Url {
    let mut all = vec![
        ("response_type", "id_token"),
        ("response_mode", "form_post"),
        ("code_challenge", ""),
        ("code_challenge_method", ""),
    ];
    all.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    app.authorize(&[&all, changes].concat())
}

fn id_token(seen: &Seen) -> Json {
    let text = seen.page().1.text();
    let field = text.split("name=\"id_token\" value=\"").nth(1).unwrap_or_else(|| panic!("{text}"));
    opened(field.split('"').next().unwrap()).1
}

#[test]
fn an_id_token_alone_comes_in_a_form_and_says_what_its_scopes_ask_for() {
    let world = World::new();
    let web = json!({ "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post" });
    let app = world.application("", &web);
    let browser = world.browser();
    let first = browser.open(&id_token_request(&app, &[]));
    let second = browser.submit(&first, &[("username", ADMIN_EMAIL)]);
    let signed_in = browser.submit(&second, &[("password", ADMIN_PASSWORD)]);
    let silent = browser.open(&id_token_request(&app, &[("prompt", "none")]));
    for seen in [&signed_in, &silent] {
        let text = seen.page().1.text();
        assert!(text.contains(&format!("action=\"{}\"", app.callback)));
        assert!(
            !text.contains("name=\"code\"") && !text.contains("access_token"),
            "nothing but the ID token"
        );
        let claims = id_token(seen);
        assert_eq!((&claims["aud"], &claims["nonce"]), (&json!(app.id), &json!("the-nonce")));
        assert_eq!(
            (&claims["iss"], &claims["email"]),
            (&json!("http://localhost:8787/"), &json!(ADMIN_EMAIL))
        );
        assert!(claims["sid"].is_string() && claims["auth_time"].is_number());
        assert!(claims.get("at_hash").is_none());
    }
    assert!(world.database("SHARED").query("select digest from codes").is_empty());
}

#[test]
fn an_id_token_alone_is_asked_for_in_full_or_refused() {
    let world = World::new();
    let app = world.application("", &json!({}));
    for (changes, expected) in [
        (vec![("response_mode", "")], "invalid_request"),
        (vec![("response_mode", "query")], "invalid_request"),
        (vec![("response_mode", "fragment")], "invalid_request"),
        (vec![("nonce", ""), ("response_mode", "query")], "invalid_request"),
        (vec![("response_type", "token"), ("response_mode", "query")], "unsupported_response_type"),
        (vec![("response_type", "id_token token"), ("response_mode", "query")], "unsupported_response_type"),
        (vec![("response_type", "code id_token"), ("response_mode", "query")], "unsupported_response_type"),
    ] {
        let back = world.browser().open(&id_token_request(&app, &changes)).away();
        assert!(back.as_str().contains(&format!("error={expected}&")), "{changes:?}: {back}");
    }
    for (changes, expected) in [
        (vec![("nonce", "")], "invalid_request"),
        (vec![("scope", "profile")], "invalid_scope"),
        (vec![("prompt", "none")], "login_required"),
    ] {
        let page = world.browser().open(&id_token_request(&app, &changes));
        let text = page.page().1.text();
        assert!(text.contains(&format!("name=\"error\" value=\"{expected}\"")), "{changes:?}: {text}");
    }
    let machine =
        world.application("", &json!({ "app_id": "machine", "grant_types": ["client_credentials"] }));
    let page = world.browser().open(&id_token_request(&machine, &[]));
    assert!(page.page().1.text().contains("unauthorized_client"));
}

/// RFC 6749 §3.1: a parameter without a value is as if it was not there.
#[test]
fn an_empty_parameter_is_no_parameter() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let mut url = app.authorize(&[]);
    for name in [
        "organization",
        "connection",
        "audience",
        "prompt",
        "max_age",
        "response_mode",
        "login_hint",
        "request",
    ] {
        url.query_pairs_mut().append_pair(name, "");
    }
    world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
}
