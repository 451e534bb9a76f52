//! What a person must agree to before a client of somebody else gets it. Pure.

use super::checks::Terms;
use crate::{
    oauth::{
        audience::Api,
        scope::{OPENID, Scopes},
    },
    resources::clients::model::ClientRecord,
};

/// Whether a person is asked before this client gets what it wants of this API. One that is ours is trusted with what is
/// theirs; with what they may do to the tenant only if somebody who may do everything there says so: else whoever may
/// make a client, or change one, could send an administrator to it and act as them.
pub fn is_asked(client: &ClientRecord, api: &Api<'_>) -> bool {
    !client.client.is_first_party || (api.is_management() && !client.vouched)
}

/// A client of somebody else asks for this.
pub struct Wanted {
    /// The API, as consents name it: empty for a login about no API.
    pub audience: String,
    /// The scopes that mean something: what nothing defines is dropped when the token is made.
    pub scopes: Vec<String>,
}

impl Wanted {
    /// What these terms ask for.
    pub fn of(terms: &Terms<'_>) -> Self {
        let api = &terms.api;
        let audience = if api.is_userinfo() { String::new() } else { api.registered().to_owned() };
        let means = |scope: &&str| OPENID.contains(scope) || api.defines(scope);
        // A claim that is asked for by itself is one of those that its scope gives.
        let all: Scopes = terms.scope.iter().filter(means).chain(terms.claims.scopes()).collect();
        Self { audience, scopes: all.iter().map(str::to_owned).collect() }
    }

    /// Whether all of it has been agreed to: a client that asks for nothing has to be met once as well.
    pub fn is_covered(&self, given: Option<&[String]>) -> bool {
        given.is_some_and(|given| self.scopes.iter().all(|scope| given.contains(scope)))
    }
}
