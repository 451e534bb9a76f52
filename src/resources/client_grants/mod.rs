//! Client grants: what a machine client may ask of an API.

pub mod api;
pub mod model;
mod organizations;
pub mod store;
