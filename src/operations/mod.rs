//! The durable engine: what is done to tenants, step by step.

pub mod api;
pub mod backups;
pub mod bootstrap;
pub mod coordinator;
pub mod databases;
pub mod engine;
pub mod fleet;
pub mod migrations;
pub mod model;
pub mod moves;
pub mod plan;
pub mod seed;
pub mod shown;
pub mod spare_keys;
pub mod store;
pub mod wake;
