//! The route table: what there is, that each row can be reached, and that its description follows it.

use super::filled;
use crate::support::{Ask, World};
use gatehouse::{
    http::{Method, route::Found},
    routes::ROUTES,
};
use std::collections::BTreeSet;

/// A new row changes this snapshot: whoever reviews it sees who may come in where.
#[test]
fn the_table() {
    let mut rows: Vec<_> = ROUTES
        .all()
        .iter()
        .map(|route| {
            format!("{:<68} {:<6} {:<10} {}", route.path, route.method.as_str(), route.area, route.need)
        })
        .collect();
    rows.sort();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn every_row_is_found_by_its_own_path_and_no_other() {
    for route in ROUTES.all() {
        let request =
            Ask::new(route.method.clone(), "", &filled(route.path, |_| "x".to_owned())).into_request();
        let Found::Route(found, _) = ROUTES.find(&request) else { panic!("{} is not found", route.path) };
        assert!(std::ptr::eq(found, route), "{} {} leads to {}", route.method, route.path, found.path);
    }
}

#[test]
fn a_method_that_a_path_does_not_have_is_told_which_it_has() {
    let world = World::new();
    for route in ROUTES.all() {
        let path = filled(route.path, |_| "x".to_owned());
        let of_path = ROUTES.all().iter().filter(|other| other.path == route.path);
        let methods: BTreeSet<_> = of_path.map(|other| other.method.as_str()).collect();
        for method in [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE, Method::OPTIONS]
        {
            if methods.contains(method.as_str()) {
                continue;
            }
            let answer = world.send(Ask::new(method.clone(), "", &path));
            let header = if method == Method::OPTIONS { "access-control-allow-methods" } else { "allow" };
            let allowed: BTreeSet<_> = answer.header(header).unwrap().split(", ").collect();
            assert_eq!(allowed, methods, "{method} {path}");
            assert_eq!(answer.status(), if method == Method::OPTIONS { 204 } else { 405 }, "{method} {path}");
        }
    }
}

#[test]
fn the_description_has_every_row_and_every_scope() {
    let world = World::new();
    let document = world.send(Ask::get("", "/api/v2/spec")).expect(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "http://localhost:8787");
    let scopes =
        &document["components"]["securitySchemes"]["management"]["flows"]["clientCredentials"]["scopes"];
    let mut ids = BTreeSet::new();
    for route in ROUTES.all() {
        let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        let id =
            operation["operationId"].as_str().unwrap_or_else(|| panic!("{} is not described", route.path));
        assert!(ids.insert(id.to_owned()), "{id} is there twice");
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let named = parameters.filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(named, route.path.matches('{').count(), "{id}");
        if let Some(scope) = route.scope {
            assert_eq!(operation["security"][0]["management"][0], scope, "{id}");
            assert!(scopes[scope].is_string(), "{scope}");
        }
    }
    let described: usize =
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, ROUTES.all().len());
}
