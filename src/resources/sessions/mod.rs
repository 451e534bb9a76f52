//! Browser sessions.

pub mod model;
pub mod store;
