//! The database that a tenant lives in, as an operator looks for what is wrong with it.

pub mod api;
pub mod store;
