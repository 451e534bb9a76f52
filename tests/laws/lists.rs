//! Every list answers with what it was asked for: whole whichever way it is walked, and nothing that it does not know.

use super::inhabitants::{Inhabited, management};
use crate::support::{Answer, Ask, World};
use gatehouse::{
    http::Method,
    resources::{RESOURCES, engine::Verb},
};
use serde_json::Value as Json;

fn asked(world: &World, tenant: &Inhabited<'_>, path: &str) -> Answer {
    world.send(Ask::get(&tenant.host, path).bearer(&tenant.key))
}

/// What a list has when it is walked by checkpoints of `take`, and in how many answers.
fn walked(
    world: &World,
    tenant: &Inhabited<'_>,
    path: &str,
    plural: &str,
    take: usize,
) -> (Vec<Json>, usize) {
    let (mut found, mut from, mut answers) = (Vec::new(), String::new(), 0);
    loop {
        let answer = asked(world, tenant, &format!("{path}?take={take}{from}")).expect(200).json();
        let items = answer[plural].as_array().unwrap_or_else(|| panic!("{path} has no {plural}: {answer}"));
        assert!(items.len() <= take, "{path}");
        found.extend(items.iter().cloned());
        answers += 1;
        match answer["next"].as_str() {
            Some(next) => from = format!("&from={}", super::inhabitants::segment(next)),
            None => return (found, answers),
        }
        assert!(answers < 500, "{path} has no end");
    }
}

/// In what a walk differs from the whole list, whatever the order.
fn differences(all: &[Json], found: &[Json], key: &str) -> Vec<String> {
    let times = |item: &Json| found.iter().filter(|other| *other == item).count();
    let wrong =
        all.iter().map(|item| (item[key].as_str().unwrap(), times(item))).filter(|(_, times)| *times != 1);
    let mut differences: Vec<String> = wrong
        .map(
            |(id, times)| {
                if times == 0 { format!("{id} is missing") } else { format!("{id} is there {times} times") }
            },
        )
        .collect();
    differences
        .extend(found.iter().filter(|item| !all.contains(item)).map(|item| format!("{item} is strange")));
    differences
}

#[test]
fn a_list_is_the_same_by_pages_and_by_checkpoints_and_knows_its_parameters() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    let mut lists = 0;
    for resource in RESOURCES.iter().filter(|resource| resource.scope(Verb::List).is_some()) {
        let (path, plural) = (resource.path, resource.plural);
        // One more than the fill has made, so that there is something to walk.
        if let Some(route) = management().find(|route| route.path == path && route.method == Method::POST) {
            let mut body = acme.body(route);
            for field in resource.fields.iter().filter(|field| field.unique || field.member.name == "name") {
                let name = field.member.name;
                if let Some(text) = body[name].as_str() {
                    body[name] = format!("{text}2").into();
                }
            }
            world.send(Ask::post("acme", path).bearer(&acme.key).json(&body));
        }
        let all = asked(&world, &acme, &format!("{path}?include_totals=true")).expect(200).json();
        let items = all[plural].as_array().unwrap();
        assert!(!items.is_empty(), "{path}");
        assert_eq!(all["total"], items.len(), "{path}");
        assert_eq!(asked(&world, &acme, path).expect(200).json(), all[plural]);
        for take in [1, 2, 100] {
            let (found, answers) = walked(&world, &acme, path, plural, take);
            assert_eq!(answers, items.len().div_ceil(take), "{path}: no answer is empty");
            let differences = differences(items, &found, resource.key.1);
            assert!(differences.is_empty(), "{path} by {take}: {differences:?}");
        }
        let narrow = asked(&world, &acme, &format!("{path}?fields={}", resource.key.1)).expect(200).json();
        let members = narrow[0].as_object().unwrap();
        assert!(members.len() == 1 && members.contains_key(resource.key.1), "{path}: {narrow}");
        let rest = asked(&world, &acme, &format!("{path}?include_fields=false&fields={}", resource.key.1));
        assert!(rest.expect(200).json()[0].get(resource.key.1).is_none(), "{path}");
        for query in [
            "nobody_knows_this=1",
            "take=1&page=0",
            "take=0",
            "take=101",
            "per_page=101",
            "page=-1",
            "sort=nothing:1",
        ] {
            let refused = asked(&world, &acme, &format!("{path}?{query}")).expect(400).json();
            assert_eq!(refused["errorCode"], "invalid_query_string", "{path}?{query}");
        }
        for filter in resource.filters {
            let none = asked(&world, &acme, &format!("{path}?{}=nothing-is-called-this", filter.name));
            let is_none = none.status() == 400 || none.json() == serde_json::json!([]);
            assert!(is_none, "{path}: {} is ignored: {}", filter.name, none.text());
        }
        lists += 1;
    }
    assert!(lists > 0);
}

/// Lists that are written by hand, and can be walked by checkpoints too: their paths, what they are called, and their keys.
const BY_HAND: [(&str, &str, &str); 7] = [
    ("/api/v2/clients", "clients", "client_id"),
    ("/api/v2/client-grants/{id}/organizations", "organizations", "id"),
    ("/api/v2/organizations/{id}/client-grants", "client_grants", "id"),
    ("/api/v2/organizations/{id}/enabled_connections", "enabled_connections", "connection_id"),
    ("/api/v2/organizations/{id}/members", "members", "user_id"),
    ("/api/v2/roles/{id}/users", "users", "user_id"),
    ("/api/v2/users/{id}/organizations", "organizations", "id"),
];

#[test]
fn lists_that_are_written_by_hand_are_walked_to_their_end_too() {
    let world = World::new();
    let acme = Inhabited::new(&world, "acme", "shared");
    for (pattern, plural, key) in BY_HAND {
        let mut walks = 0;
        for path in acme.live(pattern) {
            let all = asked(&world, &acme, &path).expect(200).json();
            let items = all.as_array().unwrap();
            for take in [1, 100] {
                let (found, answers) = walked(&world, &acme, &path, plural, take);
                let differences = differences(items, &found, key);
                assert!(differences.is_empty(), "{path} by {take}: {differences:?}");
                assert_eq!(answers, items.len().div_ceil(take).max(1), "{path}");
            }
            asked(&world, &acme, &format!("{path}?take=1&page=0")).expect(400);
            walks += items.len();
        }
        assert!(walks > 0, "{pattern}");
    }
}

/// An SDK that follows `next` until there is none, and gets no `next`, has seen a part of the list without a word.
#[test]
fn a_walk_that_ends_early_or_turns_back_is_found() {
    let item = |id: &str| serde_json::json!({ "id": id });
    let all = [item("a"), item("b"), item("c")];
    assert!(differences(&all, &[item("c"), item("a"), item("b")], "id").is_empty());
    assert_eq!(differences(&all, &all[..2], "id"), ["c is missing"]);
    assert_eq!(differences(&all, &[&all[..], &all[..1]].concat(), "id"), ["a is there 2 times"]);
}
