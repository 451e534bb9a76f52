//! The durable engine: leases and budget, the life of a tenant, and everything that can go wrong on the way.

mod cloudflare;
mod coordinator;
mod rivals;
mod simulation;
mod tenants;
mod trial;
mod wake;
