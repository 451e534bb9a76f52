//! The management API of attack protection.

use super::{
    model::{AttackProtection, Section},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    error::{Error, Fault},
    events::Change,
    http::{Json, Members, route::Routes},
};
use serde_json::Value;

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/attack-protection/brute-force-protection", scope("read:attack_protection"), brute_force);
    r.patch(
        "/api/v2/attack-protection/brute-force-protection",
        scope("update:attack_protection"),
        update_brute_force,
    );
    r.get(
        "/api/v2/attack-protection/suspicious-ip-throttling",
        scope("read:attack_protection"),
        suspicious_ip,
    );
    r.patch(
        "/api/v2/attack-protection/suspicious-ip-throttling",
        scope("update:attack_protection"),
        update_suspicious_ip,
    );
    r.get("/api/v2/attack-protection/breached-password-detection", scope("read:attack_protection"), breached);
    r.patch(
        "/api/v2/attack-protection/breached-password-detection",
        scope("update:attack_protection"),
        update_breached,
    );
}

async fn brute_force(cx: &Management, (): ()) -> Result<Json<Value>, Error<Refusal>> {
    get(cx, Section::BruteForce).await
}

async fn suspicious_ip(cx: &Management, (): ()) -> Result<Json<Value>, Error<Refusal>> {
    get(cx, Section::SuspiciousIp).await
}

async fn breached(cx: &Management, (): ()) -> Result<Json<Value>, Error<Refusal>> {
    get(cx, Section::Breached).await
}

async fn update_brute_force(cx: &Management, members: Members) -> Result<Json<Value>, Error<Refusal>> {
    update(cx, Section::BruteForce, members).await
}

async fn update_suspicious_ip(cx: &Management, members: Members) -> Result<Json<Value>, Error<Refusal>> {
    update(cx, Section::SuspiciousIp, members).await
}

async fn update_breached(cx: &Management, members: Members) -> Result<Json<Value>, Error<Refusal>> {
    update(cx, Section::Breached, members).await
}

async fn get(cx: &Management, section: Section) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(store::read_all()).await?;
    shown(store::attack_protection(row.as_ref())?, section)
}

async fn update(
    cx: &Management,
    section: Section,
    Members(patch): Members,
) -> Result<Json<Value>, Error<Refusal>> {
    section.check(&patch).map_err(Refusal::invalid_body)?;
    // It guards everybody's sign-in, also that of who may do more.
    cx.check_may_stand_over_everybody().await?;
    let before = cx.snapshot().await.map(|snapshot| snapshot.attack_protection.clone()).unwrap_or_default();
    let before = before.shown(section).map_err(|error| Fault::internal(error.to_string()))?;
    let description = format!("Update {}", section.name().replace('-', " "));
    let change = Change::of(description, "attack_protection", section.name()).patched(&before, &patch);
    let merge = store::merge(section, Value::Object(patch), cx.call().now);
    let outcomes = cx.commit(&change, [merge, store::read_all().into()]).await?;
    let row = outcomes.iter().flat_map(|outcome| &outcome.rows).next();
    shown(store::attack_protection(row)?, section)
}

fn shown(protection: AttackProtection, section: Section) -> Result<Json<Value>, Error<Refusal>> {
    Ok(Json(protection.shown(section).map_err(|error| Fault::internal(error.to_string()))?))
}
