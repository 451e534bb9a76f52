//! Keys of the server that a tenant came from.

pub mod model;
pub mod store;
