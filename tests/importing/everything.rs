//! Every table: what is stored of a record, and what is not.

use super::{
    ask, begin,
    chunks::{acme, contents, with},
    finish, held, send,
};
use gatehouse::{
    http::Method,
    importing::{fingerprint::Sum, tables},
};
use serde_json::{Value as Json, json};

/// One record of every table that can be filled, with something in every column.
pub fn one_of_everything() -> Vec<(&'static str, Json)> {
    let dates = |mut record: Json| {
        record["created_at"] = json!(1);
        record["updated_at"] = json!(2);
        record
    };
    let n = "a".repeat(342);
    vec![
        ("settings", json!({ "document": { "friendly_name": "Acme" }, "updated_at": 1 })),
        (
            "former_keys",
            json!({ "issuer": "http://old.example/", "kid": "k", "algorithm": "RS256", "tenant": "acme",
            "shared": true, "trusted_until": 1_800_000_500_000_i64, "created_at": 1,
            "public_jwk": { "kty": "RSA", "kid": "k", "alg": "RS256", "use": "sig", "n": n, "e": "AQAB" } }),
        ),
        (
            "connections",
            dates(json!({ "id": "con_1", "name": "google", "strategy": "google-oauth2", "document":
            { "options": { "client_id": "g", "client_secret": "SECRET-of-google", "upstream": { "api_key": "SECRET-of-upstream" } } } })),
        ),
        (
            "clients",
            dates(json!({ "client_id": "app", "name": "App", "client_secret": "SECRET-of-app",
            "document": { "app_type": "regular_web", "grant_types": ["authorization_code"], "callbacks": ["https://app.example/"] } })),
        ),
        (
            "resource_servers",
            dates(json!({ "id": "api_1", "identifier": "https://api.example", "name": "API",
            "document": { "scopes": [{ "value": "read" }], "token_lifetime": 3600 } })),
        ),
        (
            "client_grants",
            dates(
                json!({ "client_id": "app", "audience": "https://api.example", "id": "cgr_1", "scope": ["read"],
                    "organization_usage": "require", "allow_any_organization": true }),
            ),
        ),
        ("roles", dates(json!({ "id": "rol_1", "name": "Reader", "description": "Reads" }))),
        (
            "role_permissions",
            json!({ "role_id": "rol_1", "resource_server_identifier": "https://api.example",
            "permission_name": "read", "created_at": 1 }),
        ),
        (
            "organizations",
            dates(
                json!({ "id": "org_1", "name": "team", "display_name": "Team", "document": { "metadata": { "a": "b" } } }),
            ),
        ),
        (
            "organization_connections",
            dates(json!({ "organization_id": "org_1", "connection_id": "con_1",
            "assign_membership_on_login": true, "show_as_button": false, "is_signup_enabled": true })),
        ),
        (
            "users",
            dates(
                json!({ "user_id": "auth0|1", "provider": "auth0", "connection": "google", "email": "a@example.com",
            "email_verified": true, "username": "ada", "phone_number": "+14155550100", "phone_verified": true, "name": "Ada",
            "given_name": "Ada", "family_name": "L", "nickname": "ada", "picture": "https://example.com/a.png",
            "profile": { "locale": "en" }, "user_metadata": { "a": 1.5 }, "app_metadata": { "b": [null] },
            "profile_data": { "hd": "example.com" }, "blocked": false }),
            ),
        ),
        (
            "passwords",
            json!({ "user_id": "auth0|1", "hash": "$2b$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe", "changed_at": 1 }),
        ),
        (
            "password_history",
            json!({ "user_id": "auth0|1", "id": "p1",
            "hash": "$2b$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe", "created_at": 1 }),
        ),
        (
            "authentication_methods",
            dates(
                json!({ "id": "m1", "user_id": "auth0|1", "type": "totp", "name": "Phone", "confirmed": true,
            "secret": "SECRETSEED", "phone_number": "+14155550100", "credential_id": "c", "public_key": "k", "sign_count": 3,
            "backed_up": true, "transports": ["usb"] }),
            ),
        ),
        (
            "user_activity",
            json!({ "user_id": "auth0|1", "last_login": 5, "last_ip": "192.0.2.7", "logins_count": 9 }),
        ),
        (
            "organization_members",
            json!({ "organization_id": "org_1", "user_id": "auth0|1", "created_at": 1 }),
        ),
        (
            "user_roles",
            json!({ "user_id": "auth0|1", "organization_id": "org_1", "role_id": "rol_1", "created_at": 1 }),
        ),
        (
            "user_permissions",
            json!({ "user_id": "auth0|1", "organization_id": "", "resource_server_identifier": "https://api.example",
            "permission_name": "read", "created_at": 1 }),
        ),
        (
            "grants",
            dates(
                json!({ "user_id": "auth0|1", "client_id": "app", "audience": "https://api.example", "id": "g1", "scope": ["read"] }),
            ),
        ),
        (
            "external_ids",
            json!({ "connection_id": "con_1", "user_id": "auth0|1", "external_id": "e", "created_at": 1 }),
        ),
        (
            "organization_invitations",
            json!({ "id": "inv_1", "organization_id": "org_1", "client_id": "app",
            "document": { "invitee": { "email": "b@example.com" } }, "ticket": "SECRET-ticket", "created_at": 1, "expires_at": 2 }),
        ),
        (
            "extensions",
            dates(
                json!({ "kind": "action", "id": "act_1", "name": "Greet", "document": { "code": "exports" },
            "secrets": { "secrets": [{ "name": "k", "value": "SECRET-of-action" }] } }),
            ),
        ),
        ("branding", json!({ "document": { "colors": { "primary": "#fff" } }, "updated_at": 1 })),
        ("page_templates", dates(json!({ "body": "<html>" }))),
        ("themes", dates(json!({ "id": "t", "document": { "fonts": { "title": { "bold": true } } } }))),
        ("prompt_settings", json!({ "document": { "identifier_first": true }, "updated_at": 1 })),
        ("custom_texts", dates(json!({ "prompt": "login", "language": "sv", "texts": { "title": "Hej" } }))),
        (
            "email_providers",
            dates(
                json!({ "name": "mailgun", "enabled": true, "default_from_address": "a@example.com", "settings": {},
            "credentials": { "api_key": "SECRET-of-mail" } }),
            ),
        ),
        ("email_templates", dates(json!({ "template": "verify_email", "document": { "body": "Hi" } }))),
        (
            "custom_domains",
            dates(
                json!({ "id": "cd_1", "domain": "login.acme.example", "is_primary": true, "status": "pending", "document": {} }),
            ),
        ),
        (
            "sessions",
            json!({ "id": "s1", "user_id": "auth0|1", "digest": "-s1", "clients": ["app"], "ip": "192.0.2.7",
            "user_agent": "x", "authenticated_at": 1, "created_at": 1, "used_at": 2, "expires_at": 3, "idle_expires_at": 3, "revoked_at": 3 }),
        ),
        (
            "refresh_tokens",
            json!({ "id": "r1", "lookup": "abc", "digest": "0".repeat(64), "family_id": "f", "client_id": "app",
            "user_id": "auth0|1", "session_id": "s1", "audience": "https://api.example", "scope": "openid", "organization_id": "org_1",
            "rotating": true, "authenticated_at": 1, "created_at": 1, "expires_at": 2, "idle_expires_at": 2, "rotated_at": 2, "revoked_at": 2 }),
        ),
        (
            "logs",
            json!({ "id": "000000000001abc", "type": "s", "date": 1, "user_id": "auth0|1", "client_id": "app", "ip": "192.0.2.7",
            "user_agent": "x", "description": "d", "details": { "a": 1 } }),
        ),
    ]
}

#[test]
fn every_table_holds_what_it_was_sent_and_no_secret_in_clear() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    let everything = one_of_everything();
    let named: Vec<&str> = everything.iter().map(|(table, _)| *table).collect();
    let all: Vec<&str> = tables::TABLES.iter().map(|table| table.name).collect();
    assert_eq!(named, all, "every table is tried");
    for (name, record) in &everything {
        let table = tables::by_name(name).unwrap();
        for column in table.columns {
            assert!(record.get(column.name).is_some() || name == &"users", "{name} has no {}", column.name);
        }
        send(&world, "acme", name, 0, std::slice::from_ref(record)).expect(200);
    }
    for (name, record) in &everything {
        let mut sum = Sum::default();
        sum.add(tables::by_name(name).unwrap(), record.as_object().unwrap());
        assert_eq!(held(&world, "acme", name), (1, sum), "{name}");
    }
    assert!(!contents(&world).contains("SECRET"), "every secret is sealed or digested");
    let log = world.outside.log.borrow().join("\n");
    assert!(!log.contains("SECRET"), "none is logged");
    finish(&world, "acme", &json!({ "users": 1 })).expect(200);
}

#[test]
fn records_are_compared_with_their_rows_one_by_one() {
    let world = acme();
    begin(&world, "acme", false).expect(201);
    let compare = |table: &str, records: &[Json]| {
        let body = json!({ "table": table, "records": records });
        ask(&world, Method::POST, "acme", "/compare", &body).expect(200).json()
    };
    for (name, record) in one_of_everything() {
        send(&world, "acme", name, 0, std::slice::from_ref(&record)).expect(200);
        let answer = json!({ "table": name, "same": 1, "missing": [], "different": [] });
        assert_eq!(compare(name, std::slice::from_ref(&record)), answer);
        let table = tables::by_name(name).unwrap();
        for column in table.columns.iter().skip(table.key) {
            let changed = with(record.clone(), column.name, json!("something else"));
            let answer = compare(name, &[changed]);
            assert_eq!(
                answer["different"],
                json!([{ "key": table.key_of(record.as_object().unwrap()), "columns": [column.name] }])
            );
        }
        if table.key > 0 {
            let other = with(record.clone(), table.columns[0].name, json!("nobody"));
            assert_eq!(compare(name, &[record, other])["missing"].as_array().unwrap().len(), 1, "{name}");
        }
    }
}

#[test]
fn one_changed_cell_changes_the_sum() {
    for (name, record) in one_of_everything() {
        let table = tables::by_name(name).unwrap();
        let sum = |record: &Json| {
            let mut sum = Sum::default();
            sum.add(table, record.as_object().unwrap());
            sum
        };
        let before = sum(&record);
        for column in table.columns.iter().filter(|column| record.get(column.name).is_some()) {
            assert_ne!(
                sum(&with(record.clone(), column.name, json!("something else"))),
                before,
                "{name} {}",
                column.name
            );
            assert_ne!(sum(&with(record.clone(), column.name, Json::Null)), before, "{name} {}", column.name);
        }
    }
}
