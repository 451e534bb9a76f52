//! An install with a row in every table that is brought over: those of the tenant `acme`, and a tenant that is left alone.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use gatehouse::cli::authhero::Row;
use serde_json::{Value as Json, json};

/// The day before the world begins, as one half of the source writes it.
const THEN: &str = "2027-01-14T08:00:00.000Z";

/// The same, as the other half does.
const THEN_TS: i64 = 1_799_913_600_000;

/// Not expired when the world begins.
const LATER_TS: i64 = THEN_TS + 30 * 86_400_000;

/// A private key in the source's form: PEM whose lines end with a carriage return too.
fn private_key() -> String {
    let keys: Json = serde_json::from_str(include_str!("../support/keys.json")).unwrap();
    let der = Base64UrlUnpadded::decode_vec(keys[0]["pkcs8"].as_str().unwrap()).unwrap();
    let body = Base64::encode_string(&der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PRIVATE KEY-----\r\n{}\r\n-----END PRIVATE KEY-----\r\n", lines.join("\r\n"))
}

/// The rows, by table.
pub fn rows() -> Vec<(String, Row)> {
    let mut rows = configuration();
    rows.extend(people());
    rows.extend(rest());
    let dates = |row: &mut Json, ts: bool| {
        let names = if ts { ["created_at_ts", "updated_at_ts"] } else { ["created_at", "updated_at"] };
        for name in names {
            row[name] = if ts { json!(THEN_TS) } else { json!(THEN) };
        }
    };
    let in_milliseconds = [
        "authentication_methods",
        "custom_text",
        "universal_login_templates",
        "hook_code",
        "actions",
        "action_versions",
        "hooks",
        "client_registration_tokens",
        "sessions",
        "refresh_tokens",
    ];
    let unchanging = [
        "role_permissions",
        "user_roles",
        "user_permissions",
        "invites",
        "scim_external_ids",
        "refresh_tokens",
    ];
    let dateless = ["branding", "prompt_settings", "user_activity", "keys", "logs"];
    let row = |(table, mut row): (&str, Json)| {
        if table != "tenants" && row.get("tenant_id").is_none() {
            row["tenant_id"] = json!("acme");
        }
        if !dateless.contains(&table) {
            dates(&mut row, in_milliseconds.contains(&table));
        }
        if unchanging.contains(&table) {
            row.as_object_mut().unwrap().retain(|name, _| !name.starts_with("updated_at"));
        }
        (table.to_owned(), row.as_object().unwrap().clone())
    };
    rows.into_iter().map(row).collect()
}

fn configuration() -> Vec<(&'static str, Json)> {
    vec![
        (
            "tenants",
            json!({ "id": "acme", "friendly_name": "Acme", "audience": "urn:authhero:tenant:acme",
            "sender_email": "no-reply@acme.example", "session_lifetime": 48, "flags": "{\"inherit\":true}",
            "enabled_locales": "[\"en\",\"sv\"]", "attack_protection": "{\"brute_force\":{\"enabled\":true}}",
            "support_url": "not a url", "provisioning_state": "ready" }),
        ),
        ("tenants", json!({ "id": "globex", "friendly_name": "Globex" })),
        (
            "keys",
            json!({ "kid": "the-old-kid", "tenant_id": null, "created_at": "Thu Jan 14 2027", "pkcs7": private_key(),
            "cert": null, "fingerprint": "x", "thumbprint": "y", "type": "jwt_signing" }),
        ),
        (
            "connections",
            json!({ "id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0",
            "options": "{\"brute_force_protection\":true}", "is_system": 1, "response_type": "code" }),
        ),
        (
            "connections",
            json!({ "id": "con_2", "name": "google", "strategy": "google-oauth2", "show_as_button": 1,
            "options": "{\"client_id\":\"g\",\"client_secret\":\"SECRET-google\"}" }),
        ),
        (
            "clients",
            json!({ "client_id": "app", "name": "App", "client_secret": "SECRET-app", "app_type": "regular_web",
            "callbacks": "[\"https://app.example/cb\",\"http://insecure.example/cb\"]", "allowed_logout_urls": "[]", "web_origins": "[]",
            "allowed_origins": "[]", "grant_types": "[\"authorization_code\",\"refresh_token\",\"client_credentials\"]",
            "token_endpoint_auth_method": "client_secret_basic", "client_metadata": "{\"version\":2}", "addons": "{}",
            "refresh_token": "{\"rotation_type\":\"rotating\",\"leeway\":10}", "jwt_configuration": "{\"alg\":\"RS256\"}",
            "connections": "[\"con_1\"]", "is_first_party": 1, "sso": 0, "logo_uri": "https://app.example/logo.png" }),
        ),
        (
            "clients",
            json!({ "client_id": "spa", "name": "Page", "client_secret": "SECRET-spa", "app_type": "spa",
            "callbacks": "[]", "allowed_logout_urls": "[]", "web_origins": "[]", "allowed_origins": "[]",
            "grant_types": "[\"authorization_code\",\"client_credentials\"]", "token_endpoint_auth_method": "none" }),
        ),
        (
            "resource_servers",
            json!({ "id": "api_1", "identifier": "https://api.acme.example", "name": "API", "token_lifetime": 7200,
            "token_lifetime_for_web": 3600, "signing_alg": "HS256", "signing_secret": "SECRET-api", "allow_offline_access": 1,
            "scopes": "[{\"value\":\"read\",\"description\":\"r\"},{\"value\":\"read\"}]", "options": "{\"enforce_policies\":true}" }),
        ),
        (
            "resource_servers",
            json!({ "id": "api_2", "identifier": "urn:authhero:management", "name": "Management",
            "scopes": "[{\"value\":\"read:users\"},{\"value\":\"read:nothing\"}]", "options": "{}" }),
        ),
        (
            "client_grants",
            json!({ "id": "cg1", "client_id": "app", "audience": "https://api.acme.example", "scope": "[\"read\"]" }),
        ),
        (
            "client_grants",
            json!({ "id": "cg2", "client_id": "app", "audience": "urn:authhero:management",
            "scope": "[\"read:users\",\"read:nothing\"]" }),
        ),
        (
            "client_grants",
            json!({ "id": "cg3", "client_id": "gone", "audience": "https://api.acme.example", "scope": "[]" }),
        ),
        (
            "roles",
            json!({ "id": "r1", "name": "Reader", "description": "Reads", "is_system": 0, "metadata": "{}" }),
        ),
        (
            "role_permissions",
            json!({ "role_id": "r1", "resource_server_identifier": "https://api.acme.example", "permission_name": "read" }),
        ),
        (
            "role_permissions",
            json!({ "role_id": "gone", "resource_server_identifier": "https://api.acme.example", "permission_name": "read" }),
        ),
        (
            "organizations",
            json!({ "id": "org_1", "name": "team", "display_name": "Team", "branding": "{\"logo_url\":\"https://x.example/\"}",
            "metadata": "{\"size\":3}", "enabled_connections": "[]", "token_quota": "{}" }),
        ),
        (
            "organization_connections",
            json!({ "organization_id": "org_1", "connection_id": "con_1", "assign_membership_on_login": 1,
            "show_as_button": 1, "is_signup_enabled": 0 }),
        ),
    ]
}

fn people() -> Vec<(&'static str, Json)> {
    let hash = "$2b$04$abcdefghijklmnopqrstuuhsDVPq3IGy4DFdi1FhiOm5fQIAlqwWe";
    let user = |id: &str, more: Json| {
        let mut user = json!({ "user_id": id, "provider": "auth0", "connection": "Username-Password-Authentication",
            "email_verified": 1, "is_social": 0, "app_metadata": "{}", "user_metadata": null, "blocked": 0 });
        for (name, value) in more.as_object().unwrap() {
            user[name] = value.clone();
        }
        ("users", user)
    };
    vec![
        user(
            "auth0|1",
            json!({ "email": "Ada@Acme.Example", "name": "Ada", "picture": "data:nonsense", "locale": "en",
            "app_metadata": "{\"plan\":\"pro\"}", "address": "{\"country\":\"SE\"}", "registration_completed_at": THEN }),
        ),
        user(
            "google-oauth2|2",
            json!({ "provider": "google-oauth2", "connection": "google", "is_social": 1, "email": "ada@gmail.example",
            "linked_to": "auth0|1", "profileData": "{\"hd\":\"acme.example\"}" }),
        ),
        user("auth0|3", json!({ "username": "bob", "linked_to": "auth0|gone" })),
        user("auth0|4", json!({ "email": "no-address" })),
        user("auth0|9", json!({ "tenant_id": "globex", "email": "ada@acme.example" })),
        (
            "passwords",
            json!({ "id": "p1", "user_id": "auth0|1", "password": hash, "algorithm": "bcrypt", "is_current": 1 }),
        ),
        (
            "passwords",
            json!({ "id": "p0", "user_id": "auth0|1", "password": hash, "algorithm": "bcrypt", "is_current": 0 }),
        ),
        (
            "passwords",
            json!({ "id": "p9", "user_id": "auth0|gone", "password": hash, "algorithm": "bcrypt", "is_current": 1 }),
        ),
        (
            "authentication_methods",
            json!({ "id": "m1", "user_id": "auth0|1", "type": "totp", "totp_secret": "jbsw y3dp ehpk 3pxp", "confirmed": 1 }),
        ),
        (
            "authentication_methods",
            json!({ "id": "m2", "user_id": "auth0|1", "type": "passkey", "credential_id": "Y3JlZA", "public_key": "a2V5",
            "sign_count": 4, "credential_backed_up": 1, "transports": "[\"internal\"]", "friendly_name": "Laptop", "confirmed": 1 }),
        ),
        (
            "user_activity",
            json!({ "user_id": "auth0|1", "last_login": THEN, "last_ip": "192.0.2.9", "login_count": 3,
            "failed_logins": format!("[\"{THEN}\"]"), "last_password_reset": null }),
        ),
        ("user_activity", json!({ "user_id": "auth0|3", "login_count": 0, "last_ip": "" })),
        ("user_organizations", json!({ "id": "uo1", "user_id": "auth0|1", "organization_id": "org_1" })),
        ("user_roles", json!({ "user_id": "auth0|1", "role_id": "r1", "organization_id": "" })),
        ("user_roles", json!({ "user_id": "auth0|1", "role_id": "r1", "organization_id": "org_1" })),
        (
            "user_permissions",
            json!({ "user_id": "auth0|1", "resource_server_identifier": "urn:authhero:management",
            "permission_name": "read:users", "organization_id": "" }),
        ),
        (
            "grants",
            json!({ "id": "g1", "user_id": "auth0|1", "client_id": "app", "audience": "", "scope": "[\"openid\",\"openid\"]" }),
        ),
        (
            "scim_external_ids",
            json!({ "connection_id": "con_2", "external_id": "e1", "user_id": "google-oauth2|2" }),
        ),
        (
            "invites",
            json!({ "id": "inv_1", "organization_id": "org_1", "inviter": "{\"name\":\"Ada\"}", "invitee": "{\"email\":\"c@d.example\"}",
            "client_id": "app", "invitation_url": "https://x.example/?ticket=SECRET-ticket", "ticket_id": "SECRET-ticket",
            "expires_at": "2027-02-14T08:00:00.000Z", "roles": "[\"r1\"]", "ttl_sec": 3600, "send_invitation_email": 1 }),
        ),
    ]
}

fn rest() -> Vec<(&'static str, Json)> {
    vec![
        ("hook_code", json!({ "id": "hc_1", "code": "exports", "secrets": "{\"k\":\"SECRET-hook\"}" })),
        (
            "actions",
            json!({ "id": "act_1", "name": "Greet", "code": "exports", "runtime": "node18", "status": "built",
            "secrets": "[{\"name\":\"k\",\"value\":\"SECRET-action\"}]", "dependencies": "[]", "is_system": 0, "inherit": 0 }),
        ),
        (
            "action_versions",
            json!({ "id": "ver_1", "action_id": "act_1", "number": 1, "code": "exports", "deployed": 1 }),
        ),
        (
            "hooks",
            json!({ "hook_id": "h_1", "trigger_id": "post-user-login", "enabled": 1, "synchronous": 0, "url": "https://hook.example/" }),
        ),
        ("forms", json!({ "id": "f1", "name": "Form", "nodes": "[]", "start": "{}" })),
        ("flows", json!({ "id": "af_1", "name": "Flow", "actions": "[]" })),
        (
            "log_streams",
            json!({ "id": "lst_1", "name": "Stream", "type": "http", "status": "active", "sink": "{\"token\":\"SECRET-sink\"}" }),
        ),
        (
            "migration_sources",
            json!({ "id": "mig_1", "name": "Old", "provider": "auth0", "connection": "google", "enabled": 1,
            "credentials": "{\"client_secret\":\"SECRET-source\"}" }),
        ),
        (
            "scim_configurations",
            json!({ "connection_id": "con_2", "user_id_attribute": "externalId", "mapping": "[]" }),
        ),
        (
            "scim_tokens",
            json!({ "token_id": "t1", "connection_id": "con_2", "token_hash": "0".repeat(64), "scopes": "[]", "valid_until": THEN }),
        ),
        (
            "client_registration_tokens",
            json!({ "id": "crt1", "token_hash": "0".repeat(64), "type": "iat", "single_use": 1 }),
        ),
        (
            "proxy_routes",
            json!({ "id": "pr1", "custom_domain_id": "cd1", "priority": 100, "match": "{\"path\":\"/*\"}", "handlers": "[]" }),
        ),
        (
            "branding",
            json!({ "logo_url": "https://x.example/l.png", "colors_primary": "#fff", "colors_page_background_angle_dev": 90, "font_url": null }),
        ),
        ("universal_login_templates", json!({ "body": "<html>{{ page }}</html>" })),
        (
            "themes",
            json!({ "themeId": "t1", "displayName": "Dark", "colors_primary_button": "#000", "fonts_title_bold": 1, "fonts_title_size": 150,
            "fonts_links_style": "normal", "borders_show_widget_shadow": 0, "widget_logo_height": 52, "page_background_page_layout": "center" }),
        ),
        (
            "prompt_settings",
            json!({ "universal_login_experience": "new", "identifier_first": 1, "password_first": 0 }),
        ),
        (
            "custom_text",
            json!({ "prompt": "login", "language": "sv", "custom_text": "{\"login\":{\"title\":\"Hej\"}}" }),
        ),
        (
            "email_providers",
            json!({ "name": "mailgun", "enabled": 1, "default_from_address": "a@acme.example",
            "credentials": "{\"api_key\":\"SECRET-mail\"}", "settings": "{}" }),
        ),
        (
            "email_templates",
            json!({ "template": "verify_email", "body": "Hi", "from": "a@acme.example", "subject": "S", "syntax": "liquid", "enabled": 1 }),
        ),
        (
            "custom_domains",
            json!({ "custom_domain_id": "cd1", "domain": "Login.Acme.Example", "primary": 1, "status": "ready",
            "type": "auth0_managed_certs", "verification": "{\"methods\":[]}" }),
        ),
        (
            "sessions",
            json!({ "id": "s1", "user_id": "auth0|1", "device": "{\"last_ip\":\"192.0.2.9\"}", "clients": "[\"app\"]",
            "login_session_id": "l1", "authenticated_at_ts": THEN_TS }),
        ),
        (
            "refresh_tokens",
            json!({ "id": "rt1", "client_id": "app", "user_id": "auth0|1", "rotating": 1, "login_id": "l1", "family_id": "rt1",
            "resource_servers": "[{\"audience\":\"https://api.acme.example\",\"scopes\":\"openid offline_access\"}]", "device": "{}",
            "token_lookup": "aaaaaaaaaa", "token_hash": gatehouse::secret::Secret::new("SECRET-refresh").digest().as_str(), "expires_at_ts": LATER_TS }),
        ),
        (
            "refresh_tokens",
            json!({ "id": "SECRET-old-style-token", "client_id": "app", "user_id": "auth0|1", "rotating": 0, "login_id": "l0",
            "resource_servers": "[{\"audience\":\"https://api.acme.example\",\"scopes\":\"openid\"}]", "device": "{}" }),
        ),
        (
            "logs",
            json!({ "log_id": "l1", "type": "s", "date": THEN, "user_id": "auth0|1", "client_id": "", "details": "{\"a\":\"cut of",
            "isMobile": 0, "connection": "google", "hostname": "old.example" }),
        ),
    ]
}
