//! The steps in which a tenant comes from an archive.

mod loading;

pub use loading::load;

use super::{
    RESTORE, Restore, RestoreNew,
    format::{Exchange, Reader, manifest_name, open_manifest, open_part},
    model::{Damage, Group, Manifest, Restoring, Sums},
};
use crate::{
    error::Fault,
    id::TenantId,
    json,
    operations::{
        engine::{
            StepContext,
            model::Operation,
            procedure::Done,
            retry::StepError,
            store::{progress, set_progress},
        },
        tenants::{rows::organize_for, seed},
    },
    platform::ObjectStore,
    resources::keys,
    secret::DataKey,
    tenant::Issuer,
    time::Lifetime,
};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// How long one call of a step goes on.
const TIME_BUDGET: Lifetime = Lifetime::seconds(6);

/// The table of the keys that seal what is secret in the rows of a tenant.
const DATA_KEYS: &str = "data_keys";

/// An archive that is open.
struct Archive {
    restoring: Restoring,
    manifest: Manifest,
    key: DataKey,
    objects: Rc<dyn ObjectStore>,
    /// If it becomes another tenant: what is exchanged.
    exchange: Option<Exchange>,
}

impl Archive {
    async fn open(cx: &StepContext<'_>) -> Result<Self, StepError> {
        let shared = cx.shared;
        let restoring = restoring(cx.operation)?;
        let objects = shared.platform.archive();
        let objects =
            objects.ok_or_else(|| StepError::Never { why: "the binding ARCHIVE is missing".to_owned() })?;
        let (of, id) = (restoring.of.as_str(), restoring.backup.as_str());
        let kept = objects.get(&manifest_name(of, id, &restoring.hash)).await?;
        let (manifest, hash, key) =
            open_manifest(&shared.config.encryption_keys, id, kept).map_err(damaged)?;
        if hash != restoring.hash || manifest.backup != id || manifest.tenant != of {
            return Err(damaged(Damage(format!("the manifest of {id} is not the one that was written"))));
        }
        let issuer = shared.directory.issuer(&cx.operation.tenant.id);
        let exchange = (manifest.issuer != issuer.as_str()).then(|| {
            let audience = |issuer: &str| format!("{issuer}api/v2/");
            Exchange::new(&audience(&manifest.issuer), &Issuer::management_audience(&issuer))
        });
        Ok(Self { restoring, manifest, key, objects, exchange })
    }

    /// Whether the rows of a table stay behind: another tenant signs with keys of its own, and trusts no other server. Who
    /// holds a key of the one must not speak for the other.
    fn leaves_out(&self, table: &str, tenant: &TenantId) -> bool {
        self.restoring.of != tenant.as_str() && Group::Keys.tables().contains(&table)
    }

    /// What is in a part.
    async fn part(&self, number: usize) -> Result<String, StepError> {
        let part = self.manifest.parts.get(number).ok_or_else(|| Fault::internal("there is no such part"))?;
        let kept = self.objects.get(&part.object).await?;
        open_part(&self.key, &self.restoring.backup, number, part, kept).map_err(damaged)
    }

    /// A reader that has read everything from the part of this number on.
    async fn resume(&self, left: usize, sums: Sums) -> Result<Reader, StepError> {
        let mut reader = Reader::resumed(sums);
        for (number, _) in self.manifest.parts.iter().enumerate().skip(left).filter(|(_, part)| part.changes)
        {
            reader.recall(&self.part(number).await?).map_err(damaged)?;
        }
        Ok(reader)
    }
}

/// What is restored, in place or as another tenant.
///
/// # Errors
/// A fault of another operation.
pub fn restoring(operation: &Operation) -> Result<Restoring, Fault> {
    match operation.parameters()? {
        Some(RestoreNew { restore, .. }) => Ok(restore),
        None => operation.require::<Restore>().map(|Restore { restore }| restore),
    }
}

/// Gives a tenant that was restored without its keys one to sign with.
pub async fn seed(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let (tenant, db) = (&cx.operation.tenant.id, cx.tenant_db()?);
    seed::restored(cx.shared, tenant, &db, cx.meter, cx.now).await?;
    Ok(Done::with([]))
}

/// Makes the organization of a tenant that came from an archive.
pub async fn organize(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let RestoreNew { administrator, .. } = cx.operation.require()?;
    organize_for(cx, administrator.as_ref()).await
}

fn damaged(Damage(why): Damage) -> StepError {
    StepError::Never { why: format!("the archive cannot be restored: {why}") }
}

/// How far an archive has been read.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Checked {
    left: Option<usize>,
    sums: Sums,
    data_keys: Vec<String>,
}

/// Reads the whole archive, and refuses what is not exactly what its manifest says. Changes nothing.
pub async fn check(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let directory = cx.shared.directory.db(cx.meter)?;
    let archive = Archive::open(cx).await?;
    let manifest = &archive.manifest;
    manifest.tables(&cx.shared.config.schema.moved()).map_err(|why| StepError::Never { why })?;
    let row = directory.first(progress(&cx.operation.id)).await?;
    let mut checked: Checked = row.map_or_else(|| Ok(Checked::default()), |row| row.json("progress"))?;
    let left = checked.left.unwrap_or(manifest.parts.len());
    let mut reader = archive.resume(left, std::mem::take(&mut checked.sums)).await?;
    for (number, part) in manifest.parts.iter().enumerate().take(left).rev() {
        let found = reader.read(part, &archive.part(number).await?).map_err(damaged)?;
        for row in found.values().flatten() {
            if archive.exchange.as_ref().is_some_and(|exchange| exchange.is_ambiguous(&row.text)) {
                let why = "the archive has something that is named like the management API of the new tenant";
                return Err(StepError::Never { why: why.to_owned() });
            }
        }
        let data_keys = found.get(DATA_KEYS).into_iter().flatten();
        checked.data_keys.extend(data_keys.map(|row| row.key.clone()));
        let now = cx.shared.platform.now();
        if now.since(cx.now) > TIME_BUDGET && number > 0 {
            checked = Checked { left: Some(number), sums: reader.sums, ..checked };
            let text = json::write(&checked)?;
            directory.commit([set_progress(&cx.operation.id, &text)]).await?;
            return Err(StepError::Wait { until: now, why: "more parts are left".to_owned() });
        }
    }
    for (table, sum) in &manifest.sums {
        if reader.sums.remove(table).unwrap_or_default() != *sum {
            return Err(damaged(Damage(format!("its rows of {table} are not those that were archived"))));
        }
    }
    if let Some(table) = reader.sums.keys().next() {
        return Err(damaged(Damage(format!("its manifest does not know of {table}"))));
    }
    check_keys(cx, manifest, &checked.data_keys).await?;
    Ok(Done::with([]).detail(format!("{} rows in {} parts", manifest.rows(), manifest.parts.len())))
}

/// A tenant that keeps its signing keys must keep the key that has sealed them.
async fn check_keys(cx: &StepContext<'_>, manifest: &Manifest, archived: &[String]) -> Result<(), StepError> {
    if !cx.operation.is(&RESTORE) || manifest.include.contains(&Group::Keys) {
        return Ok(());
    }
    let rows = cx.tenant_db()?.all(keys::store::data_keys()).await?;
    let same = rows.iter().all(|row| {
        let id = row.text("id").unwrap_or_default();
        archived.contains(&serde_json::json!([id]).to_string())
    });
    if same && rows.len() == archived.len() {
        return Ok(());
    }
    let why = "the archive has no signing keys, and is older than the key that seals those of the tenant: restore it \
               into a new tenant";
    Err(StepError::Never { why: why.to_owned() })
}
