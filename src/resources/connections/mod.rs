//! Connections: where identities come from.

pub mod api;
pub mod model;
pub mod store;
