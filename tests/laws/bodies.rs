//! Whatever comes as a body, as an id or in the header that names a tenant: a clear refusal in the dialect of the route,
//! and nothing changed.

use super::{
    doors::is_refusal,
    inhabitants::{Inhabited, management},
};
use crate::support::{Answer, Ask, World};
use gatehouse::{
    http::{Method, route::Route},
    resources::RESOURCES,
    routes::ROUTES,
    tenant::reserved::RESERVED,
};
use serde_json::{Value as Json, json};

/// What reads no body, beside the removal of plain resources: everything it needs stands in its path. A route that is here
/// and does read one fails the test.
const BODILESS: &[(&str, &str)] = &[
    ("DELETE", "/api/v2/clients/{id}"),
    ("POST", "/api/v2/clients/{id}/rotate-secret"),
    ("POST", "/api/v2/keys/encryption/rekey"),
    ("POST", "/api/v2/keys/signing/rotate"),
    ("PUT", "/api/v2/keys/signing/{kid}/revoke"),
    ("DELETE", "/api/v2/organizations/{id}/client-grants/{grant_id}"),
    ("DELETE", "/api/v2/organizations/{id}/enabled_connections/{connection_id}"),
    ("DELETE", "/api/v2/organizations/{id}/invitations/{invitation_id}"),
    ("DELETE", "/api/v2/tenants/{id}"),
    ("DELETE", "/api/v2/users/{id}"),
    ("DELETE", "/api/v2/users/{id}/authentication-methods/{method}"),
    ("DELETE", "/api/v2/users/{id}/sessions"),
    ("POST", "/management/fleet/clean_up"),
    ("POST", "/management/fleet/{status}"),
    ("POST", "/management/migrations/{id}/pause"),
    ("POST", "/management/migrations/{id}/resume"),
    ("POST", "/management/operations/{id}/abort"),
    ("POST", "/management/operations/{id}/finish"),
    ("POST", "/management/operations/{id}/pause"),
    ("POST", "/management/operations/{id}/resume"),
    ("POST", "/management/operations/{id}/return"),
    ("POST", "/management/operations/{id}/rollback"),
    ("POST", "/management/operations/{id}/switch"),
    ("POST", "/management/tenants/{id}/preview"),
    ("DELETE", "/management/tenants/{id}"),
    ("DELETE", "/management/tenants/{id}/backups/{backup}"),
    ("DELETE", "/management/tenants/{id}/import"),
];

/// Bodies that are no JSON objects.
fn no_objects() -> Vec<Vec<u8>> {
    let deep = [b"{\"name\":".repeat(200), b"1".to_vec(), b"}".repeat(200)].concat();
    let texts: [&[u8]; 12] = [
        b"{",
        b"}",
        b"[]",
        b"[{}]",
        b"null",
        b"true",
        b"17",
        b"\"text\"",
        b"name=Acme",
        b"{\"name\":\"Acme\"",
        b"{\"name\":\"Acme\"} and more",
        b"\xff\xfe{\x00}\x00",
    ];
    texts.iter().map(|text| text.to_vec()).chain([deep]).collect()
}

/// A tenant with something of everything, and who manages it and all others.
pub(super) struct Scene<'w> {
    world: &'w World,
    pub(super) acme: Inhabited<'w>,
    main: Inhabited<'w>,
}

impl<'w> Scene<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let acme = Inhabited::new(world, "acme", "isolated");
        Self { world, acme, main: Inhabited::new(world, "main", "shared") }
    }

    /// Who is asked: tenants are managed at the base domain.
    pub(super) fn tenant(&self, route: &Route) -> &Inhabited<'w> {
        if route.area == "Operator" { &self.main } else { &self.acme }
    }

    /// A path of the route at which there is something, not of the system if that can be.
    pub(super) fn path(&self, route: &Route) -> String {
        if route.area == "Operator" {
            return route.path.replace("{id}", "acme");
        }
        let found = self.acme.live(route.path);
        let is_own = |path: &&String| {
            let shown = self.world.send(Ask::get("acme", path).bearer(&self.acme.key));
            shown.status() != 200 || shown.json()["is_system"] != true
        };
        let own = found.iter().find(is_own).or(found.first());
        own.unwrap_or_else(|| panic!("nothing is at {}", route.path)).clone()
    }

    /// A request that is right but for its body.
    fn ask(&self, route: &Route) -> Ask {
        let tenant = self.tenant(route);
        let ask = Ask::new(route.method.clone(), &tenant.host, &self.path(route)).bearer(&tenant.key);
        ask.header("content-type", "application/json")
    }

    /// The members that the route knows, each with a value of the right kind: those of the body that does something, and
    /// those that the resource shows of itself.
    fn members(&self, route: &Route) -> Vec<(String, Json)> {
        let mut members = match (route.area, route.method.as_str()) {
            ("Operator", "POST") if route.path.ends_with("/migrations") => {
                json!({ "tenants": ["acme"], "placement": "shared", "region": "weur", "rollback_days": 3,
                    "parallelism": 2, "stop_on_failure": true })
            }
            ("Operator", "POST") if route.path.ends_with("/moves") => {
                json!({ "placement": "shared", "region": "weur", "switch": "manual", "rollback_days": 3, "rehearse": true })
            }
            ("Operator", "POST") if route.path.ends_with("/import") => {
                json!({ "source": "authhero", "tenant": "acme", "issuer": "https://old.example/", "live": true })
            }
            ("Operator", "POST") if route.path.ends_with("/import/records") => {
                json!({ "table": "users", "from": 0, "records": [{ "user_id": "auth0|1" }] })
            }
            ("Operator", "POST") if route.path.ends_with("/import/compare") => {
                json!({ "table": "users", "records": [{ "user_id": "auth0|1" }] })
            }
            ("Operator", "POST") if route.path.ends_with("/import/finish") => {
                json!({ "counts": { "users": 1 } })
            }
            ("Operator", "POST") if route.path.ends_with("/backups") => json!({ "include": ["keys"] }),
            ("Operator", "POST") if route.path.ends_with("/restores") => {
                json!({ "backup": "bak_x", "into": "globex", "placement": "shared" })
            }
            ("Operator", "POST") if route.path.ends_with("/time-travel") => {
                json!({ "timestamp": "2027-01-15T07:00:00Z" })
            }
            ("Operator", "POST") => {
                json!({ "id": "globex", "friendly_name": "Globex", "placement": "shared", "region": "weur" })
            }
            ("Operator", _) => json!({ "friendly_name": "Renamed", "status": "read_only" }),
            _ => self.acme.body(route),
        };
        if route.area == "Management" && route.method == Method::PATCH {
            let shown =
                self.world.send(Ask::get(&self.tenant(route).host, &self.path(route)).bearer(&self.acme.key));
            for (name, value) in shown.expect(200).json().as_object().unwrap() {
                members.as_object_mut().unwrap().entry(name).or_insert(value.clone());
            }
        }
        members.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect()
    }
}

fn is_bodiless(route: &Route) -> bool {
    let removes = route.method == Method::DELETE && RESOURCES.iter().any(|plain| plain.one == route.path);
    removes || BODILESS.contains(&(route.method.as_str(), route.path))
}

/// The routes of the management APIs that read a body.
pub(super) fn readers() -> impl Iterator<Item = &'static Route> {
    ROUTES.all().iter().filter(move |route| {
        ["Management", "Operator"].contains(&route.area) && route.method != Method::GET && !is_bodiless(route)
    })
}

fn is_invalid_body(route: &Route, answer: &Answer, case: &str) {
    assert_eq!(answer.status(), 400, "{} {} {case}: {}", route.method, route.path, answer.text());
    is_refusal(route, answer);
    assert_eq!(answer.json()["errorCode"], "invalid_body", "{} {} {case}", route.method, route.path);
}

#[test]
fn what_is_no_object_is_refused_by_every_route_that_reads_a_body() {
    let world = World::new();
    let scene = Scene::new(&world);
    let before = world.but_for_logs();
    let mut cases = 0;
    for route in readers() {
        for body in no_objects() {
            let answer = world.send(scene.ask(route).body(&body));
            is_invalid_body(route, &answer, &String::from_utf8_lossy(&body));
            cases += 1;
        }
        assert!(world.but_for_logs() == before, "{} {} changed something", route.method, route.path);
    }
    println!("{cases} cases");
    assert!(cases > 300);
}

/// Values of every kind but that of `value`; null is of no kind: it takes away.
fn of_other_kinds(value: &Json) -> Vec<Json> {
    let kind = |value: &Json| std::mem::discriminant(value);
    let others =
        [json!(true), json!(17), json!("text"), json!([]), json!([[17]]), json!({}), json!({ "a": [17] })];
    let mut found: Vec<Json> = others.into_iter().filter(|other| kind(other) != kind(value)).collect();
    // A list of the wrong things is wrong too.
    if let Some(item) = value.as_array().and_then(|items| items.first()) {
        found.extend(of_other_kinds(item).into_iter().map(|other| json!([other])));
    }
    found
}

#[test]
fn a_member_of_another_kind_is_refused_by_name() {
    let world = World::new();
    let scene = Scene::new(&world);
    let before = world.but_for_logs();
    let mut cases = 0;
    for route in readers() {
        let members = scene.members(route);
        assert!(!members.is_empty(), "{} {}", route.method, route.path);
        for (name, value) in &members {
            for other in of_other_kinds(value) {
                let mut body: Json = members.iter().cloned().collect::<serde_json::Map<_, _>>().into();
                body[name] = other;
                if route.method == Method::PATCH {
                    body = json!({ name: body[name] });
                }
                let answer = world.send(scene.ask(route).body(body.to_string().as_bytes()));
                is_invalid_body(route, &answer, &body.to_string());
                let message = answer.json()["message"].as_str().unwrap().to_owned();
                assert!(message.contains(name.as_str()), "{} {} {body}: {message}", route.method, route.path);
                cases += 1;
            }
        }
        assert!(world.but_for_logs() == before, "{} {} changed something", route.method, route.path);
    }
    println!("{cases} cases");
    assert!(cases > 500);
}

#[test]
fn a_protocol_route_says_which_field_it_cannot_read() {
    let world = World::new();
    let client = json!({ "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "token_endpoint_auth_method": "client_secret_post" });
    let app = world.application("", &client);
    let secret = app.secret.as_deref().unwrap();
    let (before, mut cases) = (world.but_for_logs(), 0);
    for route in ROUTES.all().iter().filter(|route| route.area == "OAuth" && route.need == "Client") {
        let fields = match route.path {
            "/oauth/token" => vec![
                "grant_type",
                "code",
                "redirect_uri",
                "code_verifier",
                "refresh_token",
                "scope",
                "audience",
                "organization",
                "resource",
            ],
            "/oauth/revoke" => vec!["token"],
            path => panic!("{path}: say here which fields it reads"),
        };
        let grants: &[&str] = if route.path == "/oauth/token" {
            &["authorization_code", "refresh_token", "client_credentials"]
        } else {
            &[""]
        };
        let mut refused = |ask: Ask, case: &str| {
            let answer = world.send(ask);
            assert_eq!(answer.status(), 400, "{} {case}: {}", route.path, answer.text());
            is_refusal(route, &answer);
            cases += 1;
            answer.json()["error"].as_str().unwrap().to_owned()
        };
        let ask = || Ask::post("", route.path);
        for field in fields.iter().chain(&["client_id", "client_secret"]) {
            for grant in grants {
                // The fields that each grant reads are refused by it, the others by nobody.
                let own: &[&str] = match *grant {
                    "authorization_code" => &["code", "redirect_uri", "code_verifier"],
                    "refresh_token" => &["refresh_token"],
                    "client_credentials" => &[],
                    _ => &["token"],
                };
                let of_all = [
                    "grant_type",
                    "scope",
                    "audience",
                    "organization",
                    "resource",
                    "client_id",
                    "client_secret",
                ];
                let reads = own.contains(field) || of_all.contains(field);
                for value in [json!(17), json!(true), json!([]), json!({}), json!(["a"])] {
                    let mut body = json!({ "client_id": app.id, "client_secret": secret, "grant_type": grant, "code": "c" });
                    body[field] = value;
                    if reads {
                        assert_eq!(
                            refused(ask().json(&body), &body.to_string()),
                            "invalid_request",
                            "{body}"
                        );
                    }
                }
            }
            let twice =
                [("client_id", app.id.as_str()), ("client_secret", secret), (field, "a"), (field, "a")];
            assert_eq!(refused(ask().form(&twice), field), "invalid_request");
        }
        for body in no_objects() {
            let json = ask().header("content-type", "application/json");
            assert_eq!(refused(json.body(&body), "JSON"), "invalid_request");
        }
    }
    println!("{cases} cases");
    assert!(cases > 100);
    assert!(world.but_for_logs() == before);
}

#[test]
fn a_page_asks_again_whatever_its_form_holds() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let url = browser.open(&app.authorize(&[])).page().0.clone();
    let (state, cookie) = (url.query().unwrap(), browser.cookie("gatehouse_login").unwrap());
    let before = world.but_for_logs();
    for route in ROUTES.all().iter().filter(|route| route.area == "Login" && route.method == Method::POST) {
        let path = if route.path.starts_with("/u/") {
            format!("{}?{state}", route.path)
        } else {
            route.path.to_owned()
        };
        let ask = || Ask::post("", &path).header("cookie", &format!("gatehouse_login={cookie}"));
        let fields = ["username", "email", "password", "client_id", "id_token_hint", "confirmed", "state"];
        let mut asks: Vec<Ask> = no_objects().iter().map(|body| ask().body(body)).collect();
        asks.extend(
            no_objects().iter().map(|body| ask().header("content-type", "application/json").body(body)),
        );
        for name in fields {
            asks.push(ask().form(&[(name, "\u{0}\u{202e}<script>"), (name, "b")]));
            asks.extend([json!(17), json!([]), json!({})].map(|value| ask().json(&json!({ name: value }))));
        }
        for ask in asks {
            let answer = world.send(ask);
            // Whoever signs out without a session is signed out; a page that needs somebody first sends back to there.
            let at_ease = route.path == "/oidc/logout" || answer.status() == 303;
            assert!(
                answer.status() == 400 || at_ease && answer.status() < 400,
                "{} {}",
                route.path,
                answer.status()
            );
            if answer.status() == 400 {
                is_refusal(route, &answer);
            }
        }
        assert!(world.but_for_logs() == before, "{} changed something", route.path);
    }
}

#[test]
fn an_id_that_no_tenant_can_have_is_refused_wherever_it_stands() {
    let world = World::new();
    let scene = Scene::new(&world);
    let before = world.but_for_logs();
    let long = "a".repeat(64);
    let malformed = [
        "",
        " ",
        "Acme",
        "-acme",
        "acme-",
        "a.b",
        "a_b",
        "a/b",
        "a b",
        "acme\n",
        "acme\u{0}",
        "äcme",
        "٣",
        "' or 1=1 --",
        "../main",
        &long,
    ];
    for route in readers().filter(|route| route.area == "Operator" && route.path.ends_with("/tenants")) {
        let create = |id: Json| world.send(scene.ask(route).body(json!({ "id": id }).to_string().as_bytes()));
        for id in malformed.iter().chain(RESERVED).chain(&["xn--cme-qla"]) {
            is_invalid_body(route, &create(json!(id)), id);
        }
        let refused = create(json!("acme"));
        assert_eq!((refused.status(), &refused.json()["errorCode"]), (409, &json!("tenant_conflict")));
        is_refusal(route, &refused);
    }
    for route in
        ROUTES.all().iter().filter(|route| route.area == "Operator" && route.path.contains("/tenants/{id}"))
    {
        for id in [
            "Acme",
            "-acme",
            "a.b",
            "%C3%A4cme",
            "acme%00",
            "acme%0A",
            "%2e%2e",
            "nobody",
            "www",
            &long,
            &"a".repeat(10_240),
        ] {
            // What is asked is right but for the id.
            let (query, body) = match route.path.rsplit('/').next() {
                Some("plan") => ("?placement=shared", "{}"),
                Some("moves") => ("", r#"{"placement":"shared"}"#),
                Some("restores") => ("", r#"{"backup":"bak_x"}"#),
                Some("time-travel") => ("", r#"{"timestamp":"2027-01-15T07:00:00Z"}"#),
                _ => ("", "{}"),
            };
            let path = route.path.replace("{id}", id) + query;
            let ask = Ask::new(route.method.clone(), "", &path).bearer(&scene.main.key);
            let answer = world.send(ask.body(body.as_bytes()));
            assert_eq!(answer.status(), 404, "{} {path}: {}", route.method, answer.text());
            is_refusal(route, &answer);
        }
    }
    for route in management() {
        for (named, status) in [
            (&["Acme"][..], 400),
            (&["a.b"], 400),
            (&[""], 400),
            (&["acme,main"], 400),
            (&["nobody"], 404),
            (&["www"], 404),
            (&["acme", "main"], 400),
        ] {
            let mut ask = Ask::new(route.method.clone(), "", &scene.path(route)).bearer(&scene.main.key);
            if route.method != Method::GET {
                ask = ask.json(&scene.acme.body(route));
            }
            let ask = named.iter().fold(ask, |ask, name| ask.header("tenant-id", name));
            let answer = world.send(ask);
            assert_eq!(
                answer.status(),
                status,
                "{} {} {named:?}: {}",
                route.method,
                route.path,
                answer.text()
            );
            is_refusal(route, &answer);
        }
    }
    assert!(world.but_for_logs() == before);
}

#[test]
fn an_id_that_nothing_can_have_names_nothing() {
    let world = World::new();
    let scene = Scene::new(&world);
    let before = scene.acme.contents();
    for route in management().filter(|route| route.path.contains('{')) {
        for id in ["%00", "%FF", "%", "..", "%2F", "'%20or%201=1%20--", "%F0%9F%92%A3", &"a".repeat(10_240)] {
            let path = super::filled(route.path, |_| id.to_owned());
            let ask = Ask::new(route.method.clone(), "acme", &path).bearer(&scene.acme.key);
            let ask = if route.method == Method::GET { ask } else { ask.json(&scene.acme.body(route)) };
            let answer = world.send(ask);
            assert!(answer.status() < 500, "{} {path}: {}", route.method, answer.text());
            if answer.status() >= 400 {
                is_refusal(route, &answer);
            }
        }
        assert!(scene.acme.contents() == before, "{} {} changed something", route.method, route.path);
    }
}

#[test]
fn what_reads_no_body_does_what_its_path_says() {
    let world = World::new();
    let scene = Scene::new(&world);
    // The most particular first: what goes with something else is not there any more.
    let mut routes: Vec<_> = ROUTES.all().iter().filter(|route| is_bodiless(route)).collect();
    let listed = |route: &&&Route| BODILESS.contains(&(route.method.as_str(), route.path));
    assert_eq!(routes.iter().filter(listed).count(), BODILESS.len(), "a route in the list is gone");
    routes
        .sort_by_key(|route| (route.area == "Operator", std::cmp::Reverse(route.path.matches('/').count())));
    for route in routes {
        let mut paths = scene.acme.live(route.path);
        if route.area == "Operator" || paths.is_empty() {
            paths = vec![super::filled(route.path, |name| {
                if name == "status" { "active" } else { "acme" }.to_owned()
            })];
        }
        let done = paths.iter().any(|path| {
            let tenant = scene.tenant(route);
            let ask = Ask::new(route.method.clone(), &tenant.host, path).bearer(&tenant.key);
            world.send(ask.header("content-type", "application/json").body(b"{ no JSON")).status() < 300
        });
        // What is there twice is gone by then; a move is steered in tests of its own.
        let elsewhere =
            ["/management/tenants/{id}", "/management/operations/{id}/", "/management/migrations/{id}/"];
        let elsewhere = elsewhere.iter().any(|start| route.path.starts_with(start));
        assert!(done || elsewhere, "{} {}", route.method, route.path);
    }
}
