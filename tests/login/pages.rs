//! What the pages are made of.

use crate::support::{
    Answer, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use serde_json::json;

#[test]
fn pages_run_no_script_are_never_framed_or_kept_and_load_nothing() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let identifier = browser.open(&app.authorize(&[]));
    let password = browser.submit(&identifier, &[("username", ADMIN_EMAIL)]);
    let wrong = browser.submit(&password, &[("password", "wrong password")]);
    let signup = browser.open(&app.authorize(&[("screen_hint", "signup")]));
    let refused = browser.open(&app.url("u/login/identifier"));
    let paths = [&identifier, &password, &wrong, &signup].map(|seen| seen.path());
    assert_eq!(paths, ["/u/login/identifier", "/u/login/password", "/u/login/password", "/u/signup"]);
    for seen in [&identifier, &password, &wrong, &signup, &refused] {
        let (url, answer) = seen.page();
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{url}"
        );
        assert!(!policy.contains("script"));
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{url}");
        }
        let text = answer.text();
        assert!(!text.contains("<script") && !text.contains("src="), "{url}");
        let links: Vec<&str> =
            text.split("<link ").skip(1).filter_map(|link| link.split('>').next()).collect();
        assert_eq!(
            links,
            ["rel=\"icon\" href=\"data:,\""],
            "{url}: an empty icon, so that none is asked for"
        );
        assert!(text.starts_with("<!doctype html><html lang=\"en\">"));
    }
}

/// Every input has a label of its own and says what the browser may fill in; an error is announced.
fn check_form(answer: &Answer, error: bool) {
    let text = answer.text();
    for input in text.split("<input ").skip(1) {
        let attribute = |name: &str| {
            let start = input.find(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name}: {input}"));
            input[start + name.len() + 2..].split('"').next().unwrap().to_owned()
        };
        assert!(text.contains(&format!("<label for=\"{}\">", attribute("id"))));
        assert!(!attribute("autocomplete").is_empty());
    }
    assert_eq!(text.matches(" autofocus").count(), 1);
    assert_eq!(text.contains("role=\"alert\""), error);
    assert_eq!(text.contains("aria-invalid=\"true\""), error);
}

#[test]
fn pages_can_be_used_without_seeing_them() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let identifier = browser.open(&app.authorize(&[]));
    check_form(identifier.page().1, false);
    let empty = browser.submit(&identifier, &[("username", "   ")]);
    check_form(empty.page().1, true);
    let password = browser.submit(&identifier, &[("username", ADMIN_EMAIL)]);
    check_form(password.page().1, false);
    check_form(browser.submit(&password, &[("password", "")]).page().1, true);
    check_form(browser.submit(&password, &[("password", "wrong password")]).page().1, true);
    check_form(browser.open(&app.authorize(&[("screen_hint", "signup")])).page().1, false);
    assert!(identifier.page().1.text().contains("Gatehouse"), "the tenant's name");
}

#[test]
fn nothing_that_comes_from_outside_becomes_markup() {
    let world = World::new();
    let attack = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let clean = |answer: &Answer| {
        let text = answer.text();
        assert!(
            !text.contains("<script") && !text.contains("<img") && !text.contains("onerror=alert(1)>'"),
            "{text}"
        );
    };
    let page = browser.open(&app.authorize(&[("login_hint", attack), ("state", attack), ("nonce", attack)]));
    clean(page.page().1);
    assert!(page.page().1.text().contains("&lt;script&gt;"), "the hint is shown, as text");
    clean(browser.submit(&page, &[("username", attack)]).page().1);
    let page = browser.open(&app.authorize(&[("screen_hint", "signup"), ("login_hint", attack)]));
    clean(browser.submit(&page, &[("email", attack), ("password", "long enough")]).page().1);
    clean(&browser.get(&app.authorize(&[("client_id", attack)])));
    clean(&browser.get(&app.authorize(&[("redirect_uri", attack)])));
    let mut url = app.url("u/login/identifier");
    url.query_pairs_mut().append_pair("state", attack);
    clean(&browser.get(&url));
    world.database("SHARED").query(
        "update settings set document = json_set(document, '$.friendly_name', '<script>alert(1)</script>')",
    );
    let other = world.another_isolate();
    clean(other.browser().open(&app.authorize(&[])).page().1);
}

#[test]
fn a_password_is_asked_for_only_after_a_name() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let first = browser.open(&app.authorize(&[]));
    let mut ahead = first.page().0.clone();
    ahead.set_path("/u/login/password");
    assert_eq!(browser.open(&ahead).path(), "/u/login/identifier");
    // The name in the form is for password managers; the one in the state is asked about.
    let page = browser.submit(&first, &[("username", "nobody@example.com")]);
    let seen = browser.submit(&page, &[("username", ADMIN_EMAIL), ("password", ADMIN_PASSWORD)]);
    assert_eq!(seen.page().1.status(), 400);
}

#[test]
fn a_repeated_field_is_refused() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", ADMIN_EMAIL)]);
    let seen = browser.submit(&page, &[("password", ADMIN_PASSWORD), ("password", "another")]);
    assert_eq!(seen.page().1.status(), 400);
}

#[test]
fn a_tenant_that_is_read_only_says_so_on_the_page() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", ADMIN_EMAIL)]);
    world.database("DIRECTORY").query("update tenants set status = 'read_only'");
    world.advance(gatehouse::time::Lifetime::seconds(5));
    let seen = browser.submit(&page, &[("password", ADMIN_PASSWORD)]);
    let (_, answer) = seen.page();
    assert_eq!(answer.status(), 503);
    assert!(answer.header("retry-after").is_some() && answer.text().contains("read-only right now"));
}

#[test]
fn the_root_of_a_host_says_whose_it_is_and_where_to_go_on() {
    let world = World::new();
    world.tenant("acme");
    let acme = world.send(crate::support::Ask::get("acme", "/")).expect(200).text();
    assert!(
        acme.contains("http://acme.localhost:8787/") && acme.contains("/.well-known/openid-configuration")
    );
    let main = world.send(crate::support::Ask::get("", "/")).expect(200).text();
    assert!(
        main.contains("tenants create acme"),
        "on the machine of a developer it goes on with the first steps: {main}"
    );
    world.send(crate::support::Ask::get("nobody", "/")).expect(404);
    let production = World::with(&["DIRECTORY", "SHARED"], |name| {
        (name == "BASE_DOMAIN").then(|| "auth.example.com".to_owned())
    });
    let page =
        production.send(crate::support::Ask::get("", "/").at(&[b"auth.example.com"])).expect(200).text();
    assert!(page.contains("https://auth.example.com/") && !page.contains("npm run"), "{page}");
}
