//! The Cloudflare API: databases, the bindings of the script, and SQL for the minute until a binding is there.
//!
//! A call that fails says one thing above all: whether it may have happened. [`Kind::Unknown`] is the only failure after
//! which something may exist, or may yet come to exist; what to do then is the engine's to decide.

pub mod api;
pub mod bindings;
pub mod databases;
pub mod problem;
pub mod rest;

pub use api::Api;
pub use bindings::Binding;
pub use problem::{Kind, Problem};
pub use rest::RestDriver;
