//! refresh_tokens.
