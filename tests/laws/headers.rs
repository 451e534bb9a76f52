//! The headers of every answer. The rules are [`crate::support::headers`], to which every answer of every test is held;
//! here every route is made to answer, and the rules are shown to object.

use super::filled;
use crate::support::{Ask, World, headers::faults};
use gatehouse::{http::Method, routes::ROUTES};

/// What the SDKs of Auth0 and tracing tools send from a page.
const SENT: &str = "auth0-client,authorization,content-type,dpop,traceparent,x-datadog-origin";

#[test]
fn every_route_answers_preflights_refusals_and_requests_with_each_header_once() {
    let world = World::new();
    let token = world.machine_token("");
    let mut answers = 0;
    for route in ROUTES.all() {
        let ask = |method: &Method| {
            let path = filled(route.path, |_| "x".to_owned());
            Ask::new(method.clone(), "", &path).header("origin", "https://app.example.com")
        };
        let preflight = ask(&Method::OPTIONS)
            .header("access-control-request-method", route.method.as_str())
            .header("access-control-request-headers", SENT);
        let allowed = world.send(preflight).expect(204);
        let methods = allowed.header("access-control-allow-methods").unwrap();
        assert!(methods.split(", ").any(|method| method == route.method.as_str()), "{}", route.path);
        assert!(allowed.header("access-control-max-age").unwrap().parse::<u32>().unwrap() >= 600);
        world.send(ask(&route.method));
        // Nothing is there to be destroyed yet; what asks for a body refuses this one.
        let known = ask(&route.method).bearer(&token);
        world.send(if route.method == Method::GET { known } else { known.body(b"{") });
        answers += 3;
    }
    for path in ["/healthz", "/readyz", "/nothing", "/api/v2/nothing", "/u/nothing"] {
        world.send(Ask::get("", path));
        world.send(Ask::get("nobody", path));
    }
    assert!(answers > 300, "{answers}");
}

#[test]
fn what_caches_keep_is_readable_by_every_page_whoever_asked_first() {
    let world = World::new();
    for path in ["/.well-known/openid-configuration", "/.well-known/jwks.json"] {
        let answer = world.send(Ask::get("", path)).expect(200);
        assert!(answer.header("cache-control").unwrap().starts_with("public"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.header("vary"), None);
    }
}

/// The planted faults: each is found, and nothing is found in what is right.
#[test]
fn the_rules_object() {
    let api = Ask::post("", "/oauth/token").into_request();
    let public = Ask::get("", "/.well-known/jwks.json").into_request();
    let page = Ask::get("", "/u/login/identifier").into_request();
    let preflight = Ask::new(Method::OPTIONS, "", "/userinfo")
        .header("access-control-request-headers", "authorization")
        .into_request();
    const PAGE: [(&str, &str); 7] = [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-type", "text/html; charset=utf-8"),
        (
            "content-security-policy",
            "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("permissions-policy", "camera=()"),
    ];
    const API: [(&str, &str); 3] = [PAGE[0], PAGE[1], ("access-control-allow-origin", "*")];
    let owned = |headers: &[(&'static str, &str)]| -> Vec<(&'static str, String)> {
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    assert_eq!(faults(&api, &owned(&API)), Vec::<String>::new());
    assert_eq!(faults(&page, &owned(&PAGE)), Vec::<String>::new());
    let cacheable = [("cache-control", "public, max-age=300"), API[1], API[2]];
    assert_eq!(faults(&public, &owned(&cacheable)), Vec::<String>::new());
    assert!(!faults(&api, &owned(&cacheable)).is_empty());

    // What is right, with one header instead of those of its name, or with one more.
    let instead = |headers: &[(&'static str, &str)], name: &'static str, value: &str| {
        let mut headers = owned(headers);
        headers.retain(|(old, _)| *old != name);
        headers.push((name, value.to_owned()));
        headers
    };
    let beside = |headers: &[(&'static str, &str)], name: &'static str, value: &str| {
        let mut headers = owned(headers);
        headers.push((name, value.to_owned()));
        headers
    };
    let policy = |policy: &str| instead(&PAGE, "content-security-policy", policy);
    let cookie = |headers: Vec<(&'static str, String)>| {
        headers.into_iter().chain([("set-cookie", "a=2; Path=/".to_owned())]).collect::<Vec<_>>()
    };
    let origin = "access-control-allow-origin";
    for (request, wrong, fault) in [
        (&api, beside(&API, origin, "*"), "occurs 2 times"),
        (&api, beside(&API, "cache-control", "no-store"), "cache-control occurs 2"),
        (&api, instead(&API, origin, "*, *"), "access-control-allow-origin is"),
        (&api, owned(&PAGE[..2]), "access-control-allow-origin is []"),
        (&page, beside(&PAGE, origin, "*"), "access-control-allow-origin is"),
        (&page, cookie(beside(&PAGE, "set-cookie", "a=1; Path=/")), "is set twice"),
        (&api, beside(&API, "access-control-allow-credentials", "true"), "credentials"),
        (&api, beside(&API, "Vary", "origin"), "not in lower case"),
        (&preflight, beside(&API, "access-control-allow-headers", "*"), "not allowed authorization"),
        (&api, owned(&API[1..]), "cache-control is []"),
        (&api, instead(&API, "cache-control", "private"), "cache-control is"),
        (&api, owned(&[API[0], API[2]]), "guess its type"),
        (&page, policy("base-uri 'none'; form-action 'self'; frame-ancestors 'none'"), "load what it likes"),
        (&page, policy("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"), "lead anywhere"),
        (
            &page,
            policy(
                "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; script-src 'unsafe-inline'",
            ),
            "its one script",
        ),
        (
            &page,
            policy("default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors *"),
            "framed by",
        ),
        (
            &page,
            policy(
                "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors https://app.example",
            ),
            "framed by",
        ),
        (&page, instead(&PAGE, "x-frame-options", "SAMEORIGIN"), "framed by"),
        (&page, instead(&PAGE, "referrer-policy", "origin"), "referrer-policy"),
        (&page, instead(&PAGE, "permissions-policy", "usb=()"), "permissions-policy"),
    ] {
        let found = faults(request, &wrong);
        assert!(found.iter().any(|found| found.contains(fault)), "{fault}: {found:?}");
    }
}
