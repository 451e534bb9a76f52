//! The world that the server is tested in: SQLite for D1, frozen time, seeded chance.

pub mod actor;
pub mod admin;
pub mod audit;
pub mod browser;
pub mod gate;
pub mod headers;
pub mod plan;
pub mod sqlite;
pub mod token;
pub mod world;

pub use actor::{Answer, Ask};
pub use admin::Admin;
pub use browser::{Application, Browser};
pub use world::{World, block_on};

/// How properties are tried: a failure is shown, not kept in a file beside the sources.
pub fn properties() -> proptest::test_runner::Config {
    proptest::test_runner::Config { failure_persistence: None, ..Default::default() }
}
