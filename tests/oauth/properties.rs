//! What must hold for every URL and every verifier.

use gatehouse::{
    oauth::{pkce::Challenge, redirect::RedirectTarget},
    resources::clients::model::AppType,
};
use proptest::prelude::*;

use crate::support::{browser::challenge, properties};

/// URLs that look alike: pieces from which attacks are made.
fn look_alike() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["https://", "http://", "HTTPS://", "javascript:", "//", ""]);
    let host = prop::sample::select(vec![
        "app.example",
        "app.example.",
        "APP.example",
        "app.example:443",
        "app.example@evil.example",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:80",
        "localhost:3000",
        "[::1]:9",
        "app.example.evil.example",
    ]);
    let path = prop::sample::select(vec![
        "", "/", "/cb", "/cb/", "/CB", "/cb/../x", "/cb%2e", "/cb?x=1", "/cb#x", "/cb\n",
    ]);
    (scheme, host, path).prop_map(|(scheme, host, path)| format!("{scheme}{host}{path}"))
}

fn any_app() -> impl Strategy<Value = AppType> {
    prop::sample::select(vec![AppType::Native, AppType::Spa, AppType::RegularWeb, AppType::NonInteractive])
}

proptest! {
    #![proptest_config(properties())]

    #[test]
    fn what_matches_is_registered_letter_by_letter_or_a_loopback_of_a_native_app(
        url in look_alike(), registered in prop::collection::vec(look_alike(), 0..4), app in any_app(),
    ) {
        if let Some(target) = RedirectTarget::matching(&url, &registered, app, None) {
            prop_assert_eq!(target.as_str(), url.as_str());
            let parsed = url::Url::parse(&url).unwrap();
            prop_assert!(parsed.fragment().is_none() && parsed.scheme() != "javascript");
            if !registered.contains(&url) {
                prop_assert_eq!(app, AppType::Native);
                prop_assert!(url.starts_with("http://"));
                prop_assert!(["127.0.0.1", "localhost", "[::1]"].contains(&parsed.host_str().unwrap()));
                prop_assert!(parsed.username().is_empty() && parsed.password().is_none());
            }
        }
    }

    #[test]
    fn an_answer_goes_to_the_target_whatever_it_says(state in ".*", error in ".*") {
        let registered = vec!["https://app.example/cb?a=1".to_owned()];
        let target = RedirectTarget::matching(&registered[0], &registered, AppType::Spa, None).unwrap();
        let url = url::Url::parse(&target.with(&[("error", &error), ("state", &state)])).unwrap();
        prop_assert_eq!(url.origin().ascii_serialization(), "https://app.example");
        prop_assert_eq!(url.path(), "/cb");
        prop_assert!(url.fragment().is_none());
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let expected = [("a", "1"), ("error", &error), ("state", &state)];
        prop_assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
    }

    #[test]
    fn only_the_verifier_meets_its_challenge(
        verifier in "[A-Za-z0-9._~-]{43,128}", other in "[A-Za-z0-9._~-]{0,140}",
    ) {
        let challenge = Challenge::read(Some(&challenge(&verifier)), Some("S256")).unwrap().unwrap();
        prop_assert!(challenge.is_met_by(&verifier));
        prop_assert_eq!(challenge.is_met_by(&other), other == verifier);
    }

    #[test]
    fn a_challenge_that_is_no_digest_is_refused(text in ".{0,60}", method in prop::option::of("plain|S256|s256|")) {
        let read = Challenge::read(Some(&text), method.as_deref());
        if read.is_ok() {
            prop_assert!(method.as_deref() == Some("S256") && text.len() == 43);
        }
    }
}
