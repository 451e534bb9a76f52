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
    let page = Ask::get("", "/u/login/identifier").into_request();
    let preflight = Ask::new(Method::OPTIONS, "", "/userinfo")
        .header("access-control-request-headers", "authorization")
        .into_request();
    let origin = ("access-control-allow-origin", "*".to_owned());
    let right = [origin.clone()];
    assert_eq!(faults(&api, &right), Vec::<String>::new());
    assert_eq!(faults(&page, &[]), Vec::<String>::new());
    let cookie = |value: &str| ("set-cookie", format!("gatehouse_login={value}; Path=/"));
    for (request, wrong, fault) in [
        (&api, vec![origin.clone(), origin.clone()], "occurs 2 times"),
        (
            &api,
            vec![origin.clone(), ("vary", "origin".to_owned()), ("vary", "accept".to_owned())],
            "vary occurs 2",
        ),
        (&api, vec![("access-control-allow-origin", "*, *".to_owned())], "access-control-allow-origin is"),
        (&api, vec![], "access-control-allow-origin is []"),
        (&page, vec![origin.clone()], "access-control-allow-origin is"),
        (&page, vec![cookie("a"), cookie("b")], "is set twice"),
        (&api, vec![origin.clone(), ("access-control-allow-credentials", "true".to_owned())], "credentials"),
        (&api, vec![origin.clone(), ("Vary", "origin".to_owned())], "not in lower case"),
        (
            &preflight,
            vec![origin.clone(), ("access-control-allow-headers", "*".to_owned())],
            "not allowed authorization",
        ),
    ] {
        let found = faults(request, &wrong);
        assert!(found.iter().any(|found| found.contains(fault)), "{fault}: {found:?}");
    }
}
