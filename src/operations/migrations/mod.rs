//! Many moves as one piece of work: some at a time, in order, each as durable as if it had been asked for alone. A tenant
//! that cannot be moved is reported and left as it is; the others go on, unless the operator wants it otherwise.

pub mod api;
mod drive;
pub mod fleet;
pub mod model;
pub mod store;
pub mod view;

pub use drive::{advance, tick};
