//! Permissions: scopes of an API that a role, or a person directly, holds.

pub mod api;
pub mod model;
pub mod store;
