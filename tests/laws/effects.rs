//! Every setting that is taken has an effect that a test shows, or says that it has none.

use super::{files, name, text};
use crate::support::{Ask, World};
use gatehouse::{
    http::shape::{Kind, Member},
    resources::{
        RESOURCES,
        effects::{BODIES, Body, Effect},
    },
};
use std::collections::BTreeSet;

/// What is wrong with the effects of a body: members without one, effects without a member, tests that there are not.
fn faults(body: &Body, is_test: impl Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    let (names, mut seen) = (body.names(), BTreeSet::new());
    for name in &names {
        if !body.effects.iter().any(|(of, _)| of == name) {
            faults.push(format!("{name} has no effect and does not say so"));
        }
    }
    for (name, effect) in body.effects {
        if !names.iter().any(|of| of == name) {
            faults.push(format!("{name} cannot be set"));
        }
        if !seen.insert(name) {
            faults.push(format!("{name} is there twice"));
        }
        if let Effect::Tested(test) = effect
            && !is_test(test)
        {
            faults.push(format!("{name}: there is no test {test}"));
        }
    }
    faults
}

/// Whether there is a test of this path below `tests/`.
fn is_test(path: &str) -> bool {
    let (module, function) = path.rsplit_once("::").unwrap();
    let file = format!("tests/{}.rs", module.replace("::", "/"));
    let found = files("tests").into_iter().find(|path| name(path) == file);
    found.is_some_and(|path| text(&path).contains(&format!("#[test]\nfn {function}() {{")))
}

#[test]
fn every_member_of_a_body_has_an_effect_or_says_that_it_has_none() {
    for body in &BODIES {
        let faults = faults(body, is_test);
        assert!(faults.is_empty(), "{:?}:\n{}", body.paths, faults.join("\n"));
    }
}

/// What is shown by tests of its own, member by member.
const SHOWN: [&str; 1] = ["role"];

#[test]
fn every_plain_resource_says_what_its_members_do_or_that_it_is_only_kept() {
    for resource in RESOURCES.iter().filter(|resource| resource.fields.iter().any(|field| !field.computed)) {
        let told = BODIES.iter().any(|body| body.of.is_some_and(|of| std::ptr::eq(of, *resource)));
        assert!(told || resource.kept || SHOWN.contains(&resource.noun), "{}", resource.path);
    }
}

#[test]
fn what_would_be_without_effect_is_found() {
    static INNER: [Member; 1] = [Member::new("inner", Kind::Flag)];
    static MEMBERS: [Member; 3] = [
        Member::new("told", Kind::Any),
        Member::new("new", Kind::Flag),
        Member::new("list", Kind::List(&Kind::Object(&INNER), 3)),
    ];
    static TABLES: [(&str, &[Member]); 1] = [("", &MEMBERS)];
    let body = Body {
        paths: &["things"],
        of: None,
        members: &TABLES,
        effects: &[
            ("told", Effect::Tested("laws::effects::there_is_no_such_test")),
            ("list", Effect::Kept),
            ("list", Effect::Kept),
            ("gone", Effect::Shown),
        ],
        idle_words: &[],
    };
    let found = faults(&body, is_test);
    for words in [
        "new has no effect",
        "list.inner has no effect",
        "list is there twice",
        "gone cannot be set",
        "there is no test",
    ] {
        assert!(found.iter().any(|fault| fault.contains(words)), "{words}: {found:?}");
    }
    assert_eq!(found.len(), 5);
}

/// A body whose members are declared nowhere would pass the law by not being there.
#[test]
fn a_member_that_nobody_declares_is_refused() {
    let world = World::new();
    let scene = super::inhabitants::Inhabited::new(&world, "acme", "shared");
    let mut tried = 0;
    for route in gatehouse::routes::ROUTES.all() {
        let path = route.path.strip_prefix("/api/v2/").unwrap_or_default();
        if !BODIES.iter().any(|body| body.paths.contains(&path))
            || !["POST", "PATCH"].contains(&route.method.as_str())
        {
            continue;
        }
        let mut body = scene.body(route);
        body["nobody_knows_this"] = true.into();
        let paths = scene.live(route.path);
        let ask = |at: &String| {
            world.send(Ask::new(route.method.clone(), "acme", at).bearer(&scene.key).json(&body))
        };
        // What is ours cannot be changed, whatever the body says.
        let answer = paths.iter().map(ask).find(|answer| answer.status() != 403).unwrap();
        assert_eq!(answer.status(), 400, "{} {}: {}", route.method, route.path, answer.text());
        assert!(answer.text().contains("nobody_knows_this"), "{}", answer.text());
        tried += 1;
    }
    assert_eq!(tried, 14, "two routes of each body, one of the settings, and one of each attack protection");
}

#[test]
fn the_description_names_what_is_kept_without_effect() {
    let world = World::new();
    let document = world.send(Ask::get("", "/api/v2/spec")).expect(200).json();
    let words = document["paths"]["/api/v2/clients"]["post"]["requestBody"]["description"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(words.starts_with("Kept, not in effect: ") && words.contains("cross_origin_loc"), "{words}");
    assert!(!words.contains("callbacks"), "{words}");
    assert!(document["paths"]["/api/v2/roles"]["post"]["requestBody"]["description"].is_null());
    for (section, kept) in [
        ("brute-force-protection", "user_notification of shields"),
        ("suspicious-ip-throttling", "admin_notification of shields"),
        (
            "breached-password-detection",
            "shields, admin_notification_frequency, method, admin_notification of the shields of stage",
        ),
    ] {
        let path = format!("/api/v2/attack-protection/{section}");
        let words = &document["paths"][&path]["patch"]["requestBody"]["description"];
        assert_eq!(*words, format!("Kept, not in effect: {kept}."), "{section}");
    }
}
