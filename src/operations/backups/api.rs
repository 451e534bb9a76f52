//! Backups, restores and journeys in time over the management API: see [the module](super).

use super::{
    Backup as BackupParameters, Restore, RestoreNew, TimeTravel, archiving,
    format::{manifest_name, open_manifest},
    model::{
        Backup, BackupView, Contents, Damage, Manifest, NewBackup, NewRestore, Restoring, State, Travelling,
        check_into,
    },
    store,
};
use crate::{
    access::{
        Area, Operator,
        management::{Refusal, scope},
    },
    config::Placement,
    db::{Page, page::total},
    error::{Error, Fault},
    events::Change,
    http::{Json, Path, Query, Response, StatusCode, route::Routes},
    id::{OperationId, OrganizationId, TenantId, random_text},
    operations::{
        PROCEDURES,
        engine::{
            self,
            model::{Order, Parameters},
            store::{operation, read_operation, read_tenant},
            subject::TenantRecord,
            view::OperationView,
        },
        moves::store::directory::open_epoch,
        tenants::{
            api::{not_found, why_not},
            model::NewTenant,
            store as tenants,
        },
    },
    platform::ObjectStore,
    tenant::Status,
    time::{Lifetime, Timestamp},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// Archives of a tenant, and what becomes of them.
pub fn routes(r: &mut Routes) {
    r.post("/management/tenants/{id}/backups", scope("update:tenants"), back_up);
    r.get("/management/tenants/{id}/backups", scope("read:tenants"), list);
    r.get("/management/tenants/{id}/backups/{backup}", scope("read:tenants"), get);
    r.delete("/management/tenants/{id}/backups/{backup}", scope("delete:tenants"), delete);
    r.post("/management/tenants/{id}/restores", scope("update:tenants"), restore);
    r.post("/management/tenants/{id}/time-travel", scope("update:tenants"), travel);
}

/// How far D1 goes back (Cloudflare: D1, time travel; on a paid plan).
const REACH: Lifetime = Lifetime::days(30);

async fn back_up(
    cx: &Operator,
    (Path(id), Json(new)): (Path<String>, Json<NewBackup>),
) -> Result<Response, Error<Refusal>> {
    let record = settled(cx, &id).await?;
    kept(cx)?;
    let mut include = new.include;
    include.sort_unstable();
    include.dedup();
    let parameters = BackupParameters { backup: Some(Contents { include }) };
    let change = open_epoch(&record.id, record.epoch + 1, cx.call().now);
    let id = begin(cx, &record, &parameters, change).await?;
    begun(cx, &id, format!("Back up the tenant {}", record.id), &record.id).await
}

async fn list(
    cx: &Operator,
    (Path(id), Query(page)): (Path<String>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let id = TenantId::parse(&id).ok_or_else(not_found)?;
    let queries = [store::of_tenant(&id, window), store::count_of_tenant(&id), tenants::tenant(&id)];
    let [rows, count, tenant] = cx.directory().read(queries).await?;
    if tenant.is_empty() {
        return Err(not_found().into());
    }
    let backups = rows.iter().map(|row| Ok(json!(BackupView::of(store::backup(row)?))));
    let backups = backups.collect::<Result<_, Fault>>()?;
    let window = crate::db::page::Window { totals: true, ..window };
    Ok(Json(window.list("backups", backups, total(&count)?)))
}

/// Where an archive is.
#[derive(Deserialize)]
struct At {
    id: String,
    backup: String,
}

async fn get(cx: &Operator, Path(At { id, backup }): Path<At>) -> Result<Json<BackupView>, Error<Refusal>> {
    Ok(Json(BackupView::of(found(cx, &id, &backup).await?)))
}

async fn delete(cx: &Operator, Path(At { id, backup }): Path<At>) -> Result<Response, Error<Refusal>> {
    let (call, backup) = (cx.call(), found(cx, &id, &backup).await?);
    if backup.state == State::Writing {
        let why = "The archive is being written; it can be deleted when that has succeeded or failed";
        return Err(Refusal::conflict("operation_in_progress", why).into());
    }
    let retained = call.shared.config.retention.since(call.now);
    if let Some(until) = backup.kept_until(call.shared.config.retention).filter(|until| *until > call.now) {
        let why = format!("It is what can bring the tenant back, and is kept until {}", until.iso());
        return Err(Refusal::conflict("backup_retained", why).into());
    }
    let doomed = cx.commit([store::doom(&backup.id, retained)]).await?;
    if doomed.first().is_none_or(|outcome| outcome.rows.is_empty()) {
        return Err(Refusal::conflict("operation_in_progress", "The archive is being restored").into());
    }
    let words = format!("Delete the backup {} of the tenant {}", backup.id, backup.tenant);
    cx.note(&Change::of(words, "backup", &backup.id).taken("tenant", &backup.tenant)).await?;
    // What could not be removed now is removed by the clock.
    archiving::remove(&cx.call().shared, cx.directory(), &backup).await?;
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

async fn restore(
    cx: &Operator,
    (Path(id), Json(new)): (Path<String>, Json<NewRestore>),
) -> Result<Response, Error<Refusal>> {
    let call = cx.call();
    let row = cx.directory().first(tenants::tenant(&TenantId::parse(&id).ok_or_else(not_found)?)).await?;
    let of = read_tenant(&row.ok_or_else(not_found)?)?;
    check_may_have(cx, &of).await?;
    let is_gone = matches!(of.status, Status::Deleted | Status::Failed);
    let makes = new.into.is_some() || is_gone;
    if makes {
        cx.check_scope("create:tenants")?;
    }
    let backup = found(cx, &id, &new.backup).await?;
    let (State::Whole, Some(hash)) = (backup.state, &backup.hash) else {
        return Err(Refusal::conflict("backup_not_whole", "The archive is not whole").into());
    };
    let manifest = manifest(cx, &backup, hash).await?;
    let restoring = |status| Restoring {
        backup: backup.id.clone(),
        of: backup.tenant.clone(),
        hash: hash.clone(),
        status,
    };
    if !makes {
        if new.placement.is_some() {
            return Err(Refusal::invalid_body("placement is of a new tenant: name one with into").into());
        }
        let record = settled(cx, &id).await?;
        let parameters = Restore { restore: restoring(Some(record.status)) };
        let change = store::open_epoch(&record.id, record.epoch + 1, &backup.id, call.now);
        let operation = begin(cx, &record, &parameters, change).await?;
        let words = format!("Restore the tenant {} from {}", record.id, backup.id);
        return begun(cx, &operation, words, &record.id).await;
    }
    let into = new.into.as_deref().unwrap_or(of.id.as_str());
    if let Some(other) = new.into.as_deref().and_then(TenantId::parse) {
        check_into(&of.id, &other).map_err(Refusal::invalid_body)?;
    }
    let suffix = random_text(call.platform(), 16);
    let organization = OrganizationId::new(format!("org_{suffix}"));
    let made = call.shared.config.cloudflare.is_some();
    let tenant = NewTenant::named(into, Some(of.friendly_name.clone()), new.placement);
    let wanted = tenant.check(call.shared.config.default_placement, made, organization);
    let wanted = wanted.map_err(Refusal::invalid_body)?;
    let administrator = cx.is_person().then(|| crate::id::UserId::new(cx.subject()));
    let order = Order::new(
        OperationId::new(format!("op_{suffix}")),
        (&wanted.id, wanted.placement),
        &RestoreNew { administrator, restore: restoring(None) },
        cx.subject(),
    )?;
    // A name is on hold so that nobody else gets what was trusted under it: the tenant itself may come back.
    let hold = call.shared.config.retention.hold();
    let gone_before = if wanted.id == of.id { call.now } else { call.now.minus(hold) };
    let bindings = call.platform().bindings();
    let change = [tenants::reserve(&wanted, cx.subject(), made, &bindings, (gone_before, call.now))];
    let begun_at = engine::begin(&call.shared, &order, change, Status::Provisioning, &call.meter, call.now);
    if begun_at.await?.is_none() {
        return Err(why_not(cx, &wanted).await?.into());
    }
    let rows = manifest.rows();
    let words = format!("Restore {} ({rows} rows) into the new tenant {}", backup.id, wanted.id);
    begun(cx, &order.id, words, &wanted.id).await
}

/// Whoever brings back what a tenant had, there or elsewhere, has it. The main tenant has the keys to all others: it is
/// neither copied nor taken back.
async fn check_may_have(cx: &Operator, of: &TenantRecord) -> Result<(), Error<Refusal>> {
    if of.id == cx.call().shared.config.main_tenant {
        let why = "The main tenant can be neither copied nor restored in place: it runs the restore, and holds the keys to every tenant";
        return Err(Refusal::forbidden("main_tenant", why).into());
    }
    cx.check_administers(of.organization.as_ref()).await
}

/// A moment to go back to.
#[derive(Deserialize)]
struct To {
    timestamp: String,
}

async fn travel(
    cx: &Operator,
    (Path(id), Json(to)): (Path<String>, Json<To>),
) -> Result<Response, Error<Refusal>> {
    let (call, record) = (cx.call(), settled(cx, &id).await?);
    check_may_have(cx, &record).await?;
    let now = call.now;
    let moment = Timestamp::span(&to.timestamp).map(|(moment, _)| moment);
    let moment = moment.ok_or_else(|| {
        Refusal::invalid_body("timestamp must be a moment in UTC, like 2027-01-15T08:00:00Z")
    })?;
    if record.placement == Placement::Shared {
        let why = "The tenant shares its database: going back in time would take all the other tenants back too. \
                   Restore a backup instead, or move the tenant to a database of its own first";
        return Err(Refusal::conflict("shared_database", why).into());
    }
    if moment >= now || moment < now.minus(REACH) {
        return Err(Refusal::invalid_body("timestamp must be in the past, at most 30 days ago").into());
    }
    let row = cx.directory().first(store::came_at(&record.id)).await?;
    let since = row.ok_or_else(not_found)?.time("since")?;
    if moment < since {
        let why = format!("timestamp: the tenant has been in this database only since {}", since.iso());
        return Err(Refusal::invalid_body(why).into());
    }
    let uuid = record.database.as_ref().and_then(|held| held.database.uuid.as_ref());
    if call.shared.config.cloudflare.is_none() || uuid.is_none() {
        let why = "Only a database that was made through the Cloudflare API can go back in time, and an API token \
                   must be set. Restore a backup instead";
        return Err(Refusal::conflict("not_through_the_api", why).into());
    }
    let travelling = Travelling { to: moment.millis(), status: record.status };
    let change = open_epoch(&record.id, record.epoch + 1, now);
    let operation = begin(cx, &record, &TimeTravel { travel: travelling }, change).await?;
    let words = format!("Take the tenant {} back to {}", record.id, moment.iso());
    begun(cx, &operation, words, &record.id).await
}

/// Begins an operation on a tenant that is there.
async fn begin(
    cx: &Operator,
    record: &TenantRecord,
    parameters: &impl Parameters,
    change: crate::db::Statement<crate::tenant::InDirectory>,
) -> Result<OperationId, Error<Refusal>> {
    let call = cx.call();
    let id = OperationId::new(format!("op_{}", random_text(call.platform(), 16)));
    let order = Order::new(id, (&record.id, record.placement), parameters, cx.subject())?;
    let begun = engine::begin(&call.shared, &order, [change], record.status, &call.meter, call.now).await?;
    let busy = || {
        Refusal::conflict(
            "operation_in_progress",
            "Another operation of the tenant is not over yet, or it has changed",
        )
    };
    Ok(begun.ok_or_else(busy)?)
}

/// 202, with the operation.
async fn begun(
    cx: &Operator,
    id: &OperationId,
    what: String,
    tenant: &TenantId,
) -> Result<Response, Error<Refusal>> {
    cx.note(&Change::of(what, "tenant", tenant).added("operation", id)).await?;
    let row = cx.directory().first(operation(id)).await?;
    let row = row.ok_or_else(|| Fault::internal("the operation is gone"))?;
    let body = json!(OperationView::of(&read_operation(&row, &PROCEDURES)?)?);
    let location = format!("/management/operations/{id}");
    Ok(Response::json(StatusCode::ACCEPTED, &body).with("location", location))
}

/// Where archives are kept.
fn kept(cx: &Operator) -> Result<Rc<dyn ObjectStore>, Refusal> {
    let why = "There is nowhere to keep archives: bind an R2 bucket as ARCHIVE (wrangler.toml)";
    cx.call().platform().archive().ok_or_else(|| Refusal::conflict("no_archive", why))
}

/// The manifest of an archive, if this release can restore what it says.
async fn manifest(cx: &Operator, backup: &Backup, hash: &str) -> Result<Manifest, Error<Refusal>> {
    let kept = kept(cx)?.get(&manifest_name(&backup.tenant, &backup.id, hash)).await?;
    let damaged = |why: String| Refusal::conflict("damaged_backup", format!("It cannot be restored: {why}"));
    let opened = open_manifest(&cx.call().shared.config.encryption_keys, &backup.id, kept);
    let (manifest, found, _) = opened.map_err(|Damage(why)| damaged(why))?;
    if found != hash {
        return Err(damaged(format!("the manifest of {} is not the one that was written", backup.id)).into());
    }
    manifest.tables(&cx.call().shared.config.schema.moved()).map_err(damaged)?;
    Ok(manifest)
}

/// An archive of the tenant, which may be gone.
async fn found(cx: &Operator, id: &str, backup: &str) -> Result<Backup, Error<Refusal>> {
    let no_backup = || Refusal::not_found("inexistent_backup", "The tenant has no such backup");
    let row = cx.directory().first(store::by_id(backup)).await?.ok_or_else(no_backup)?;
    let backup = store::backup(&row)?;
    if backup.tenant != id || backup.state == State::Deleting {
        return Err(no_backup().into());
    }
    Ok(backup)
}

/// A tenant that something can be done to.
async fn settled(cx: &Operator, id: &str) -> Result<TenantRecord, Error<Refusal>> {
    let id = TenantId::parse(id).ok_or_else(not_found)?;
    let row = cx.directory().first(tenants::tenant(&id)).await?.ok_or_else(not_found)?;
    let record = read_tenant(&row)?;
    match record.status {
        Status::Active | Status::Staging | Status::ReadOnly | Status::Suspended => Ok(record),
        Status::Deleted => Err(not_found().into()),
        other => Err(Refusal::conflict("illegal_state", format!("The tenant is {}", other.as_str())).into()),
    }
}
