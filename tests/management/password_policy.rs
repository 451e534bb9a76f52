//! Which passwords a connection takes.

use crate::support::World;
use gatehouse::{
    id::ConnectionId,
    resources::{
        connections::model::{Connection, Document},
        users::policy::{Policy, Weakness},
    },
    secret::Secret,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn policy(options: &Json) -> Policy {
    Policy::of(&Connection {
        id: ConnectionId::new("con_1"),
        name: "Users".to_owned(),
        strategy: "auth0".to_owned(),
        document: Document { options: options.as_object().unwrap().clone(), ..Document::default() },
    })
}

fn check(options: &Json, password: &str) -> Result<(), Weakness> {
    policy(options).check(&Secret::new(password), Some("jonathan@acme.test"), Some("jonny"))
}

#[test]
fn by_default_three_kinds_of_characters_or_fifteen_of_any() {
    let cases = [
        ("Tr0ub4dor", Ok(())),
        ("correct horse battery", Ok(())),
        ("Sh0rt!", Err(Weakness::TooShort(8))),
        ("", Err(Weakness::TooShort(8))),
        ("onlylowercase", Err(Weakness::TooSimple)),
        ("lower4nddigits", Err(Weakness::TooSimple)),
        ("Password1!", Err(Weakness::TooCommon)),
        ("P@$$w0rd2024", Err(Weakness::TooCommon)),
        ("Welcome123", Err(Weakness::TooCommon)),
        ("Zxcvbnm!9", Err(Weakness::TooCommon)),
        ("@dministrat0R", Err(Weakness::TooCommon)),
        ("Qwertyuiop!!1", Err(Weakness::TooCommon)),
        ("aaaaaaaaaaaaaaaaaaaa", Err(Weakness::TooCommon)),
        ("123456789012345678", Err(Weakness::TooCommon)),
        ("Xy7-Jonathan-Xy7", Err(Weakness::Personal)),
        ("i am called jonny by all", Err(Weakness::Personal)),
    ];
    for (password, expected) in cases {
        assert_eq!(check(&json!({}), password), expected, "{password}");
    }
    assert_eq!(check(&json!({}), &"ab9".repeat(86)), Err(Weakness::TooLong));
    assert_eq!(check(&json!({}), "ÄöüßÄöü1"), Ok(()), "letters of any script have a case");
}

#[test]
fn a_connection_chooses_its_own_level_and_length() {
    assert_eq!(check(&json!({ "passwordPolicy": "none" }), "x"), Ok(()));
    assert_eq!(check(&json!({ "passwordPolicy": "none" }), ""), Err(Weakness::TooShort(1)));
    assert_eq!(check(&json!({ "passwordPolicy": "low" }), "kitten"), Ok(()));
    for common in ["secret", "147258369", "1q2w3e4r", "zxcvbnm", "admin1", "12345678"] {
        assert_eq!(check(&json!({ "passwordPolicy": "low" }), common), Err(Weakness::TooCommon), "{common}");
    }
    assert_eq!(check(&json!({ "passwordPolicy": "fair" }), "Kittens7"), Ok(()));
    assert_eq!(check(&json!({ "passwordPolicy": "fair" }), "kitten-7"), Err(Weakness::TooSimple));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kitten-7"), Err(Weakness::TooShort(10)));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kittttens-7"), Err(Weakness::TooCommon));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kittens-777x"), Err(Weakness::TooCommon));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kittens-7x7"), Ok(()));
    let longer = json!({ "password_complexity_options": { "min_length": 12 } });
    assert_eq!(check(&longer, "Kittens-7x7"), Err(Weakness::TooShort(12)));
    assert_eq!(
        check(&json!({ "passwordPolicy": 7 }), "kitten"),
        Err(Weakness::TooShort(8)),
        "unreadable: the default"
    );
}

#[test]
fn signing_up_and_the_management_api_refuse_alike() {
    let world = World::new();
    let (admin, app, browser) = (world.admin(""), world.application("", &json!({})), world.browser());
    let connection = admin.get("connections?fields=id").expect(200).json()[0]["id"].clone();
    let set = |options: Json| {
        admin
            .patch(&format!("connections/{}", connection.as_str().unwrap()), &json!({ "options": options }))
            .expect(200);
    };
    let tried = |email: &str, password: &str| {
        let page = browser.open(&app.authorize(&[("screen_hint", "signup")]));
        let seen = browser.submit(&page, &[("email", email), ("password", password)]);
        let body = json!({ "connection": super::DATABASE, "email": email, "password": password });
        (seen.page().1.text(), admin.post("users", &body).expect(400).json())
    };
    set(json!({ "password_complexity_options": { "min_length": 12 } }));
    let (page, refused) = tried("ann@acme.test", "Tr0ub4dor-3");
    assert!(page.contains("The password must have at least 12 characters."), "{page}");
    assert!(page.contains("At least 12 characters of several kinds, or 15 of any."), "{page}");
    assert_eq!(refused["errorCode"], "password_too_short");
    assert_eq!(refused["message"], "PasswordStrengthError: The password must have at least 12 characters.");
    set(json!({}));
    let (page, refused) = tried("ann@acme.test", "onlylowercase");
    assert!(page.contains("more kinds of them"), "{page}");
    assert_eq!(refused["errorCode"], "password_too_simple");
}

proptest! {
    #![proptest_config(crate::support::properties())]

    #[test]
    fn a_password_with_the_address_in_it_never_passes(before in "[a-zA-Z0-9!]{0,20}", after in "[a-zA-Z0-9!]{0,20}") {
        let password = format!("{before}JONATHAN{after}");
        let weakness = check(&json!({}), &password);
        prop_assert!(weakness.is_err());
    }

    #[test]
    fn no_password_panics(password in any::<String>(), least in 0_u64..300) {
        let options = json!({ "password_complexity_options": { "min_length": least } });
        let _ = check(&options, &password);
    }
}
