//! Promises about all code at once.
