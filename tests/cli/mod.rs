//! The `gatehouse` command.

mod bad_sources;
mod doctor;
mod dumps;
mod files;
mod moves;
mod plans;
mod servers;
mod session;
mod tenants;
mod written;
