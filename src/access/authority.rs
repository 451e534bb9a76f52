//! What a bearer may cause: never more than their token holds, whatever way it takes, and never more for another tenant
//! than [`may_manage`](super::may_manage) lets them. Pure: what somebody else holds is looked up in [`super::giving`].
//!
//! Whoever gives a permission, lets somebody else act with it, sees the secret that comes with it, or takes it away from
//! somebody who has it, must hold it. It is the *token* that counts, not who could get a better one: a token with few
//! scopes that was lent to an application, or was stolen, is worth those few.

use super::{
    management::{ALL_TENANTS, TENANT_ADMIN},
    may_manage::Bearer,
};
use crate::jose::Claims;

/// What a token of the management API can cause at the tenant that it manages.
#[derive(Clone, Copy)]
pub struct Authority<'a> {
    claims: &'a Claims,
    bearer: &'a Bearer,
    catalogue: &'a [&'static str],
}

impl<'a> Authority<'a> {
    /// That of a token. `catalogue`: every scope that a route can require.
    pub fn new(claims: &'a Claims, bearer: &'a Bearer, catalogue: &'a [&'static str]) -> Self {
        Self { claims, bearer, catalogue }
    }

    /// Whether the token holds everything that there is to hold where it manages: by the one scope that says so,
    /// `tenant:admin`, which only tokens of the main tenant can have, or by every single one.
    pub fn holds_everything(&self) -> bool {
        let every_one = || self.catalogue.iter().all(|scope| self.claims.has_scope(scope));
        match self.bearer {
            // A tenant can name a scope of its own what it likes.
            Bearer::Own(_) => every_one(),
            Bearer::Organization(_) => self.claims.has_scope(TENANT_ADMIN) || every_one(),
            // Who administers the main tenant decides who manages the others.
            Bearer::Main { all_tenants } => {
                self.claims.has_scope(TENANT_ADMIN) || (*all_tenants && every_one())
            }
        }
    }

    /// Whether the token holds this permission of the management API.
    pub fn holds(&self, permission: &str) -> bool {
        let literally = match permission {
            TENANT_ADMIN => false,
            ALL_TENANTS => matches!(self.bearer, Bearer::Main { all_tenants: true }),
            other => self.claims.has_scope(other),
        };
        literally || self.holds_everything()
    }

    /// The first of these permissions that the token does not hold.
    pub fn lacks<'p>(&self, permissions: impl IntoIterator<Item = &'p str>) -> Option<&'p str> {
        permissions.into_iter().find(|permission| !self.holds(permission))
    }
}
