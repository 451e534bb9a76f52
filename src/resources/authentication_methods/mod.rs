//! What people have besides a password.

pub mod model;
pub mod store;
