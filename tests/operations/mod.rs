//! The durable engine: leases and budget, the life of a tenant, and everything that can go wrong on the way.

mod coordinator;
mod tenants;
mod wake;
