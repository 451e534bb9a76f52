//! The fleet API: the state of all tenants together. The main tenant is never in it, since there it is changed.

use super::store;
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    error::{Error, Fault},
    events::Change,
    http::{Json, Path, route::Routes},
    id::OperationId,
    tenant::{Fleet, cache::FRESH},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The commands, and what they came to.
pub fn routes(r: &mut Routes) {
    r.get("/management/fleet", scope("read:tenants"), get);
    r.post("/management/fleet/clean_up", scope("update:tenants"), clean_up);
    r.post("/management/fleet/{status}", scope("update:tenants"), set);
}

/// The fleet as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FleetView {
    /// Its state.
    pub status: Fleet,
    /// Since when; absent while nobody has changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// From when on every instance knows it: until then one may still act as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// How many tenants are in which state of their own.
    pub tenants: BTreeMap<String, i64>,
}

/// What a clean-up has begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CleanedUp {
    /// The moves that are finished now, by the ids of their operations.
    pub finishing: Vec<String>,
}

async fn get(cx: &Operator, (): ()) -> Result<Json<FleetView>, Error<Refusal>> {
    Ok(Json(view(cx).await?))
}

async fn set(cx: &Operator, Path(status): Path<String>) -> Result<Json<FleetView>, Error<Refusal>> {
    let call = cx.call();
    let unknown = || {
        let states = Fleet::ALL.map(Fleet::as_str).join(", ");
        Refusal::not_found("inexistent_status", format!("The fleet can be one of {states}"))
    };
    let fleet = Fleet::parse(&status).ok_or_else(unknown)?;
    cx.commit(store::set_state(fleet, call.now)).await?;
    call.shared.directory.forget_all();
    cx.note(
        &Change::of(format!("Set the fleet to {}", fleet.as_str()), "fleet", "all").added("status", &fleet),
    )
    .await?;
    Ok(Json(view(cx).await?))
}

/// Finishes every move that has arrived: what a rollback would need is given up, and the databases that were left are emptied.
/// The last phase, so writes must be on.
async fn clean_up(cx: &Operator, (): ()) -> Result<Json<CleanedUp>, Error<Refusal>> {
    let call = cx.call();
    let before = view(cx).await?;
    if before.status != Fleet::Active {
        let why = format!("The fleet is {}: make it active first", before.status.as_str());
        return Err(Refusal::conflict("illegal_transition", why).into());
    }
    let outcomes = cx.commit([store::finish_arrived(call.now)]).await?;
    let rows = outcomes.first().map(|outcome| outcome.rows.as_slice()).unwrap_or_default();
    let finishing = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>, Fault>>()?;
    for id in &finishing {
        call.platform().wake(&OperationId::new(id.as_str()), call.now).await?;
    }
    let words = format!("Clean up: {} moves are finished", finishing.len());
    cx.note(&Change::of(words, "fleet", "all").added("finishing", &finishing)).await?;
    Ok(Json(CleanedUp { finishing }))
}

async fn view(cx: &Operator) -> Result<FleetView, Fault> {
    let main = &cx.call().shared.config.main_tenant;
    let [states, counts] = cx.directory().read([store::state(), store::count_by_status(main)]).await?;
    let state = states.first().ok_or_else(|| Fault::internal("the directory answered no row"))?;
    let (status, since) = store::read_state(state)?;
    let mut tenants = BTreeMap::new();
    for row in &counts {
        tenants.insert(row.text("state")?, row.int("total")?);
    }
    Ok(FleetView { status, since, effective_at: since.map(|since| since.plus(FRESH)), tenants })
}
