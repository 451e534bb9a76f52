//! JSON: one door, which counts before it parses, and one grammar.

use super::{files, name, text};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::{
    jose::jwt::{LONGEST, Unverified},
    json::{self, ACCEPTED_DEPTH, READ_DEPTH},
};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

/// Where a parser may be named, and why.
const DOORS: [(&str, &str); 2] = [
    ("src/json.rs", "the door: it counts how deep the text is nested before it parses"),
    (
        "src/worker/d1.rs",
        "rows of the database: every value in them is a scalar, and they are read on every request",
    ),
];

/// The parsers of text that a file names. What is made from a tree is no parser: the tree is as deep as its text was.
fn parsers(source: &str) -> Vec<&'static str> {
    // Put together, so that this file is not the one that it finds.
    const NAMES: [&str; 5] = [
        "serde_json::from_str",
        "serde_json::from_slice",
        "serde_json::from_reader",
        "serde_json::Deserializer",
        "RawValue",
    ];
    let code: Vec<_> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    NAMES.into_iter().filter(|name| code.iter().any(|line| line.contains(name))).collect()
}

#[test]
fn one_file_parses_json() {
    for path in files("src").iter().filter(|path| name(path).ends_with(".rs")) {
        let (name, found) = (name(path), parsers(&text(path)));
        let is_door = DOORS.iter().any(|(door, _)| *door == name);
        assert_eq!(
            is_door,
            !found.is_empty(),
            "{name} parses JSON by itself: {found:?}; src/json.rs is the door"
        );
    }
}

#[test]
fn a_file_that_parses_by_itself_is_found() {
    let faulty = "let claims: Map<String, Json> = serde_json::from_slice(&body).ok()?;";
    assert_eq!(parsers(faulty), ["serde_json::from_slice"]);
    assert!(parsers("// serde_json::from_slice is not called here").is_empty());
}

/// The features of a dependency that a manifest asks for.
fn features<'a>(manifest: &'a str, crate_name: &str) -> Vec<&'a str> {
    let lines = manifest.lines().filter(|line| line.split(['=', ' ']).next() == Some(crate_name));
    let lists = lines.filter_map(|line| line.split_once("features = [")?.1.split(']').next());
    lists.flat_map(|list| list.split(',').map(|feature| feature.trim().trim_matches('"'))).collect()
}

#[test]
fn no_manifest_opens_a_second_grammar() {
    let manifest = include_str!("../../Cargo.toml");
    let opens = |manifest: &str| {
        features(manifest, "serde_json")
            .iter()
            .any(|feature| ["raw_value", "arbitrary_precision"].contains(feature))
    };
    assert!(!opens(manifest));
    assert!(opens("serde_json = { version = \"1\", features = [\"raw_value\"] }"), "a planted one is found");
}

/// Whoever sends such a key must not get another parser, with a depth of its own: what these tests run is what the Worker
/// runs, since both take the same features of the same crate.
#[test]
fn a_key_of_the_parsers_own_is_a_key_like_any_other() {
    for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        for value in [json!("[1, 2"), json!("17"), json!(17), json!({ "a": [] })] {
            let object = json!({ key: value });
            assert_eq!(json::accept::<Json>(object.to_string()).unwrap(), object);
            assert_eq!(
                json::accept::<Map<String, Json>>(object.to_string()).unwrap(),
                *object.as_object().unwrap()
            );
            assert_eq!(json::read::<Json>(object.to_string()).unwrap(), object);
        }
    }
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn depth_is_counted_outside_of_strings_only() {
    let accepts = |text: &str| json::accept::<Json>(text).is_ok();
    assert!(accepts(&nested(ACCEPTED_DEPTH)) && !accepts(&nested(ACCEPTED_DEPTH + 1)));
    let reads = |text: &str| json::read::<Json>(text).is_ok();
    assert!(reads(&nested(READ_DEPTH)) && !reads(&nested(READ_DEPTH + 1)));
    let brackets = "[{".repeat(5000);
    assert!(accepts(&json!({ "a": brackets, "b\"\\[": ["\\", brackets, "\""] }).to_string()));
    // One after the other is not one in the other.
    assert!(accepts(&format!("[{}]", vec![nested(ACCEPTED_DEPTH - 1); 500].join(","))));
    // Text that is no JSON at all is refused, whatever it counts to.
    for garbage in
        ["]]]][[[[", "\"", "\"\\", "{\"a\":", "[1]]", &"[".repeat(1_000_000), &"{\"a\":".repeat(200_000)]
    {
        assert!(!accepts(garbage));
    }
}

#[test]
fn what_is_accepted_can_be_read_back_from_wherever_it_is_put() {
    let deepest: Json = json::accept(nested(ACCEPTED_DEPTH)).unwrap();
    let shown = json!([{ "row": { "document": { "options": [deepest] } } }]);
    assert!(json::read::<Json>(shown.to_string()).is_ok());
}

#[test]
fn a_token_is_counted_before_it_is_parsed() {
    let token = |header: &str, claims: &str| {
        let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
    };
    let header = r#"{"alg":"RS256","kid":"k","typ":"at+jwt"}"#;
    let claims = |value: &str| format!(r#"{{"iss":"https://a.example/","other":{value}}}"#);
    assert!(Unverified::parse(&token(header, &claims("{}"))).is_some());
    assert!(Unverified::parse(&token(header, &claims(&nested(ACCEPTED_DEPTH - 1)))).is_some());
    assert!(Unverified::parse(&token(header, &claims(&nested(ACCEPTED_DEPTH)))).is_none());
    let deep = format!(r#"{{"alg":"RS256","kid":"k","jwk":{}}}"#, nested(ACCEPTED_DEPTH));
    assert!(Unverified::parse(&token(&deep, &claims("{}"))).is_none());
    assert!(Unverified::parse(&token(header, &claims(&json!("a".repeat(LONGEST)).to_string()))).is_none());
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[\\[\\]{}\",\\\\a-z\u{e4}\u{1f4a3}]{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map("[\\[\\]{}\",:a-z]{0,4}", inner, 0..4)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Rows that are moved are cut out of their list by the letter: what comes out is what went in.
    #[test]
    fn the_items_of_a_list_are_its_items(list in prop::collection::vec(any_json(), 0..6)) {
        let text = Json::from(list.clone()).to_string();
        let items = json::items(&text).unwrap();
        let expected: Vec<String> = list.iter().map(Json::to_string).collect();
        prop_assert_eq!(items, expected);
    }

    /// No text makes the scanners fail, and none that the parser takes is counted as shallower than it is.
    #[test]
    fn any_text_is_counted(text in "[\\[\\]{}\",:\\\\a1]{0,40}") {
        let _ = json::items(&text);
        if let Ok(value) = json::read::<Json>(&text) {
            let depth = depth(&value);
            prop_assert!(json::is_shallow(text.as_bytes(), depth));
            prop_assert!(depth == 0 || !json::is_shallow(text.as_bytes(), depth - 1));
        }
    }
}

fn depth(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}
