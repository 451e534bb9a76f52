//! AuthHero: every table that an install can have, and what becomes of its rows. Pure. Both of its schemas are read: that
//! for SQLite and MySQL, and that for D1.
//!
//! ```text
//! TABLES: [Source]                               every table an install can have, in the order in which it is sent, and
//!                                                what becomes of it: `Becomes::Records(&[…])` or `Becomes::Dropped(why)`
//! Survey::default()
//! survey.see(table, &row) -> Vec<Problem>        pass 1 over every row of every table, in any order
//! survey.tenants() -> Vec<&str>                  the source's tenants, as found
//! survey.shares_keys(tenant) -> bool             whether the install signs for it with a key of everybody
//! Plan::new(source_tenant, issuer, cutover, scopes)   what becomes of one tenant; `scopes`: `ROUTES.management_scopes()`
//!     .main            bool                      whether it becomes the main tenant
//!     .former_issuer   Option<String>            whose tokens are still accepted; without one they end with the move
//!     .key             Option<Unsealing>         opens `enc:v1:` (`Unsealing::parse`, 32 bytes in base64 or hex)
//!     .people          Option<BTreeSet<String>>  only these users, with what is theirs (splitting)
//!     .connections, .organizations, .roles  BTreeMap  ids that the tenant has under another id already: not sent, renamed
//!     .keeps_settings  bool                      the tenant is in use: its settings, branding and mail stay as they are
//!     .verified_domains  BTreeSet<String>        custom domains that the operator vouches for
//!     .ignores_unsupported_factors  bool  whether who has only such second factors signs in with the password alone
//!     .logs, .sessions, .browser_sessions  bool  whether they come along; the last one keeps browsers signed in
//! map(table, &row, &plan, &survey) -> Result<Mapped, Problem>      pass 2
//! Mapped { records: Vec<Record>, notes: Vec<Note> }                empty for a row of another tenant
//! ```
//!
//! A row is a `serde_json::Map`: null, text, integers; flags may be 0, 1, true or false, and JSON columns text or JSON. Columns
//! are read by name: one that is unknown is ignored with a note, one that is missing is null. A [`Problem`] is a
//! value that can't be brought over: it names table, key and column, and nothing should be sent while there is one. A
//! [`Note`] is something that is lost or changed on purpose: it is for the plan's report. Orphans (a password of nobody) and what
//! an operator chose to leave out are notes.
//!
//! Send the records of one chunk by destination ([`Record::table`]), in the order of [`tables::TABLES`].
//! [`Sum`](crate::importing::fingerprint::Sum) adds up what is sent of a table, to be compared with what the server says it holds.

mod appearance;
mod applications;
mod extensions;
mod people;
mod plan;
mod row;
mod rsa;
mod settings;
mod sign_in;
mod survey;

pub use plan::{Plan, Unsealing};
pub use row::Row;
pub use survey::Survey;

use crate::importing::{
    check,
    record::{Note, Problem, Record, Values},
    rules::{self, Context},
    tables,
};
use row::Reader;
use serde_json::Value as Json;

/// A table of the source.
#[derive(Debug)]
pub struct Source {
    /// Its name.
    pub table: &'static str,
    /// What becomes of its rows.
    pub becomes: Becomes,
    /// The columns that name a row, besides `tenant_id`.
    key: &'static [&'static str],
    /// Whether they name no other row of the tenant.
    is_unique: bool,
}

/// What becomes of the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// Records of these tables.
    Records(&'static [&'static str]),
    /// Nothing, and why that loses nothing.
    Dropped(&'static str),
}

/// What one row becomes.
#[derive(Debug, Default)]
pub struct Mapped {
    /// Its records.
    pub records: Vec<Record>,
    /// What is lost or changed.
    pub notes: Vec<Note>,
}

const fn rows(table: &'static str, key: &'static [&'static str], becomes: &'static [&'static str]) -> Source {
    Source { table, becomes: Becomes::Records(becomes), key, is_unique: true }
}

const fn nothing(table: &'static str, why: &'static str) -> Source {
    Source { table, becomes: Becomes::Dropped(why), key: &["id"], is_unique: false }
}

const RUNTIME: &str = "belongs to a run of the server";
const LEGACY: &str = "is not used any more";

/// Every table that an install can have, in the order in which its records are sent.
pub static TABLES: [Source; 63] = [
    rows("tenants", &["id"], &["settings", "extensions"]),
    rows("keys", &["kid"], &["former_keys"]),
    rows("connections", &["id"], &["connections"]),
    rows("clients", &["client_id"], &["clients"]),
    rows("resource_servers", &["id"], &["resource_servers"]),
    rows("client_grants", &["id"], &["client_grants"]),
    rows("roles", &["id"], &["roles"]),
    rows(
        "role_permissions",
        &["role_id", "resource_server_identifier", "permission_name"],
        &["role_permissions"],
    ),
    rows("organizations", &["id"], &["organizations"]),
    rows("organization_connections", &["organization_id", "connection_id"], &["organization_connections"]),
    rows("users", &["user_id"], &["users"]),
    rows("passwords", &["id"], &["passwords", "password_history"]),
    rows("authentication_methods", &["id"], &["authentication_methods"]),
    rows("user_activity", &["user_id"], &["user_activity"]),
    rows("user_organizations", &["user_id", "organization_id"], &["organization_members"]),
    rows("user_roles", &["user_id", "role_id", "organization_id"], &["user_roles"]),
    rows(
        "user_permissions",
        &["user_id", "resource_server_identifier", "permission_name", "organization_id"],
        &["user_permissions"],
    ),
    rows("grants", &["user_id", "client_id", "audience"], &["grants"]),
    rows("scim_external_ids", &["connection_id", "user_id"], &["external_ids"]),
    rows("invites", &["id"], &["organization_invitations"]),
    rows("hook_code", &["id"], &["extensions"]),
    rows("actions", &["id"], &["extensions"]),
    rows("action_versions", &["id"], &["extensions"]),
    rows("hooks", &["hook_id"], &["extensions"]),
    rows("forms", &["id"], &["extensions"]),
    rows("flows", &["id"], &["extensions"]),
    rows("log_streams", &["id"], &["extensions"]),
    rows("migration_sources", &["id"], &["extensions"]),
    rows("scim_configurations", &["connection_id"], &["extensions"]),
    rows("scim_tokens", &["token_id"], &["extensions"]),
    rows("client_registration_tokens", &["id"], &["extensions"]),
    rows("proxy_routes", &["id"], &["extensions"]),
    rows("branding", &[], &["branding"]),
    rows("universal_login_templates", &[], &["page_templates"]),
    rows("themes", &["themeId"], &["themes"]),
    rows("prompt_settings", &[], &["prompt_settings"]),
    rows("custom_text", &["prompt", "language"], &["custom_texts"]),
    rows("email_providers", &[], &["email_providers"]),
    rows("email_templates", &["template"], &["email_templates"]),
    rows("custom_domains", &["custom_domain_id"], &["custom_domains"]),
    rows("sessions", &["id"], &["sessions"]),
    rows("refresh_tokens", &["id"], &["refresh_tokens"]),
    rows("logs", &["log_id"], &["logs"]),
    nothing("login_sessions", "a login in progress lives for a day, and is begun again"),
    nothing("codes", "codes live for minutes"),
    nothing("action_executions", RUNTIME),
    nothing("outbox_events", RUNTIME),
    nothing("control_plane_comm_keys", RUNTIME),
    nothing("rollouts", RUNTIME),
    nothing("tenant_operations", RUNTIME),
    nothing("tenant_operation_events", RUNTIME),
    nothing("migrations", LEGACY),
    nothing("authentication_codes", LEGACY),
    nothing("otps", LEGACY),
    nothing("tickets", LEGACY),
    nothing("domains", LEGACY),
    nothing("kysely_migration", RUNTIME),
    nothing("kysely_migration_lock", RUNTIME),
    nothing("_authhero_provisioner_migrations", RUNTIME),
    nothing("__drizzle_migrations", RUNTIME),
    nothing("d1_migrations", RUNTIME),
    nothing("_cf_KV", RUNTIME),
    nothing("sqlite_sequence", RUNTIME),
];

/// The table of this name, if an install can have it.
pub fn source(table: &str) -> Option<&'static Source> {
    TABLES.iter().find(|source| source.table == table)
}

/// What becomes of a row of the planned tenant; nothing of another tenant's.
///
/// # Errors
/// What can't be brought over: the table, the row's key, the column, and why.
pub fn map(table: &str, row: &Row, plan: &Plan, survey: &Survey) -> Result<Mapped, Problem> {
    let Some(source) = source(table) else { return Ok(Mapped::default()) };
    if matches!(source.becomes, Becomes::Dropped(_)) {
        return Ok(Mapped::default());
    }
    let reader = Reader::new(source.table, source.key, row);
    let tenant = reader.text(if table == "tenants" { "id" } else { "tenant_id" })?;
    let everybodys = table == "keys" && tenant.is_none();
    if !everybodys && tenant.as_deref() != Some(plan.tenant.as_str()) {
        return Ok(Mapped::default());
    }
    let mut mapping = Mapping { row: reader, plan, survey, records: Vec::new() };
    mapping.run(source.table)?;
    // What the server would refuse is refused here, before anything is sent.
    let context = Context { main: plan.main, base_domain: plan.issuer.authority(), begun: plan.cutover };
    for record in &mapping.records {
        let Some(table) = tables::by_name(record.table) else { continue };
        let checked = check::check(table, &record.values);
        let checked = checked.and_then(|()| rules::check(table, &record.values, &context));
        checked.map_err(|wrong| mapping.row.problem(&wrong.column, wrong.words))?;
    }
    Ok(Mapped { records: mapping.records, notes: mapping.row.done() })
}

/// One row on its way.
struct Mapping<'a> {
    row: Reader<'a>,
    plan: &'a Plan,
    survey: &'a Survey,
    records: Vec<Record>,
}

impl Mapping<'_> {
    fn run(&mut self, table: &'static str) -> Result<(), Problem> {
        match table {
            "tenants" => self.tenant(),
            "keys" => self.key(),
            "connections" => self.connection(),
            "clients" => self.client(),
            "resource_servers" => self.resource_server(),
            "client_grants" => self.client_grant(),
            "roles" => self.role(),
            "role_permissions" => self.role_permission(),
            "organizations" => self.organization(),
            "organization_connections" => self.organization_connection(),
            "users" => self.user(),
            "passwords" => self.password(),
            "authentication_methods" => self.authentication_method(),
            "user_activity" => self.user_activity(),
            "user_organizations" => self.organization_member(),
            "user_roles" => self.user_role(),
            "user_permissions" => self.user_permission(),
            "grants" => self.grant(),
            "scim_external_ids" => self.external_id(),
            "invites" => self.invitation(),
            "branding" => self.branding(),
            "universal_login_templates" => self.page_template(),
            "themes" => self.theme(),
            "prompt_settings" => self.prompt_settings(),
            "custom_text" => self.custom_text(),
            "email_providers" => self.email_provider(),
            "email_templates" => self.email_template(),
            "custom_domains" => self.custom_domain(),
            "sessions" => self.session(),
            "refresh_tokens" => self.refresh_token(),
            "logs" => self.log(),
            other => self.extension(other),
        }
    }

    fn put(&mut self, table: &'static str, values: impl IntoIterator<Item = (&'static str, Json)>) {
        let values: Values = values
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        self.records.push(Record { table, values });
    }

    /// When the row was made, and changed.
    fn times(&self) -> Result<[(&'static str, Json); 2], Problem> {
        let (created, updated) = ("created_at", "updated_at");
        let made = self.row.need_time(created)?;
        let changed = self.row.time(updated)?.unwrap_or(made);
        Ok([(created, made.into()), (updated, changed.into())])
    }

    /// The same, where the source keeps milliseconds.
    fn times_ts(&self) -> Result<[(&'static str, Json); 2], Problem> {
        let made = self.row.time("created_at_ts")?.unwrap_or_default();
        let changed = self.row.time("updated_at_ts")?.unwrap_or(made);
        Ok([("created_at", made.into()), ("updated_at", changed.into())])
    }

    fn has(&self, table: &str, key: &str) -> bool {
        self.survey.has(&self.plan.tenant, table, key)
    }

    /// Whether the row's user comes along. One who is not there at all is said.
    fn has_user(&self, id: &str) -> bool {
        if !self.plan.takes(id) {
            return false;
        }
        let there = self.has("users", id);
        if !there {
            self.row.note("user_id", "there is no such user: the row is left out");
        }
        there
    }

    /// Whether what the row refers to is there. What is not is said.
    fn refers(&self, column: &'static str, table: &str, key: &str) -> bool {
        let there = self.has(table, key);
        if !there {
            self.row.note(column, format!("there is no such row of {table}: the row is left out"));
        }
        there
    }

    /// Whether there is an API of this identifier. One that is not is said.
    fn has_audience(&self, column: &'static str, identifier: &str) -> bool {
        let there = self.survey.has_audience(&self.plan.tenant, identifier);
        if !there {
            self.row.note(column, "there is no such API: the row is left out");
        }
        there
    }

    /// The id that an organization has in the tenant; `None` for one that does not come along.
    fn organization_id(&self, id: &str) -> Option<String> {
        if id.is_empty() {
            return Some(String::new());
        }
        if let Some(known) = self.plan.organizations.get(id) {
            return Some(known.clone());
        }
        if self.plan.main && self.survey.has_tenants_name(&self.plan.tenant, id) {
            self.row.note(
                "organization_id",
                "is that of a tenant which does not come along: the row is left out",
            );
            return None;
        }
        self.refers("organization_id", "organizations", id).then(|| id.to_owned())
    }

    /// The id that a role has in the tenant; `None` for one that is not there.
    fn role_id(&self, id: &str) -> Option<String> {
        if let Some(known) = self.plan.roles.get(id) {
            return Some(known.clone());
        }
        self.refers("role_id", "roles", id).then(|| id.to_owned())
    }

    /// A secret of the source, opened if it is encrypted; `None` if it can't be.
    fn open(&self, column: &'static str, text: String) -> Option<String> {
        if !text.starts_with(plan::ENCRYPTED) {
            return Some(text);
        }
        let opened = self.plan.key.as_ref().and_then(|key| key.open(&text));
        if opened.is_none() {
            let why = if self.plan.key.is_none() { "no key was given" } else { "the key does not open it" };
            self.row.note(column, format!("is encrypted and {why}: it is left out"));
        }
        opened
    }

    /// Every encrypted text inside a value, opened. One that can't be becomes null.
    fn open_all(&self, column: &'static str, value: Json) -> Json {
        match value {
            Json::String(text) if text.starts_with(plan::ENCRYPTED) => {
                self.open(column, text).map_or(Json::Null, Json::from)
            }
            Json::Array(items) => items.into_iter().map(|item| self.open_all(column, item)).collect(),
            Json::Object(members) => Json::Object(
                members.into_iter().map(|(name, value)| (name, self.open_all(column, value))).collect(),
            ),
            other => other,
        }
    }
}

/// Text or null.
fn or_null(text: Option<String>) -> Json {
    text.map_or(Json::Null, Json::from)
}

/// An object of the members that hold anything.
fn filled(members: impl IntoIterator<Item = (&'static str, Json)>) -> Values {
    let empty = |value: &Json| match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    };
    members
        .into_iter()
        .filter(|(_, value)| !empty(value))
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
