//! What a client may name at the token endpoint whatever its grant is: the API, the organization, the scopes. No grant
//! ignores any of it, since the client would take what it gets for what it asked for. Pure.

use crate::{access::oauth::Refusal, oauth::scope::Scopes};
use serde::Deserialize;

/// The parameters that more than one grant knows.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Wanted {
    /// The API (Auth0).
    audience: Option<String>,
    /// The API, as RFC 8707 §2 names it.
    resource: Option<String>,
    /// An organization, by id or name (Auth0).
    pub organization: Option<String>,
    /// The scopes (RFC 6749 §3.3).
    scope: Option<String>,
}

/// Parameters of extensions that there are not here, each of which would change what a client gets.
pub const UNSUPPORTED: [&str; 8] = [
    "actor_token",
    "assertion",
    "authorization_details",
    "claims",
    "requested_token_type",
    "subject_token",
    "target_id",
    "token_exchange_profile",
];

impl Wanted {
    /// The API that is named, in either way.
    ///
    /// # Errors
    /// `invalid_target` if the two ways name different ones (RFC 8707 §2).
    pub(super) fn audience(&self) -> Result<Option<&str>, Refusal> {
        match (&self.audience, &self.resource) {
            (Some(audience), Some(resource)) if audience != resource => {
                Err(other_api("audience and resource name different APIs"))
            }
            (audience, resource) => Ok(audience.as_deref().or(resource.as_deref())),
        }
    }

    /// The scopes that are named; `None` if none are.
    pub(super) fn scope(&self) -> Option<Scopes> {
        self.scope.as_deref().map(Scopes::parse)
    }

    /// Checks that the organization that is named, if one is, is the one that the login was for.
    ///
    /// # Errors
    /// `invalid_request`: what was granted stays good, so that the client goes on with it.
    pub(super) fn check_organization(&self, of_login: Option<(&str, &str)>) -> Result<(), Refusal> {
        let is_it =
            |named: &str| of_login.is_some_and(|(id, name)| named == id || named.eq_ignore_ascii_case(name));
        match self.organization.as_deref() {
            Some(named) if !is_it(named) => Err(Refusal::new(
                "invalid_request",
                "The login was not for this organization. Send the person to /authorize with it.",
            )),
            _ => Ok(()),
        }
    }
}

/// 400 `invalid_target` (RFC 8707 §2).
pub(super) fn other_api(why: &str) -> Refusal {
    Refusal::new("invalid_target", why)
}
