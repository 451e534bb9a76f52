//! Settings, custom domains, the e-mail provider and templates.

use super::{Mapping, filled, or_null};
use crate::{importing::record::Problem, json, resources::settings::model::Settings};
use serde_json::{Map, Value as Json, json};

/// What a tenant's row says that our settings know by the same name.
const DOCUMENTS: [&str; 12] = [
    "session_cookie",
    "sessions",
    "oidc_logout",
    "allowed_logout_urls",
    "enabled_locales",
    "error_page",
    "change_password",
    "guardian_mfa_page",
    "device_flow",
    "flags",
    "mtls",
    "acr_values_supported",
];
const FLAGS: [&str; 4] = [
    "allow_organization_name_in_authentication_api",
    "customize_mfa_in_postlogin_action",
    "pushed_authorization_requests_supported",
    "authorization_response_iss_parameter_supported",
];
const HOURS: [&str; 4] = [
    "session_lifetime",
    "idle_session_lifetime",
    "ephemeral_session_lifetime",
    "idle_ephemeral_session_lifetime",
];
const TEXTS: [&str; 13] = [
    "friendly_name",
    "picture_url",
    "support_email",
    "support_url",
    "sender_email",
    "sender_name",
    "default_redirection_uri",
    "default_client_id",
    "default_audience",
    "default_directory",
    "default_organization",
    "sandbox_version",
    "legacy_sandbox_version",
];

/// What it says that has no place of its own here yet: kept as extensions of the kind `tenant_setting`.
const KEPT: [&str; 10] = [
    "audience",
    "mfa",
    "attack_protection",
    "default_token_quota",
    "sandbox_versions_available",
    "name",
    "language",
    "logo",
    "primary_color",
    "secondary_color",
];

/// How the source ran the tenant.
const OPERATION: [&str; 10] = [
    "deployment_type",
    "provisioning_state",
    "provisioning_error",
    "provisioning_state_changed_at",
    "bundle_configuration",
    "worker_version",
    "worker_script_name",
    "storage_kind",
    "d1_database_id",
    "database_version",
];

impl Mapping<'_> {
    pub(super) fn tenant(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let mut settings = Map::new();
        for name in DOCUMENTS {
            settings.extend(filled([(name, row.json(name)?.unwrap_or(Json::Null))]));
        }
        for name in FLAGS {
            settings.extend(filled([(name, json!(row.flag(name)?))]));
        }
        for name in HOURS {
            settings.extend(filled([(name, json!(row.int(name)?))]));
        }
        for name in TEXTS {
            settings.extend(filled([(name, or_null(row.text(name)?))]));
        }
        settings.retain(|name, value| {
            let alone = json::gather([(name.clone(), value.clone())]);
            let checked = Settings::check(&alone);
            if let Err(why) = &checked {
                row.note(name, format!("{why}: left out"));
            }
            checked.is_ok()
        });
        for name in OPERATION {
            row.implied(name);
        }
        settings.extend(self.mfa()?);
        let row = &self.row;
        let [(_, created), (_, updated)] = self.times()?;
        let mut kept = Vec::new();
        for name in KEPT {
            // JSON where it is some, else text.
            let value = row.json(name).unwrap_or_else(|_| Some(row.get(name).clone()));
            kept.extend(
                value.filter(|value| !filled([(name, value.clone())]).is_empty()).map(|value| (name, value)),
            );
        }
        if self.plan.keeps_settings {
            row.note("", "the tenant is in use and keeps its settings");
            return Ok(());
        }
        self.put("settings", [("document", Json::Object(settings)), ("updated_at", updated.clone())]);
        for (name, value) in kept {
            self.row.note(name, "is kept, but not in effect yet");
            let values = [
                ("kind", json!("tenant_setting")),
                ("id", json!(name)),
                ("document", json!({ "value": value })),
                ("created_at", created.clone()),
                ("updated_at", updated.clone()),
            ];
            self.put("extensions", values);
        }
        Ok(())
    }

    /// Second factors are asked for where they were there: always, and of a kind that was on (`mfa` of the tenant). Whoever was
    /// asked there and can't be asked here can't sign in, unless the plan says otherwise.
    fn mfa(&self) -> Result<Option<(String, Json)>, Problem> {
        let row = &self.row;
        let mfa = row.object("mfa")?;
        let factors = mfa.get("factors").and_then(Json::as_object);
        let any = factors.is_none_or(|factors| factors.values().any(|on| *on == Json::Bool(true)));
        let always = mfa.get("policy").and_then(Json::as_str) == Some("always") && any;
        if always {
            row.note(
                "mfa",
                "second factors are asked for here as well: codes of authenticator apps and recovery codes. Nobody is asked to \
                 enrol",
            );
        }
        let unsupported = if self.plan.ignores_unsupported_factors { "ignore" } else { "refuse" };
        let policy = if always { "always" } else { "never" };
        Ok(Some(("mfa".to_owned(), json!({ "policy": policy, "unsupported_factors": unsupported }))))
    }

    /// Nobody is served under a domain because a dump says so: it is proven here, unless the operator vouches for it.
    pub(super) fn custom_domain(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, domain) = (row.need("custom_domain_id")?, row.need("domain")?.to_lowercase());
        let (primary, status) = (row.flag("primary")?.unwrap_or(false), row.text("status")?);
        let document = filled([
            ("type", or_null(row.text("type")?)),
            ("origin_domain_name", or_null(row.text("origin_domain_name")?)),
            ("custom_client_ip_header", or_null(row.text("custom_client_ip_header")?)),
            ("tls_policy", or_null(row.text("tls_policy")?)),
            ("domain_metadata", json!(row.object("domain_metadata")?)),
            ("former_status", or_null(status)),
        ]);
        row.lost("verification", "it is proven to us anew");
        let ready = self.plan.verified_domains.contains(&domain);
        if !ready {
            row.note(
                "status",
                "becomes pending: its owner proves it here, unless the operator vouches for it",
            );
        }
        let values = [
            ("id", json!(id)),
            ("domain", json!(domain)),
            ("is_primary", json!(primary)),
            ("status", json!(if ready { "ready" } else { "pending" })),
            ("document", Json::Object(document)),
        ];
        let times = self.times()?;
        self.put("custom_domains", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn email_provider(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (name, enabled) = (row.need("name")?, row.flag("enabled")?.unwrap_or(true));
        let credentials = self.open_all("credentials", Json::Object(row.object("credentials")?));
        let settings = row.object("settings")?;
        let from = row.text("default_from_address")?;
        let times = self.times()?;
        if self.plan.keeps_settings {
            row.note("", "the tenant is in use and keeps its settings");
            return Ok(());
        }
        let empty = credentials.as_object().is_none_or(Map::is_empty);
        let values = [
            ("name", json!(name)),
            ("enabled", json!(enabled)),
            ("default_from_address", or_null(from)),
            ("settings", Json::Object(settings)),
            ("credentials", if empty { Json::Null } else { credentials }),
        ];
        self.put("email_providers", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn email_template(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let template = row.need("template")?;
        let document = filled([
            ("body", or_null(row.text("body")?)),
            ("from", or_null(row.text("from")?)),
            ("subject", or_null(row.text("subject")?)),
            ("syntax", or_null(row.text("syntax")?)),
            ("resultUrl", or_null(row.text("result_url")?)),
            ("urlLifetimeInSeconds", json!(row.int("url_lifetime_in_seconds")?)),
            ("includeEmailInRedirect", json!(row.flag("include_email_in_redirect")?)),
            ("enabled", json!(row.flag("enabled")?)),
        ]);
        let times = self.times()?;
        let values = [("template", json!(template)), ("document", Json::Object(document))];
        self.put("email_templates", values.into_iter().chain(times));
        Ok(())
    }
}
