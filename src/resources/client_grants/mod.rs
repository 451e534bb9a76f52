//! Client grants: what a machine client may ask of an API.

pub mod store;
