//! Keys and tokens: pure rules, no I/O. Signing and verifying are the platform's.

pub mod jwk;
pub mod jwt;
pub mod pem;

pub use jwk::{Algorithm, Jwk};
pub use jwt::{Audience, Claims, Unverified};
