//! What people have consented to (Auth0: grants).

pub mod store;
