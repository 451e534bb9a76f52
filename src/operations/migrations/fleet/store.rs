//! SQL about all tenants together.

use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    tenant::{Fleet, InDirectory, store::STATUS},
    time::Timestamp,
};

/// The state of the fleet, and since when. Always one row: columns are null while nobody has changed it.
pub fn state() -> Query<InDirectory> {
    read(
        "select (select value from meta where key = 'fleet') as fleet,
           (select value from meta where key = 'fleet_since') as since",
    )
}

/// Reads the row of [`state`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn read_state(row: &Row) -> Result<(Fleet, Option<Timestamp>), Fault> {
    let unreadable = || Fault::internal("the fleet has an unknown state");
    let fleet = row.optional_text("fleet")?.map(|text| Fleet::parse(&text).ok_or_else(unreadable));
    let since = row.optional_text("since")?.map(|text| text.parse().map_err(|_| unreadable()));
    Ok((fleet.transpose()?.unwrap_or_default(), since.transpose()?.map(Timestamp::from_millis)))
}

/// Brings the fleet into a state. One that it is in already stays as it is, with its time.
pub fn set_state(fleet: Fleet, now: Timestamp) -> [Statement<InDirectory>; 2] {
    let put = |sql: &'static str| write(sql).bind(fleet.as_str());
    [
        put("insert into meta (key, value) select 'fleet_since', ?2
             where ?1 <> coalesce((select value from meta where key = 'fleet'), 'active')
             on conflict (key) do update set value = excluded.value")
        .bind(now.millis().to_string()),
        put(
            "insert into meta (key, value) values ('fleet', ?1) on conflict (key) do update set value = excluded.value",
        ),
    ]
}

/// How many tenants there are in each state of their own, the main one and deleted ones apart.
pub fn count_by_status(main: &crate::id::TenantId) -> Query<InDirectory> {
    read(format!(
        "select {STATUS} as state, count(*) as total from tenants t /* all rows: an operator asks now and then */
         where t.id <> ?1 and t.status <> 'deleted' group by state order by state"
    ))
    .bind(main)
}

/// How many moves are finished by one command: their alarm clocks are set one by one.
const PER_COMMAND: i64 = 100;

/// Says of moves that have arrived, and of whose end nothing has been said, that they are to be finished. Returns their ids:
/// said again, the command goes on with the others.
pub fn finish_arrived(now: Timestamp) -> Statement<InDirectory> {
    write(
        "update operations set wanted = 'finish', held = 0, run_at = ?1
         where id in (select o.id from operations o /* all rows: an operator cleans up now and then */
           join tenants t on t.id = o.tenant_id and t.database_id = o.target_id
           where o.kind = 'move' and o.status in ('pending', 'running') and (o.wanted is null or o.wanted = 'target')
           order by o.id limit ?2)
         returning id",
    )
    .bind(now)
    .bind(PER_COMMAND)
}
