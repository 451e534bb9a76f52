//! client_grants.
