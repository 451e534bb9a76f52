//! SQL for reading the log.

use super::model::{Entry, REACHABLE};
use crate::{
    db::{Filter, Query, Row, page::Window, read},
    error::Fault,
    id::{LogId, UserId},
    tenant::InTenant,
};

/// The columns of an [`Entry`].
const COLUMNS: &str = "id, type, date, user_id, client_id, ip, user_agent, description, details,
    (select c.name from clients c where c.tenant_id = ?1 and c.client_id = logs.client_id) as client_name";

/// The entry with this id; one row or none.
pub fn by_id(id: &LogId) -> Query<InTenant> {
    read(format!("select {COLUMNS} from logs where tenant_id = ?1 and id = ?2")).bind(id)
}

/// The number of the first parameter of a filter in [`page`] and [`count`].
pub const FILTER: usize = 2;

/// A page of the entries that `filter` holds for, in `order`.
pub fn page(filter: &Filter, order: &str, window: Window) -> Query<InTenant> {
    let query = read(format!(
        "select {COLUMNS} from logs where tenant_id = ?1 and {} order by {order} limit {} offset {}",
        filter.sql,
        filter.after(0),
        filter.after(1)
    ));
    filter.bind(query).bind(window.size).bind(window.start)
}

/// How many entries `filter` holds for, as `total`; no more than can be reached.
pub fn count(filter: &Filter) -> Query<InTenant> {
    let query = read(format!(
        "select count(*) as total from (select 1 from logs where tenant_id = ?1 and {} limit {})",
        filter.sql,
        filter.after(0)
    ));
    filter.bind(query).bind(REACHABLE)
}

/// An account, and the identities that are linked to it.
const WHOSE: &str = "select ?2 union all
    select l.user_id from users l indexed by users_by_link where l.tenant_id = ?1 and l.linked_to = ?2";

/// The number of the first parameter of a filter in [`page_of_user`] and [`count_of_user`].
pub const FILTER_OF_USER: usize = 3;

/// As [`page`], of what is about one user.
pub fn page_of_user(user: &UserId, filter: &Filter, order: &str, window: Window) -> Query<InTenant> {
    let query = read(format!(
        "select {COLUMNS} from logs where tenant_id = ?1 and user_id in ({WHOSE}) and {} order by {order} limit {} offset {}",
        filter.sql,
        filter.after(0),
        filter.after(1)
    ));
    filter.bind(query.bind(user)).bind(window.size).bind(window.start)
}

/// As [`count`], of what is about one user.
pub fn count_of_user(user: &UserId, filter: &Filter) -> Query<InTenant> {
    let query = read(format!(
        "select count(*) as total from (select 1 from logs where tenant_id = ?1 and user_id in ({WHOSE}) and {} limit {})",
        filter.sql,
        filter.after(0)
    ));
    filter.bind(query.bind(user)).bind(REACHABLE)
}

/// The entries after `from` and before `until`, oldest first.
pub fn between(from: &str, until: &str, size: i64) -> Query<InTenant> {
    read(format!(
        "select {COLUMNS} from logs where tenant_id = ?1 and id > ?2 and id < ?3 order by id limit ?4"
    ))
    .bind(from)
    .bind(until)
    .bind(size)
}

/// Reads a row of any of these.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn entry(row: &Row) -> Result<Entry, Fault> {
    let filled = |name: &str| Ok(row.optional_text(name)?.filter(|text| !text.is_empty()));
    let id = LogId::new(row.text("id")?);
    let details = filled("details")?;
    Ok::<_, Fault>(Entry {
        log_id: id.clone(),
        id,
        date: row.time("date")?,
        kind: row.text("type")?,
        description: filled("description")?,
        client_id: filled("client_id")?,
        client_name: filled("client_name")?,
        ip: filled("ip")?,
        user_agent: filled("user_agent")?,
        user_id: filled("user_id")?,
        details: details.map(|_| row.json("details")).transpose()?,
    })
}
