//! The management API of the keys that seal what is secret at rest in a tenant.

use super::store;
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::Row,
    error::{Error, Fault},
    events::Change,
    http::{Json, NoContent, route::Routes},
    id::random_text,
    secret::Sealed,
    time::Lifetime,
};
use serde_json::{Value, json};

/// The rows of the route table.
pub(super) fn routes(r: &mut Routes) {
    r.get("/api/v2/keys/encryption", scope("read:encryption_keys"), list);
    r.post("/api/v2/keys/encryption/rekey", scope("update:encryption_keys"), rekey);
}

async fn list(cx: &Management, (): ()) -> Result<Json<Vec<Value>>, Error<Refusal>> {
    let rows = cx.db().all(store::data_keys()).await?;
    let newest = rows.first().map(|row| row.text("id")).transpose()?;
    let shown = |row: &Row| {
        let id = row.text("id")?;
        // Auth0's words: the others only open what they have sealed.
        let state = if newest.as_ref() == Some(&id) { "active" } else { "deactivated" };
        let created_at = row.time("created_at")?;
        Ok(json!({ "kid": id, "type": "tenant-encryption-key", "state": state, "created_at": created_at }))
    };
    Ok(Json(cx.readable(("data_keys", "id"), &rows, shown)))
}

/// Makes a new key, which seals from now on; all open. Those that are there are wrapped anew by the first key of
/// `ENCRYPTION_KEY`, so that an older one can be taken out of it. What older keys have sealed stays sealed by them until it is
/// written again (Auth0 rekeys its hierarchy likewise, and answers 204).
async fn rekey(cx: &Management, (): ()) -> Result<NoContent, Error<Refusal>> {
    let (call, tenant) = (cx.call(), cx.tenant().id());
    let (platform, ring) = (call.platform(), &call.shared.config.encryption_keys);
    let rows = cx.db().all(store::data_keys()).await?;
    let mut key = [0; 32];
    platform.random(&mut key);
    // Newer than every other one, and its id says nothing.
    let newest = rows.iter().map(|row| row.time("created_at")).collect::<Result<Vec<_>, Fault>>()?;
    let now = newest.into_iter().map(|moment| moment.plus(Lifetime::milliseconds(1))).max();
    let now = now.unwrap_or(call.now).max(call.now);
    let id = format!("k{}", random_text(platform, 12));
    let mut batch = vec![store::insert_data_key(&id, &store::wrap(platform, tenant, key, ring)?, now)];
    for row in &rows {
        let wrapped = Sealed::stored(row.text("wrapped")?);
        // One that cannot be opened stays as it is.
        if let Ok(anew) = store::rewrap(platform, ring, (tenant, tenant), &wrapped) {
            batch.push(store::set_wrapped(&row.text("id")?, &wrapped, &anew));
        }
    }
    let change =
        Change::of("Rekey the encryption keys", "encryption_key", &id).added("created_at", &now.millis());
    cx.commit(&change, batch).await?;
    Ok(NoContent)
}
