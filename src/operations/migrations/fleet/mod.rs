//! All tenants together, through the phases of a rollout by one command each: not open yet, read-only, open, and done.

pub mod api;
pub mod store;
