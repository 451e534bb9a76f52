//! The fleet API: the state of all tenants together. The main tenant is never in it, since there it is changed.

use super::store;
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    error::{Error, Fault},
    events::{Entry, Kind},
    http::{Json, Path, route::Routes},
    tenant::{Fleet, cache::FRESH},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The commands, and what they came to.
pub fn routes(r: &mut Routes) {
    r.get("/management/fleet", scope("read:tenants"), get);
    r.post("/management/fleet/{status}", scope("update:tenants"), set);
}

/// The fleet as the API shows it.
#[derive(Serialize)]
struct Shown {
    status: Fleet,
    /// Since when; absent while nobody has changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// From when on every instance knows it: until then one may still act as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_at: Option<Timestamp>,
    /// How many tenants are in which state of their own.
    tenants: Map<String, Value>,
}

async fn get(cx: &Operator, (): ()) -> Result<Json<Shown>, Error<Refusal>> {
    Ok(Json(shown(cx).await?))
}

async fn set(cx: &Operator, Path(status): Path<String>) -> Result<Json<Shown>, Error<Refusal>> {
    let call = cx.call();
    let unknown = || {
        let states = Fleet::ALL.map(Fleet::as_str).join(", ");
        Refusal::not_found("inexistent_status", format!("The fleet can be one of {states}"))
    };
    let fleet = Fleet::parse(&status).ok_or_else(unknown)?;
    cx.commit(store::set_state(fleet, call.now)).await?;
    call.shared.directory.forget_all();
    let entry = Entry::new(Kind::SuccessApi, format!("Set the fleet to {}", fleet.as_str()));
    call.db.commit([call.record(entry.user(cx.subject()))]).await?;
    Ok(Json(shown(cx).await?))
}

async fn shown(cx: &Operator) -> Result<Shown, Fault> {
    let main = &cx.call().shared.config.main_tenant;
    let [states, counts] = cx.directory().read([store::state(), store::count_by_status(main)]).await?;
    let state = states.first().ok_or_else(|| Fault::internal("the directory answered no row"))?;
    let (status, since) = store::read_state(state)?;
    let tenants = counts.iter().map(|row| Ok((row.text("state")?, json!(row.int("total")?))));
    Ok(Shown {
        status,
        since,
        effective_at: since.map(|since| since.plus(FRESH)),
        tenants: tenants.collect::<Result<_, Fault>>()?,
    })
}
