//! What users can be searched and sorted by.

use crate::db::{Field, Kind};

/// The fields of `q` (Auth0's names, and the columns behind them).
pub const FIELDS: [Field; 23] = [
    Field::new("user_id", Kind::Exact).usual(),
    Field::new("email", Kind::Lower).usual(),
    Field::new("email_verified", Kind::Flag),
    Field::new("username", Kind::Lower).usual(),
    Field::new("phone_number", Kind::Exact).usual(),
    Field::new("phone_verified", Kind::Flag),
    Field::new("name", Kind::Words).usual(),
    Field::new("given_name", Kind::Words),
    Field::new("family_name", Kind::Words),
    Field::new("nickname", Kind::Words),
    Field::new("blocked", Kind::Flag),
    Field::new("identities.connection", Kind::Exact).column("connection"),
    Field::new("identities.provider", Kind::Exact).column("provider"),
    Field::new("app_metadata", Kind::Document),
    Field::new("user_metadata", Kind::Document),
    Field::new("email.raw", Kind::Lower).column("email"),
    Field::new("connection", Kind::Exact),
    Field::new("provider", Kind::Exact),
    Field::new("last_ip", Kind::Exact),
    Field::new("last_login", Kind::Moment),
    Field::new("logins_count", Kind::Number),
    Field::new("created_at", Kind::Moment),
    Field::new("updated_at", Kind::Moment),
];

/// The fields of `sort`. The first three are read in the order of an index; the others sort all users of the tenant.
pub const SORTABLE: [&str; 9] = [
    "created_at",
    "email",
    "user_id",
    "username",
    "name",
    "nickname",
    "last_login",
    "logins_count",
    "updated_at",
];
