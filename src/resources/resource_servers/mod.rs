//! Resource servers: the APIs that access tokens are for.

pub mod api;
pub mod model;
pub mod store;
