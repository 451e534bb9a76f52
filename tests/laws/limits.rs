//! Whoever asks too often is told to come back later, on every route and before it costs anything.

use super::{doors::is_refusal, filled, text};
use crate::support::{Answer, Ask, World, world::block_on};
use gatehouse::{
    http::{Method, route::Route},
    limits::model::{Class, RATES},
    routes::ROUTES,
};

/// A request with nothing that a handler takes.
fn ask(route: &Route) -> Ask {
    let ask = Ask::new(route.method.clone(), "", &filled(route.path, |_| "x".to_owned()));
    if route.method == Method::GET { ask } else { ask.body(b"client_id=somebody&client_secret=guessed") }
}

/// What is wrong with the classes of these rows: each has one, and only what anybody may read from memory is not counted.
fn faults(
    rows: &[Route],
    class: impl Fn(&Route) -> Option<Class>,
    trips: impl Fn(&Route) -> u64,
) -> Vec<String> {
    let mut faults = Vec::new();
    for row in rows {
        let name = format!("{} {}", row.method, row.path);
        match class(row) {
            None => faults.push(format!("{name} has no class")),
            Some(Class::Public) => {
                let is_document = row.method == Method::GET && row.area == "OAuth" && row.need == "Open";
                if !is_document || trips(row) > 0 {
                    faults.push(format!("{name} costs something and is not counted"));
                }
            }
            Some(Class::Management) if row.scope.is_none() => {
                faults.push(format!("{name} asks for no scope"))
            }
            Some(_) => {}
        }
    }
    faults
}

/// D1 round trips of a route once everything is warm.
fn warm(world: &World, route: &Route) -> u64 {
    world.send(ask(route));
    world.send(ask(route)).round_trips()
}

#[test]
fn every_route_has_a_class_and_only_documents_are_not_counted() {
    let world = World::new();
    let faults = faults(ROUTES.all(), |row| row.class, |row| warm(&world, row));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_route_without_a_class_or_with_too_mild_a_one_is_found() {
    let world = World::new();
    let of = |path: &'static str, class: Option<Class>| {
        let planted = move |row: &Route| if row.path == path { class } else { row.class };
        faults(ROUTES.all(), planted, |row| warm(&world, row))
    };
    assert_eq!(of("/u/preview", None), ["GET /u/preview has no class"]);
    assert_eq!(of("/v2/logout", Some(Class::Public)), ["GET /v2/logout costs something and is not counted"]);
    assert_eq!(
        of("/oauth/token", Some(Class::Public)),
        ["POST /oauth/token costs something and is not counted"]
    );
    assert_eq!(of("/oauth/revoke", Some(Class::Management)), ["POST /oauth/revoke asks for no scope"]);
}

/// Copies of a request that were let through, of so many one after the other and so many at once.
fn let_through(limit: u32, route: &Route, together: bool) -> (usize, Vec<Answer>) {
    let world = World::new();
    world.send(Ask::get("", "/readyz")).expect(200);
    world.outside.counts.set(Some(Some(limit)));
    let asks = vec![ask(route); 12];
    let answers = if together {
        world.send_at_once(asks)
    } else {
        asks.into_iter().map(|ask| Answer(block_on(world.app.handle(ask.into_request())))).collect()
    };
    let refused: Vec<_> = answers.into_iter().filter(|answer| answer.status() == 429).collect();
    (12 - refused.len(), refused)
}

#[test]
fn copies_of_a_request_are_all_counted_whether_they_come_at_once_or_not() {
    let mut seen = std::collections::BTreeSet::new();
    for route in ROUTES.all() {
        let class = route.class.unwrap();
        // The management API is one row as far as this is concerned, a hundred times over.
        if class == Class::Management && !seen.insert((class.as_str(), route.area)) {
            continue;
        }
        for together in [false, true] {
            let (passed, refused) = let_through(5, route, together);
            let expected = if class == Class::Public { 12 } else { 5 };
            assert_eq!(passed, expected, "{} {} together: {together}", route.method, route.path);
            for answer in refused {
                is_refusal(route, &answer);
                let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
                assert_eq!(answer.round_trips(), 0, "{} {}", route.method, route.path);
            }
        }
    }
}

#[test]
fn a_limit_that_does_not_refuse_is_found() {
    let route = ROUTES.all().iter().find(|route| route.path == "/oauth/token").unwrap();
    assert_eq!(let_through(100, route, true).0, 12, "what the test above would object to");
}

/// The counters that a configuration declares: name, limit, period.
fn declared(configuration: &str) -> Vec<(String, u32, u32)> {
    let configuration: toml::Table = configuration.parse().unwrap();
    let rates = configuration["ratelimits"].as_array().unwrap();
    let number = |value: &toml::Value| u32::try_from(value.as_integer().unwrap()).unwrap();
    let of = |rate: &toml::Value| {
        let simple = &rate["simple"];
        let name = rate["name"].as_str().unwrap().to_owned();
        (name, number(&simple["limit"]), number(&simple["period"]))
    };
    rates.iter().map(of).collect()
}

#[test]
fn the_configuration_declares_the_counters_that_the_code_asks() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("wrangler.toml");
    let asked: Vec<_> = RATES.iter().map(|rate| (rate.binding.to_owned(), rate.limit, rate.period)).collect();
    assert_eq!(declared(&text(&file)), asked);
    let changed = text(&file).replacen("limit = 300", "limit = 301", 1);
    assert_ne!(declared(&changed), asked, "another figure is noticed");
}
