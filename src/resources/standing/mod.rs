//! What has become of whoever a management token speaks for since it was issued.

pub mod model;
pub mod store;
