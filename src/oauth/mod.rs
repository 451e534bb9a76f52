//! The authorization server: OAuth 2.0 and OpenID Connect, one file per endpoint and one per grant.

pub mod audience;
pub mod authorize;
pub mod backchannel;
pub mod claims;
pub mod code;
pub mod discovery;
pub mod logout;
pub mod person;
pub mod pkce;
pub mod redirect;
pub mod revoke;
pub mod scope;
pub mod sealed_code;
pub mod store;
pub mod token;
pub mod userinfo;

use crate::http::route::Routes;

/// The protocol endpoints, in the order in which a client meets them.
pub fn routes(routes: &mut Routes) {
    discovery::routes(routes);
    authorize::routes(routes);
    token::routes(routes);
    userinfo::routes(routes);
    revoke::routes(routes);
    logout::routes(routes);
}
