//! Refresh tokens: what keeps an application signed in.

pub mod model;
pub mod store;
