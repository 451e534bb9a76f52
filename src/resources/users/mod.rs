//! Users: the people of a tenant.

pub mod api;
pub mod attributes;
pub mod common;
pub mod model;
pub mod password;
pub mod policy;
pub mod search;
pub mod store;
pub mod stored_hash;
