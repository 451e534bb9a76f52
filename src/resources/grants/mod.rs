//! What people have consented to (Auth0: grants).

pub mod api;
pub mod model;
pub mod store;
