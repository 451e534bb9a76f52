//! Signing keys, and the key that seals a tenant's secrets.

pub mod api;
mod encryption;
pub mod model;
pub mod store;
