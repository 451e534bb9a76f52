//! The one native test binary: the whole server in an in-memory world. A file that is not declared here fails `laws::tidy`.

// How a test fails, and what it counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "support/mod.rs"]
mod support;

mod backups;
mod cli;
mod importing;
mod laws;
mod limits;
mod login;
mod management;
mod moves;
mod oauth;
mod operations;
mod start;
