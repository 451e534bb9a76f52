//! SQL of the directory that finds a tenant and its database.

use super::{Fleet, InDirectory, Status};
use crate::{
    config::Placement,
    db::{Query, Row, Statement, read, write},
    error::Fault,
    id::TenantId,
    secret::Digest,
    time::Timestamp,
};

/// What the directory knows of a tenant's whereabouts.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The tenant.
    pub tenant: TenantId,
    /// Its state.
    pub status: Status,
    /// The state of all tenants together.
    pub fleet: Fleet,
    /// Where its rows live.
    pub placement: Placement,
    /// Its epoch.
    pub epoch: i64,
    /// Its database in the directory; absent while being provisioned.
    pub database: Option<Database>,
}

/// A database as the directory knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Database {
    /// Its id in the directory.
    pub id: String,
    /// The D1 binding of the script.
    pub binding: String,
    /// Its id at Cloudflare; absent for databases declared in `wrangler.toml` without one.
    pub uuid: Option<String>,
    /// How many migrations it has.
    pub schema_version: i64,
}

/// The state of a tenant `t`, as its operator sees it: whether an active one is staging stands beside that.
pub const STATUS: &str = "case when t.staged = 1 and t.status = 'active' then 'staging' else t.status end";

fn route_of(id: &str) -> Query<InDirectory> {
    read(format!(
        "select m.directory_version, (select value from meta where key = 'fleet') as fleet, t.id, {STATUS} as status,
                t.placement, t.epoch, d.id as database_id, d.binding, d.uuid, d.schema_version
         from (select count(*) as directory_version from d1_migrations) m
         left join tenants t on t.id = {id} left join databases d on d.id = t.database_id"
    ))
}

/// Where a tenant is. Always one row: without a tenant its columns are null.
pub fn by_id(id: &TenantId) -> Query<InDirectory> {
    route_of("?1").bind(id)
}

/// Where the tenant of a verified custom domain is.
pub fn by_host(host: &str) -> Query<InDirectory> {
    route_of("(select tenant_id from hosts where host = ?1)").bind(host)
}

/// Whose a verified custom domain is, as `tenant_id`; one row or none.
pub fn tenant_of_host(host: &str) -> Query<InDirectory> {
    read("select tenant_id from hosts where host = ?1").bind(host)
}

/// The ids of `many` tenants: others at every turn, and all of them after as many turns as it takes.
pub fn in_turn(turn: i64, many: i64) -> Query<InDirectory> {
    read(
        "select id from tenants where status = 'active' order by id
         limit ?2 offset ?2 * (?1 % max(1, ((select count(*) from tenants where status = 'active') + ?2 - 1) / ?2))",
    )
    .bind(turn)
    .bind(many)
}

/// Remembers that a database has been migrated.
pub fn set_schema_version(database: &str, version: i64) -> Statement<InDirectory> {
    write("update databases set schema_version = ?2 where id = ?1").bind(database).bind(version)
}

/// Reads the row of [`by_id`] or [`by_host`]: the version of the directory, and the route if there is such a tenant.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn route(row: &Row) -> Result<(i64, Option<Route>), Fault> {
    let version = row.int("directory_version")?;
    let Some(id) = row.optional_text("id")? else { return Ok((version, None)) };
    let unreadable = |what: &str| Fault::internal(format!("tenant {id} has an unknown {what}"));
    let database = match row.optional_text("database_id")? {
        None => None,
        Some(id) => Some(Database {
            id,
            binding: row.text("binding")?,
            uuid: row.optional_text("uuid")?,
            schema_version: row.int("schema_version")?,
        }),
    };
    let route = Route {
        tenant: TenantId::parse(&id).ok_or_else(|| unreadable("id"))?,
        status: Status::parse(&row.text("status")?).ok_or_else(|| unreadable("status"))?,
        fleet: match row.optional_text("fleet")? {
            Some(text) => Fleet::parse(&text).ok_or_else(|| unreadable("state of the fleet"))?,
            None => Fleet::default(),
        },
        placement: Placement::parse(&row.text("placement")?).ok_or_else(|| unreadable("placement"))?,
        epoch: row.int("epoch")?,
        database,
    };
    Ok((version, Some(route)))
}

/// Spends something that is good once while its tenant is read-only: one row if nobody had before, none otherwise. Clears away
/// some that have ended, since nobody else does.
pub fn spend(digest: &Digest, expires_at: Timestamp, now: Timestamp) -> [Statement<InDirectory>; 2] {
    [
        write("insert into spent_codes (digest, expires_at) values (?1, ?2) on conflict do nothing returning digest")
            .bind(digest)
            .bind(expires_at),
        write(
            "delete from spent_codes where digest in (select digest from spent_codes indexed by spent_codes_by_expiry
               where expires_at < ?1 order by expires_at limit 20)",
        )
        .bind(now),
    ]
}
