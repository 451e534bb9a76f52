//! What a client grant is.

use crate::{
    http::shape::{Kind, Member},
    id::{ClientGrantId, ClientId},
    resources::clients::model::OrganizationUsage,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The scopes of an API that a client may have as a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientGrant {
    /// Its row id, `cgr_…`.
    pub id: ClientGrantId,
    /// The client; immutable.
    pub client_id: ClientId,
    /// The identifier of the API; immutable.
    pub audience: String,
    /// The scopes.
    #[serde(default)]
    pub scope: Vec<String>,
    /// Whether its tokens name an organization; `deny` unless it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_usage: Option<OrganizationUsage>,
    /// Whether that may be any organization, not only those that it is associated with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_any_organization: Option<bool>,
    /// Whom it is for.
    #[serde(default)]
    pub subject_type: SubjectType,
}

/// Whom a grant is for (Auth0 knows `user` as well: what people get of an API is decided here by what they hold).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The client itself, as a machine.
    #[default]
    Client,
}

/// Whether a token of a grant is about an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside {
    /// About none.
    No,
    /// About any that there is.
    Any,
    /// About one that the grant is associated with.
    Associated,
}

/// Why a machine gets no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// The grant is not for organizations.
    Denied,
    /// It is for organizations only, and none is named.
    Missing,
}

/// Which organizations a machine may name with a grant of this usage, when it does or does not name one.
///
/// # Errors
/// Why it may not.
pub fn inside(usage: OrganizationUsage, any: bool, names_one: bool) -> Result<Inside, Outside> {
    match (usage, names_one) {
        (OrganizationUsage::Deny, true) => Err(Outside::Denied),
        (OrganizationUsage::Require, false) => Err(Outside::Missing),
        (_, false) => Ok(Inside::No),
        (_, true) if any => Ok(Inside::Any),
        (_, true) => Ok(Inside::Associated),
    }
}

/// What can be set of a grant. Their kinds are [`ClientGrant`]'s to check, which takes no others.
pub const MEMBERS: [Member; 6] = [
    Member::new("client_id", Kind::Any),
    Member::new("audience", Kind::Any),
    Member::new("scope", Kind::Any),
    Member::new("organization_usage", Kind::Any),
    Member::new("allow_any_organization", Kind::Any),
    Member::new("subject_type", Kind::Any),
];

/// The members of a grant that cannot be set.
pub const FIXED: &[&str] = &["id"];

/// The members of a grant that cannot be changed.
pub const IMMUTABLE: &[&str] = &["id", "client_id", "audience"];

impl ClientGrant {
    /// Checks that each scope is there once and that the API defines it. What it does not define today could be
    /// defined tomorrow and mean anything.
    ///
    /// # Errors
    /// Words that name the scope.
    pub fn check(&self, defines: impl Fn(&str) -> bool) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for scope in &self.scope {
            if !defines(scope) {
                return Err(format!("scope: {} does not define {scope}", self.audience));
            }
            if !seen.insert(scope) {
                return Err(format!("scope: {scope} is there more than once"));
            }
        }
        Ok(())
    }
}
