//! Connections: where identities come from.

pub mod model;
pub mod store;
