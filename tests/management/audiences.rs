//! The management API has one name per tenant, and nothing else is called like any of its names, however that is spelt.

use super::beside;
use crate::support::{Ask, World};
use gatehouse::tenant::audiences::Place;
use serde_json::json;

/// The URLs of acme's management API and of the installation's as other parsers may read them.
const SPELLINGS: [&str; 16] = [
    "https://acme.localhost:8787/api/v2/",
    "http://acme.localhost:8787/api/v2",
    "HTTP://ACME.localhost:8787/api/v2/",
    "http://acme.localhost.:8787/api/v2/",
    "http://acme.localhost:8787//api//v2/",
    "http://acme.localhost:8787/./api/x/../v2/",
    "http://acme.localhost:8787/api/%762/",
    "http://acme%2Elocalhost:8787/api/v2/",
    "http://somebody@acme.localhost:8787/api/v2/",
    "http:\\\\acme.localhost:8787\\api\\v2\\",
    "http:acme.localhost:8787/api/v2/",
    "http://acme.localhost:8787/api/v2/?x",
    "https://localhost:8787/api/v2",
    "http://localhost:8787/API/v2/",
    "http://login.acme.example/api/v2/",
    "https://LOGIN.acme.example/api/v2",
];

fn with_a_domain(world: &World) {
    world
        .database("DIRECTORY")
        .query("insert into hosts (host, tenant_id, created_at) values ('login.acme.example', 'acme', 1)");
}

#[test]
fn no_api_is_called_like_the_management_api() {
    let world = World::new();
    let acme = beside(&world, "acme");
    with_a_domain(&world);
    let others = [
        "http://globex.localhost:8787/api/v2/",
        "https://api.localhost:8787/",
        "http://acme.localhost:8787/orders",
        "https://login.acme.example/orders",
    ];
    for identifier in SPELLINGS.into_iter().chain(others) {
        let refused = acme.post("resource-servers", &json!({ "identifier": identifier }));
        assert_eq!(refused.status(), 400, "{identifier}: {}", refused.text());
        assert!(refused.text().contains("identifier is reserved"), "{identifier}: {}", refused.text());
    }
    for identifier in
        ["http://localhost:3000/api/v2/", "https://api.acme.example", "urn:acme:api/v2/", "orders"]
    {
        acme.post("resource-servers", &json!({ "identifier": identifier })).expect(201);
    }
}

#[test]
fn a_grant_under_another_name_of_the_management_api_is_one_of_it() {
    let world = World::new();
    let acme = beside(&world, "acme");
    with_a_domain(&world);
    let limited = world.holder("acme", &super::machine(&world, &acme, "acme", &["create:client_grants"]));
    for (number, audience) in SPELLINGS.iter().enumerate() {
        let client = json!({ "name": format!("m{number}"), "app_type": "non_interactive" });
        let client = acme.post("clients", &client).expect(201).json();
        let grant =
            |scope: &str| json!({ "client_id": client["client_id"], "audience": audience, "scope": [scope] });
        limited.post("client-grants", &grant("read:users")).expect(403);
        let kept = limited.post("client-grants", &grant("create:client_grants")).expect(201).json();
        assert_eq!(kept["audience"], "http://acme.localhost:8787/api/v2/", "{audience}");
    }
}

#[test]
fn an_api_that_had_the_name_before_there_was_such_a_host_grants_nothing_of_the_management_api() {
    let world = World::new();
    let acme = beside(&world, "acme");
    let name = "http://login.acme.example/api/v2/";
    let server = json!({ "identifier": name, "scopes": [{ "value": "read:users" }, { "value": "x" }] });
    acme.post("resource-servers", &server).expect(201);
    let machine =
        acme.post("clients", &json!({ "name": "m", "app_type": "non_interactive" })).expect(201).json();
    let grant = json!({ "client_id": machine["client_id"], "audience": name, "scope": ["read:users", "x"] });
    acme.post("client-grants", &grant).expect(201);
    with_a_domain(&world);
    let token = |audience: &str| {
        world.another_isolate().send(Ask::post("login.acme.example", "/oauth/token").form(&[
            ("grant_type", "client_credentials"),
            ("client_id", machine["client_id"].as_str().unwrap()),
            ("client_secret", machine["client_secret"].as_str().unwrap()),
            ("audience", audience),
        ]))
    };
    for audience in [name, "http://localhost:8787/api/v2/", "http://acme.localhost:8787/api/v2/"] {
        assert_eq!(token(audience).expect(403).json()["error"], "access_denied", "{audience}");
    }
}

#[test]
fn a_place_is_what_a_parser_of_urls_makes_of_it() {
    for spelling in SPELLINGS {
        let place = Place::of(spelling).unwrap_or_else(|| panic!("{spelling}"));
        let ours = ["acme.localhost:8787", "localhost:8787", "login.acme.example"];
        assert!(ours.contains(&place.authority.as_str()) && place.is_management, "{spelling}: {place:?}");
    }
    for (base, identifier, is_at) in [
        ("auth.example.com", "http://auth.example.com/", true),
        ("auth.example.com", "https://auth.example.com:443/x", true),
        ("auth.example.com", "http://a.auth.example.com:80", true),
        ("auth.example.com", "https://auth.example.com:8443/", false),
        ("auth.example.com", "https://xauth.example.com/", false),
        ("auth.example.com", "https://example.com/", false),
        ("localhost:8787", "http://localhost:3000/", false),
    ] {
        assert_eq!(Place::of(identifier).unwrap().is_at(base), is_at, "{identifier}");
    }
    for other in ["orders", "urn:x:y", "ftp://localhost:8787/", "com.acme.app://localhost:8787/api/v2/", ""] {
        assert_eq!(Place::of(other), None, "{other}");
    }
}
