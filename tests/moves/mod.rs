//! Moves of tenants: the protocol against any misfortune, and the whole of it on real SQLite.

mod bugs;
mod simulation;
mod store;
