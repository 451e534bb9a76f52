//! Every route refuses the uninvited, in its own dialect, before it looks at what they brought.

use super::filled;
use crate::support::{Answer, Ask, World};
use gatehouse::{
    http::{Method, route::Route},
    routes::ROUTES,
};

/// Two scopes of which no route requires both.
const SCOPES: [&str; 2] = ["read:clients", "read:organizations"];

fn ask(route: &Route) -> Ask {
    let ask = Ask::new(route.method.clone(), "", &filled(route.path, |_| "x".to_owned()));
    // A body that no handler takes: whoever is refused is refused before it is read.
    if route.method == Method::GET { ask } else { ask.body(b"\xff not a body \xff") }
}

/// An error of the management API: its four members and nothing else, never cached.
pub fn is_management_error(answer: &Answer) {
    let body = answer.json();
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "errorCode", "message", "statusCode"]);
    assert_eq!(body["statusCode"], answer.status());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// An error of RFC 6749 §5.2.
pub fn is_oauth_error(answer: &Answer) {
    let body = answer.json();
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "error_description"], "{body}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// A page that may not be framed.
pub fn is_page(answer: &Answer) {
    assert!(answer.text().contains("<h1") || answer.text().contains("<form"), "{}", answer.text());
    assert_eq!(answer.header("x-frame-options"), Some("DENY"));
}

/// A refusal in the dialect of the route.
pub fn is_refusal(route: &Route, answer: &Answer) {
    assert!(answer.status() >= 400, "{} {}: {}", route.method, route.path, answer.text());
    match route.area {
        "Management" | "Operator" => is_management_error(answer),
        "Login" => is_page(answer),
        // The document about the API stands below its path.
        _ if route.path.starts_with("/api/") => is_management_error(answer),
        _ => is_oauth_error(answer),
    }
}

#[test]
fn a_management_route_asks_for_a_token_and_for_its_scope() {
    let world = World::new();
    let tokens = SCOPES.map(|scope| world.machine_token(scope));
    let mut counted = 0;
    for route in ROUTES.all().iter().filter(|route| ["Management", "Operator"].contains(&route.area)) {
        let scope = route.scope.unwrap_or_else(|| panic!("{} asks for no scope", route.path));
        let token = &tokens[usize::from(scope == SCOPES[0])];
        let (head, tail) = token.split_at(token.len() - 8);
        for (name, authorization, status) in [
            ("nothing", None, 401),
            ("an empty token", Some("Bearer ".to_owned()), 401),
            ("no token", Some("Bearer garbage".to_owned()), 401),
            ("another scheme", Some(format!("Basic {token}")), 401),
            ("a signature cut short", Some(format!("Bearer {head}")), 401),
            (
                "a changed signature",
                Some(format!("Bearer {head}{}", tail.chars().rev().collect::<String>())),
                401,
            ),
            ("a token without the scope", Some(format!("Bearer {token}")), 403),
        ] {
            let ask = ask(route);
            let answer = world.send(match authorization {
                Some(value) => ask.header("authorization", &value),
                None => ask,
            });
            assert_eq!(answer.status(), status, "{name}: {} {}: {}", route.method, route.path, answer.text());
            assert_eq!(answer.header("www-authenticate"), (status == 401).then_some("Bearer"));
            is_management_error(&answer);
            counted += 1;
        }
    }
    println!("{counted} refusals");
    assert!(counted > 200);
}

#[test]
fn a_protocol_route_asks_for_a_client_or_a_token_or_says_that_it_is_open() {
    let world = World::new();
    for route in ROUTES.all().iter().filter(|route| route.area == "OAuth") {
        for garbage in [None, Some("Bearer garbage"), Some("Basic garbage")] {
            let ask = ask(route);
            let answer = world.send(match garbage {
                Some(value) => ask.header("authorization", value),
                None => ask,
            });
            let place = format!("{} {}: {}", route.method, route.path, answer.text());
            match route.need.as_str() {
                "Client" | "UserInfo" => {
                    assert_eq!(answer.status(), 401, "{place}");
                    assert!(answer.header("www-authenticate").is_some(), "{place}");
                    is_oauth_error(&answer);
                }
                "Open" if answer.status() >= 400 && answer.status() != 404 => is_oauth_error(&answer),
                "Open" => assert!(answer.status() < 500, "{place}"),
                need => panic!("{place}: the need {need} is not tested"),
            }
        }
    }
}

#[test]
fn a_page_is_a_page_whatever_it_is_asked() {
    let world = World::new();
    for route in ROUTES.all().iter().filter(|route| route.area == "Login") {
        let answer = world.send(ask(route));
        let place = format!("{} {}: {} {}", route.method, route.path, answer.status(), answer.text());
        assert!(answer.status() < 500, "{place}");
        if answer.status() >= 400 {
            is_page(&answer);
        }
    }
}

#[test]
fn what_is_not_there_says_so_in_the_dialect_of_its_path() {
    let world = World::new();
    for (path, check) in [
        ("/api/v2/nothing", is_management_error as fn(&Answer)),
        ("/api/v2/clients/a/b/c/d", is_management_error),
        ("/management/nothing", is_management_error),
        ("/oauth/nothing", is_oauth_error),
        ("/.well-known/nothing", is_oauth_error),
        ("/u/nothing", is_page),
    ] {
        check(&world.send(Ask::get("", path)).expect(404));
        check(&world.send(Ask::get("nobody", path)).expect(404));
    }
}
