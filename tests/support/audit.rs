//! What the log must say of every request to the management API. [`super::World::send`] holds each answer of each test to it.

use gatehouse::{
    http::{Method, Request, route::Found},
    routes::ROUTES,
};
use serde_json::Value as Json;

/// Writes that leave no entry, and why.
const SILENT: [(&str, &str); 2] = [
    ("/management/tenants/{id}/import/compare", "reads, with a list too long for a query"),
    ("/management/tenants/{id}/import/records", "a piece of an import, whose beginning and end are told of"),
];

/// Lists what is missing in the entries (type and details) that were written while a request was answered that has `changed`
/// something else or not.
pub fn faults(
    request: &Request,
    status: u16,
    body: &[u8],
    (noted, changed): &(Vec<(String, Json)>, bool),
) -> Vec<String> {
    let Found::Route(route, _) = ROUTES.find(request) else { return Vec::new() };
    let is_silent = SILENT.iter().any(|(path, _)| *path == route.path);
    if !["Management", "Operator"].contains(&route.area) || !(200..300).contains(&status) || is_silent {
        return Vec::new();
    }
    let entries = |kind: &'static str| noted.iter().filter(move |(of, _)| *of == kind).map(|(_, it)| it);
    let names_actor = |details: &&Json| {
        let asked = &details["request"];
        asked["method"] == request.method.as_str()
            && asked["path"] == request.path
            && (asked["auth"]["client"]["client_id"].is_string()
                || asked["auth"]["user"]["user_id"].is_string())
    };
    let names_object = |details: &&Json| {
        let named = |object: &Json| {
            ["type", "id"].iter().all(|name| object[*name].as_str().is_some_and(|text| !text.is_empty()))
        };
        named(&details["object"])
            || details["objects"].as_array().is_some_and(|objects| objects.iter().all(named))
    };
    let mut missing = Vec::new();
    if request.method == Method::GET || request.method == Method::HEAD {
        let shows_secrets = String::from_utf8_lossy(body).contains("\"client_secret\":\"");
        if shows_secrets && !entries("mgmt_api_read").any(|it| names_actor(&it) && names_object(&it)) {
            missing.push("shows a secret, and no entry says to whom and whose".to_owned());
        }
        return missing;
    }
    if !changed {
        return missing;
    }
    let own: Vec<&Json> = entries("sapi").filter(names_actor).collect();
    if own.is_empty() {
        missing.push("changes something, and no entry says who asked for it".to_owned());
    } else if !own.iter().any(names_object) {
        missing.push("changes something, and no entry says what".to_owned());
    } else if !own.iter().all(|details| details["changes"].is_object()) {
        missing.push("changes something, and no entry says how".to_owned());
    }
    missing
}
