//! What each member of a body does. A setting that is taken and does nothing misleads whoever sets it, so every member that a
//! body can have stands here, with the test that shows its effect, or with the word that it has none; and what has none says
//! so in the description of the API.

use super::{
    attack_protection, client_grants, clients, connections, engine::Resource, organizations,
    resource_servers, settings,
};
use crate::http::shape::{Kind, Member};
use std::fmt::Write as _;

/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changes some answer: this test shows it.
    Tested(&'static str),
    /// It is for people, and for programs that read it back. Nobody expects a rule of it.
    Shown,
    /// It is kept and can be read back; nothing here goes by it yet.
    Kept,
}

/// A body: what it can have, and what that does.
pub struct Body {
    /// The routes that take it, behind `/api/v2/`.
    pub paths: &'static [&'static str],
    /// The plain resource whose declaration it is checked against.
    pub of: Option<&'static Resource>,
    /// The tables that it is checked against besides, each behind the path at which it holds (empty: the body itself).
    pub members: &'static [(&'static str, &'static [Member])],
    /// What they do. The path of a member in an object has dots.
    pub effects: &'static [(&'static str, Effect)],
    /// Words that a member takes and that do nothing.
    pub idle_words: &'static [&'static str],
}

use Effect::{Kept, Shown, Tested};

/// All bodies that set something.
pub static BODIES: [Body; 9] = [
    Body {
        idle_words: &NOTIFICATIONS,
        ..of(&["attack-protection/breached-password-detection"], &attack_protection::BREACHED, &BREACHED)
    },
    Body {
        idle_words: &["user_notification of shields"],
        ..of(&["attack-protection/brute-force-protection"], &attack_protection::BRUTE_FORCE, &BRUTE_FORCE)
    },
    Body {
        idle_words: &["admin_notification of shields"],
        ..of(
            &["attack-protection/suspicious-ip-throttling"],
            &attack_protection::SUSPICIOUS_IP,
            &SUSPICIOUS_IP,
        )
    },
    Body {
        paths: &["clients", "clients/{id}"],
        of: None,
        members: &[("", &clients::model::MEMBERS)],
        effects: &CLIENT,
        idle_words: &[],
    },
    of(&["client-grants", "client-grants/{id}"], &client_grants::CLIENT_GRANTS, &CLIENT_GRANT),
    Body {
        members: &[("options.", &connections::model::OPTIONS)],
        ..of(&["connections", "connections/{id}"], &connections::CONNECTIONS, &CONNECTION)
    },
    of(&["organizations", "organizations/{id}"], &organizations::ORGANIZATIONS, &ORGANIZATION),
    of(&["resource-servers", "resource-servers/{id}"], &resource_servers::RESOURCE_SERVERS, &RESOURCE_SERVER),
    of(&["tenants/settings"], &settings::SETTINGS, &SETTINGS),
];

/// The body of a plain resource.
const fn of(
    paths: &'static [&'static str],
    resource: &'static Resource,
    effects: &'static [(&'static str, Effect)],
) -> Body {
    Body { paths, of: Some(resource), members: &[], effects, idle_words: &[] }
}

impl Body {
    /// The path of every member that it can have, those of objects too.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let fields = self.of.map(|resource| resource.fields).unwrap_or_default();
        for field in fields.iter().filter(|field| !field.computed) {
            walk("", &[field.member], &mut names);
        }
        for (path, members) in self.members {
            walk(path, members, &mut names);
        }
        names
    }
}

fn walk(path: &str, members: &[Member], names: &mut Vec<String>) {
    for member in members {
        let name = format!("{path}{}", member.name);
        let inner = match member.kind {
            Kind::Object(inner) => Some(inner),
            Kind::List(Kind::Object(inner), _) => Some(*inner),
            _ => None,
        };
        names.push(name.clone());
        if let Some(inner) = inner {
            walk(&format!("{name}."), inner, names);
        }
    }
}

/// What the description of an operation says of its body: what is kept without effect.
pub fn note(path: &str) -> Option<String> {
    let path = path.strip_prefix("/api/v2/")?;
    if super::RESOURCES.iter().any(|resource| resource.kept && is_at(resource, path)) {
        return Some("Kept, not in effect.".to_owned());
    }
    let body = BODIES.iter().find(|body| body.paths.contains(&path))?;
    let mut note = String::new();
    let kept = body.effects.iter().filter(|(_, effect)| *effect == Kept).map(|(name, _)| name);
    for name in kept.chain(body.idle_words) {
        let begin = if note.is_empty() { "Kept, not in effect: " } else { ", " };
        let _ = write!(note, "{begin}{name}");
    }
    (!note.is_empty()).then(|| note + ".")
}

fn is_at(resource: &Resource, path: &str) -> bool {
    [resource.path, resource.one].iter().any(|at| at.strip_prefix("/api/v2/") == Some(path))
}

const BACKCHANNEL: Effect =
    Tested("oauth::backchannel::every_application_of_a_session_is_told_with_a_logout_token_of_its_own");
const DEFAULT_ORGANIZATION: Effect =
    Tested("management::organization_grants::a_machine_may_have_an_organization_by_default");
const LIFE: Effect = Tested("management::effects::a_client_says_how_long_its_refresh_tokens_live");
const POLICIES: Effect = Tested(
    "oauth::targets::a_refresh_token_serves_another_api_that_the_clients_policies_name_in_one_round_trip",
);

const LOCKS: Effect = Tested("limits::accounts::a_tenant_can_have_it_otherwise");
const BREACHES: Effect =
    Tested("management::password_policy::breached_password_detection_refuses_what_the_policy_would_take");

/// Nothing here sends mail.
const NOTIFICATIONS: [&str; 1] = ["admin_notification of the shields of stage"];

const BREACHED: [(&str, Effect); 9] = [
    ("enabled", BREACHES),
    ("shields", Kept),
    ("admin_notification_frequency", Kept),
    ("method", Kept),
    ("stage", BREACHES),
    ("stage.pre-user-registration", BREACHES),
    ("stage.pre-user-registration.shields", BREACHES),
    ("stage.pre-change-password", BREACHES),
    ("stage.pre-change-password.shields", BREACHES),
];

const BRUTE_FORCE: [(&str, Effect); 5] =
    [("enabled", LOCKS), ("shields", LOCKS), ("allowlist", LOCKS), ("mode", LOCKS), ("max_attempts", LOCKS)];

const SIGNUPS: Effect = Tested("limits::signups::a_tenant_says_how_many_accounts_a_network_makes");

const SUSPICIOUS_IP: [(&str, Effect); 10] = [
    ("enabled", LOCKS),
    ("shields", LOCKS),
    ("allowlist", LOCKS),
    ("stage", LOCKS),
    ("stage.pre-login", LOCKS),
    ("stage.pre-login.max_attempts", LOCKS),
    ("stage.pre-login.rate", LOCKS),
    ("stage.pre-user-registration", SIGNUPS),
    ("stage.pre-user-registration.max_attempts", SIGNUPS),
    ("stage.pre-user-registration.rate", SIGNUPS),
];

const BY_KEY: Effect =
    Tested("oauth::private_key_jwt::a_client_with_a_key_proves_who_it_is_by_what_it_signs");

const CLIENT: [(&str, Effect); 83] = [
    ("name", Shown),
    ("description", Shown),
    ("logo_uri", Shown),
    ("client_metadata", Shown),
    ("app_type", Tested("management::clients::the_kind_decides_what_is_not_given")),
    ("token_endpoint_auth_method", Tested("oauth::refresh::a_token_is_only_its_clients")),
    ("callbacks", Tested("oauth::authorize::nothing_is_sent_to_an_address_that_is_not_registered")),
    ("allowed_logout_urls", Tested("oauth::logout::nobody_is_sent_where_the_application_did_not_say")),
    (
        "web_origins",
        Tested("oauth::web_message::nothing_is_posted_to_an_origin_that_is_not_registered_for_it"),
    ),
    (
        "allowed_origins",
        Tested("oauth::origins::an_origin_is_allowed_from_when_it_is_registered_until_it_is_not"),
    ),
    ("grant_types", Tested("oauth::refresh::nobody_gets_one_unasked_or_unallowed")),
    ("refresh_token", LIFE),
    ("refresh_token.rotation_type", Tested("oauth::refresh::a_token_that_does_not_rotate_stays_as_it_is")),
    ("refresh_token.expiration_type", Kept),
    ("refresh_token.leeway", LIFE),
    ("refresh_token.token_lifetime", LIFE),
    ("refresh_token.idle_token_lifetime", LIFE),
    ("refresh_token.infinite_token_lifetime", LIFE),
    ("refresh_token.infinite_idle_token_lifetime", LIFE),
    ("refresh_token.policies", POLICIES),
    ("refresh_token.policies.audience", POLICIES),
    ("refresh_token.policies.scope", POLICIES),
    (
        "organization_usage",
        Tested("oauth::permissions::an_organization_is_named_in_the_tokens_and_takes_only_its_members"),
    ),
    ("is_first_party", Tested("login::consent::an_application_of_ours_asks_nobody")),
    ("oidc_logout", BACKCHANNEL),
    ("oidc_logout.backchannel_logout_urls", BACKCHANNEL),
    ("oidc_logout.backchannel_logout_initiators", Kept),
    ("oidc_logout.backchannel_logout_initiators.mode", Kept),
    ("oidc_logout.backchannel_logout_initiators.selected_initiators", Kept),
    ("jwt_configuration", Tested("oauth::backchannel::an_id_token_lasts_as_long_as_its_client_says")),
    (
        "jwt_configuration.lifetime_in_seconds",
        Tested("oauth::backchannel::an_id_token_lasts_as_long_as_its_client_says"),
    ),
    ("jwt_configuration.alg", Shown),
    ("jwt_configuration.secret_encoded", Kept),
    ("jwt_configuration.scopes", Kept),
    ("default_organization", DEFAULT_ORGANIZATION),
    ("default_organization.organization_id", DEFAULT_ORGANIZATION),
    ("default_organization.flows", DEFAULT_ORGANIZATION),
    ("organization_require_behavior", Kept),
    ("organization_discovery_methods", Kept),
    ("initiate_login_uri", Kept),
    ("sso", Kept),
    ("sso_disabled", Tested("oauth::asked::a_client_that_stands_alone_takes_no_session_of_another")),
    ("oidc_conformant", Kept),
    ("auth0_conformant", Kept),
    ("cross_origin_auth", Kept),
    ("cross_origin_authentication", Kept),
    ("cross_origin_loc", Kept),
    ("custom_login_page_on", Kept),
    ("custom_login_page", Kept),
    ("custom_login_page_preview", Kept),
    ("form_template", Kept),
    ("addons", Kept),
    ("mobile", Kept),
    ("native_social_login", Kept),
    ("session_transfer", Kept),
    ("encryption_key", Kept),
    ("signed_request_object", Kept),
    ("token_exchange", Kept),
    ("token_quota", Kept),
    ("express_configuration", Kept),
    ("my_organization_configuration", Kept),
    ("registration_metadata", Shown),
    ("registration_type", Shown),
    ("require_pushed_authorization_requests", Kept),
    ("require_proof_of_possession", Kept),
    (
        "skip_non_verifiable_callback_uri_confirmation_prompt",
        Tested("oauth::asked::an_app_that_nobody_can_tell_from_another_gets_no_code_unseen"),
    ),
    ("hide_sign_up_disabled_error", Kept),
    ("compliance_level", Kept),
    ("third_party_security_mode", Kept),
    ("redirection_policy", Kept),
    ("resource_server_identifier", Kept),
    ("owner_user_id", Shown),
    ("user_linking_mode", Kept),
    ("allowed_clients", Kept),
    ("client_aliases", Kept),
    ("client_authentication_methods", BY_KEY),
    ("client_authentication_methods.private_key_jwt", BY_KEY),
    ("client_authentication_methods.private_key_jwt.credentials", BY_KEY),
    ("client_authentication_methods.private_key_jwt.credentials.credential_type", Shown),
    ("client_authentication_methods.private_key_jwt.credentials.name", Shown),
    ("client_authentication_methods.private_key_jwt.credentials.kid", BY_KEY),
    ("client_authentication_methods.private_key_jwt.credentials.alg", BY_KEY),
    ("client_authentication_methods.private_key_jwt.credentials.pem", BY_KEY),
];

const GRANTED: Effect =
    Tested("management::client_grants::a_grant_is_made_listed_changed_and_removed_and_each_counts");

const CLIENT_GRANT: [(&str, Effect); 6] = [
    ("client_id", GRANTED),
    ("audience", GRANTED),
    ("scope", GRANTED),
    (
        "organization_usage",
        Tested("management::organization_grants::a_grant_denies_allows_or_requires_an_organization"),
    ),
    (
        "allow_any_organization",
        Tested("management::organization_grants::any_organization_is_any_that_there_is"),
    ),
    ("subject_type", Shown),
];

const POLICY: Effect = Tested("management::password_policy::a_connection_chooses_its_own_level_and_length");

const CONNECTION: [(&str, Effect); 14] = [
    ("name", Tested("management::connections::a_connection_is_made_listed_changed_and_removed")),
    ("strategy", Tested("management::identities::people_without_a_password_are_made_by_address_or_number")),
    ("display_name", Shown),
    ("metadata", Shown),
    ("options", POLICY),
    ("options.passwordPolicy", POLICY),
    ("options.password_complexity_options", POLICY),
    ("options.password_complexity_options.min_length", POLICY),
    ("options.disable_signup", Tested("login::signup::where_signing_up_is_not_allowed_there_is_no_way_to")),
    ("options.brute_force_protection", Tested("limits::accounts::a_connection_can_leave_failures_uncounted")),
    ("enabled_clients", Tested("oauth::asked::a_connection_is_for_the_clients_that_it_is_enabled_for")),
    ("realms", Kept),
    ("is_domain_connection", Kept),
    ("show_as_button", Kept),
];

const ORGANIZATION: [(&str, Effect); 12] = [
    ("name", Tested("management::organizations::a_name_is_checked_and_unique")),
    ("display_name", Shown),
    ("metadata", Shown),
    ("branding", Kept),
    ("enabled_connections", Kept),
    ("enabled_connections.connection_id", Kept),
    ("enabled_connections.assign_membership_on_login", Kept),
    ("enabled_connections.show_as_button", Kept),
    ("enabled_connections.is_signup_enabled", Kept),
    ("enabled_connections.is_enabled", Kept),
    ("token_quota", Kept),
    ("third_party_client_access", Kept),
];

const OPTIONS: Effect = Tested("oauth::dialects::options_of_the_body_count_as_if_they_stood_at_the_top");

const RESOURCE_SERVER: [(&str, Effect); 27] = [
    (
        "identifier",
        Tested("management::resource_servers::an_api_is_made_found_by_id_and_identifier_changed_and_removed"),
    ),
    ("name", Shown),
    (
        "scopes",
        Tested(
            "oauth::permissions::an_api_gives_what_it_defines_and_with_policies_only_what_the_person_holds",
        ),
    ),
    (
        "scopes.value",
        Tested(
            "oauth::permissions::an_api_gives_what_it_defines_and_with_policies_only_what_the_person_holds",
        ),
    ),
    ("scopes.description", Shown),
    ("token_lifetime", Tested("management::effects::an_api_says_how_long_its_tokens_are_good")),
    ("token_lifetime_for_web", Kept),
    ("allow_offline_access", Tested("oauth::refresh::nobody_gets_one_unasked_or_unallowed")),
    (
        "enforce_policies",
        Tested(
            "oauth::permissions::an_api_gives_what_it_defines_and_with_policies_only_what_the_person_holds",
        ),
    ),
    (
        "token_dialect",
        Tested("oauth::dialects::permissions_are_what_the_person_holds_of_the_api_whatever_was_asked_for"),
    ),
    ("signing_alg", Shown),
    ("skip_consent_for_verifiable_first_party_clients", Kept),
    ("options", OPTIONS),
    ("options.enforce_policies", OPTIONS),
    ("options.token_dialect", OPTIONS),
    ("options.allow_skipping_userinfo", Kept),
    ("options.skip_userinfo", Kept),
    ("options.persist_client_authorization", Kept),
    ("options.enable_introspection_endpoint", Kept),
    ("options.mtls", Kept),
    ("metadata", Shown),
    ("verification_key", Kept),
    ("verificationKey", Kept),
    ("token_encryption", Kept),
    ("consent_policy", Kept),
    ("authorization_details", Kept),
    ("proof_of_possession", Kept),
];

const SESSION: Effect = Tested("management::effects::a_session_lasts_as_long_as_the_tenant_says");
const DEFAULTS: Effect =
    Tested("management::effects::the_default_api_is_there_for_as_long_as_it_is_the_default");

const SETTINGS: [(&str, Effect); 53] = [
    (
        "session_lifetime_in_minutes",
        Tested("management::effects::a_session_lasts_as_long_as_the_tenant_says"),
    ),
    (
        "idle_session_lifetime_in_minutes",
        Tested("management::effects::a_session_lasts_as_long_as_the_tenant_says"),
    ),
    ("ephemeral_session_lifetime_in_minutes", Kept),
    ("idle_ephemeral_session_lifetime_in_minutes", Kept),
    ("friendly_name", Shown),
    (
        "log_retention_days",
        Tested("laws::strangers::the_log_keeps_what_the_tenant_says_and_no_more_than_the_operator_says"),
    ),
    ("picture_url", Shown),
    ("support_email", Shown),
    ("support_url", Shown),
    ("sender_email", Kept),
    ("sender_name", Kept),
    ("session_lifetime", SESSION),
    ("idle_session_lifetime", SESSION),
    ("ephemeral_session_lifetime", Kept),
    ("idle_ephemeral_session_lifetime", Kept),
    ("session_cookie", Kept),
    ("session_cookie.mode", Kept),
    ("sessions", Kept),
    (
        "logout_revokes_refresh_tokens",
        Tested("oauth::refresh::a_sign_out_does_not_end_offline_access_unless_the_tenant_says_so"),
    ),
    (
        "oidc_logout",
        Tested("oauth::logout::the_description_names_the_endpoint_unless_the_tenant_says_otherwise"),
    ),
    (
        "allowed_logout_urls",
        Tested("oauth::logout::the_older_endpoint_sends_people_where_the_client_or_else_the_tenant_says"),
    ),
    ("default_redirection_uri", Kept),
    ("default_client_id", Kept),
    ("default_audience", DEFAULTS),
    ("default_directory", Kept),
    ("default_organization", Kept),
    ("enabled_locales", Kept),
    ("error_page", Kept),
    ("error_page.html", Kept),
    ("error_page.show_log_link", Kept),
    ("error_page.url", Kept),
    ("change_password", Kept),
    ("change_password.enabled", Kept),
    ("change_password.html", Kept),
    ("guardian_mfa_page", Kept),
    ("guardian_mfa_page.enabled", Kept),
    ("guardian_mfa_page.html", Kept),
    ("mfa", Tested("login::second_factor::a_tenant_that_never_asks_does_not")),
    ("mfa.policy", Tested("login::second_factor::a_tenant_that_never_asks_does_not")),
    (
        "mfa.unsupported_factors",
        Tested(
            "login::second_factor::who_has_only_what_cannot_be_checked_is_refused_and_told_so_unless_the_operator_wants_otherwise",
        ),
    ),
    ("device_flow", Kept),
    ("device_flow.charset", Kept),
    ("device_flow.mask", Kept),
    (
        "flags",
        Tested(
            "oauth::userinfo::a_token_may_come_in_the_form_of_a_post_and_where_the_tenant_says_so_in_the_query",
        ),
    ),
    ("mtls", Kept),
    ("sandbox_version", Kept),
    ("legacy_sandbox_version", Kept),
    ("acr_values_supported", Kept),
    ("allow_organization_name_in_authentication_api", Kept),
    ("customize_mfa_in_postlogin_action", Kept),
    ("pushed_authorization_requests_supported", Kept),
    ("authorization_response_iss_parameter_supported", Kept),
    (
        "skip_non_verifiable_callback_uri_confirmation_prompt",
        Tested("oauth::asked::an_app_that_nobody_can_tell_from_another_gets_no_code_unseen"),
    ),
];
