//! Databases of tenants: chosen, made, migrated, bound and removed; kept ready in a pool; and shown to whoever looks for
//! what is wrong with one.

pub mod api;
pub mod bindings;
pub mod pool;
pub mod steps;
pub mod store;
