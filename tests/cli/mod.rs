//! The `gatehouse` command.

mod backups;
mod bad_sources;
mod deploy;
mod doctor;
mod dumps;
mod files;
mod guide;
mod imports;
mod moves;
mod plans;
mod servers;
mod session;
mod tenants;
mod written;
