//! Signing keys, and the key that seals a tenant's secrets.

pub mod api;
pub mod model;
pub mod store;
