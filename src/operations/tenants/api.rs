//! The tenants API: what an operator asks of the installation, at the base domain.

use super::{
    Provision,
    model::{NewTenant, TenantChange, TenantSpec},
    spare_keys, store,
    view::TenantView,
};
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
        preview::{LIFETIME, PATH, issue},
    },
    db::{Page, Row, page::total},
    error::{Error, Fault},
    events::Change,
    http::{Created, Json, Path, Query, Response, StatusCode, route::Routes},
    id::{OperationId, OrganizationId, TenantId, UserId, random_text},
    operations::{
        PROCEDURES,
        engine::{
            self,
            model::{Operation, Order},
            store::{read_newest, read_tenant},
            subject::TenantRecord,
        },
    },
    resources::organizations,
    tenant::{Resolved, Status},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// Tenants. The same twice: under a name of our own, and where users of AuthHero look.
pub fn routes(r: &mut Routes) {
    r.get("/management/tenants", scope("read:tenants"), list);
    r.post("/management/tenants", scope("create:tenants"), create);
    r.get("/management/tenants/{id}", scope("read:tenants"), get);
    r.patch("/management/tenants/{id}", scope("update:tenants"), update);
    r.post("/management/tenants/{id}/preview", scope("update:tenants"), preview);
    r.get("/api/v2/tenants", scope("read:tenants"), list);
    r.post("/api/v2/tenants", scope("create:tenants"), create);
    r.get("/api/v2/tenants/{id}", scope("read:tenants"), get);
    r.patch("/api/v2/tenants/{id}", scope("update:tenants"), update);
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
    let tenants = rows.iter().map(|row| Ok(json!(view(cx, &read(row)?)?)));
    Ok(Json(window.list("tenants", tenants.collect::<Result<_, Fault>>()?, count)))
}

async fn get(cx: &Operator, Path(id): Path<String>) -> Result<Json<TenantView>, Error<Refusal>> {
    Ok(Json(view(cx, &by_id(cx, &id).await?)?))
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
    let order = Order::new(
        OperationId::new(format!("op_{suffix}")),
        (&wanted.id, wanted.placement),
        &Provision { administrator: cx.is_person().then(|| UserId::new(cx.subject())) },
        cx.subject(),
    )?;
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
    let made = by_id(cx, wanted.id.as_str()).await?;
    let serves = made.0.status == Status::Active;
    let location = format!("/management/tenants/{}", wanted.id);
    let status = if serves { StatusCode::CREATED } else { StatusCode::ACCEPTED };
    Ok(Response::json(status, &json!(view(cx, &made)?)).with("location", location))
}

/// Why a name could not be reserved.
pub async fn why_not(cx: &Operator, wanted: &TenantSpec) -> Result<Refusal, Error<Refusal>> {
    let Some(row) = cx.directory().first(store::tenant(&wanted.id)).await? else {
        let why = "The pool is empty and no API token is set: declare more databases, or set CF_API_TOKEN";
        return Ok(Refusal::conflict("pool_empty", why));
    };
    let tenant = read_tenant(&row)?;
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
) -> Result<Json<TenantView>, Error<Refusal>> {
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
    Ok(Json(view(cx, &(record, operation))?))
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

/// A tenant, with the newest of its operations.
pub type Found = (TenantRecord, Option<Operation>);

/// Reads a row of [`store::tenant`] or [`store::tenants`].
///
/// # Errors
/// A fault if it holds what this release does not know.
pub fn read(row: &Row) -> Result<Found, Fault> {
    let operation = read_newest(row, &PROCEDURES)?;
    let tenant = operation.as_ref().map_or_else(|| read_tenant(row), |live| Ok(live.tenant.clone()))?;
    Ok((tenant, operation))
}

/// A tenant that is not deleted.
///
/// # Errors
/// 404.
pub async fn by_id(cx: &Operator, id: &str) -> Result<Found, Error<Refusal>> {
    let id = TenantId::parse(id).ok_or_else(not_found)?;
    let row = cx.directory().first(store::tenant(&id)).await?.ok_or_else(not_found)?;
    let found = read(&row)?;
    if found.0.status == Status::Deleted { Err(not_found().into()) } else { Ok(found) }
}

/// A tenant with its newest operation, for the answer.
///
/// # Errors
/// A fault of the operation's row.
pub fn view(cx: &Operator, (tenant, operation): &Found) -> Result<TenantView, Fault> {
    TenantView::of(&cx.call().shared.directory, tenant, operation.as_ref())
}

/// The refusal of a tenant that is not there.
pub fn not_found() -> Refusal {
    Refusal::not_found("inexistent_tenant", "The tenant does not exist")
}
