//! All tenants together: read-only while something is done to them, and open again, by one command each.

pub mod api;
pub mod store;
