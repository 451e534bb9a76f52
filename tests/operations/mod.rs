//! The durable engine: leases and budget, the life of a tenant, and everything that can go wrong on the way.

mod client;
pub mod cloudflare;
mod coordinator;
mod engine;
mod fleet;
mod lifecycle;
mod pool;
mod rivals;
pub mod simulation;
mod spare_keys;
mod staging;
mod stored;
mod tenants;
mod trial;
mod wake;
