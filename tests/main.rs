//! The one native test binary: the whole server in an in-memory world. A file that is not declared here fails `laws::tidy`.

#[path = "support/mod.rs"]
mod support;

mod laws;
mod oauth;
mod operations;
mod start;
