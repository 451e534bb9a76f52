//! How a tenant ends: after its last archive, and never in another order.

use super::{archiving, model::Reason};
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    error::Error,
    events::Change,
    http::{Path, Response, StatusCode, route::Routes},
    id::{OperationId, random_text},
    operations::{
        engine::{
            self,
            model::{Order, Parameters},
            procedure::{Procedure, Step},
            subject::TenantRecord,
        },
        tenants::{
            api::{by_id, read, view},
            databases::store::retire,
            steps::{CLOSE, DETACH, DROP, RELEASE, WIPE, WITHDRAW},
            store,
        },
    },
    tenant::Status,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Removes a tenant. It has nothing to undo, so it is tried until it succeeds.
pub static DELETE: Procedure = Procedure {
    name: "delete",
    steps: &[
        CLOSE,
        WITHDRAW,
        Step::new("archive", |cx| Box::pin(archiving::run(cx, Reason::Deletion)))
            .when(|situation| situation.origin.is_some()),
        DETACH,
        DROP,
        WIPE,
        RELEASE,
    ],
    at_once: true,
    ..Procedure::PLAIN
};

/// Nothing more is to be known of a tenant that goes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Delete {}

impl Parameters for Delete {
    fn procedure() -> &'static Procedure {
        &DELETE
    }
}

/// The end of a tenant, under both of its addresses.
pub fn routes(r: &mut Routes) {
    r.delete("/management/tenants/{id}", scope("delete:tenants"), delete);
    r.delete("/api/v2/tenants/{id}", scope("delete:tenants"), delete);
}

/// Deletes a tenant: 204 if it is gone when this is answered, else 202 with what is left of it.
async fn delete(cx: &Operator, Path(id): Path<String>) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let (tenant, operation) = by_id(cx, &id).await?;
    if tenant.id == call.shared.config.main_tenant {
        return Err(Refusal::forbidden("main_tenant", "The main tenant cannot be deleted").into());
    }
    if tenant.status == Status::Provisioning {
        let why = "The tenant is being made; it can be deleted when that has succeeded or failed";
        return Err(Refusal::conflict("operation_in_progress", why).into());
    }
    check_way_back(cx, &tenant)?;
    if tenant.status == Status::Deleting {
        let body = json!(view(cx, &(tenant, operation))?);
        return Ok(Response::json(StatusCode::ACCEPTED, &body));
    }
    let id = OperationId::new(format!("op_{}", random_text(call.platform(), 16)));
    let order = Order::new(id, (&tenant.id, tenant.placement), &Delete {}, cx.subject())?;
    let change = [store::close(&tenant.id, call.now), retire(&tenant.id, call.now)];
    let begun = engine::begin(&call.shared, &order, change, Status::Deleting, &call.meter, call.now).await?;
    if begun.is_some() {
        let change = Change::of(format!("Delete the tenant {}", tenant.id), "tenant", &tenant.id)
            .taken("status", &tenant.status);
        cx.note(&change).await?;
    }
    match cx.directory().first(store::tenant(&tenant.id)).await? {
        Some(row) => match read(&row)? {
            (TenantRecord { status: Status::Deleted, .. }, _) => Ok(Response::empty(StatusCode::NO_CONTENT)),
            (TenantRecord { status, .. }, Some(live)) if status != Status::Deleting && !live.is_over() => {
                let why = format!("The operation {} of the tenant is not over yet", live.id);
                Err(Refusal::conflict("operation_in_progress", why).into())
            }
            left => Ok(Response::json(StatusCode::ACCEPTED, &json!(view(cx, &left)?))),
        },
        None => Ok(Response::empty(StatusCode::NO_CONTENT)),
    }
}

/// Nothing is destroyed that cannot be brought back for a while. A tenant whose last archive can be kept nowhere is
/// suspended first, for as long; then a machine that manages every tenant can delete it for good.
fn check_way_back(cx: &Operator, tenant: &TenantRecord) -> Result<(), Refusal> {
    let (call, undo) = (cx.call(), cx.call().shared.config.retention.undo);
    // One that never was, or is on its way, has nothing to lose.
    let is_there =
        matches!(tenant.status, Status::Active | Status::Staging | Status::ReadOnly | Status::Suspended);
    if call.platform().archive().is_some() || undo.as_millis() == 0 || !is_there {
        return Ok(());
    }
    let nowhere = "There is nowhere to keep its last archive: bind an R2 bucket as ARCHIVE (wrangler.toml)";
    let conflict = |why: String| Refusal::conflict("no_archive", format!("{nowhere}, or {why}"));
    if tenant.status != Status::Suspended {
        let days = undo.as_seconds() / 86_400;
        return Err(conflict(format!("suspend the tenant now and delete it {days} days later")));
    }
    let until = tenant.updated_at.plus(undo);
    if until > call.now {
        return Err(conflict(format!(
            "delete it after {}, when it has been suspended long enough",
            until.iso()
        )));
    }
    if !cx.manages_all() {
        return Err(Refusal::forbidden(
            "insufficient_scope",
            "Without an archive, only a machine that manages every tenant deletes one for good",
        ));
    }
    Ok(())
}
