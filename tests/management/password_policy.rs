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
    assert_eq!(check(&json!({ "passwordPolicy": "low" }), "kelpie"), Ok(()));
    for common in ["secret", "147258369", "1q2w3e4r", "zxcvbnm", "admin1", "12345678"] {
        assert_eq!(check(&json!({ "passwordPolicy": "low" }), common), Err(Weakness::TooCommon), "{common}");
    }
    assert_eq!(check(&json!({ "passwordPolicy": "fair" }), "Kelpies7"), Ok(()));
    assert_eq!(check(&json!({ "passwordPolicy": "fair" }), "kelpie-7"), Err(Weakness::TooSimple));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kelpie-7"), Err(Weakness::TooShort(10)));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kelpppies-7"), Err(Weakness::TooCommon));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kelpies-777x"), Err(Weakness::TooCommon));
    assert_eq!(check(&json!({ "passwordPolicy": "excellent" }), "Kelpies-7x7"), Ok(()));
    let longer = json!({ "password_complexity_options": { "min_length": 12 } });
    assert_eq!(check(&longer, "Kelpies-7x7"), Err(Weakness::TooShort(12)));
    assert_eq!(
        check(&json!({ "passwordPolicy": 7 }), "kelpie"),
        Err(Weakness::TooShort(8)),
        "unreadable: the default"
    );
}

#[test]
fn what_leads_every_list_of_leaked_passwords_is_refused_in_whatever_disguise() {
    for password in [
        "Ashley123",
        "Soccer123",
        "Cookie123",
        "Flower123",
        "Purple123",
        "Aa123456",
        "Daniel123",
        "Jesus123",
        "Password1",
        "Passw0rd!",
        "P@ssword123",
        "Qwerty123",
        "Liverpool1",
        "Minecraft1",
        "Blessed1",
        "Abcd1234",
    ] {
        assert_eq!(check(&json!({}), password), Err(Weakness::TooCommon), "{password}");
    }
    for password in ["correct horse battery staple", "Tr0ub4dor", "wandering-Ibex-40", "Vj7#kelpMoor"] {
        assert_eq!(check(&json!({}), password), Ok(()), "{password}");
    }
}

#[test]
fn a_repetition_is_as_good_as_what_it_repeats() {
    for password in [
        "123123123123123",
        "qwertyqwertyqwerty",
        "password password",
        "Password-password-PASSWORD",
        "abcabcabcabcabc",
        "iloveyouiloveyou",
        "Pa55w0rdPa55w0rd",
        "Ab1!Ab1!Ab1!",
    ] {
        assert_eq!(check(&json!({}), password), Err(Weakness::TooCommon), "{password}");
    }
    assert_eq!(check(&json!({}), "kelpMoor7#Vj kelpMoor7#Vj"), Ok(()));
}

#[test]
fn a_tenants_own_name_and_the_words_of_its_dictionary_are_tried_first() {
    let world = World::new();
    world.tenant("acme");
    let admin = world.holder("acme", &world.machine_token(""));
    let post = |email: &str, password: &str| {
        admin.post("users", &json!({ "connection": super::DATABASE, "email": email, "password": password }))
    };
    let refused = post("ann@example.com", "Acme2026!").expect(400).json();
    assert_eq!(refused["errorCode"], "password_too_common");
    post("ann@example.com", "Tr0ub4dor2026!").expect(201);
    let options = json!({ "password_dictionary": { "enable": true, "dictionary": ["Troubador"] } });
    assert_eq!(check(&options, "Tr0ub4dor2026!"), Err(Weakness::TooCommon));
}

#[test]
fn personal_information_is_refused_unless_that_is_switched_off() {
    let off = json!({ "password_no_personal_info": { "enable": false } });
    assert_eq!(check(&off, "Xy7-Jonathan-Xy7"), Ok(()));
    let on = json!({ "password_no_personal_info": { "enable": true } });
    assert_eq!(check(&on, "Xy7-Jonathan-Xy7"), Err(Weakness::Personal));
}

#[test]
fn a_connection_says_how_long_a_user_name_may_be() {
    let world = World::new();
    let admin = world.admin("");
    let connection = admin.get("connections?fields=id").expect(200).json()[0]["id"].clone();
    let path = format!("connections/{}", connection.as_str().unwrap());
    let options = json!({ "validation": { "username": { "min": 3, "max": 5 } } });
    admin.patch(&path, &json!({ "options": options })).expect(200);
    let body =
        |name: &str| json!({ "connection": super::DATABASE, "username": name, "password": "Vj7#kelpMoor" });
    for refused in ["ab", "abcdef"] {
        assert_eq!(admin.post("users", &body(refused)).expect(400).json()["errorCode"], "invalid_body");
    }
    let made = admin.post("users", &body("abcd")).expect(201).json();
    let user = format!("users/{}", made["user_id"].as_str().unwrap().replace('|', "%7C"));
    admin.patch(&user, &json!({ "username": "abcdef" })).expect(400);
    admin.patch(&user, &json!({ "username": "abcde" })).expect(200);
}

#[test]
fn breached_password_detection_refuses_what_the_policy_would_take() {
    let world = World::new();
    let admin = world.admin("");
    let connection = admin.get("connections?fields=id").expect(200).json()[0]["id"].clone();
    let path = format!("connections/{}", connection.as_str().unwrap());
    admin.patch(&path, &json!({ "options": { "passwordPolicy": "none" } })).expect(200);
    let body =
        |email: &str| json!({ "connection": super::DATABASE, "email": email, "password": "Ashley123" });
    admin.post("users", &body("ann@example.com")).expect(201);
    let shields = json!({ "enabled": true, "stage": { "pre-user-registration": { "shields": ["block"] } } });
    admin.patch("attack-protection/breached-password-detection", &shields).expect(200);
    admin.post("users", &body("bob@example.com")).expect(400);
    // Changing one is a stage of its own.
    let ann = admin.get("users?q=email:ann@example.com").expect(200).json()[0]["user_id"].clone();
    let path = format!("users/{}", ann.as_str().unwrap().replace('|', "%7C"));
    let change = json!({ "password": "Ashley123", "connection": super::DATABASE });
    admin.patch(&path, &change).expect(200);
    let shields = json!({ "stage": { "pre-change-password": { "shields": ["block"] } } });
    admin.patch("attack-protection/breached-password-detection", &shields).expect(200);
    admin.patch(&path, &change).expect(400);
    admin.patch("attack-protection/breached-password-detection", &json!({ "enabled": false })).expect(200);
    admin.patch(&path, &change).expect(200);
}

#[test]
fn nobody_starts_with_an_administrator_whose_password_is_known() {
    let world = World::with(&["DIRECTORY", "SHARED"], |name| {
        (name == "ADMIN_PASSWORD").then(|| "Password1".to_owned())
    });
    world.send(crate::support::Ask::get("", "/readyz")).expect(503);
    assert!(world.outside.log.borrow().iter().any(|line| line.contains("ADMIN_PASSWORD is not good enough")));
}

#[test]
fn nobody_signs_up_where_tenants_are_managed_until_an_operator_says_so() {
    let world = World::new();
    world.tenant("acme");
    let shown = |tenant: &str| {
        world.holder(tenant, &world.machine_token("")).get("connections").expect(200).json()[0]["options"]
            .clone()
    };
    assert_eq!(shown("")["disable_signup"], true);
    assert_eq!(shown("acme")["disable_signup"], Json::Null);
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
    assert!(page.contains("or mix lower case"), "{page}");
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
