//! Two changes of one thing at once: both hold, whichever comes first.

use super::{
    declarations::sample,
    inhabitants::{Inhabited, management, segment},
};
use crate::support::{
    Answer, Ask, World,
    gate::{Effect, Fate},
};
use gatehouse::{
    http::Method,
    resources::{
        RESOURCES,
        engine::{Field, Place},
    },
};
use serde_json::{Value as Json, json};
use std::{
    cell::Cell,
    task::{Context, Poll, Waker},
};

/// What can be changed of a resource, each as a body that changes it and nothing else. What a plain resource declares is
/// known; any other new `PATCH` has its place here.
fn changes(path: &str) -> Vec<Json> {
    let declared = RESOURCES.iter().find(|resource| resource.one == path);
    if let Some(resource) = declared {
        let fields = resource.fields.iter().filter(|field| !field.fixed && !field.computed);
        let fields = fields.filter(|field| !matches!(field.place, Place::Constant(_)));
        let body = |field: &Field| {
            let name = field.member.name;
            let value = particular(name).unwrap_or_else(|| sample(field.member.kind));
            (!value.is_null()).then(|| json!({ name: value }))
        };
        return fields.filter_map(body).collect();
    }
    match path.trim_start_matches("/api/v2/") {
        "clients/{id}" => vec![
            json!({ "name": "Renamed" }),
            json!({ "description": "Described" }),
            json!({ "allowed_logout_urls": ["https://a.example/bye"] }),
            json!({ "client_metadata": { "a": "b" } }),
            json!({ "sso": true }),
        ],
        "organizations/{id}/enabled_connections/{connection_id}" => vec![
            json!({ "assign_membership_on_login": true }),
            json!({ "show_as_button": false }),
            json!({ "is_signup_enabled": true }),
        ],
        "users/{id}" => vec![
            json!({ "nickname": "Renamed" }),
            json!({ "user_metadata": { "a": "b" } }),
            json!({ "user_metadata": { "c": "d" } }),
            json!({ "app_metadata": { "a": "b" } }),
        ],
        path => panic!("{path}: say here what can be changed of it"),
    }
}

/// A value of a member that is about something that there is, or follows a rule of its own; null if it is left out here.
fn particular(name: &str) -> Option<Json> {
    Some(match name {
        "scope" | "enabled_connections" => json!([]),
        "allowlist" => json!(["192.0.2.7"]),
        "allowed_logout_urls" => json!(["https://a.example/bye"]),
        "default_audience" => json!("https://acme.api.example"),
        "default_directory" => json!("Username-Password-Authentication"),
        "default_client_id" | "default_organization" => Json::Null,
        // The same settings in another unit: the last of the two counts.
        name if name.ends_with("_in_minutes") => Json::Null,
        _ => return None,
    })
}

/// What of a change does not show.
fn lost(shown: &Json, change: &Json) -> Vec<String> {
    let members = change.as_object().unwrap().iter();
    let differs = |(name, value): &(&String, &Json)| match value {
        Json::Object(inner) => !lost(&shown[name.as_str()], &Json::Object(inner.clone())).is_empty(),
        value => shown[name.as_str()] != **value,
    };
    members.filter(differs).map(|(name, value)| format!("{name} is not {value}")).collect()
}

/// Sends `first`, has everything of `second` happen just before the first one writes, and lets that go on.
fn interleaved(world: &World, first: Ask, second: Ask) -> (Answer, Answer) {
    let left = Cell::new(true);
    *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        if effect == Effect::Commit && !happened && left.replace(false) { Fate::Pause } else { Fate::Go }
    }));
    let mut slow = std::pin::pin!(world.app.handle(first.into_request()));
    let mut context = Context::from_waker(Waker::noop());
    assert!(slow.as_mut().poll(&mut context).is_pending(), "it writes nothing");
    let quick = world.send(second);
    let slow = loop {
        if let Poll::Ready(response) = slow.as_mut().poll(&mut context) {
            break Answer(response);
        }
    };
    *world.outside.gate.rule.borrow_mut() = None;
    (slow, quick)
}

#[test]
fn neither_undoes_the_other() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    let mut pairs = 0;
    for route in management().filter(|route| route.method == Method::PATCH) {
        let found = acme.live(route.path);
        let own = |path: &&String| {
            let shown = world.send(Ask::get("acme", path).bearer(&acme.key));
            shown.status() == 200 && shown.json()["is_system"] != true && !path.contains("management-machine")
        };
        let path = found.iter().find(own).unwrap_or_else(|| panic!("nothing at {}", route.path));
        let before = acme.database.copy();
        let patch = |change: &Json| Ask::new(Method::PATCH, "acme", path).bearer(&acme.key).json(change);
        let changes = changes(route.path);
        for (index, first) in changes.iter().enumerate() {
            for second in changes.iter().skip(index + 1) {
                let (slow, quick) = interleaved(&world, patch(first), patch(second));
                slow.expect(200);
                quick.expect(200);
                let shown = world.send(Ask::get("acme", path).bearer(&acme.key)).expect(200).json();
                let lost = [lost(&shown, first), lost(&shown, second)].concat();
                assert!(lost.is_empty(), "{path}: {lost:?}");
                acme.database.become_copy(&before);
                pairs += 1;
            }
        }
    }
    println!("{pairs} pairs");
    assert!(pairs > 30);
}

/// What writes back the whole of what it read is found.
#[test]
fn a_change_that_replaces_what_it_read_is_found() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    let client =
        acme.database.query("select client_id, document from clients where tenant_id = 'acme'").remove(0);
    let id = client["client_id"].as_str().unwrap();
    let [first, second] = [json!({ "description": "Described" }), json!({ "sso": true })];
    let admin = world.holder("acme", &acme.key);
    admin.patch(&format!("clients/{}", segment(id)), &second).expect(200);
    let mut document: Json = serde_json::from_str(client["document"].as_str().unwrap()).unwrap();
    document["description"] = first["description"].clone();
    acme.database.query(&format!("update clients set document = '{document}' where client_id = '{id}'"));
    let shown = admin.get(&format!("clients/{}", segment(id))).expect(200).json();
    assert!(lost(&shown, &first).is_empty());
    assert_eq!(lost(&shown, &second), ["sso is not true"]);
}

/// Whoever always comes second is told to try again, and nothing of theirs holds by half.
#[test]
fn a_change_that_is_outrun_again_and_again_gives_up() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    let id = acme.live("/api/v2/clients/{id}").iter().find(|path| !path.contains("machine")).unwrap().clone();
    let (database, name) = (acme.database.clone(), id.rsplit('/').next().unwrap().to_owned());
    let count = std::rc::Rc::new(Cell::new(0));
    let counted = count.clone();
    *world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        if effect == Effect::Commit && !happened {
            counted.set(counted.get() + 1);
            database
                .query(&format!("update clients set name = 'v{}' where client_id = '{name}'", counted.get()));
        }
        Fate::Go
    }));
    let patch =
        Ask::new(Method::PATCH, "acme", &id).bearer(&acme.key).json(&json!({ "description": "Late" }));
    let answer = world.send(patch).expect(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(count.get(), 8);
    *world.outside.gate.rule.borrow_mut() = None;
    let shown = world.send(Ask::get("acme", &id).bearer(&acme.key)).expect(200).json();
    assert!(shown["description"].is_null());
}
