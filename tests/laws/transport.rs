//! Where TLS is promised, no route takes anything over plain http, and every answer says that there is TLS.

use super::{doors::is_refusal, filled};
use crate::support::{Answer, Ask, World, world};
use gatehouse::{
    http::{Method, route::Route, transport::Transport},
    routes::ROUTES,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

const BASE: &str = "auth.example.com";

/// An installation at a domain of its own, with these variables.
fn production(more: &'static [(&'static str, &'static str)]) -> World {
    let world = World::with(&["DIRECTORY", "SHARED", "POOL_01"], move |name| {
        let variable = [("BASE_DOMAIN", BASE)].iter().chain(more).find(|(key, _)| *key == name);
        variable.map(|(_, value)| (*value).to_owned())
    });
    world.send(Ask::get(BASE, "/readyz").over("https"));
    world
}

/// The token of the machine that may do everything.
fn token(world: &World) -> String {
    let ask = Ask::post(BASE, "/oauth/token").over("https").form(&[
        ("grant_type", "client_credentials"),
        ("client_id", world::MACHINE_ID),
        ("client_secret", world::MACHINE_SECRET),
        ("audience", "https://auth.example.com/api/v2/"),
    ]);
    world.send(ask).expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

fn ask(route: &Route, token: &str) -> Ask {
    let path = format!("{}?a=b", filled(route.path, |_| "x".to_owned()));
    let ask = Ask::new(route.method.clone(), BASE, &path).bearer(token);
    if route.method == Method::GET { ask } else { ask.json(&serde_json::json!({})) }
}

/// What every route owes to a request that came over plain http.
fn check_plain(route: &Route, answer: &Answer) {
    let place = format!("{} {}: {} {}", route.method, route.path, answer.status(), answer.text());
    // RFC 6797 §7.2.
    assert_eq!(answer.header("strict-transport-security"), None, "{place}");
    assert_eq!(answer.header("set-cookie"), None, "{place}");
    if answer.status() == 308 {
        assert!(route.area == "Login" && route.method == Method::GET, "{place}");
        let there = format!("https://{BASE}{}?a=b", filled(route.path, |_| "x".to_owned()));
        assert_eq!(answer.header("location"), Some(there.as_str()), "{place}");
    } else {
        assert_eq!(answer.status(), 403, "{place}");
        assert!(answer.text().contains("https://"), "{place}");
        is_refusal(route, answer);
    }
}

/// Asks every route over plain http, and checks every answer.
fn try_all(world: &World, token: &str) {
    for route in ROUTES.all() {
        check_plain(route, &world.send(ask(route, token).over("http")));
    }
}

#[test]
fn no_route_takes_anything_over_plain_http() {
    let world = production(&[]);
    let token = token(&world);
    let before = world.everything();
    try_all(&world, &token);
    assert!(world.everything() == before, "something was changed");
    let pages = ROUTES.all().iter().filter(|route| route.area == "Login" && route.method == Method::GET);
    for route in pages {
        assert_eq!(world.send(ask(route, &token).over("http")).status(), 308, "{}", route.path);
    }
    for path in ["/healthz", "/readyz", "/nothing", "/api/v2/nothing"] {
        world.send(Ask::get(BASE, path).over("http")).expect(403);
    }
}

/// The planted fault: a server that does not look at the scheme, which is what `TLS_PROXY` asks for.
#[test]
fn the_law_objects_to_a_server_that_does_not_look() {
    let world = production(&[("TLS_PROXY", "1")]);
    let token = token(&world);
    let objected = ROUTES.all().iter().filter(|route| {
        let answer = world.send(ask(route, &token).over("http"));
        catch_unwind(AssertUnwindSafe(|| check_plain(route, &answer))).is_err()
    });
    assert_eq!(objected.count(), ROUTES.all().len());
}

#[test]
fn every_answer_over_tls_has_browsers_remember_it() {
    let world = production(&[]);
    let token = token(&world);
    let remembered = |answer: &Answer| answer.header("strict-transport-security").map(str::to_owned);
    for route in ROUTES.all() {
        let answer = world.send(ask(route, &token).over("https"));
        assert_eq!(
            remembered(&answer).as_deref(),
            Some("max-age=63072000; includeSubDomains"),
            "{}",
            route.path
        );
    }
    // Also where there is no tenant, and no host; below a name that is not the base domain others may live.
    for (host, path) in
        [("nobody.auth.example.com", "/readyz"), ("id.customer.example", "/"), ("_.example", "/")]
    {
        let answer = world.send(Ask::get(host, path).over("https"));
        assert!(answer.status() >= 400);
        assert_eq!(remembered(&answer).as_deref(), Some("max-age=63072000"), "{host}");
    }
}

#[test]
fn behind_a_proxy_that_ends_tls_everything_is_as_over_tls() {
    let world = World::with(&["DIRECTORY", "SHARED"], |name| {
        let variables = [("BASE_DOMAIN", "localhost:9443"), ("PUBLIC_SCHEME", "https"), ("TLS_PROXY", "1")];
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    });
    let document = "/.well-known/openid-configuration";
    let answer = world.send(Ask::get("localhost:9443", document).over("http")).expect(200);
    assert_eq!(answer.json()["issuer"], "https://localhost:9443/");
    assert_eq!(answer.json()["token_endpoint"], "https://localhost:9443/oauth/token");
    // A browser would remember it for whatever else runs on this machine.
    assert_eq!(answer.header("strict-transport-security"), None);
}

#[test]
fn what_a_header_says_about_the_scheme_is_not_believed() {
    let world = production(&[]);
    for (name, value) in [
        ("x-forwarded-proto", "https"),
        ("x-forwarded-scheme", "https"),
        ("x-forwarded-ssl", "on"),
        ("forwarded", "proto=https"),
        ("cf-visitor", r#"{"scheme":"https"}"#),
        ("front-end-https", "on"),
    ] {
        world.send(Ask::get(BASE, "/readyz").over("http").header(name, value)).expect(403);
    }
}

#[test]
fn http_is_for_this_machine_alone() {
    let read = |domain, scheme| Transport::read(domain, scheme, false).map(Transport::scheme).ok();
    for domain in ["localhost", "localhost:8787", "gate.localhost:8787"] {
        assert_eq!(read(domain, None), Some("http"));
        assert_eq!(read(domain, Some("https")), Some("https"));
        assert_eq!(read(domain, Some("http")), Some("http"));
    }
    for domain in ["auth.example.com", "localhost.example.com", "notlocalhost", "auth.example.com:8443"] {
        assert_eq!(read(domain, None), Some("https"));
        assert_eq!(read(domain, Some("http")), None, "{domain}");
    }
    for nonsense in ["", "HTTPS", "ftp", "https://"] {
        assert_eq!(read("localhost", Some(nonsense)), None, "{nonsense}");
    }
}
