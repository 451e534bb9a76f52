//! Clients: the applications that people sign in to and machines that call APIs.

pub mod api;
pub mod backchannel;
pub mod credentials;
pub mod model;
mod secrets;
pub mod store;
pub mod urls;
