//! Connections, clients, APIs, grants to clients, roles.

use super::{Mapping, filled, or_null};
use crate::{
    importing::record::Problem,
    resources::clients::{
        model::{AppType, OrganizationUsage, fill_in},
        urls::{check_logout, check_origin, check_target},
    },
};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// The identifier of the source's management API.
const MANAGEMENT: &str = "urn:authhero:management";

/// Thirty days, in seconds: the longest token here.
const LONGEST_TOKEN: i64 = 2_592_000;

/// What we keep of a client as it came: [json] columns, flags, and the others.
const DOCUMENTS: [&str; 15] = [
    "client_aliases",
    "allowed_clients",
    "session_transfer",
    "oidc_logout",
    "jwt_configuration",
    "signing_keys",
    "encryption_key",
    "addons",
    "mobile",
    "native_social_login",
    "default_organization",
    "client_authentication_methods",
    "signed_request_object",
    "token_quota",
    "registration_metadata",
];
const FLAGS: [&str; 10] = [
    "oidc_conformant",
    "sso",
    "sso_disabled",
    "cross_origin_authentication",
    "custom_login_page_on",
    "require_pushed_authorization_requests",
    "require_proof_of_possession",
    "auth0_conformant",
    "hide_sign_up_disabled_error",
    "global",
];
const TEXTS: [&str; 11] = [
    "logo_uri",
    "cross_origin_loc",
    "custom_login_page",
    "custom_login_page_preview",
    "form_template",
    "initiate_login_uri",
    "organization_require_behavior",
    "compliance_level",
    "owner_user_id",
    "registration_type",
    "user_linking_mode",
];

impl Mapping<'_> {
    /// The id that a connection has in the tenant; `None` for one that is not there.
    pub(super) fn connection_id(&self, id: &str) -> Option<String> {
        if let Some(known) = self.plan.connections.get(id) {
            return Some(known.clone());
        }
        self.refers("connection_id", "connections", id).then(|| id.to_owned())
    }

    pub(super) fn connection(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, name, strategy) = (row.need("id")?, row.need("name")?, row.need("strategy")?);
        let options = self.open_all("options", Json::Object(row.object("options")?));
        let options: Map<String, Json> = match options {
            Json::Object(options) => options.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            _ => Map::new(),
        };
        let mut document = filled([
            ("display_name", or_null(row.text("display_name")?)),
            ("metadata", json!(row.object("metadata")?)),
            ("is_domain_connection", json!(row.flag("is_domain_connection")?)),
            ("show_as_button", json!(row.flag("show_as_button")?)),
        ]);
        document.insert("options".to_owned(), Json::Object(options));
        for name in ["response_type", "response_mode"] {
            row.lost(name, "is not used");
        }
        row.lost("is_system", "was kept in step with the control plane; from here on it is the tenant's own");
        let times = self.times()?;
        if self.plan.connections.contains_key(&id) {
            return Ok(());
        }
        let values = [
            ("id", json!(id)),
            ("name", json!(name)),
            ("strategy", json!(strategy)),
            ("document", json!(document)),
        ];
        self.put("connections", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn client(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, name) = (row.need("client_id")?, row.need("name")?);
        let secret = row.text("client_secret")?.and_then(|secret| self.open("client_secret", secret));
        let mut document = self.client_document(&id)?;
        let public = document.get("token_endpoint_auth_method").and_then(Json::as_str) == Some("none");
        if public && let Some(Json::Array(grants)) = document.get_mut("grant_types") {
            let before = grants.len();
            grants.retain(|grant| grant.as_str() != Some("client_credentials"));
            if grants.len() < before {
                row.note("grant_types", "a public client can't use client_credentials: it is left out");
            }
        }
        if public && secret.is_some() {
            row.note("client_secret", "a public client has no secret: it is left out");
        }
        document.retain(|_, value| !value.is_null());
        let times = self.times()?;
        let values = [
            ("client_id", json!(id)),
            ("name", json!(name)),
            ("document", Json::Object(document)),
            ("client_secret", or_null(secret.filter(|_| !public))),
        ];
        self.put("clients", values.into_iter().chain(times));
        Ok(())
    }

    fn client_document(&self, id: &str) -> Result<Map<String, Json>, Problem> {
        let row = &self.row;
        let kind = row.text("app_type")?.unwrap_or_else(|| "regular_web".to_owned());
        let app: AppType = serde_json::from_value(json!(kind)).unwrap_or_else(|_| {
            row.note("app_type", format!("{kind} is not known here: it becomes regular_web"));
            AppType::RegularWeb
        });
        let method = row.text("token_endpoint_auth_method")?;
        let method = method.map(|method| match method.as_str() {
            "none" | "client_secret_post" | "client_secret_basic" => method,
            _ => {
                row.note(
                    "token_endpoint_auth_method",
                    format!("{method} is not known here: its secret is asked for"),
                );
                "client_secret_post".to_owned()
            }
        });
        type Check = fn(&str, AppType) -> Result<(), &'static str>;
        let urls = |name: &'static str, check: Check| {
            let fits = |url: &String| match check(url, app) {
                Ok(()) => true,
                Err(why) => {
                    row.note(name, format!("{url} of {id} {why}: it is left out"));
                    false
                }
            };
            Ok::<_, Problem>(json!(row.texts(name)?.into_iter().filter(fits).collect::<Vec<_>>()))
        };
        let mut notes = row.object("client_metadata")?;
        for (name, value) in &mut notes {
            if !value.is_string() {
                row.note("client_metadata", format!("{name} becomes text"));
                *value = Json::from(value.to_string());
            }
        }
        let grants = row.texts("grant_types")?;
        if grants.is_empty() {
            row.note("grant_types", "is empty: it becomes what a client of its kind has");
        }
        let mut document = filled([
            ("description", or_null(row.text("description")?)),
            ("app_type", json!(app)),
            ("token_endpoint_auth_method", or_null(method)),
            ("callbacks", urls("callbacks", check_target)?),
            ("allowed_logout_urls", urls("allowed_logout_urls", check_logout)?),
            ("web_origins", urls("web_origins", check_origin)?),
            ("allowed_origins", urls("allowed_origins", check_origin)?),
            ("grant_types", json!(grants)),
            ("refresh_token", json!(row.object("refresh_token")?)),
            ("organization_usage", or_null(row.text("organization_usage")?)),
            ("client_metadata", json!(notes)),
            ("connections", json!(row.list("connections")?)),
            ("par_request_expiry", json!(row.int("par_request_expiry")?)),
        ]);
        document.insert("is_first_party".to_owned(), json!(row.flag("is_first_party")?.unwrap_or(true)));
        for name in DOCUMENTS {
            document.extend(filled([(name, row.json(name)?.unwrap_or(Json::Null))]));
        }
        for name in FLAGS {
            document.extend(filled([(name, json!(row.flag(name)?))]));
        }
        for name in TEXTS {
            document.extend(filled([(name, or_null(row.text(name)?))]));
        }
        fill_in(&mut document);
        Ok(document)
    }

    pub(super) fn resource_server(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, identifier) = (row.need("id")?, row.need("identifier")?);
        let options = row.object("options")?;
        let name = row.text("name")?.unwrap_or_else(|| identifier.clone());
        if row.text("signing_alg")?.is_some_and(|algorithm| algorithm != "RS256") {
            row.note("signing_alg", "becomes RS256: this API verifies with the tenant's key set from now on");
        }
        row.lost("signing_secret", "tokens are signed with the tenant's key");
        row.lost("is_system", "was kept in step with the control plane; from here on it is the tenant's own");
        let lifetime = row.int("token_lifetime")?;
        if lifetime.is_some_and(|seconds| !(1..=LONGEST_TOKEN).contains(&seconds)) {
            row.note("token_lifetime", "is brought between a second and 30 days");
        }
        let policies = options.get("enforce_policies") == Some(&Json::Bool(true));
        let dialect = options.get("token_dialect").cloned().unwrap_or(Json::Null);
        let mut document = filled([
            ("scopes", json!(self.defined()?)),
            ("token_lifetime", json!(lifetime.map(|seconds| seconds.clamp(1, LONGEST_TOKEN)))),
            ("token_lifetime_for_web", json!(row.int("token_lifetime_for_web")?)),
            ("token_dialect", dialect),
            ("verification_key", or_null(row.text("verification_key")?)),
            ("metadata", json!(row.object("metadata")?)),
        ]);
        let skips = row.flag("skip_consent_for_verifiable_first_party_clients")?;
        document.extend(filled([("skip_consent_for_verifiable_first_party_clients", json!(skips))]));
        document.insert("enforce_policies".to_owned(), json!(policies));
        document.insert(
            "allow_offline_access".to_owned(),
            json!(row.flag("allow_offline_access")?.unwrap_or(false)),
        );
        let times = self.times()?;
        let values = [
            ("id", json!(id)),
            ("identifier", json!(identifier)),
            ("name", json!(name)),
            ("document", Json::Object(document)),
        ];
        self.put("resource_servers", values.into_iter().chain(times));
        Ok(())
    }

    /// The scopes that an API defines.
    fn defined(&self) -> Result<Vec<Json>, Problem> {
        let (row, mut seen, mut defined) = (&self.row, BTreeSet::new(), Vec::new());
        for scope in row.list("scopes")? {
            let value = scope.get("value").and_then(Json::as_str).filter(|value| !value.is_empty());
            let value =
                value.ok_or_else(|| row.problem("scopes", "must be a list of objects with a value"))?;
            if !seen.insert(value.to_owned()) {
                row.note("scopes", "defines a scope twice: once is enough");
                continue;
            }
            let description = scope.get("description").filter(|text| text.is_string());
            defined.push(Json::Object(filled([
                ("value", json!(value)),
                ("description", description.cloned().unwrap_or(Json::Null)),
            ])));
        }
        Ok(defined)
    }

    /// The APIs under which a permission of the source counts here: its own, and for the source's management API ours as
    /// well, if ours has such a scope.
    pub(super) fn audiences(&self, api: &str, permission: &str) -> Vec<String> {
        let ours = api == MANAGEMENT && self.plan.scopes.iter().any(|scope| scope == permission);
        let ours = ours.then(|| self.plan.issuer.management_audience());
        std::iter::once(api.to_owned()).chain(ours).collect()
    }

    /// A JSON array of scopes, each once.
    pub(super) fn scopes(&self, column: &'static str) -> Result<Vec<String>, Problem> {
        let mut seen = BTreeSet::new();
        let scopes = self.row.texts(column)?;
        Ok(scopes.into_iter().filter(|scope| !scope.is_empty() && seen.insert(scope.clone())).collect())
    }

    pub(super) fn client_grant(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, client, audience) = (row.need("id")?, row.need("client_id")?, row.need("audience")?);
        let scope = self.scopes("scope")?;
        for name in ["authorization_details_types", "is_system"] {
            row.lost(name, "has no place here");
        }
        let usage = row.text("organization_usage")?;
        let usage = usage.filter(|usage| {
            let is_known = OrganizationUsage::parse(usage).is_some();
            if !is_known {
                row.note(
                    "organization_usage",
                    format!("{usage} is not known here: the grant is for no organization"),
                );
            }
            is_known
        });
        let any = row.flag("allow_any_organization")?;
        if row.text("subject_type")?.is_some_and(|subject| subject != "client") {
            row.note(
                "subject_type",
                "a grant to people is left out: what they get is decided by what they hold",
            );
            return Ok(());
        }
        let times = self.times()?;
        if !self.refers("client_id", "clients", &client) || !self.has_audience("audience", &audience) {
            return Ok(());
        }
        let ours: Vec<&String> = scope.iter().filter(|scope| self.plan.scopes.contains(scope)).collect();
        let manages = audience == MANAGEMENT && !ours.is_empty();
        if manages {
            row.note("audience", "is granted for our management API too, as far as that has the scopes");
        }
        let ours = manages
            .then(|| (format!("{id}.management"), self.plan.issuer.management_audience(), json!(ours)));
        let granted = std::iter::once((id, audience, json!(scope))).chain(ours);
        for (id, audience, scope) in granted.collect::<Vec<_>>() {
            // The management API knows no organizations inside the tenant.
            let usage = usage.clone().filter(|_| audience != self.plan.issuer.management_audience());
            let values = [
                ("organization_usage", or_null(usage)),
                ("allow_any_organization", any.map_or(Json::Null, Json::from)),
                ("client_id", json!(client)),
                ("audience", json!(audience)),
                ("id", json!(id)),
                ("scope", scope),
            ];
            self.put("client_grants", values.into_iter().chain(times.clone()));
        }
        Ok(())
    }

    pub(super) fn role(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, name, description) = (row.need("id")?, row.need("name")?, row.text("description")?);
        row.lost("metadata", "has no place here");
        row.lost("is_system", "was kept in step with the control plane; from here on it is the tenant's own");
        let times = self.times()?;
        if self.plan.roles.contains_key(&id) {
            return Ok(());
        }
        let values = [("id", json!(id)), ("name", json!(name)), ("description", or_null(description))];
        self.put("roles", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn role_permission(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (role, name) = (row.need("role_id")?, row.need("permission_name")?);
        let (api, created) = (row.need("resource_server_identifier")?, row.need_time("created_at")?);
        // What a role that the tenant has already may do is not for the source to say.
        if self.plan.roles.contains_key(&role) || !self.has_audience("resource_server_identifier", &api) {
            return Ok(());
        }
        let Some(role) = self.role_id(&role) else { return Ok(()) };
        for api in self.audiences(&api, &name) {
            let values = [
                ("role_id", json!(role)),
                ("resource_server_identifier", json!(api)),
                ("permission_name", json!(name)),
                ("created_at", json!(created)),
            ];
            self.put("role_permissions", values);
        }
        Ok(())
    }
}
