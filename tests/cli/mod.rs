//! The `gatehouse` command.

mod bad_sources;
mod dumps;
mod files;
mod plans;
mod servers;
mod session;
mod tenants;
mod written;
