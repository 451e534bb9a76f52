//! The log of a tenant, read: entries are written beside what they tell of, see [`crate::events`].

pub mod api;
pub mod model;
pub mod sealing;
pub mod store;
