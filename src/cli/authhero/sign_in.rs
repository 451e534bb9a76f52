//! Keys, sessions, refresh tokens, logs.

use super::{Mapping, or_null, rsa};
use crate::{
    events::first_log_id,
    importing::record::Problem,
    json,
    resources::refresh_tokens::model::Wire,
    secret::Secret,
    time::{Lifetime, Timestamp},
};
use serde_json::json;

/// How long a session lasts from the move on whose end the source has not said: Auth0's defaults.
const SESSION: Lifetime = Lifetime::hours(168);
const IDLE_SESSION: Lifetime = Lifetime::hours(72);

impl Mapping<'_> {
    /// A key of the source verifies until the last of its tokens has expired. It never signs here, so its private half
    /// stays where it is.
    pub(super) fn key(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (kid, tenant) = (row.need("kid")?, row.text("tenant_id")?);
        let kind = row.text("type")?.unwrap_or_else(|| "jwt_signing".to_owned());
        let (certificate, private) = (row.text("cert")?, row.text("pkcs7")?);
        for name in ["fingerprint", "thumbprint", "current_since", "current_until", "created_at"] {
            row.implied(name);
        }
        row.lost("connection", "keys of connections are not brought over");
        let revoked = row.time("revoked_at")?;
        let until = self.plan.cutover.millis() + self.survey.longest_token(&self.plan.tenant) * 1000;
        let until = revoked.map_or(until, |revoked| revoked.min(until));
        if kind != "jwt_signing" {
            row.note("type", "only keys that sign tokens are brought over");
            return Ok(());
        }
        let Some(issuer) = &self.plan.former_issuer else {
            row.note("", "no former issuer is planned: tokens that it has signed are not accepted");
            return Ok(());
        };
        if until <= self.plan.cutover.millis() {
            row.note("revoked_at", "has been revoked: it is left out");
            return Ok(());
        }
        let of_certificate = certificate.as_deref().and_then(rsa::of_certificate);
        let Some((algorithm, mut public)) =
            of_certificate.or_else(|| private.as_deref().and_then(rsa::of_private_key))
        else {
            return Err(row.problem("cert", "holds no RSA key, nor one on P-256, and pkcs7 neither"));
        };
        // Tokens name their key by the id that the source gave it.
        kid.clone_into(&mut public.kid);
        let shared = tenant.is_none();
        let values = [
            ("issuer", json!(issuer)),
            ("kid", json!(kid)),
            ("algorithm", json!(algorithm.as_str())),
            ("public_jwk", json!(public)),
            ("tenant", json!(self.plan.tenant)),
            ("shared", json!(shared)),
            ("trusted_until", json!(until)),
            ("created_at", json!(self.plan.cutover.millis())),
        ];
        self.put("former_keys", values);
        Ok(())
    }

    pub(super) fn session(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, user) = (row.need("id")?, row.text("user_id")?);
        let (device, clients) = (row.object("device")?, row.texts("clients")?);
        let created = row.time("created_at_ts")?.unwrap_or(self.plan.cutover.millis());
        let authenticated = row.time("authenticated_at_ts")?.unwrap_or(created);
        let last = row.time("last_interaction_at_ts")?.or(row.time("updated_at_ts")?);
        let used = row.time("used_at_ts")?.or(last).unwrap_or(created);
        let (ends, idles) = (row.time("expires_at_ts")?, row.time("idle_expires_at_ts")?);
        let revoked = row.time("revoked_at_ts")?;
        row.implied("login_session_id");
        let Some(user) = user.filter(|user| self.plan.sessions && self.has_user(user)) else { return Ok(()) };
        let user = self.account(user);
        let digest = if self.plan.browser_sessions {
            Secret::new(id.as_str()).digest().as_str().to_owned()
        } else {
            if revoked.is_none() {
                row.note("id", "the browser is not recognized any more: the person signs in again there");
            }
            format!("-{id}")
        };
        let from_now_on = |lifetime| self.plan.cutover.plus(lifetime).millis();
        let device = |names: [&str; 2]| {
            let mut texts = names.into_iter().filter_map(|name| device.get(name)?.as_str());
            or_null(texts.find(|text| !text.is_empty()).map(str::to_owned))
        };
        let values = [
            ("id", json!(id)),
            ("user_id", json!(user)),
            ("digest", json!(digest)),
            ("clients", json!(clients)),
            ("ip", device(["last_ip", "initial_ip"])),
            ("user_agent", device(["last_user_agent", "initial_user_agent"])),
            ("authenticated_at", json!(authenticated)),
            ("created_at", json!(created)),
            ("used_at", json!(used)),
            ("expires_at", json!(ends.unwrap_or_else(|| from_now_on(SESSION)))),
            ("idle_expires_at", json!(idles.unwrap_or_else(|| from_now_on(IDLE_SESSION)))),
            ("revoked_at", json!(revoked)),
        ];
        self.put("sessions", values);
        Ok(())
    }

    /// The account of a user: what began before the user was linked speaks for the account it is linked to.
    fn account(&self, user: String) -> String {
        let root = self.survey.root(&self.plan.tenant, &user).filter(|root| self.plan.takes(root));
        root.unwrap_or(user)
    }

    pub(super) fn refresh_token(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (id, client, user) = (row.need("id")?, row.need("client_id")?, row.text("user_id")?);
        let (lookup, hash, family) =
            (row.text("token_lookup")?, row.text("token_hash")?, row.text("family_id")?);
        let (login, rotating) = (row.text("login_id")?, row.flag("rotating")?.unwrap_or(false));
        let apis = row.list("resource_servers")?;
        let created = row.time("created_at_ts")?.unwrap_or(self.plan.cutover.millis());
        let (ends, idles) = (row.time("expires_at_ts")?, row.time("idle_expires_at_ts")?);
        let (rotated, revoked) = (row.time("rotated_at_ts")?, row.time("revoked_at_ts")?);
        for name in ["device", "last_exchanged_at_ts", "rotated_to"] {
            row.implied(name);
        }
        if apis.len() > 1 {
            row.note("resource_servers", "only the first API is brought over: the source uses no other");
        }
        let Some(user) = user.filter(|user| self.plan.sessions && self.has_user(user)) else { return Ok(()) };
        let user = self.account(user);
        if !self.refers("client_id", "clients", &client) {
            return Ok(());
        }
        let api = |name: &str| apis.first()?.get(name)?.as_str().map(str::to_owned);
        let audience = api("audience").filter(|audience| !audience.is_empty());
        if let Some(audience) = &audience
            && !self.has_audience("resource_servers", audience)
        {
            return Ok(());
        }
        // The first of a family gives it its id, which may be a token of the older form.
        let family = Secret::new(format!("family {}", family.unwrap_or_else(|| id.clone()))).digest();
        // One without a lookup is of the older form, where the row's id is what the client holds. It is not kept in clear.
        let (id, lookup, digest) = match (lookup, hash) {
            (Some(lookup), Some(hash)) => (id, lookup, hash),
            _ => {
                let wire = Wire::whole(&id).ok_or_else(|| {
                    row.problem("id", "is no token: it must be 16 to 128 of A-Z a-z 0-9 - _")
                })?;
                (
                    format!("former{}", wire.lookup),
                    wire.lookup.clone(),
                    wire.secret.digest().as_str().to_owned(),
                )
            }
        };
        let family = family.as_str().get(..32).unwrap_or_default();
        let session = login.and_then(|login| self.survey.session_of(&self.plan.tenant, &login));
        let values = [
            ("id", json!(id)),
            ("lookup", json!(lookup)),
            ("digest", json!(digest)),
            ("family_id", json!(family)),
            ("client_id", json!(client)),
            ("user_id", json!(user)),
            ("session_id", json!(session)),
            ("audience", json!(audience.unwrap_or_else(|| self.plan.issuer.join("userinfo")))),
            ("scope", json!(api("scopes").unwrap_or_default())),
            ("rotating", json!(rotating)),
            ("authenticated_at", json!(created)),
            ("created_at", json!(created)),
            ("expires_at", json!(ends)),
            ("idle_expires_at", json!(idles)),
            ("rotated_at", json!(rotated)),
            ("revoked_at", json!(revoked)),
        ];
        self.put("refresh_tokens", values);
        Ok(())
    }

    pub(super) fn log(&mut self) -> Result<(), Problem> {
        const MORE: [&str; 19] = [
            "category",
            "isMobile",
            "user_name",
            "connection",
            "connection_id",
            "audience",
            "scope",
            "strategy",
            "strategy_type",
            "hostname",
            "session_connection",
            "country_code",
            "country_code3",
            "country_name",
            "city_name",
            "latitude",
            "longitude",
            "time_zone",
            "continent_code",
        ];
        let row = &self.row;
        let (id, date, kind) = (row.need("log_id")?, row.need_time("date")?, row.need("type")?);
        let (user, client) = (row.text("user_id")?, row.text("client_id")?);
        let (ip, agent) = (row.text("ip")?, row.text("user_agent")?);
        let description = row.text("description")?;
        // The source cuts details off where its column ends.
        let mut details = match row.object("details") {
            Ok(details) => details,
            Err(_) => json::gather([("text".to_owned(), row.get("details").clone())]),
        };
        details.insert("log_id".to_owned(), json!(id));
        for (name, value) in
            MORE.into_iter().chain(["client_name", "auth0_client"]).map(|name| (name, row.get(name)))
        {
            let empty = value.is_null()
                || value.as_str() == Some("")
                || (name == "isMobile" && value.as_i64() == Some(0));
            if !empty {
                details.insert(name.to_owned(), value.clone());
            }
        }
        let mine = user.as_deref().is_none_or(|user| self.plan.takes(user));
        if !self.plan.logs || !mine {
            return Ok(());
        }
        let date = Timestamp::from_millis(date);
        let suffix = Secret::new(id).digest();
        let id = format!("{}{}", first_log_id(date), suffix.as_str().get(..12).unwrap_or_default());
        let values = [
            ("id", json!(id)),
            ("type", json!(kind)),
            ("date", json!(date.millis())),
            ("user_id", or_null(user)),
            ("client_id", or_null(client)),
            ("ip", or_null(ip)),
            ("user_agent", or_null(agent)),
            ("description", or_null(description)),
            ("details", json!(details)),
        ];
        self.put("logs", values);
        Ok(())
    }
}
