//! Users with what is theirs, and organizations.

use super::{Mapping, or_null};
use crate::{
    http::shape::is_email,
    importing::record::Problem,
    json,
    resources::{organizations::model::belongs_to_a_tenant, users::attributes::Attributes},
};
use serde_json::{Map, Value as Json, json};

/// Claims that nobody is recognized by: what doesn't fit is left out and said, rather than the person.
const CLAIMS: [&str; 14] = [
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
    "middle_name",
    "preferred_username",
    "profile",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "address",
];

/// Those with a column of their own.
const COLUMNS: [&str; 5] = ["name", "given_name", "family_name", "nickname", "picture"];

impl Mapping<'_> {
    pub(super) fn user(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, connection) = (row.need("user_id")?, row.need("connection")?);
        let provider = id.split_once('|').map(|(provider, _)| provider.to_owned());
        let provider = provider.ok_or_else(|| row.problem("user_id", "must be a provider, | and an id"))?;
        let folded = |name: &'static str| {
            let text = row.text(name)?;
            let lower = text.as_ref().map(|text| text.to_lowercase());
            if lower != text {
                row.note(name, "is brought into lower case");
            }
            Ok::<_, Problem>(lower)
        };
        let (mut email, mut username) = (folded("email")?, folded("username")?);
        if email.as_deref().is_some_and(|email| !is_email(email)) && username.is_none() {
            // Whoever signs in with it goes on doing so.
            row.note("email", "is no address: it becomes the user name");
            username = email.take();
        }
        let (phone, phone_verified) =
            (row.text("phone_number")?, row.flag("phone_verified")?.unwrap_or(false));
        let verified = row.flag("email_verified")?.unwrap_or(false);
        let (user_metadata, app_metadata) = (row.object("user_metadata")?, row.object("app_metadata")?);
        let said = row.object("profileData")?;
        let blocked = row.flag("blocked")?.unwrap_or(false);
        let linked = row.text("linked_to")?;
        let claims = self.claims()?;
        let times = self.times()?;
        for name in ["provider", "is_social"] {
            row.implied(name);
        }
        row.lost("registration_completed_at", "has no place here");
        row.lost("tags", "has no place here");
        if !self.plan.takes(&id) {
            return Ok(());
        }
        let root = linked.and_then(|linked| {
            let root = self.survey.root(&self.plan.tenant, &linked).filter(|root| self.plan.takes(root));
            if root.is_none() {
                row.note("linked_to", "the account is not there: the identity becomes an account of its own");
            }
            root
        });
        let (columns, profile): (Map<_, _>, Map<_, _>) =
            claims.into_iter().partition(|(name, _)| COLUMNS.contains(&name.as_str()));
        let column = |name: &str| columns.get(name).cloned().unwrap_or(Json::Null);
        let values = [
            ("user_id", json!(id)),
            ("provider", json!(provider)),
            ("connection", json!(connection)),
            ("email", or_null(email)),
            ("email_verified", json!(verified)),
            ("username", or_null(username)),
            ("phone_number", or_null(phone)),
            ("phone_verified", json!(phone_verified)),
            ("name", column("name")),
            ("given_name", column("given_name")),
            ("family_name", column("family_name")),
            ("nickname", column("nickname")),
            ("picture", column("picture")),
            ("profile", json!(profile)),
            ("user_metadata", json!(user_metadata)),
            ("app_metadata", json!(app_metadata)),
            ("profile_data", if said.is_empty() { Json::Null } else { Json::Object(said) }),
            ("blocked", json!(blocked)),
            ("linked_to", or_null(root)),
        ];
        self.put("users", values.into_iter().chain(times));
        Ok(())
    }

    /// The claims that fit.
    fn claims(&self) -> Result<Map<String, Json>, Problem> {
        let row = &self.row;
        let mut claims = Map::new();
        for name in CLAIMS {
            let value = match name {
                "address" => Some(row.object(name)?).filter(|address| !address.is_empty()).map(Json::Object),
                _ => row.text(name)?.map(Json::from),
            };
            let Some(value) = value else { continue };
            let alone = json::gather([(name.to_owned(), value.clone())]);
            match Attributes::check(alone) {
                Ok(_) => drop(claims.insert(name.to_owned(), value)),
                Err(why) => row.note(name, format!("{why}: left out")),
            }
        }
        Ok(claims)
    }

    pub(super) fn password(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, user, hash) = (row.need("id")?, row.need("user_id")?, row.need("password")?);
        let (current, [created, changed]) = (row.flag("is_current")?.unwrap_or(true), self.times()?);
        row.implied("algorithm");
        if !self.has_user(&user) {
            return Ok(());
        }
        let (user, hash) = (("user_id", json!(user)), ("hash", json!(hash)));
        if current {
            self.put("passwords", [user, hash, ("changed_at", changed.1)]);
        } else {
            self.put("password_history", [user, ("id", json!(id)), hash, created]);
        }
        Ok(())
    }

    pub(super) fn authentication_method(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, user, kind) = (row.need("id")?, row.need("user_id")?, row.need("type")?);
        let seed = row.text("totp_secret")?;
        let seed = seed.and_then(|seed| self.open("totp_secret", seed));
        let transports = row.json("transports")?.unwrap_or(Json::Null);
        let values = [
            ("id", json!(id)),
            ("user_id", json!(user)),
            ("type", json!(kind)),
            ("name", or_null(row.text("friendly_name")?)),
            ("confirmed", json!(row.flag("confirmed")?.unwrap_or(false))),
            // As authenticator apps take it: upper case, without blanks.
            ("secret", or_null(seed.map(|seed| seed.replace(' ', "").to_ascii_uppercase()))),
            ("phone_number", or_null(row.text("phone_number")?)),
            ("credential_id", or_null(row.text("credential_id")?)),
            ("public_key", or_null(row.text("public_key")?)),
            ("sign_count", json!(row.int("sign_count")?)),
            ("backed_up", json!(row.flag("credential_backed_up")?)),
            ("transports", transports),
        ];
        let times = self.times_ts()?;
        if !self.has_user(&user) {
            return Ok(());
        }
        let is_checked =
            kind == "totp" && values.iter().any(|(name, value)| *name == "secret" && !value.is_null());
        if !is_checked {
            let nothing_else = if self.plan.ignores_unsupported_factors {
                "signs in with the password alone, as the plan says"
            } else {
                "can't sign in until you remove it, unless the plan says unsupported_factors = \"ignore\""
            };
            row.note(
                "",
                format!(
                    "a {kind} can't be checked here yet: where second factors are asked for, who has nothing else \
                     {nothing_else}"
                ),
            );
        }
        self.put("authentication_methods", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn user_activity(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (user, last) = (row.need("user_id")?, row.time("last_login")?);
        let (ip, count) = (row.text("last_ip")?, row.int("login_count")?.unwrap_or(0));
        row.lost("failed_logins", "who is locked out may try again");
        row.lost("last_password_reset", "has no place here");
        let nothing = last.is_none() && ip.is_none() && count == 0;
        if nothing || !self.has_user(&user) {
            return Ok(());
        }
        let values = [
            ("user_id", json!(user)),
            ("last_login", json!(last)),
            ("last_ip", or_null(ip)),
            ("logins_count", json!(count)),
        ];
        self.put("user_activity", values);
        Ok(())
    }

    pub(super) fn organization(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, name) = (row.need("id")?, row.need("name")?);
        let (branding, quota) = (row.object("branding")?, row.object("token_quota")?);
        let mut metadata = row.object("metadata")?;
        for (name, value) in &mut metadata {
            if !value.is_string() {
                row.note("metadata", format!("{name} becomes text"));
                *value = Json::from(value.to_string());
            }
        }
        let document = super::filled([
            ("branding", json!(branding)),
            ("metadata", json!(metadata)),
            ("token_quota", json!(quota)),
        ]);
        row.lost("enabled_connections", "the table organization_connections says it");
        let display_name = row.text("display_name")?;
        let times = self.times()?;
        if self.plan.organizations.contains_key(&id) {
            return Ok(());
        }
        if self.plan.main && belongs_to_a_tenant(&name) {
            row.note(
                "name",
                "is that of a tenant: its organization comes with the tenant; its members are left out",
            );
            return Ok(());
        }
        let values = [
            ("id", json!(id)),
            ("name", json!(name)),
            ("display_name", or_null(display_name)),
            ("document", json!(document)),
        ];
        self.put("organizations", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn organization_connection(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (organization, connection) = (row.need("organization_id")?, row.need("connection_id")?);
        let flag = |name: &'static str, default| Ok::<_, Problem>(json!(row.flag(name)?.unwrap_or(default)));
        let flags = [
            ("assign_membership_on_login", flag("assign_membership_on_login", false)?),
            ("show_as_button", flag("show_as_button", true)?),
            ("is_signup_enabled", flag("is_signup_enabled", true)?),
        ];
        let times = self.times()?;
        let (Some(organization), Some(connection)) =
            (self.organization_id(&organization), self.connection_id(&connection))
        else {
            return Ok(());
        };
        let ids = [("organization_id", json!(organization)), ("connection_id", json!(connection))];
        self.put("organization_connections", ids.into_iter().chain(flags).chain(times));
        Ok(())
    }

    pub(super) fn organization_member(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (user, organization) = (row.need("user_id")?, row.need("organization_id")?);
        let [created, _] = self.times()?;
        row.implied("id");
        if !self.has_user(&user) {
            return Ok(());
        }
        let Some(organization) = self.organization_id(&organization) else { return Ok(()) };
        let ids = [("organization_id", json!(organization)), ("user_id", json!(user))];
        self.put("organization_members", ids.into_iter().chain([created]));
        Ok(())
    }

    pub(super) fn user_role(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (user, role) = (row.need("user_id")?, row.need("role_id")?);
        let organization = row.text("organization_id")?.unwrap_or_default();
        let created = row.need_time("created_at")?;
        if !self.has_user(&user) {
            return Ok(());
        }
        let (Some(organization), Some(role)) = (self.organization_id(&organization), self.role_id(&role))
        else {
            return Ok(());
        };
        let values = [
            ("user_id", json!(user)),
            ("organization_id", json!(organization)),
            ("role_id", json!(role)),
            ("created_at", json!(created)),
        ];
        self.put("user_roles", values);
        Ok(())
    }

    pub(super) fn user_permission(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (user, name) = (row.need("user_id")?, row.need("permission_name")?);
        let api = row.need("resource_server_identifier")?;
        let organization = row.text("organization_id")?.unwrap_or_default();
        let created = row.need_time("created_at")?;
        if !self.has_user(&user) || !self.has_audience("resource_server_identifier", &api) {
            return Ok(());
        }
        let Some(organization) = self.organization_id(&organization) else { return Ok(()) };
        for api in self.audiences(&api, &name) {
            let values = [
                ("user_id", json!(user)),
                ("organization_id", json!(organization)),
                ("resource_server_identifier", json!(api)),
                ("permission_name", json!(name)),
                ("created_at", json!(created)),
            ];
            self.put("user_permissions", values);
        }
        Ok(())
    }

    pub(super) fn grant(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, user, client) = (row.need("id")?, row.need("user_id")?, row.need("client_id")?);
        let (audience, scope) = (row.text("audience")?.unwrap_or_default(), self.scopes("scope")?);
        let times = self.times()?;
        if !self.has_user(&user) || !self.refers("client_id", "clients", &client) {
            return Ok(());
        }
        let values = [
            ("user_id", json!(user)),
            ("client_id", json!(client)),
            ("audience", json!(audience)),
            ("id", json!(id)),
            ("scope", json!(scope)),
        ];
        self.put("grants", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn external_id(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (connection, user) = (row.need("connection_id")?, row.need("user_id")?);
        let (external, [created, _]) = (row.need("external_id")?, self.times()?);
        if !self.has_user(&user) {
            return Ok(());
        }
        let Some(connection) = self.connection_id(&connection) else { return Ok(()) };
        let values = [
            ("connection_id", json!(connection)),
            ("user_id", json!(user)),
            ("external_id", json!(external)),
            created,
        ];
        self.put("external_ids", values);
        Ok(())
    }

    pub(super) fn invitation(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, organization, client) =
            (row.need("id")?, row.need("organization_id")?, row.need("client_id")?);
        let (created, expires) = (row.need_time("created_at")?, row.need_time("expires_at")?);
        let ticket = row.text("ticket_id")?;
        let document = super::filled([
            ("inviter", json!(row.object("inviter")?)),
            ("invitee", json!(row.object("invitee")?)),
            ("connection_id", or_null(row.text("connection_id")?)),
            ("app_metadata", json!(row.object("app_metadata")?)),
            ("user_metadata", json!(row.object("user_metadata")?)),
            ("roles", json!(row.list("roles")?)),
            ("ttl_sec", json!(row.int("ttl_sec")?)),
            ("send_invitation_email", json!(row.flag("send_invitation_email")?)),
        ]);
        // Holds the ticket in clear.
        row.implied("invitation_url");
        if expires <= self.plan.cutover.millis() {
            row.note("expires_at", "has expired: it is left out");
            return Ok(());
        }
        let Some(organization) = self.organization_id(&organization) else { return Ok(()) };
        if !self.refers("client_id", "clients", &client) {
            return Ok(());
        }
        let values = [
            ("id", json!(id)),
            ("organization_id", json!(organization)),
            ("client_id", json!(client)),
            ("document", json!(document)),
            ("ticket", or_null(ticket)),
            ("created_at", json!(created)),
            ("expires_at", json!(expires)),
        ];
        self.put("organization_invitations", values);
        Ok(())
    }
}
