//! From which pages a client's endpoints may be called.

use super::error;
use crate::support::{Application, Ask, World};
use serde_json::json;

fn refresh(world: &World, app: &Application, origin: Option<&str>) -> (u16, String) {
    let fields =
        [("client_id", app.id.as_str()), ("grant_type", "refresh_token"), ("refresh_token", "unknown")];
    let ask = Ask::post(&app.tenant, "/oauth/token").form(&fields);
    let answer = world.send(match origin {
        Some(origin) => ask.header("origin", origin),
        None => ask,
    });
    (answer.status(), error(&answer))
}

#[test]
fn only_pages_of_the_clients_own_origins_call_for_it() {
    let world = World::new();
    let app = world.application(
        "",
        &json!({
            "callbacks": ["https://app.example/cb", "https://*.customers.example/cb"],
            "allowed_origins": ["https://admin.example", "http://localhost:3000/"],
            "web_origins": ["https://*.web.example:8443"],
        }),
    );
    for origin in [
        None,
        Some("https://app.example"),
        Some("https://one.customers.example"),
        Some("https://admin.example"),
        Some("http://localhost:3000"),
        Some("https://one.web.example:8443"),
        Some("http://localhost:8787"),
    ] {
        assert_eq!(refresh(&world, &app, origin), (400, "invalid_grant".to_owned()), "{origin:?}");
    }
    for origin in [
        "https://evil.example",
        "https://app.example.evil.example",
        "https://app.example:8443",
        "http://app.example",
        "https://a.b.customers.example",
        "https://customers.example",
        "https://*.customers.example",
        "https://one.web.example",
        "http://localhost:3001",
        "http://evil.localhost:8787",
        "null",
        "",
    ] {
        assert_eq!(refresh(&world, &app, Some(origin)), (403, "access_denied".to_owned()), "{origin}");
    }
}

/// The setting has effect, both ways.
#[test]
fn an_origin_is_allowed_from_when_it_is_registered_until_it_is_not() {
    let world = World::new();
    let document = |origins: serde_json::Value| json!({ "name": "app", "app_type": "spa", "callbacks": ["https://app.example/cb"], "allowed_origins": origins });
    let admin = world.admin("");
    let client = admin.post("clients", &document(json!([]))).expect(201).json();
    let id = client["client_id"].as_str().unwrap().to_owned();
    let app = Application { tenant: String::new(), id: id.clone(), secret: None, callback: String::new() };
    for (origins, status) in [(json!(["https://other.example"]), 400), (json!([]), 403)] {
        admin.patch(&format!("clients/{id}"), &json!({ "allowed_origins": origins })).expect(200);
        assert_eq!(refresh(&world, &app, Some("https://other.example")).0, status, "{origins}");
    }
}

/// A page without an origin, as the web views of some apps are: only an app has such pages.
#[test]
fn an_opaque_origin_is_for_apps() {
    let world = World::new();
    let document =
        json!({ "app_id": "native", "app_type": "native", "allowed_origins": ["capacitor://localhost"] });
    let native = world.application("", &document);
    for origin in ["null", "capacitor://localhost"] {
        assert_eq!(refresh(&world, &native, Some(origin)).0, 400, "{origin}");
    }
    assert_eq!(refresh(&world, &native, Some("https://evil.example")).0, 403);
}
