//! SQL of the log.

use super::Entry;
use crate::{
    db::{Statement, write},
    id::LogId,
    tenant::InTenant,
    time::Timestamp,
};
use serde_json::Value as Json;

/// How long the texts of an entry may be, in characters: whoever sends them decides what stands in them.
const ADDRESS: usize = 64;
const DESCRIPTION: usize = 1024;
const ID: usize = 256;

/// How many entries of one kind and one client are written in a minute, of those that anybody can cause. The last one says
/// that there are more.
const PER_MINUTE: i64 = 20;

/// The kinds that anybody can cause who has proven nothing: those of the index `logs_by_stranger`, to the letter.
pub const BY_STRANGERS: &str =
    "'f', 'fu', 'fp', 'fs', 'fapi', 'feacft', 'feccft', 'fertft', 'limit_wc', 'limit_mu', 'limit_sul'";

/// Adds an entry; one that anybody can cause only if there are not [`PER_MINUTE`] like it already.
pub fn insert(id: &LogId, now: Timestamp, ip: &str, user_agent: &str, entry: &Entry) -> Statement<InTenant> {
    let columns = "tenant_id, id, type, date, user_id, client_id, ip, user_agent, description, details";
    let quoted = format!("'{}'", entry.kind.code());
    let statement = if BY_STRANGERS.split(", ").any(|kind| kind == quoted) {
        write(format!(
            "insert into logs ({columns})
             select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, iif(of_this_minute = {PER_MINUTE} - 1, ?9 || ' (more of these in this minute are left out)', ?9), ?10
             from (select count(*) as of_this_minute from (
               select 1 from logs indexed by logs_by_stranger
               where tenant_id = ?1 and client_id is ?6 and type = ?3 and date > ?4 - 60000 and type in ({BY_STRANGERS})
               limit {PER_MINUTE}))
             where of_this_minute < {PER_MINUTE}"
        ))
    } else {
        write(format!("insert into logs ({columns}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"))
    };
    statement
        .bind(id)
        .bind(entry.kind.code())
        .bind(now)
        .bind(entry.user_id.as_deref().map(|id| short(id, ID)))
        .bind(entry.client_id.as_deref().map(|id| short(id, ID)))
        .bind(short(ip, ADDRESS))
        .bind(user_agent)
        .bind(short(&entry.description, DESCRIPTION))
        .bind((!entry.details.is_empty()).then(|| Json::Object(entry.details.clone()).to_string()))
}

/// The beginning of a text, so many characters of it.
pub(crate) fn short(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

/// The days for which an entry is kept where the settings do not say (`log_retention_days`); Auth0 keeps 30 at the most.
pub const RETENTION_DAYS: i64 = 30;

/// The most blocks, and the most entries, that one sweep removes.
const BLOCKS: i64 = 64;
const ENTRIES: i64 = 5_000;

/// Blocks are removed from the oldest on, and the newest stays: the next one follows it. (Bounds that say nothing are for the
/// planner, which then reads no more than the limit.)
fn remove_blocks(condition: &str) -> Statement<InTenant> {
    write(format!(
        "delete from log_blocks where tenant_id = ?1 and number in (
           select number from (
             select number, until from log_blocks where tenant_id = ?1 order by number limit {BLOCKS})
           where {condition} and number < (
             select number from log_blocks where tenant_id = ?1 and number > 0 order by number desc limit 1))"
    ))
}

/// Removes some blocks all of whose entries are older than the tenant keeps them. Their entries go with [`sweep_loose`].
pub fn sweep_old(now: Timestamp) -> Statement<InTenant> {
    let days = format!(
        "coalesce((select document ->> '$.log_retention_days' from settings
           where tenant_id = ?1 and json_valid(document)), {RETENTION_DAYS})"
    );
    remove_blocks(&format!("until < printf('%012x', ?2 - 86400000 * {days})")).bind(now)
}

/// Removes some of the oldest blocks of a tenant that has more than `most` entries: as many as leave it that many.
pub fn sweep_surplus(most: i64) -> Statement<InTenant> {
    remove_blocks(
        "until <= (select id from logs where tenant_id = ?1 and id > '' order by id desc limit 1 offset ?2)",
    )
    .bind(most)
}

/// Removes some entries whose block has been removed.
pub fn sweep_loose() -> Statement<InTenant> {
    write(format!(
        "delete from logs where tenant_id = ?1 and id in (
           select id from logs where tenant_id = ?1
             and id <= (select since from log_blocks where tenant_id = ?1 order by number limit 1)
           order by id limit {ENTRIES})"
    ))
}
