//! Moves of tenants: the protocol against any misfortune, and the whole of it on real SQLite.

mod bugs;
pub mod furnish;
mod migration;
mod moving;
mod rivals;
mod rollout;

mod simulation;
mod steering;
mod store;
pub mod trial;
