//! Migrations over the management API.

use super::{
    model::{Migration, NewMigration, PREFIX, Status, Tenants},
    store,
    view::{MigrationView, TenantView},
};
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    db::Page,
    error::{Error, Fault},
    events::Change,
    http::{Json, Path, Query, Response, StatusCode, route::Routes},
    id::{OperationId, TenantId, random_text},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Many moves as one piece of work.
pub fn routes(r: &mut Routes) {
    r.get("/management/migrations", scope("read:tenants"), list);
    r.post("/management/migrations", scope("update:tenants"), create);
    r.get("/management/migrations/{id}", scope("read:tenants"), get);
    r.get("/management/migrations/{id}/tenants", scope("read:tenants"), tenants);
    r.post("/management/migrations/{id}/pause", scope("update:tenants"), pause);
    r.post("/management/migrations/{id}/resume", scope("update:tenants"), resume);
}

/// Begins a migration: 202, and it says how far it is.
async fn create(cx: &Operator, Json(new): Json<NewMigration>) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let wanted = new.check().map_err(Refusal::invalid_body)?;
    let id = format!("{PREFIX}{}", random_text(call.platform(), 16));
    let tenants = match &new.tenants {
        Tenants::All(_) => {
            store::insert_all(&id, wanted.to.placement, &call.shared.config.main_tenant, call.now)
        }
        Tenants::These(ids) => {
            let mut named = Vec::new();
            for id in ids {
                let malformed = || Refusal::invalid_body(format!("tenants: {id} is no id of a tenant"));
                let tenant = TenantId::parse(id).ok_or_else(malformed)?;
                if named.contains(&tenant) {
                    return Err(Refusal::invalid_body(format!("tenants: {id} is named twice")).into());
                }
                named.push(tenant);
            }
            store::insert_these(&id, &named, call.now)
        }
    };
    cx.commit([store::insert(&id, &wanted, cx.subject(), call.now)?, tenants]).await?;
    let words = format!("Migrate tenants to placement {}: {id}", wanted.to.placement.as_str());
    let change = Change::of(words, "migration", &id).added("placement", &wanted.to.placement.as_str());
    cx.note(&change).await?;
    call.platform().wake(&OperationId::new(id.clone()), call.now).await?;
    let body = json!(MigrationView::of(load(cx, &id).await?));
    let location = format!("/management/migrations/{id}");
    Ok(Response::json(StatusCode::ACCEPTED, &body).with("location", location))
}

async fn list(cx: &Operator, Query(page): Query<Page>) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let (rows, count) = window.read(cx.directory(), store::list(window), store::count()).await?;
    let views = rows.iter().map(|row| Ok(json!(MigrationView::of(store::migration(row)?))));
    Ok(Json(window.list("migrations", views.collect::<Result<_, Fault>>()?, count)))
}

async fn get(cx: &Operator, Path(id): Path<String>) -> Result<Json<MigrationView>, Error<Refusal>> {
    Ok(Json(MigrationView::of(load(cx, &id).await?)))
}

/// Which of its tenants are listed.
#[derive(Deserialize)]
struct Filter {
    status: Option<String>,
    #[serde(flatten)]
    page: Page,
}

/// The tenants of a migration, in order, each with its move and, if it failed, why and how to go on.
async fn tenants(
    cx: &Operator,
    (Path(id), Query(filter)): (Path<String>, Query<Filter>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = filter.page.check().map_err(Refusal::invalid_query)?;
    let migration = load(cx, &id).await?;
    let states = ["waiting", "moving", "moved", "failed"];
    let total = match filter.status.as_deref() {
        None => migration.counts.iter().sum(),
        Some(status) => {
            let place = states.iter().position(|state| *state == status);
            let unknown = || Refusal::invalid_query(format!("status must be one of {}", states.join(", ")));
            place.and_then(|place| migration.counts.get(place)).copied().ok_or_else(unknown)?
        }
    };
    let rows = cx.directory().all(store::tenants_of(&id, filter.status.as_deref(), window)).await?;
    let tenants = rows.iter().map(|row| Ok(json!(TenantView::read(row)?))).collect::<Result<_, Fault>>()?;
    Ok(Json(window.list("tenants", tenants, total)))
}

/// No further tenant begins; those that move go on.
async fn pause(cx: &Operator, Path(id): Path<String>) -> Result<Json<MigrationView>, Error<Refusal>> {
    steer(cx, &id, &[Status::Running], Status::Paused, "The migration is not running").await
}

/// Goes on; those that failed have another turn.
async fn resume(cx: &Operator, Path(id): Path<String>) -> Result<Json<MigrationView>, Error<Refusal>> {
    let from = [Status::Paused, Status::Failed, Status::Running];
    let shown = steer(cx, &id, &from, Status::Running, "The migration has succeeded").await?;
    cx.commit(store::again(&id, cx.call().now)).await?;
    let waits = cx.directory().all(store::moving(&id, 1_000)).await?;
    for row in &waits {
        if let Some(operation) = row.optional_text("operation_id")? {
            cx.call().platform().wake(&OperationId::new(operation), cx.call().now).await?;
        }
    }
    Ok(shown)
}

async fn steer(
    cx: &Operator,
    id: &str,
    from: &[Status],
    to: Status,
    otherwise: &str,
) -> Result<Json<MigrationView>, Error<Refusal>> {
    load(cx, id).await?;
    let outcomes = cx.commit([store::set_status(id, from, to, cx.call().now)]).await?;
    if outcomes.first().is_none_or(|outcome| outcome.rows.is_empty()) {
        return Err(Refusal::conflict("illegal_transition", otherwise).into());
    }
    cx.note(
        &Change::of(format!("Migration {id}: {}", to.as_str()), "migration", id)
            .added("status", &to.as_str()),
    )
    .await?;
    cx.call().platform().wake(&OperationId::new(id), cx.call().now).await?;
    Ok(Json(MigrationView::of(load(cx, id).await?)))
}

async fn load(cx: &Operator, id: &str) -> Result<Migration, Error<Refusal>> {
    let row = cx.directory().first(store::by_id(id)).await?;
    let not_found = || Refusal::not_found("inexistent_migration", "There is no such migration");
    Ok(store::migration(&row.ok_or_else(not_found)?)?)
}
