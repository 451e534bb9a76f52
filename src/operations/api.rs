//! The tenants API.
use crate::http::route::Routes;

/// Tenants and their operations.
pub fn routes(_routes: &mut Routes) {}
