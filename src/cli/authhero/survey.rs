//! The first pass: what there is, so that the second one knows what refers to nothing, who is there twice, and how long the
//! last token lives.

use super::row::{Reader, Row};
use crate::{
    http::shape::is_email, importing::record::Problem, resources::organizations::model::belongs_to_a_tenant,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What the whole source holds. Keys are kept as digests of 16 bytes, so that it fits into memory however long they are.
#[derive(Default)]
pub struct Survey {
    tenants: BTreeMap<String, Facts>,
    there: HashSet<u128>,
    roots: HashSet<u128>,
    /// What a user is linked to, which may be linked itself.
    links: HashMap<u128, String>,
    sessions: HashMap<u128, String>,
}

/// Stands for the organizations with the name of a tenant where a table is named.
const OF_A_TENANT: &str = "organizations of tenants";

/// What is known of one tenant.
#[derive(Default)]
struct Facts {
    own_keys: bool,
    longest_token: i64,
}

/// How long a token lives whose API says nothing, in seconds.
const TOKEN_LIFETIME: i64 = 86_400;

/// How many links are followed from one user to another.
const HOPS: usize = 16;

/// Thirty days: no API may have tokens that live longer here.
const LONGEST: i64 = 2_592_000;

fn digest(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.first_chunk().copied().map_or(0, u128::from_be_bytes)
}

impl Survey {
    /// Looks at a row. Answers what makes the whole source unfit: rows that are there twice.
    pub fn see(&mut self, table: &str, row: &Row) -> Vec<Problem> {
        self.look(table, row).unwrap_or_else(|problem| vec![problem])
    }

    fn look(&mut self, table: &str, row: &Row) -> Result<Vec<Problem>, Problem> {
        let Some(source) = super::source(table) else {
            let words = "this table is not known: it may be newer than this tool".to_owned();
            return Err(Problem {
                table: table.to_owned(),
                key: String::new(),
                column: String::new(),
                words,
            });
        };
        let row = Reader::new(table, source.key, row);
        let tenant = row.text(if table == "tenants" { "id" } else { "tenant_id" })?;
        let Some(tenant) = tenant else { return Ok(Vec::new()) };
        let mut problems = Vec::new();
        // (what is unique, its column, the parts)
        let mut unique: Vec<(&str, &str, Vec<String>)> = Vec::new();
        match table {
            "tenants" => drop(self.tenants.entry(tenant.clone()).or_default()),
            "keys" => self.tenants.entry(tenant.clone()).or_default().own_keys = true,
            "users" => {
                let (id, connection) = (row.need("user_id")?, row.need("connection")?);
                for column in ["email", "username"] {
                    let Some(text) = row.text(column)?.map(|text| text.to_lowercase()) else { continue };
                    // What is no address becomes the user name.
                    let kind = if column == "email" && is_email(&text) { "email" } else { "username" };
                    unique.push(("users", column, vec![kind.to_owned(), connection.clone(), text]));
                }
                match row.text("linked_to")? {
                    Some(account) => drop(self.links.insert(digest(&[&tenant, &id]), account)),
                    None => drop(self.roots.insert(digest(&[&tenant, &id]))),
                }
            }
            "passwords" if row.flag("is_current")?.unwrap_or(true) => {
                unique.push(("passwords", "user_id", vec!["current".to_owned(), row.need("user_id")?]));
            }
            "connections" => {
                unique.push(("connections", "name", vec!["name".to_owned(), row.need("name")?]));
            }
            "resource_servers" => {
                let identifier = row.need("identifier")?;
                let seconds = row.int("token_lifetime")?.unwrap_or(TOKEN_LIFETIME);
                let seconds = seconds.max(row.int("token_lifetime_for_web")?.unwrap_or(0));
                let facts = self.tenants.entry(tenant.clone()).or_default();
                facts.longest_token = facts.longest_token.max(seconds.clamp(1, LONGEST));
                unique.push(("resource_servers", "identifier", vec!["identifier".to_owned(), identifier]));
            }
            "organizations" | "roles" => {
                if table == "organizations" && belongs_to_a_tenant(&row.need("name")?) {
                    self.there.insert(digest(&[&tenant, OF_A_TENANT, &row.need("id")?]));
                }
                unique.push((table, "name", vec!["name".to_owned(), row.need("name")?]));
            }
            "client_grants" => {
                let parts = vec!["grant".to_owned(), row.need("client_id")?, row.need("audience")?];
                unique.push((table, "audience", parts));
            }
            "custom_domains" => {
                unique.push((table, "domain", vec!["domain".to_owned(), row.need("domain")?.to_lowercase()]));
            }
            "sessions" => self.see_session(&tenant, row.text("login_session_id")?, row.need("id")?, &row)?,
            "login_sessions" => {
                if let Some(session) = row.text("session_id")? {
                    self.sessions.insert(digest(&[&tenant, "login", &row.need("id")?]), session);
                }
            }
            _ => {}
        }
        let key = row.key().to_owned();
        if source.is_unique && !self.there.insert(digest(&[&tenant, table, &key])) {
            problems.push(row.problem("", "is there twice"));
        }
        for (table, column, parts) in unique {
            let parts: Vec<&str> =
                [tenant.as_str(), table].into_iter().chain(parts.iter().map(String::as_str)).collect();
            if !self.there.insert(digest(&parts)) {
                problems.push(row.problem(column, "is that of another row of this tenant too"));
            }
        }
        Ok(problems)
    }

    fn see_session(
        &mut self,
        tenant: &str,
        login: Option<String>,
        id: String,
        row: &Reader<'_>,
    ) -> Result<(), Problem> {
        let live = row.time("revoked_at_ts")?.is_none();
        if live && let Some(login) = login {
            self.sessions.entry(digest(&[tenant, "login", &login])).or_insert_with(|| id.clone());
        }
        if live {
            self.there.insert(digest(&[tenant, "live session", &id]));
        }
        Ok(())
    }

    /// The source's tenants.
    pub fn tenants(&self) -> Vec<&str> {
        self.tenants.keys().map(String::as_str).collect()
    }

    /// Whether the install signs for a tenant with a key of everybody, rather than with one of its own.
    pub fn shares_keys(&self, tenant: &str) -> bool {
        self.tenants.get(tenant).is_none_or(|facts| !facts.own_keys)
    }

    /// How long a token of the tenant lives at the most, in seconds: as the longest of its APIs says; a day at least, as
    /// ID tokens do.
    pub(super) fn longest_token(&self, tenant: &str) -> i64 {
        self.tenants.get(tenant).map_or(0, |facts| facts.longest_token).max(TOKEN_LIFETIME)
    }

    /// Whether there is such a row, by its key without the tenant.
    pub(super) fn has(&self, tenant: &str, table: &str, key: &str) -> bool {
        self.there.contains(&digest(&[tenant, table, key]))
    }

    /// Whether the organization has a name that only that of a tenant may have on the main tenant.
    pub(super) fn has_tenants_name(&self, tenant: &str, organization: &str) -> bool {
        self.there.contains(&digest(&[tenant, OF_A_TENANT, organization]))
    }

    /// Whether there is an API of this identifier.
    pub(super) fn has_audience(&self, tenant: &str, identifier: &str) -> bool {
        self.there.contains(&digest(&[tenant, "resource_servers", "identifier", identifier]))
    }

    /// The account that a user is, or is linked to over however many others: itself linked to none. `None` if there is none,
    /// as where links go in a circle.
    pub(super) fn root(&self, tenant: &str, user: &str) -> Option<String> {
        let (mut user, mut hops) = (user.to_owned(), 0);
        while !self.roots.contains(&digest(&[tenant, &user])) {
            hops += 1;
            user = self.links.get(&digest(&[tenant, &user])).filter(|_| hops <= HOPS)?.clone();
        }
        Some(user)
    }

    /// The session that came of a login, if it has not been ended.
    pub(super) fn session_of(&self, tenant: &str, login: &str) -> Option<&str> {
        let session = self.sessions.get(&digest(&[tenant, "login", login]))?;
        self.there.contains(&digest(&[tenant, "live session", session])).then_some(session)
    }
}
