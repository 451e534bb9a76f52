//! The Cloudflare API: databases, bindings.

pub mod rest;

pub use rest::RestDriver;
