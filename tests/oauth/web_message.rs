//! Answers that a page of ours posts to the page that framed or opened it, and the cookie that frames have for that.

use crate::support::{
    Answer, Application, Ask, Browser, World,
    browser::{VERIFIER, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use base64ct::{Base64, Encoding};
use gatehouse::{http::Method, routes::ROUTES, time::Lifetime};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use url::Url;

const ORIGIN: &str = "https://app-1.example";
const HOST: &str = "localhost:8787";

fn app(world: &World) -> Application {
    world.application("", &json!({ "web_origins": [ORIGIN] }))
}

fn silent(app: &Application, changes: &[(&str, &str)]) -> Url {
    let mut all = vec![("response_mode", "web_message"), ("prompt", "none")];
    all.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    app.authorize(&[&all, changes].concat())
}

/// What the page posts, and to which origin.
fn posted(answer: &Answer) -> (String, Json) {
    let text = answer.text();
    let block = text.split("<script type=\"application/json\" id=\"answer\" data-origin=\"").nth(1);
    let (origin, rest) = block.unwrap_or_else(|| panic!("{text}")).split_once("\">").unwrap();
    let json = rest.split_once("</script>").unwrap().0;
    (origin.to_owned(), serde_json::from_str(json).unwrap())
}

/// The browser's cookies, but only those that it sends with a frame on another site.
fn in_frame<'w>(world: &'w World, browser: &Browser<'w>) -> Browser<'w> {
    let frame = world.browser();
    let value = browser.cookie("gatehouse_frame").unwrap();
    frame.cookies.borrow_mut().insert((HOST.to_owned(), "gatehouse_frame".to_owned()), value);
    frame
}

#[test]
fn a_frame_of_a_registered_origin_gets_a_code_without_the_session_cookie() {
    let world = World::new();
    let app = app(&world);
    let browser = world.browser();
    browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    for sent in [&browser, &in_frame(&world, &browser)] {
        let answer = sent.get(&silent(&app, &[])).expect(200);
        let (origin, response) = posted(&answer);
        assert_eq!(origin, ORIGIN);
        assert_eq!(response["state"], "the-state");
        assert_eq!(response["iss"], "http://localhost:8787/");
        app.redeem_code(&world, response["code"].as_str().unwrap(), VERIFIER).expect(200);
    }
}

#[test]
fn the_page_runs_its_one_script_and_only_that_origin_may_frame_it() {
    let world = World::new();
    let answer = world.browser().get(&silent(&app(&world), &[("state", "</script><script>alert(1)//")]));
    let text = answer.text();
    let script = text.rsplit("<script>").next().unwrap().split("</script>").next().unwrap();
    assert!(script.contains("postMessage({type:'authorization_response'"), "{script}");
    let hash = Base64::encode_string(&Sha256::digest(script.as_bytes()));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains(&format!("; script-src 'sha256-{hash}'")), "{policy}");
    assert!(policy.contains("frame-ancestors https://app-1.example;"), "{policy}");
    assert!(policy.contains("form-action 'none'"), "{policy}");
    assert_eq!(answer.header("x-frame-options"), None);
    assert_eq!(text.matches("<script").count(), 2, "what came from outside is no markup: {text}");
    assert_eq!(posted(&answer).1["state"], "</script><script>alert(1)//");
}

#[test]
fn errors_are_posted_too() {
    let world = World::new();
    let app = app(&world);
    let (origin, response) = posted(&world.browser().get(&silent(&app, &[])).expect(200));
    assert_eq!((origin.as_str(), &response["error"]), (ORIGIN, &json!("login_required")));
    assert!(response["error_description"].is_string());
    let (_, response) =
        posted(&world.browser().get(&silent(&app, &[("audience", "https://nobody.example")])));
    assert_eq!(response["error"], "access_denied");
}

#[test]
fn a_login_in_a_pop_up_ends_in_the_page_that_posts() {
    let world = World::new();
    let app = app(&world);
    let browser = world.browser();
    let page = browser.submit(&browser.open(&silent(&app, &[("prompt", "")])), &[("username", ADMIN_EMAIL)]);
    let last = browser.submit(&page, &[("password", ADMIN_PASSWORD)]);
    let (origin, response) = posted(last.page().1);
    assert_eq!(origin, ORIGIN);
    app.redeem_code(&world, response["code"].as_str().unwrap(), VERIFIER).expect(200);
}

#[test]
fn nothing_is_posted_to_an_origin_that_is_not_registered_for_it() {
    let world = World::new();
    let browser = world.browser();
    let known = app(&world);
    browser.sign_in(&known.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    for (id, origins) in [
        ("none", json!([])),
        ("other", json!(["https://other.example"])),
        ("port", json!(["https://app-port.example:8443"])),
        ("scheme", json!(["http://app-scheme.example"])),
        ("deep", json!(["https://*.app-deep.example"])),
    ] {
        // That it is a callback, or may call, is not enough.
        let document = json!({ "app_id": id, "web_origins": origins, "allowed_origins": [format!("https://app-{id}.example")] });
        let app = world.application("", &document);
        let answer = browser.get(&silent(&app, &[])).expect(400);
        assert!(answer.text().contains("web_origins"), "{id}");
        assert_eq!((answer.header("location"), answer.header("x-frame-options")), (None, Some("DENY")));
        assert!(!answer.text().contains("<script"), "{id}");
    }
    let native = world.application(
        "",
        &json!({ "app_id": "native", "app_type": "native", "callbacks": ["com.example.app:/cb"] }),
    );
    let native = Application { callback: "com.example.app:/cb".to_owned(), ..native };
    let answer = browser.get(&silent(&native, &[])).expect(302);
    assert!(answer.header("location").unwrap().contains("error=invalid_request"));
}

#[test]
fn an_origin_with_an_open_label_may_ask_for_each_of_its_own() {
    let world = World::new();
    let document =
        json!({ "callbacks": ["https://*.app.example/cb"], "web_origins": ["https://*.app.example"] });
    let app = world.application("", &document);
    let one = Application { callback: "https://one.app.example/cb".to_owned(), ..app };
    let answer = world.browser().get(&silent(&one, &[])).expect(200);
    assert_eq!(posted(&answer).0, "https://one.app.example");
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("frame-ancestors https://one.app.example;")
    );
}

/// The attack that the second cookie could be for: whoever has it alone is nobody, but for the one question it answers.
#[test]
fn the_cookie_for_frames_signs_nobody_in_anywhere_else() {
    let world = World::new();
    world.tenant("acme");
    let app = app(&world);
    let browser = world.browser();
    let back =
        browser.sign_in(&app.authorize(&[("scope", "openid offline_access")]), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(&world, &back).expect(200);
    let frame = in_frame(&world, &browser);
    let value = frame.cookie("gatehouse_frame").unwrap();

    // Not in another mode, and not with a page: without `prompt=none` it is a stranger's login.
    for mode in ["", "query", "fragment", "form_post"] {
        let answer = frame.get(&silent(&app, &[("response_mode", mode)]));
        let said = format!("{:?} {}", answer.header("location"), answer.text());
        assert!(said.contains("login_required") && !said.contains("code="), "{mode}: {said}");
    }
    for changes in
        [vec![("prompt", "")], vec![("prompt", "consent")], vec![("prompt", ""), ("response_mode", "")]]
    {
        assert_eq!(frame.open(&silent(&app, &changes)).path(), "/u/login/identifier", "{changes:?}");
    }
    // Not for a client of somebody else that the person has not agreed to.
    let other = world.application(
        "",
        &json!({ "app_id": "other", "is_first_party": false, "web_origins": ["https://app-other.example"] }),
    );
    assert_eq!(posted(&frame.get(&silent(&other, &[]))).1["error"], "consent_required");

    // Not at another tenant, whose application has the same name and pages.
    let acme = world.application("acme", &json!({ "web_origins": [ORIGIN] }));
    let stranger = world.browser();
    stranger
        .cookies
        .borrow_mut()
        .insert(("acme.localhost:8787".to_owned(), "gatehouse_frame".to_owned()), value.clone());
    assert_eq!(posted(&stranger.get(&silent(&acme, &[]))).1["error"], "login_required");

    // Not as the session cookie or any other, whole or unsealed.
    let digest = world.database("SHARED").query("select digest from sessions")[0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    for (name, value) in [
        ("gatehouse_session", value.as_str()),
        ("main-auth-token", &value),
        ("gatehouse_login", &value),
        ("gatehouse_frame", &digest),
        ("gatehouse_frame", &browser.cookie("gatehouse_session").unwrap()),
    ] {
        let thief = world.browser();
        thief.cookies.borrow_mut().insert((HOST.to_owned(), name.to_owned()), value.to_owned());
        assert_eq!(posted(&thief.get(&silent(&app, &[]))).1["error"], "login_required", "{name}");
    }

    // At every other route of the table it changes nothing: the answer is that to nobody.
    let mut routes = 0;
    for route in ROUTES.all().iter().filter(|route| route.path != "/authorize") {
        let path = route.path.replace(['{', '}'], "");
        let ask = || Ask::new(route.method.clone(), "", &path);
        let told = |answer: &Answer| {
            let words = answer.text().replace(answer.header("x-request-id").unwrap(), "");
            (answer.status(), answer.header("location").map(str::to_owned), words)
        };
        let alone = world.send(ask().header("cookie", &format!("gatehouse_frame={value}")));
        assert_eq!(told(&alone), told(&world.send(ask())), "{} {}", route.method, route.path);
        routes += 1;
    }
    assert!(routes > 100, "{routes}");
    assert!(
        parameter(&browser.open(&app.authorize(&[("prompt", "none")])).away(), "code").is_some(),
        "still signed in"
    );
}

#[test]
fn the_two_cookies_come_and_go_together() {
    let world = World::new();
    let app = app(&world);
    let browser = world.browser();
    browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let first = in_frame(&world, &browser);
    assert!(posted(&first.get(&silent(&app, &[]))).1["code"].is_string());

    // Signing in again makes new ones, and the old ones are worth nothing.
    browser.sign_in(&app.authorize(&[("prompt", "login")]), ADMIN_EMAIL, ADMIN_PASSWORD);
    assert_eq!(posted(&first.get(&silent(&app, &[]))).1["error"], "login_required");
    let second = in_frame(&world, &browser);
    assert!(posted(&second.get(&silent(&app, &[]))).1["code"].is_string());

    // Signing out takes both away, and ends what somebody may have kept of them.
    browser.get(&app.url("v2/logout"));
    assert_eq!((browser.cookie("gatehouse_session"), browser.cookie("gatehouse_frame")), (None, None));
    assert_eq!(posted(&second.get(&silent(&app, &[]))).1["error"], "login_required");
}

#[test]
fn a_frame_ends_with_its_session() {
    let world = World::new();
    let app = app(&world);
    let browser = world.browser();
    browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let frame = in_frame(&world, &browser);
    world.advance(Lifetime::hours(72));
    assert_eq!(posted(&frame.get(&silent(&app, &[]))).1["error"], "login_required");
}

/// Browsers take `SameSite=None` only with `Secure`, and over TLS the name says whose it is.
#[test]
fn the_cookie_for_frames_is_sent_across_sites_and_kept_from_scripts_and_other_hosts() {
    for (scheme, name) in [("https", "__Host-gatehouse_frame"), ("http", "gatehouse_frame")] {
        let world = World::with(&["DIRECTORY", "SHARED"], move |variable| {
            (variable == "PUBLIC_SCHEME").then(|| scheme.to_owned())
        });
        let app = app(&world);
        let mut path = "/authorize?".to_owned();
        path.push_str(app.authorize(&[("screen_hint", "signup")]).query().unwrap());
        let begun = world.send(Ask::get("", &path)).expect(302);
        let login = begun.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let ask = Ask::new(Method::POST, "", begun.header("location").unwrap()).header("cookie", &login);
        let done =
            world.send(ask.form(&[("email", "ann@example.com"), ("password", "an ordinary password")]));
        let cookies: Vec<&str> = (done.0.headers().iter())
            .filter(|(name, _)| *name == "set-cookie")
            .map(|(_, value)| value.as_str())
            .collect();
        let frame = cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap();
        for attribute in ["; Path=/", "; HttpOnly", "; SameSite=None", "; Secure", "; Max-Age="] {
            assert!(frame.contains(attribute), "{frame}");
        }
        assert!(!frame.contains("Domain"));
        assert_eq!(cookies.len(), 2, "{cookies:?}");
    }
}
