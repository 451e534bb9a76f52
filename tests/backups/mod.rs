//! Archives of tenants, and tenants from archives: on real SQLite, with everything that can happen to either.

mod authority;
mod damage;
mod deletion;
mod mishaps;
mod refusals;
mod round_trip;
mod travel;
mod trial;
