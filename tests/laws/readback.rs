//! What is accepted can be read back: every body that answers 2xx, whatever it held, is followed by every list and every
//! page that holds it.

use super::{
    bodies::{Scene, readers},
    inhabitants::{Inhabited, management},
};
use crate::support::{Answer, Ask, World};
use gatehouse::{
    http::{Method, route::Route},
    json::ACCEPTED_DEPTH,
    routes::ROUTES,
    time::Lifetime,
};
use serde_json::{Map, Value as Json, json};

/// Stands in a body where a text of its own is put afterwards: not all of them are JSON that a value could hold.
const HERE: &str = "\u{2039}here\u{203a}";

/// Texts to put where a value stands: what a parser, a database or a reader may not bear.
fn texts() -> Vec<String> {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let objects = |depth: usize| "{\"a\":".repeat(depth) + "1" + &"}".repeat(depth);
    // The key behind which serde's crate keeps text that it parses anew: its text is as deep as a parser bears, and some more.
    let raw = |inner: &str| json!({ "$serde_json::private::RawValue": inner }).to_string();
    let mut texts = vec![
        nested(ACCEPTED_DEPTH - 4),
        objects(ACCEPTED_DEPTH - 4),
        nested(ACCEPTED_DEPTH + 1),
        nested(100),
        objects(127),
        nested(200),
        nested(60_000),
        raw(&nested(100)),
        raw(&format!("[{}]", raw(&nested(90)))),
        raw(&raw(&raw(&nested(120)))),
        raw("{"),
        json!({ "$serde_json::private::Number": "1e999" }).to_string(),
        json!({ "$serde_json::private::Number": 17 }).to_string(),
        "{\"__proto__\":{\"a\":1},\"constructor\":1,\"\":0}".to_owned(),
        "{\"a\":1,\"a\":2}".to_owned(),
        "\"\\u0000\"".to_owned(),
        "\"\\ud800\"".to_owned(),
        "\"\\ud83d\\udca3\\u202e\\uffff\"".to_owned(),
        json!("x".repeat(70_000)).to_string(),
        Json::from(vec!["y"; 2_000]).to_string(),
    ];
    texts.extend(
        [
            "1e999",
            "-1e999",
            "1e-999",
            "-0",
            "-0.0",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "0.1e1",
        ]
        .map(str::to_owned),
    );
    texts
}

/// Every place of a body in which something can stand: as a member, unknown or known; inside of one; beside its own.
fn places(body: &Map<String, Json>) -> Vec<Json> {
    let mut places = Vec::new();
    let mut place = |name: &str, value: Json| {
        let mut body = body.clone();
        body.insert(name.to_owned(), value);
        places.push(Json::Object(body));
    };
    place("nobody_knows_this", json!(HERE));
    for name in
        ["options", "metadata", "client_metadata", "user_metadata", "app_metadata", "refresh_token", "addons"]
    {
        place(name, json!({ "inner": HERE }));
    }
    for (name, value) in body {
        place(name, json!(HERE));
        place(name, json!([HERE]));
        if let Json::Object(members) = value {
            let mut members = members.clone();
            members.insert("inner".to_owned(), json!(HERE));
            place(name, Json::Object(members));
        }
    }
    places
}

/// The same body, but for what may be there only once.
fn fresh(body: &mut Json, number: usize) {
    for name in ["name", "identifier", "id", "friendly_name"] {
        if let Some(Json::String(text)) = body.get_mut(name).filter(|text| **text != HERE) {
            *text = format!("{text}{number}");
        }
    }
    if let Some(Json::String(email)) = body.get_mut("email").filter(|text| **text != HERE) {
        *email = format!("n{number}.{email}");
    }
}

/// What of a tenant cannot be read: lists and what stands at `path`, its public pages, and the ways in.
fn complaints(world: &World, tenant: &Inhabited<'_>, path: &str) -> Vec<String> {
    world.advance(Lifetime::seconds(6));
    let lists = management().filter(|route| route.method == Method::GET && !route.path.contains('{'));
    let lists = lists.map(|route| match route.path {
        path if path.ends_with("users-by-email") => format!("{path}?email=a@a.example"),
        path => format!("{path}?per_page=100&include_totals=true"),
    });
    let mut wrong = Vec::new();
    let mut look = |path: &str, answer: Answer, well: &[u16]| {
        if !well.contains(&answer.status()) {
            wrong.push(format!("{path}: {} {}", answer.status(), answer.text()));
        }
    };
    for list in lists.chain([path.to_owned()]) {
        look(&list, world.send(Ask::get(&tenant.host, &list).bearer(&tenant.key)), &[200, 404, 405]);
    }
    for page in ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/api/v2/spec"] {
        look(page, world.send(Ask::get(&tenant.host, page)), &[200]);
    }
    look("/authorize", world.send(Ask::get(&tenant.host, "/authorize?client_id=nobody")), &[400]);
    let machine = [("grant_type", "client_credentials"), ("client_id", "nobody"), ("client_secret", "x")];
    look("/oauth/token", world.send(Ask::post(&tenant.host, "/oauth/token").form(&machine)), &[401]);
    let left_out = world
        .outside
        .log
        .borrow()
        .iter()
        .filter(|line| line.contains("left out"))
        .cloned()
        .collect::<Vec<_>>();
    wrong.extend(left_out);
    wrong
}

/// Where the thing is that an answer shows: its id behind the path of its list, or the path itself.
fn found_at(route: &Route, path: &str, answer: &Answer) -> String {
    if route.method != Method::POST {
        return path.to_owned();
    }
    let shown: Json = serde_json::from_slice(&answer.0.body).unwrap_or_default();
    let id = ["id", "client_id", "user_id", "kid", "themeId", "template"]
        .iter()
        .find_map(|name| shown[name].as_str());
    id.map_or_else(|| path.to_owned(), |id| format!("{path}/{}", super::inhabitants::segment(id)))
}

#[test]
fn every_body_that_is_accepted_can_be_read_back() {
    let world = World::new();
    let scene = Scene::new(&world);
    let (texts, mut sent, mut accepted) = (texts(), 0, 0);
    for route in readers().filter(|route| route.area == "Management") {
        let tenant = scene.tenant(route);
        let (path, before) = (scene.path(route), tenant.database.copy());
        let body = scene.acme.body(route).as_object().unwrap().clone();
        for (number, mut place) in places(&body).into_iter().enumerate() {
            fresh(&mut place, number);
            // Each text in the first place, and in every other one some of them.
            let (first, step) = if number == 0 { (0, 1) } else { (number % 4, 4) };
            for text in texts.iter().skip(first).step_by(step) {
                let body = place.to_string().replace(&json!(HERE).to_string(), text);
                let ask = Ask::new(route.method.clone(), &tenant.host, &path).bearer(&tenant.key);
                let answer = world.send(ask.header("content-type", "application/json").body(body.as_bytes()));
                let case = || {
                    format!("{} {} {}", route.method, route.path, body.chars().take(300).collect::<String>())
                };
                assert!(answer.status() < 500, "{}: {} {}", case(), answer.status(), answer.text());
                sent += 1;
                if answer.status() < 300 {
                    accepted += 1;
                    let wrong = complaints(&world, tenant, &found_at(route, &path, &answer));
                    assert!(wrong.is_empty(), "{}: {wrong:#?}", case());
                    // One after the other, each as if it were the only one.
                    tenant.database.become_copy(&before);
                }
            }
        }
    }
    println!("{sent} sent, {accepted} accepted");
    assert!(sent > 1_000 && accepted > 50);
}

#[test]
fn every_way_in_bears_every_body() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let (before, mut sent) = (world.but_for_logs(), 0);
    for route in ROUTES
        .all()
        .iter()
        .filter(|route| route.method == Method::POST && ["OAuth", "Login"].contains(&route.area))
    {
        for name in ["client_id", "grant_type", "code", "token", "nobody_knows_this"] {
            for text in texts() {
                let mut body = json!({ "client_id": app.id, "grant_type": "refresh_token" });
                body[name] = json!(HERE);
                let body = body.to_string().replace(&json!(HERE).to_string(), &text);
                let ask = Ask::post("", route.path).header("content-type", "application/json");
                let answer = world.send(ask.body(body.as_bytes()));
                assert!(answer.status() < 500, "{} {body}: {}", route.path, answer.text());
                sent += 1;
            }
        }
    }
    // Nobody was let in, so but for what was noted of that, nothing has changed.
    assert_eq!(world.but_for_logs(), before);
    assert!(sent > 500);
}

/// A handler that accepts what cannot be read is found: here its row is put there by hand.
#[test]
fn a_row_that_cannot_be_read_back_is_found() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    assert!(complaints(&world, &acme, "/api/v2/clients").is_empty());
    let deep = "[".repeat(200) + &"]".repeat(200);
    acme.database.query(&format!(
        "insert into clients (tenant_id, client_id, name, document, created_at, updated_at)
         values ('acme', 'deep', 'Deep', '{{\"addons\":{deep}}}', 1, 1)"
    ));
    let wrong = complaints(&world, &acme, "/api/v2/clients/deep");
    assert!(wrong.iter().any(|words| words.starts_with("/api/v2/clients/deep: 500")), "{wrong:?}");
    assert!(wrong.iter().any(|words| words.contains("left out")), "{wrong:?}");
}
