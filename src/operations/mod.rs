//! The durable engine: what is done to tenants, step by step.

pub mod api;
pub mod bootstrap;
pub mod coordinator;
pub mod engine;
pub mod model;
pub mod plan;
pub mod seed;
pub mod shown;
pub mod store;
pub mod wake;
