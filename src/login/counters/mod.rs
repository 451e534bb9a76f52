//! What is counted of those who sign in and sign up, in the tenant's own database: exactly, since each attempt is counted
//! before it is looked at.

pub mod store;
