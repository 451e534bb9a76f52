//! Roles: named sets of permissions.

pub mod api;
pub mod holders;
pub mod model;
pub mod store;
