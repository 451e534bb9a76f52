//! The one native test binary: the whole server in an in-memory world. A file that is not declared here fails `laws::tidy`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // how a test fails

#[path = "support/mod.rs"]
mod support;

mod laws;
mod management;
mod oauth;
mod operations;
mod start;
