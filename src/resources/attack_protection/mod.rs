//! Attack protection: brute force, suspicious addresses, breached passwords (Auth0's names, shapes and defaults).

pub mod api;
pub mod model;
pub mod store;
