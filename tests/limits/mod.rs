//! Floods, and what others notice of them.

mod accounts;
mod clients;
mod hashing;
mod signups;
mod strangers;
