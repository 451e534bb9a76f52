//! The world that the server is tested in: SQLite for D1, frozen time, seeded chance.

pub mod actor;
pub mod admin;
pub mod sqlite;
pub mod world;

pub use actor::{Answer, Ask};
pub use admin::Admin;
pub use world::World;
