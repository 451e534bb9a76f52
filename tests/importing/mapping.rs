//! Rows of AuthHero: what each becomes, what is said of what is lost, and what can't be.

use super::{begin, finish, ingest, install, mapped, plan};
use crate::support::{Application, Ask, World};
use gatehouse::{
    cli::authhero::{Becomes, Mapped, Plan, Row, Survey, TABLES, Unsealing, map},
    importing::record::{Note, Problem, Record},
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

const OLD: &str = "http://old.example/";

fn cutover() -> Timestamp {
    Timestamp::from_millis(crate::support::world::BEGINNING)
}

fn acme() -> Plan {
    plan("acme", "acme", OLD, cutover())
}

fn survey(rows: &[(String, Row)]) -> Survey {
    let mut survey = Survey::default();
    for (table, row) in rows {
        assert_eq!(survey.see(table, row), []);
    }
    survey
}

/// One row among those of the install.
fn one(table: &str, row: &Json, plan: &Plan) -> Result<Mapped, Problem> {
    let mut row = row.as_object().unwrap().clone();
    row.entry("tenant_id").or_insert(json!("acme"));
    for name in ["created_at", "updated_at"] {
        row.entry(name).or_insert(json!("2027-01-14T08:00:00.000Z"));
    }
    map(table, &row, plan, &survey(&install::rows()))
}

fn of<'a>(records: &'a BTreeMap<&'static str, Vec<Record>>, table: &str, key: &str, is: &str) -> &'a Record {
    records[table].iter().find(|record| record.values[key] == is).unwrap_or_else(|| panic!("{table} {is}"))
}

#[test]
fn a_row_of_every_table_is_brought_over_and_an_import_of_them_is_whole() {
    let world = World::new();
    world.tenant("acme");
    let rows = install::rows();
    let tables: BTreeSet<&str> = rows.iter().map(|(table, _)| table.as_str()).collect();
    for source in &TABLES {
        let Becomes::Records(destinations) = source.becomes else { continue };
        assert!(tables.contains(source.table), "{} is tried", source.table);
        let of: Vec<_> = rows.iter().filter(|(table, _)| table == source.table).cloned().collect();
        let survey = survey(&rows);
        let made: BTreeSet<&str> = of
            .iter()
            .flat_map(|(table, row)| {
                map(table, row, &acme(), &survey).unwrap_or_else(|why| panic!("{why}")).records
            })
            .map(|record| record.table)
            .collect();
        assert_eq!(made, destinations.iter().copied().collect(), "{}", source.table);
    }
    let (records, notes) = mapped(&rows, &acme());
    begin(&world, "acme", false).expect(201);
    ingest(&world, "acme", &records);
    finish(&world, "acme", &json!({ "users": 4, "passwords": 1, "logs": 1 })).expect(200);
    let contents = world.home("acme").contents("acme");
    assert!(!contents.contains("SECRET"), "no secret is stored in clear");
    assert!(!contents.contains("Globex") && !contents.contains("auth0|9"), "the other tenant is left alone");
    let unknown: Vec<&Note> = notes.iter().filter(|note| note.words.contains("not known:")).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // The person of two identities is shown with both.
    let admin = world.machine_token("");
    let user = Ask::get("", "/api/v2/users/auth0%7C1").header("tenant-id", "acme").bearer(&admin);
    let user = world.send(user).expect(200).json();
    assert_eq!(user["email"], "ada@acme.example");
    assert_eq!(user["identities"][1]["profileData"]["hd"], "acme.example");
    assert_eq!((&user["logins_count"], &user["address"]), (&json!(3), &json!({ "country": "SE" })));
    // Tokens of both forms refresh, with the client's old secret.
    let app = Application {
        tenant: "acme".to_owned(),
        id: "app".to_owned(),
        secret: Some("SECRET-app".to_owned()),
        callback: "https://app.example/cb".to_owned(),
    };
    let next = app.refresh(&world, "rt_aaaaaaaaaa.SECRET-refresh").expect(200).json();
    app.refresh(&world, next["refresh_token"].as_str().unwrap()).expect(200);
    app.refresh(&world, "SECRET-old-style-token").expect(200);
    app.refresh(&world, "SECRET-old-style-token").expect(200);
    for wrong in ["rt_aaaaaaaaaa.SECRET-refresi", "SECRET-old-style-tokeo", "SECRET-old-style-token "] {
        app.refresh(&world, wrong).expect(400);
    }
    // It had been rotated: coming back after the leeway it ends its family.
    world.advance(Lifetime::minutes(5));
    app.refresh(&world, "rt_aaaaaaaaaa.SECRET-refresh").expect(400);
    app.refresh(&world, next["refresh_token"].as_str().unwrap()).expect(400);
}

#[test]
fn what_is_lost_or_changed_is_said() {
    let (records, notes) = mapped(&install::rows(), &acme());
    let said = |table: &str, column: &str| {
        let found = notes.iter().find(|note| note.table == table && note.column == column);
        found.unwrap_or_else(|| panic!("nothing is said of {table}.{column}: {notes:#?}")).words.clone()
    };
    assert!(said("clients", "callbacks").starts_with("http://insecure.example/cb of app must use https"));
    assert!(said("clients", "client_secret").contains("public"));
    assert!(said("clients", "grant_types").contains("client_credentials"));
    assert!(said("resource_servers", "signing_alg").contains("RS256"));
    assert!(said("client_grants", "client_id").contains("no such row of clients"));
    assert!(said("role_permissions", "role_id").contains("no such row of roles"));
    assert!(said("passwords", "user_id").contains("no such user"));
    assert!(said("users", "linked_to").contains("an account of its own"));
    assert!(said("users", "email").contains("case") || said("users", "email").contains("user name"));
    assert!(said("users", "picture").contains("URL"));
    assert!(said("tenants", "support_url").contains("left out"));
    assert!(said("tenants", "attack_protection").contains("not in effect"));
    assert!(said("custom_domains", "status").contains("pending"));
    assert!(said("sessions", "id").contains("signs in again"));
    assert!(said("actions", "").contains("not in effect"));
    // And what is kept is what it was.
    let user = &of(&records, "users", "user_id", "auth0|4").values;
    assert_eq!((user.get("email"), &user["username"]), (None, &json!("no-address")));
    let ours: Vec<&Json> = records["client_grants"].iter().map(|grant| &grant.values["audience"]).collect();
    assert_eq!(
        ours,
        ["https://api.acme.example", "urn:authhero:management", "http://acme.localhost:8787/api/v2/"]
    );
    assert_eq!(records["client_grants"][2].values["scope"], json!(["read:users"]));
    assert_eq!(records["user_permissions"].len(), 2);
    let theme = &records["themes"][0].values["document"];
    assert_eq!(theme["fonts"], json!({ "title": { "bold": true, "size": 150 }, "links_style": "normal" }));
    assert_eq!(theme["borders"], json!({ "show_widget_shadow": false }));
    assert_eq!(
        records["branding"][0].values["document"]["colors"]["page_background"],
        json!({ "angle_deg": 90 })
    );
    assert_eq!(records["refresh_tokens"][0].values["session_id"], "s1");
    let method = &of(&records, "authentication_methods", "id", "m1").values;
    assert_eq!(method["secret"], "JBSWY3DPEHPK3PXP");
    let key = &records["former_keys"][0].values;
    // Two hours is the longest of its APIs; an ID token lives for a day.
    assert_eq!(key["trusted_until"], json!(cutover().plus(Lifetime::days(1)).millis()));
    assert_eq!((&key["kid"], &key["shared"]), (&json!("the-old-kid"), &json!(true)));
}

#[test]
fn what_cannot_be_brought_over_names_table_row_and_column() {
    for (table, key, column, row) in [
        ("users", "nobody", "user_id", json!({ "user_id": "nobody", "connection": "c" })),
        (
            "users",
            "auth0|5",
            "email",
            json!({ "user_id": "auth0|5", "connection": "c", "email": "a b", "username": "x" }),
        ),
        (
            "users",
            "auth0|5",
            "phone_number",
            json!({ "user_id": "auth0|5", "connection": "c", "phone_number": "555" }),
        ),
        (
            "users",
            "auth0|5",
            "app_metadata",
            json!({ "user_id": "auth0|5", "connection": "c", "app_metadata": "{\"cut" }),
        ),
        ("users", "auth0|5", "blocked", json!({ "user_id": "auth0|5", "connection": "c", "blocked": 7 })),
        (
            "users",
            "auth0|5",
            "created_at",
            json!({ "user_id": "auth0|5", "connection": "c", "created_at": "yesterday" }),
        ),
        ("users", "auth0|5", "connection", json!({ "user_id": "auth0|5", "connection": null })),
        (
            "passwords",
            "p",
            "hash",
            json!({ "id": "p", "user_id": "auth0|1", "password": "5f4dcc3b5aa765d61d8327deb882cf99" }),
        ),
        ("clients", "c", "callbacks", json!({ "client_id": "c", "name": "C", "callbacks": "not json" })),
        ("clients", "c", "name", json!({ "client_id": "c", "name": "<script>" })),
        (
            "connections",
            "c",
            "strategy",
            json!({ "id": "c", "name": "c", "strategy": "telepathy", "options": "{}" }),
        ),
        (
            "connections",
            "c",
            "name",
            json!({ "id": "c", "name": "c c", "strategy": "auth0", "options": "{}" }),
        ),
        ("organizations", "o", "name", json!({ "id": "o", "name": "Upper" })),
        (
            "authentication_methods",
            "m",
            "type",
            json!({ "id": "m", "user_id": "auth0|1", "type": "telepathy", "created_at_ts": 1 }),
        ),
        (
            "authentication_methods",
            "m",
            "phone_number",
            json!({ "id": "m", "user_id": "auth0|1", "type": "phone", "created_at_ts": 1 }),
        ),
        (
            "refresh_tokens",
            "x y",
            "id",
            json!({ "id": "x y", "user_id": "auth0|1", "client_id": "app", "resource_servers": "[]" }),
        ),
        (
            "keys",
            "k",
            "cert",
            json!({ "kid": "k", "tenant_id": null, "cert": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END" }),
        ),
        ("logs", "l", "date", json!({ "log_id": "l", "type": "s", "date": "2027-13-01T00:00:00.000Z" })),
    ] {
        let problem = one(table, &row, &acme()).expect_err(&format!("{table} {row}"));
        assert_eq!(
            (problem.table.as_str(), problem.key.as_str(), problem.column.as_str()),
            (table, key, column),
            "{problem}"
        );
        assert!(!problem.words.is_empty());
    }
}

#[test]
fn rows_that_are_there_twice_make_the_whole_source_unfit() {
    let twice = |table: &str, changes: Json, column: &str| {
        let rows = install::rows();
        let mut survey = survey(&rows);
        let mut row = rows.iter().find(|(of, _)| of == table).unwrap().1.clone();
        row.extend(changes.as_object().unwrap().clone());
        let problems = survey.see(table, &row);
        assert!(problems.iter().any(|problem| problem.column == column), "{table}: {problems:?}");
    };
    twice("users", json!({}), "");
    twice("users", json!({ "user_id": "auth0|8", "email": "ADA@acme.example" }), "email");
    twice("users", json!({ "user_id": "auth0|8", "email": "No-Address" }), "email");
    twice("users", json!({ "user_id": "auth0|8", "email": null, "username": "BOB" }), "username");
    twice("passwords", json!({ "id": "p2" }), "user_id");
    twice("connections", json!({ "id": "con_9" }), "name");
    twice("resource_servers", json!({ "id": "api_9" }), "identifier");
    twice("organizations", json!({ "id": "org_9" }), "name");
    twice("roles", json!({ "id": "r9" }), "name");
    twice("client_grants", json!({ "id": "cg9" }), "audience");
    twice("custom_domains", json!({ "custom_domain_id": "cd9" }), "domain");
    let mut survey = Survey::default();
    let problems = survey.see("table_of_tomorrow", &Row::new());
    assert!(problems[0].words.contains("newer than this tool"), "{problems:?}");
}

#[test]
fn a_column_of_tomorrow_is_ignored_and_said_and_one_of_today_may_be_missing() {
    let mapped = one("roles", &json!({ "id": "r7", "name": "R", "colour": "red" }), &acme()).unwrap();
    assert_eq!(mapped.records.len(), 1);
    assert_eq!(mapped.notes, [Note::new("roles", "colour", "is not known: ignored")]);
}

#[test]
fn what_the_source_has_encrypted_is_opened_with_its_key_or_said_to_be_lost() {
    // Made with AES-256-GCM of OpenSSL: the key is 32 times 7, the nonce 12 times 9.
    let key = Unsealing::parse("0707070707070707070707070707070707070707070707070707070707070707").unwrap();
    let client = |secret: &str| json!({ "client_id": "c", "name": "C", "client_secret": secret, "token_endpoint_auth_method": "client_secret_post" });
    let with = |key: Option<Unsealing>, secret: &str| {
        let plan = Plan { key, ..acme() };
        let mapped = one("clients", &client(secret), &plan).unwrap();
        let said = mapped.notes.iter().any(|note| note.column == "client_secret");
        (mapped.records[0].values.get("client_secret").cloned(), said)
    };
    assert_eq!(with(Some(key), ENCRYPTED), (Some(json!("the-secret-in-clear")), false));
    let again = || Unsealing::parse("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    let named = ENCRYPTED.replace("enc:v1:", "enc:v1:key-1:");
    assert_eq!(with(again(), &named), (Some(json!("the-secret-in-clear")), false));
    assert_eq!(with(None, ENCRYPTED), (None, true));
    let other = Unsealing::parse(&"08".repeat(32));
    assert_eq!(with(other, ENCRYPTED), (None, true));
    let mut changed = ENCRYPTED.to_owned();
    changed.replace_range(30..31, "A");
    assert_eq!(with(again(), &changed), (None, true));
    assert_eq!(with(again(), "enc:v1:"), (None, true));
    assert!(["", "short", "zz".repeat(32).as_str()].iter().all(|text| Unsealing::parse(text).is_none()));
}

const ENCRYPTED: &str = "enc:v1:CQkJCQkJCQkJCQkJU-3huc2VohPFFuZRiMfAs7HRETXgmiVsl8IIcqLyaceSCJI";

#[test]
fn only_the_chosen_people_come_along_with_what_is_theirs() {
    let mut plan = acme();
    plan.people = Some(BTreeSet::from(["auth0|3".to_owned()]));
    plan.logs = false;
    let (records, _) = mapped(&install::rows(), &plan);
    let users: Vec<&Json> = records["users"].iter().map(|user| &user.values["user_id"]).collect();
    assert_eq!(users, ["auth0|3"]);
    for table in [
        "passwords",
        "authentication_methods",
        "user_roles",
        "organization_members",
        "sessions",
        "refresh_tokens",
        "logs",
    ] {
        assert!(!records.contains_key(table), "{table}");
    }
    assert!(records.contains_key("clients"));
}

#[test]
fn what_the_tenant_has_already_is_renamed_and_not_sent() {
    let mut plan = acme();
    plan.organizations.insert("org_1".to_owned(), "org_here".to_owned());
    plan.roles.insert("r1".to_owned(), "rol_here".to_owned());
    plan.connections.insert("con_1".to_owned(), "con_here".to_owned());
    plan.keeps_settings = true;
    let (records, _) = mapped(&install::rows(), &plan);
    for table in ["organizations", "roles", "role_permissions", "settings", "branding", "email_providers"] {
        assert!(!records.contains_key(table), "{table}");
    }
    assert_eq!(records["organization_members"][0].values["organization_id"], "org_here");
    assert_eq!(records["user_roles"][1].values["role_id"], "rol_here");
    assert_eq!(records["organization_connections"][0].values["connection_id"], "con_here");
    assert_eq!(records["connections"].len(), 1);
    let mut main = acme();
    main.main = true;
    let (records, notes) = mapped(&install::rows(), &main);
    assert!(
        !records.contains_key("organizations"),
        "an organization of the main tenant comes with its tenant"
    );
    assert!(notes.iter().any(|note| note.table == "organizations"), "{notes:?}");
}

#[test]
fn a_key_on_a_curve_is_read_from_its_certificate_and_from_its_private_half() {
    for row in [
        json!({ "kid": "k", "tenant_id": "acme", "cert": CERTIFICATE, "pkcs7": null }),
        json!({ "kid": "k", "tenant_id": "acme", "cert": null, "pkcs7": PRIVATE }),
    ] {
        let mapped = one("keys", &row, &acme()).unwrap();
        let key = &mapped.records[0].values;
        assert_eq!((&key["algorithm"], &key["shared"]), (&json!("ES256"), &json!(false)));
        let public =
            json!({ "kty": "EC", "kid": "k", "alg": "ES256", "use": "sig", "crv": "P-256", "x": X, "y": Y });
        assert_eq!(key["public_jwk"], public);
    }
    let revoked = json!({ "kid": "k", "tenant_id": "acme", "cert": CERTIFICATE, "revoked_at": "2027-01-14T08:00:00.000Z" });
    assert!(one("keys", &revoked, &acme()).unwrap().records.is_empty());
    let unwanted = Plan { former_issuer: None, ..acme() };
    let key = json!({ "kid": "k", "tenant_id": "acme", "cert": CERTIFICATE });
    assert!(one("keys", &key, &unwanted).unwrap().records.is_empty());
}

/// A key pair that was made for this test, and a certificate of it.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCN1Dqk86FTrzIN6E
jb/b24YtdKpc0GdJaRPL4M6hy7mhRANCAASAXczs91BSZhH2x+Pb/wY921IPQ5uZ
gHG+DqQz9wNXdTa25u5SJXmttVLfL0QCkZ1/9Qr9u7XoJZRDnE734maN
-----END PRIVATE KEY-----";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBczCCARmgAwIBAgIUB/caWtD4H4wUw5i/EbGY6Qit2JwwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEYWNtZTAeFw0yNjExMjQxMzAxMTRaFw0zNjExMjExMzAxMTRa
MA8xDTALBgNVBAMMBGFjbWUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASAXczs
91BSZhH2x+Pb/wY921IPQ5uZgHG+DqQz9wNXdTa25u5SJXmttVLfL0QCkZ1/9Qr9
u7XoJZRDnE734maNo1MwUTAdBgNVHQ4EFgQU95AVG0TZMleRYuhR6H9fcNWNY8Ew
HwYDVR0jBBgwFoAU95AVG0TZMleRYuhR6H9fcNWNY8EwDwYDVR0TAQH/BAUwAwEB
/zAKBggqhkjOPQQDAgNIADBFAiBeJFuAdrzZ3fjE11nivaQtynjonfttx2XfzUDx
CaJkmgIhANF2GR3ggKVOZnzgDUx6S2XTH5plmxSPgR1nK5s4lUQG
-----END CERTIFICATE-----";
const X: &str = "gF3M7PdQUmYR9sfj2_8GPdtSD0ObmYBxvg6kM_cDV3U";
const Y: &str = "Nrbm7lIlea21Ut8vRAKRnX_1Cv27tegllEOcTvfiZo0";

#[test]
fn what_began_before_a_user_was_linked_speaks_for_the_account_over_however_many_links() {
    let mut rows = install::rows();
    let user = |id: &str, to: &str| {
        let mut row = rows.iter().find(|(table, _)| table == "users").unwrap().1.clone();
        for (name, value) in [("user_id", id), ("connection", "google"), ("linked_to", to)] {
            row.insert(name.to_owned(), json!(value));
        }
        row.insert("email".to_owned(), Json::Null);
        ("users".to_owned(), row)
    };
    let more = [
        user("google-oauth2|5", "google-oauth2|2"),
        user("google-oauth2|6", "google-oauth2|7"),
        user("google-oauth2|7", "google-oauth2|6"),
    ];
    rows.splice(0..0, more);
    for (table, row) in &mut rows {
        let user = match table.as_str() {
            "sessions" => "google-oauth2|5",
            "refresh_tokens" => "google-oauth2|2",
            _ => continue,
        };
        row.insert("user_id".to_owned(), json!(user));
    }
    let (records, _) = mapped(&rows, &acme());
    for table in ["sessions", "refresh_tokens"] {
        for record in &records[table] {
            assert_eq!(record.values["user_id"], "auth0|1", "{table}");
        }
    }
    let linked =
        |id: &str| of(&records, "users", "user_id", id).values.get("linked_to").cloned().unwrap_or_default();
    assert_eq!((linked("google-oauth2|2"), linked("google-oauth2|5")), (json!("auth0|1"), json!("auth0|1")));
    assert_eq!(linked("google-oauth2|6"), Json::Null, "links in a circle lead to no account");
}
