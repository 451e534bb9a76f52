//! The durable engine: what is done to tenants, step by step.

pub mod api;
pub mod bootstrap;
pub mod coordinator;
pub mod seed;
pub mod store;
pub mod wake;
