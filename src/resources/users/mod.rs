//! Users: the people of a tenant.

pub mod model;
pub mod password;
pub mod store;
