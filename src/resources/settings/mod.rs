//! Tenant settings.

pub mod model;
pub mod store;
