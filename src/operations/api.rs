//! The tenants API: what an operator asks of the installation, at the base domain.

use super::{
    engine::{self, moving},
    model::{Input, Kind, NewTenant, Operation, Order, Record, TenantChange, Wanted},
    shown::{self, Shown},
    spare_keys, store,
};
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
        preview::{LIFETIME, PATH, issue},
    },
    db::{Page, page::total},
    error::{Error, Fault},
    events::Change,
    http::{Created, Json, Path, Query, Response, StatusCode, route::Routes},
    id::{OperationId, OrganizationId, TenantId, UserId, random_text},
    resources::organizations,
    tenant::{Resolved, Status},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// Tenants and their operations. The same twice: under a name of our own, and where users of AuthHero look.
pub fn routes(r: &mut Routes) {
    r.get("/management/tenants", scope("read:tenants"), list);
    r.post("/management/tenants", scope("create:tenants"), create);
    r.get("/management/tenants/{id}", scope("read:tenants"), get);
    r.patch("/management/tenants/{id}", scope("update:tenants"), update);
    r.delete("/management/tenants/{id}", scope("delete:tenants"), delete);
    r.get("/management/tenants/{id}/operations", scope("read:tenant_operations"), operations);
    r.post("/management/tenants/{id}/preview", scope("update:tenants"), preview);
    r.get("/management/operations/{id}", scope("read:tenant_operations"), operation);
    r.get("/api/v2/tenants", scope("read:tenants"), list);
    r.post("/api/v2/tenants", scope("create:tenants"), create);
    r.get("/api/v2/tenants/{id}", scope("read:tenants"), get);
    r.patch("/api/v2/tenants/{id}", scope("update:tenants"), update);
    r.delete("/api/v2/tenants/{id}", scope("delete:tenants"), delete);
    r.get("/api/v2/tenants/{id}/operations", scope("read:tenant_operations"), operations);
}

/// What a list of tenants is cut down to.
#[derive(Deserialize)]
struct Filter {
    status: Option<String>,
    #[serde(flatten)]
    page: Page,
}

async fn list(cx: &Operator, Query(filter): Query<Filter>) -> Result<Json<Value>, Error<Refusal>> {
    let window = filter.page.check().map_err(Refusal::invalid_query)?;
    let unknown = || {
        Refusal::invalid_query(format!(
            "status must be one of {}",
            Status::ALL.map(Status::as_str).join(", ")
        ))
    };
    let status = filter.status.map(|text| Status::parse(&text).ok_or_else(unknown)).transpose()?;
    let directory = cx.directory();
    let (rows, count) = if window.totals {
        let [rows, count] =
            directory.read([store::tenants(status, window), store::count_tenants(status)]).await?;
        (rows, total(&count)?)
    } else {
        (directory.all(store::tenants(status, window)).await?, 0)
    };
    let tenants = rows.iter().map(|row| Ok(json!(shown_by(cx, store::read_tenant(row)?))));
    Ok(Json(window.list("tenants", tenants.collect::<Result<_, Fault>>()?, count)))
}

async fn get(cx: &Operator, Path(id): Path<String>) -> Result<Json<Shown>, Error<Refusal>> {
    let (record, operation) = by_id(cx, &id).await?;
    Ok(Json(shown_by(cx, (record, operation))))
}

/// Makes a tenant: 201 if it serves when this is answered, else 202, and its operation says how far it is.
async fn create(cx: &Operator, Json(new): Json<NewTenant>) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let (shared, now) = (&call.shared, call.now);
    let suffix = random_text(call.platform(), 16);
    let organization = OrganizationId::new(format!("org_{suffix}"));
    let made = shared.config.cloudflare.is_some();
    let wanted =
        new.check(shared.config.default_placement, made, organization).map_err(Refusal::invalid_body)?;
    let order = Order {
        id: OperationId::new(format!("op_{suffix}")),
        tenant: wanted.id.clone(),
        placement: wanted.placement,
        kind: Kind::Provision,
        input: Input { administrator: cx.is_person().then(|| UserId::new(cx.subject())), ..Input::default() },
        initiated_by: cx.subject().to_owned(),
    };
    let gone_before = now.minus(shared.config.retention.hold());
    let bindings = call.platform().bindings();
    let change = [store::reserve(&wanted, cx.subject(), made, &bindings, (gone_before, now))];
    let begun = engine::begin(shared, &order, change, Status::Provisioning, &call.meter, now).await?;
    if begun.is_none() {
        return Err(why_not(cx, &wanted).await?.into());
    }
    call.platform().defer(Box::pin(spare_keys::refill_later(Rc::clone(shared))));
    let change = Change::of(format!("Create the tenant {}", wanted.id), "tenant", &wanted.id)
        .added("friendly_name", &wanted.friendly_name)
        .added("placement", &wanted.placement.as_str());
    cx.note(&change).await?;
    let (record, operation) = by_id(cx, wanted.id.as_str()).await?;
    let serves = record.status == Status::Active;
    let location = format!("/management/tenants/{}", wanted.id);
    let status = if serves { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    let body = json!(shown_by(cx, (record, operation)));
    Ok(Response::json(status, &body).with("location", location))
}

/// Why a name could not be reserved.
pub(super) async fn why_not(cx: &Operator, wanted: &Wanted) -> Result<Refusal, Error<Refusal>> {
    let Some(row) = cx.directory().first(store::tenant(&wanted.id)).await? else {
        let why = "The pool is empty and no API token is set: declare more databases, or set CF_API_TOKEN";
        return Ok(Refusal::conflict("pool_empty", why));
    };
    let (tenant, _) = store::read_tenant(&row)?;
    Ok(match tenant.held_until(cx.call().shared.config.retention.hold(), cx.call().now) {
        Some(until) => Refusal::conflict(
            "tenant_on_hold",
            format!("The tenant {} was deleted; its name is on hold until {}", wanted.id, until.iso()),
        ),
        None if matches!(tenant.status, Status::Failed | Status::Deleted) => Refusal::conflict(
            "pool_empty",
            "The pool is empty and no API token is set: declare more databases, or set CF_API_TOKEN",
        ),
        None => Refusal::conflict("tenant_conflict", format!("There is a tenant {} already", wanted.id)),
    })
}

async fn update(
    cx: &Operator,
    (Path(id), Json(change)): (Path<String>, Json<TenantChange>),
) -> Result<Json<Shown>, Error<Refusal>> {
    let (call, (mut record, operation)) = (cx.call(), by_id(cx, &id).await?);
    let (from, before) = (record.status, record.friendly_name.clone());
    change.check().map_err(Refusal::invalid_body)?;
    if let Some(to) = change.status
        && record.id == call.shared.config.main_tenant
        && to != from
    {
        return Err(Refusal::forbidden("main_tenant", "The main tenant is always active").into());
    }
    change.apply(&mut record).map_err(|why| Refusal::conflict("illegal_transition", why))?;
    let statement = store::update(&record.id, &record.friendly_name, from, record.status, call.now);
    let outcomes = cx.commit([statement]).await?;
    call.shared.directory.forget(&record.id);
    if outcomes.first().is_none_or(|outcome| outcome.rows.is_empty()) {
        return Err(Refusal::conflict(
            "tenant_conflict",
            "The tenant has just been changed by somebody else",
        )
        .into());
    }
    record.updated_at = call.now;
    let renamed = record.organization.as_ref().filter(|_| change.friendly_name.is_some());
    let renamed =
        renamed.map(|id| organizations::store::set_display_name(id, &record.friendly_name, call.now));
    let done = Change::of(format!("Update the tenant {}", record.id), "tenant", &record.id).between(
        &json!({ "status": from, "friendly_name": before }),
        &json!({ "status": record.status, "friendly_name": record.friendly_name }),
    );
    let entry = call.record(cx.entry(&done));
    call.db.commit(renamed.into_iter().chain([entry])).await?;
    Ok(Json(shown_by(cx, (record, operation))))
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
        let body = json!(shown_by(cx, (tenant, operation)));
        return Ok(Response::json(StatusCode::ACCEPTED, &body));
    }
    let order = Order {
        id: OperationId::new(format!("op_{}", random_text(call.platform(), 16))),
        tenant: tenant.id.clone(),
        placement: tenant.placement,
        kind: Kind::Delete,
        input: Input::default(),
        initiated_by: cx.subject().to_owned(),
    };
    let change = [store::close(&tenant.id, call.now), store::retire(&tenant.id, call.now)];
    let begun = engine::begin(&call.shared, &order, change, Status::Deleting, &call.meter, call.now).await?;
    if begun.is_some() {
        let change = Change::of(format!("Delete the tenant {}", tenant.id), "tenant", &tenant.id)
            .taken("status", &tenant.status);
        cx.note(&change).await?;
    }
    match cx.directory().first(store::tenant(&tenant.id)).await? {
        Some(row) => match store::read_tenant(&row)? {
            (Record { status: Status::Deleted, .. }, _) => Ok(Response::empty(StatusCode::NO_CONTENT)),
            (Record { status, .. }, Some(live)) if status != Status::Deleting && !live.is_over() => {
                let why = format!("The operation {} of the tenant is not over yet", live.id);
                Err(Refusal::conflict("operation_in_progress", why).into())
            }
            left => Ok(Response::json(StatusCode::ACCEPTED, &json!(shown_by(cx, left)))),
        },
        None => Ok(Response::empty(StatusCode::NO_CONTENT)),
    }
}

/// Nothing is destroyed that cannot be brought back for a while. A tenant whose last archive can be kept nowhere is
/// suspended first, for as long; then a machine that manages every tenant can delete it for good.
fn check_way_back(cx: &Operator, tenant: &Record) -> Result<(), Refusal> {
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

/// A link with which somebody can sign in to a tenant that is not open yet. Who has it can pass it on.
async fn preview(cx: &Operator, Path(id): Path<String>) -> Result<Created<Value>, Error<Refusal>> {
    let call = cx.call();
    let (record, _) = by_id(cx, &id).await?;
    let Resolved::Serving(tenant, db) =
        call.shared.directory.by_id(&record.id, call.now, &call.meter).await?
    else {
        let why = format!("The tenant is {}", record.status.as_str());
        return Err(Refusal::conflict("illegal_transition", why).into());
    };
    let (shared, platform) = (&call.shared, call.platform());
    let snapshot = shared.snapshots.of(&tenant, &db, platform, &shared.config, call.now).await?;
    let expires_at = call.now.plus(LIFETIME);
    let pass = issue(call, &tenant, &snapshot, expires_at)?;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("pass", pass.as_str()).finish();
    let change = Change::of(format!("Make a link to try the tenant {}", record.id), "tenant", &record.id)
        .added("preview", &expires_at);
    cx.note(&change).await?;
    let url = tenant.issuer().join(&format!("{}?{query}", PATH.trim_start_matches('/')));
    Ok(Created(json!({ "url": url, "expires_at": expires_at })))
}

/// The operations of a tenant, newest first; of a deleted one too.
async fn operations(
    cx: &Operator,
    (Path(id), Query(page)): (Path<String>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let id = TenantId::parse(&id).ok_or_else(inexistent)?;
    let queries = [store::operations_of(&id, window), store::count_operations_of(&id), store::tenant(&id)];
    let [rows, count, tenant] = cx.directory().read(queries).await?;
    if tenant.is_empty() {
        return Err(inexistent().into());
    }
    let operations = rows.iter().map(|row| Ok(json!(shown::operation(&store::read_operation(row)?))));
    let operations = operations.collect::<Result<_, Fault>>()?;
    // AuthHero: always the object, with or without `include_totals`.
    Ok(Json(crate::db::page::Window { totals: true, ..window }.list(
        "operations",
        operations,
        total(&count)?,
    )))
}

/// One operation with its whole history.
async fn operation(cx: &Operator, Path(id): Path<OperationId>) -> Result<Json<Value>, Error<Refusal>> {
    let queries = [store::operation(&id), store::events_of(&id), moving::store::progress(&id)];
    let [rows, events, progress] = cx.directory().read(queries).await?;
    let row = rows
        .first()
        .ok_or_else(|| Refusal::not_found("inexistent_operation", "There is no such operation"))?;
    let operation = store::read_operation(row)?;
    let mut shown = json!(shown::operation(&operation));
    if let Some(members) = shown.as_object_mut() {
        if let (Some(terms), Some(row)) = (&operation.input.terms, progress.first()) {
            let shown = moving::progress::shown(terms, operation.has_arrived(), row)?;
            members.insert("move".to_owned(), shown);
        }
        let events = events.iter().map(shown::event).collect::<Result<_, Fault>>()?;
        members.insert("events".to_owned(), Value::Array(events));
    }
    Ok(Json(shown))
}

/// A tenant that is not deleted.
async fn by_id(cx: &Operator, id: &str) -> Result<(Record, Option<Operation>), Error<Refusal>> {
    let id = TenantId::parse(id).ok_or_else(inexistent)?;
    let row = cx.directory().first(store::tenant(&id)).await?.ok_or_else(inexistent)?;
    let found = store::read_tenant(&row)?;
    if found.0.status == Status::Deleted { Err(inexistent().into()) } else { Ok(found) }
}

fn shown_by(cx: &Operator, (tenant, operation): (Record, Option<Operation>)) -> Shown {
    shown::tenant(&cx.call().shared.directory, &tenant, operation.as_ref())
}

fn inexistent() -> Refusal {
    Refusal::not_found("inexistent_tenant", "The tenant does not exist")
}
