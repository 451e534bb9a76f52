//! What a plan may say.

use super::super::source::dump::Dialect;
use crate::{config::Placement, id::TenantId, tenant::reserved::is_reserved};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, path::PathBuf};

/// The version of plans that this tool reads and writes.
pub const VERSION: u32 = 1;

/// The most parts that a tenant is split into.
pub const MOST_PARTS: usize = 64;

/// A plan file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`VERSION`].
    pub version: u32,
    /// Where everything comes from.
    pub source: SourcePlan,
    /// What becomes of each tenant there.
    #[serde(default)]
    pub tenant: Vec<TenantPlan>,
}

/// Where everything comes from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcePlan {
    /// The file; relative to the plan file.
    pub path: PathBuf,
    /// Whose dump it is, where its first lines do not say.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// The issuer under which it signed for all its tenants. Tokens that it issued are then accepted until they expire.
    #[serde(default)]
    pub issuer: Option<String>,
    /// When it stops issuing them, as ISO-8601: the last of them expires that much later.
    #[serde(default)]
    pub cutover: Option<String>,
    /// The variable of the environment that holds the key of its encrypted values.
    #[serde(default)]
    pub encryption_key: Option<String>,
    /// Tables that this tool does not know and that are left behind on purpose.
    #[serde(default)]
    pub leave_out: BTreeSet<String>,
}

/// What becomes of one tenant of the source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantPlan {
    /// Its id there.
    pub from: String,
    /// Its id here.
    #[serde(default)]
    pub to: Option<String>,
    /// Whether it becomes the main tenant, whose people manage the others. It is there already and is in use.
    #[serde(default)]
    pub main: bool,
    /// Whether it is left behind.
    #[serde(default)]
    pub skip: bool,
    /// Its name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Where its rows will live; the installation's default if it does not say.
    #[serde(default)]
    pub placement: Option<Placement>,
    /// Where in the world.
    #[serde(default)]
    pub region: Option<String>,
    /// Whether its logs come along.
    #[serde(default = "yes")]
    pub logs: bool,
    /// Whether its sessions and refresh tokens do, so that people stay signed in.
    #[serde(default = "yes")]
    pub sessions: bool,
    /// Whether a browser's cookie of the source keeps it signed in: only if all applications may act as the person.
    #[serde(default)]
    pub browser_sessions: bool,
    /// What becomes of people who have only second factors that can't be checked here.
    #[serde(default)]
    pub unsupported_factors: Unsupported,
    /// Its custom domains that are known to be its own.
    #[serde(default)]
    pub verified_domains: BTreeSet<String>,
    /// Tenants that are made of some of its people.
    #[serde(default)]
    pub part: Vec<Part>,
    /// What becomes of the people in no part.
    #[serde(default)]
    pub others: Others,
}

/// A tenant that is made of some people of another one, with a copy of all its settings, applications and connections.
// Its id, name and home stand here once more, and not in a type of their own: serde flattens a type only if unknown
// members are let pass, and a plan with a misspelt choice must not be carried out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its id here.
    pub to: String,
    /// Its name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// Where its rows will live.
    #[serde(default)]
    pub placement: Option<Placement>,
    /// Where in the world.
    #[serde(default)]
    pub region: Option<String>,
    /// The members of these organizations, by id or name. These organizations come along, and no others.
    #[serde(default)]
    pub organizations: BTreeSet<String>,
    /// The users of these connections, by name.
    #[serde(default)]
    pub connections: BTreeSet<String>,
    /// The users with an e-mail address at these domains.
    #[serde(default)]
    pub email_domains: BTreeSet<String>,
}

/// What becomes of people who have only second factors that can't be checked here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsupported {
    /// They can't sign in.
    #[default]
    Refuse,
    /// They sign in with the password alone.
    Ignore,
}

/// What becomes of people who are in no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Others {
    /// They go where the tenant goes.
    #[default]
    Keep,
    /// They are left behind, and nothing becomes of the tenant itself.
    Leave,
}

const fn yes() -> bool {
    true
}

impl Plan {
    /// What is said about a tenant of the source.
    pub fn of(&self, from: &str) -> Option<&TenantPlan> {
        self.tenant.iter().find(|tenant| tenant.from == from)
    }

    /// What makes no sense given the tenants that the source has: one that is not there, one about which nothing is
    /// said.
    pub fn check_tenants(&self, there: &[&str]) -> Vec<String> {
        let unknown = self.tenant.iter().filter(|tenant| !there.contains(&tenant.from.as_str()));
        let unknown = unknown.map(|tenant| format!("tenant {} is not in the source", tenant.from));
        let silent = there.iter().filter(|id| self.of(id).is_none());
        let silent = silent.map(|id| {
            format!("tenant {id} of the source is not in the plan: add it, perhaps with skip = true")
        });
        unknown.chain(silent).collect()
    }
}

/// An id that a tenant may have.
///
/// # Errors
/// The rule.
pub fn check_id(text: &str) -> Result<TenantId, String> {
    let id = TenantId::parse(text).ok_or_else(|| {
        format!(
            "{text:?} is no id here: 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit"
        )
    })?;
    if is_reserved(&id) { Err(format!("the id {id} is reserved")) } else { Ok(id) }
}
