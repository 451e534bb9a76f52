//! What the source says of second factors, and what is asked for here because of it.

use super::{install, mapped, plan};
use crate::support::world::BEGINNING;
use gatehouse::time::Timestamp;
use serde_json::{Value as Json, json};

/// The settings that the tenant `acme` of the install gets whose `mfa` is this, and what is said of its people's factors.
fn with(mfa: &Json, ignore: bool) -> (Json, Vec<String>) {
    let mut rows = install::rows();
    for (_, row) in rows.iter_mut().filter(|(table, _)| table == "tenants") {
        row.insert("mfa".to_owned(), mfa.clone());
    }
    let mut plan = plan("acme", "acme", "http://old.example/", Timestamp::from_millis(BEGINNING));
    plan.ignores_unsupported_factors = ignore;
    let (records, notes) = mapped(&rows, &plan);
    let about = |note: &&gatehouse::importing::record::Note| {
        note.table == "authentication_methods" || note.column == "mfa"
    };
    let said = notes.iter().filter(about).map(|note| note.words.clone()).collect();
    (records["settings"][0].values["document"]["mfa"].clone(), said)
}

#[test]
fn who_was_asked_is_asked_and_who_never_was_is_not() {
    for (mfa, policy) in [
        (Json::Null, "never"),
        (json!("{}"), "never"),
        (json!(r#"{"policy":"never","factors":{"otp":true}}"#), "never"),
        (json!(r#"{"policy":"always","factors":{"otp":false,"sms":false}}"#), "never"),
        (json!(r#"{"policy":"always","factors":{"otp":true}}"#), "always"),
        (json!(r#"{"policy":"always","factors":{"sms":true}}"#), "always"),
        // Nothing says that it was not asked for.
        (json!(r#"{"policy":"always"}"#), "always"),
    ] {
        assert_eq!(
            with(&mfa, false).0,
            json!({ "policy": policy, "unsupported_factors": "refuse" }),
            "{mfa}"
        );
    }
}

#[test]
fn the_operator_is_told_who_will_not_get_in_and_may_decide_otherwise() {
    let asked = json!(r#"{"policy":"always","factors":{"otp":true}}"#);
    let (settings, said) = with(&asked, false);
    assert_eq!(settings["unsupported_factors"], "refuse");
    assert!(
        said.iter()
            .any(|words| words.contains("a passkey can't be checked") && words.contains("can't sign in"))
    );
    assert!(said.iter().any(|words| words.contains("asked for here as well")));
    assert!(!said.iter().any(|words| words.contains("a totp")), "codes are checked: {said:?}");
    let (settings, said) = with(&asked, true);
    assert_eq!(settings["unsupported_factors"], "ignore");
    assert!(said.iter().any(|words| words.contains("a passkey") && words.contains("the password alone")));
}

/// A seed that nobody can open must not turn into no second factor at all.
#[test]
fn an_authenticator_whose_seed_is_lost_is_kept_without_it() {
    let mut rows = install::rows();
    for (_, row) in
        rows.iter_mut().filter(|(table, row)| table == "authentication_methods" && row["id"] == "m1")
    {
        row.insert(
            "totp_secret".to_owned(),
            json!("enc:v1:CQkJCQkJCQkJCQkJU-3huc2VohPFFuZRiMfAs7HRETXgmiVsl8IIcqLyaceSCJI"),
        );
    }
    let plan = plan("acme", "acme", "http://old.example/", Timestamp::from_millis(BEGINNING));
    let (records, notes) = mapped(&rows, &plan);
    let kept = records["authentication_methods"].iter().find(|record| record.values["id"] == "m1").unwrap();
    assert_eq!((kept.values.get("secret"), &kept.values["confirmed"]), (None, &json!(true)));
    assert!(notes.iter().any(|note| note.words.contains("a totp can't be checked here yet")));
}
