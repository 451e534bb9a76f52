//! Organizations: groups of users inside a tenant. On the main tenant there is one for each tenant, of the same name.

pub mod api;
pub mod members;
pub mod model;
pub mod store;
