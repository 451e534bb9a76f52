//! Tenant settings.

pub mod model;
pub mod store;
mod write;

use super::engine::{self, Default, Inherited, Resource, Verb, field, singleton};
use crate::{
    access::Scope,
    http::shape::{Kind, Member},
};
use model::{IDLE_SESSION_LIFETIME, SESSION_LIFETIME};
use serde_json::json;

const VERBS: [(Verb, Scope); 2] = engine::read_and_update("read:tenant_settings", "update:tenant_settings");

/// What a tenant can set. Null clears, at every level.
pub static SETTINGS: Resource = singleton("/api/v2/tenants/settings", "settings")
    .called("tenant", "tenant settings")
    .verbs(&VERBS)
    .fields(&[
        field("log_retention_days", Kind::Integer(1, 365)).nullable(),
        field("friendly_name", Kind::Text(1, 255)).nullable(),
        field("picture_url", Kind::Url).nullable(),
        field("support_email", Kind::Email).nullable(),
        field("support_url", Kind::Url).nullable(),
        field("sender_email", Kind::Email).nullable(),
        field("sender_name", Kind::Text(1, 255)).nullable(),
        field("session_lifetime", HOURS).nullable().default(Default::Integer(SESSION_LIFETIME)),
        field("session_lifetime_in_minutes", MINUTES).nullable(),
        field("idle_session_lifetime", HOURS).nullable().default(Default::Integer(IDLE_SESSION_LIFETIME)),
        field("idle_session_lifetime_in_minutes", MINUTES).nullable(),
        field("ephemeral_session_lifetime", HOURS).nullable(),
        field("ephemeral_session_lifetime_in_minutes", MINUTES).nullable(),
        field("idle_ephemeral_session_lifetime", HOURS).nullable(),
        field("idle_ephemeral_session_lifetime_in_minutes", MINUTES).nullable(),
        field("session_cookie", Kind::Object(&SESSION_COOKIE)).nullable(),
        field("sessions", Kind::Flags).nullable(),
        field("oidc_logout", Kind::Flags).nullable(),
        field("logout_revokes_refresh_tokens", Kind::Flag).nullable(),
        field("allowed_logout_urls", Kind::List(&Kind::Text(1, 2048), 100)).nullable(),
        field("default_redirection_uri", Kind::Url).nullable(),
        field("default_client_id", Kind::Text(1, 128)).nullable(),
        field("default_audience", Kind::Text(1, 600)).nullable(),
        field("default_directory", Kind::Text(1, 128)).nullable(),
        field("default_organization", Kind::Text(1, 64)).nullable(),
        field("enabled_locales", Kind::List(&Kind::Text(2, 35), 100)).nullable(),
        field("error_page", Kind::Object(&ERROR_PAGE)).nullable(),
        field("change_password", Kind::Object(&PAGE)).nullable(),
        field("guardian_mfa_page", Kind::Object(&PAGE)).nullable(),
        field("mfa", Kind::Object(&MFA)).nullable(),
        field("device_flow", Kind::Object(&DEVICE_FLOW)).nullable(),
        field("flags", Kind::Flags).nullable(),
        field("mtls", Kind::Flags).nullable(),
        field("sandbox_version", Kind::Text(1, 32)).nullable(),
        field("legacy_sandbox_version", Kind::Text(0, 32)).nullable(),
        field("acr_values_supported", Kind::List(&Kind::Text(1, 255), 50)).nullable(),
        field("allow_organization_name_in_authentication_api", Kind::Flag).nullable(),
        field("customize_mfa_in_postlogin_action", Kind::Flag).nullable(),
        field("pushed_authorization_requests_supported", Kind::Flag).nullable(),
        field("authorization_response_iss_parameter_supported", Kind::Flag).nullable(),
        field("skip_non_verifiable_callback_uri_confirmation_prompt", Kind::Flag).nullable(),
    ])
    .inherited(Inherited::Fallback)
    .imported()
    .remembered(|snapshot| json!(snapshot.settings))
    .before_write(write::before);

/// A year: the longest session, in hours.
const YEAR: i64 = 8760;

const HOURS: Kind = Kind::Integer(1, YEAR);
const MINUTES: Kind = Kind::Integer(1, YEAR * 60);
const HTML: Kind = Kind::Text(0, 500_000);

const SESSION_COOKIE: [Member; 1] =
    [Member::new("mode", Kind::Word(&["persistent", "non-persistent"])).or_null()];

const ERROR_PAGE: [Member; 3] = [
    Member::new("html", HTML).or_null(),
    Member::new("show_log_link", Kind::Flag).or_null(),
    Member::new("url", Kind::Url).or_null(),
];

const PAGE: [Member; 2] = [Member::new("enabled", Kind::Flag).or_null(), Member::new("html", HTML).or_null()];

const MFA: [Member; 2] = [
    Member::new("policy", Kind::Word(&["always", "never"])).or_null(),
    Member::new("unsupported_factors", Kind::Word(&["refuse", "ignore"])).or_null(),
];

const DEVICE_FLOW: [Member; 2] = [
    Member::new("charset", Kind::Word(&["base20", "digits"])).or_null(),
    Member::new("mask", Kind::Text(1, 20)).or_null(),
];
