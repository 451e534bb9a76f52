//! Roles: named sets of permissions.

pub mod store;
