//! SQL of the log.

use super::Entry;
use crate::{
    db::{Statement, write},
    id::LogId,
    tenant::InTenant,
    time::Timestamp,
};

/// Adds an entry.
pub fn insert(id: &LogId, now: Timestamp, ip: &str, user_agent: &str, entry: &Entry) -> Statement<InTenant> {
    write(
        "insert into logs (tenant_id, id, type, date, user_id, client_id, ip, user_agent, description)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(id)
    .bind(entry.kind.code())
    .bind(now)
    .bind(entry.user_id.as_deref())
    .bind(entry.client_id.as_deref())
    .bind(ip)
    .bind(user_agent)
    .bind(entry.description.as_str())
}
