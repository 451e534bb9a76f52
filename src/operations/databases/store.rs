//! SQL about a database itself.

use crate::{
    db::{Query, read},
    tenant::InTenant,
};

/// The indexes that somebody has made, each as `name` and `sql`: not those that belong to a key.
pub fn indexes() -> Query<InTenant> {
    read("select name, sql from sqlite_schema where type = 'index' and sql is not null and ?1 = ?1")
}
