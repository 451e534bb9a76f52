//! What a client grant is.

use crate::resources::clients::model::OrganizationUsage;
use std::collections::BTreeSet;

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

/// Checks that each scope is there once and that the API defines it. What it does not define today could be defined
/// tomorrow and mean anything.
///
/// # Errors
/// Words that name the scope.
pub fn check_scopes(audience: &str, scopes: &[String], defines: impl Fn(&str) -> bool) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for scope in scopes {
        if !defines(scope) {
            return Err(format!("scope: {audience} does not define {scope}"));
        }
        if !seen.insert(scope) {
            return Err(format!("scope: {scope} is there more than once"));
        }
    }
    Ok(())
}
