//! Plans: what becomes of each tenant of a source. Written by the tool, edited by a person, and pure.

pub mod cost;
pub mod destination;
pub mod draft;
pub mod file;
pub mod model;
pub mod split;

pub use destination::Destination;
pub use model::Plan;
