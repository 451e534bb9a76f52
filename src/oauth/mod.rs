//! The authorization server.
use crate::http::route::Routes;

/// The protocol endpoints, in the order in which a client meets them.
pub fn routes(_routes: &mut Routes) {}
