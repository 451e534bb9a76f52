//! The steps in which an archive of a tenant is written, or removed.

mod seal;
mod source;

use self::source::Source;
use super::{
    Backup as BackupParameters,
    format::{Draft, key_purpose, prefix},
    model::{Backup, Group, Part, Phase, Reason, State, id_of},
    store,
};
use crate::{
    access::{Shared, log_fault},
    db::Meter,
    error::{Fault, FaultKind},
    operations::engine::{StepContext, procedure::Done, retry::StepError},
    platform::ObjectStore,
    secret::{DataKey, Sealed},
    tenant::DirectoryDb,
    time::{Lifetime, Timestamp},
};
use std::rc::Rc;

/// How long one call of the step goes on, and how many statements it runs: an invocation may run 1,000 (Cloudflare: D1,
/// limits).
const TIME_BUDGET: Lifetime = Lifetime::seconds(6);
const STATEMENTS: usize = 500;

/// How many archives one tick removes.
const PER_TICK: i64 = 5;

/// An archive in one worker's hands.
struct Archiver<'a> {
    cx: &'a StepContext<'a>,
    directory: DirectoryDb,
    objects: Rc<dyn ObjectStore>,
    key: DataKey,
    backup: Backup,
    source: Source,
}

/// Archives the tenant, as far as one call goes.
pub async fn run(cx: &StepContext<'_>, reason: Reason) -> Result<Done, StepError> {
    let platform = cx.shared.platform.as_ref();
    let Some(objects) = platform.archive() else {
        // Nobody asked for it; the tenant was to be deleted.
        if reason == Reason::Deletion {
            return Ok(Done::skipped().detail("there is nowhere to keep an archive"));
        }
        return Err(StepError::Never { why: "the binding ARCHIVE is missing".to_owned() });
    };
    let directory = cx.shared.directory.db(cx.meter)?;
    let (backup, key) = entered(cx, &directory, reason).await?;
    if backup.state == State::Whole {
        return finished(cx, &backup);
    }
    let db = cx.tenant_db()?;
    cx.shared.config.schema.migrate(db.driver().as_ref()).await?;
    let source = Source::new(cx, db, reason, Group::choose(&backup.include, cx.shared.config.schema.moved()));
    let mut archiver = Archiver { cx, directory, objects, key, backup, source };
    archiver.proceed().await
}

/// What follows when it is whole. A tenant that is to be restored serves nobody from here on.
fn finished(cx: &StepContext<'_>, backup: &Backup) -> Result<Done, StepError> {
    let tenant = &cx.operation.tenant;
    let shut = (backup.reason == Reason::Restore).then(|| store::shut(&tenant.id, tenant.epoch, cx.now));
    let rows: u64 = backup.sums.values().map(|sum| sum.rows).sum();
    let done = Done::with(shut);
    Ok(done.detail(format!("{}: {rows} rows, {} parts, {} bytes", backup.id, backup.parts, backup.bytes)))
}

/// The archive of this operation in the directory, entered if it is not there yet, and its key.
async fn entered(
    cx: &StepContext<'_>,
    directory: &DirectoryDb,
    reason: Reason,
) -> Result<(Backup, DataKey), StepError> {
    let (shared, operation) = (cx.shared, cx.operation);
    let (platform, ring) = (shared.platform.as_ref(), &shared.config.encryption_keys);
    let id = id_of(&operation.id);
    let mut row = directory.first(store::by_id(&id)).await?;
    if row.is_none() {
        let asked = operation.parameters::<BackupParameters>()?.and_then(|asked| asked.backup);
        let include = asked.map_or_else(|| Group::ALL.to_vec(), |contents| contents.include);
        let wrapped = DataKey::random(platform).wrap(platform, ring, &key_purpose(&id))?;
        let version = cx.shared.config.schema.version();
        let (tenant, why) = (&operation.tenant.id, (reason, include.as_slice()));
        let enter = store::enter(&id, tenant, &operation.id, why, &wrapped, version, cx.now)?;
        directory.commit([enter]).await?;
        row = directory.first(store::by_id(&id)).await?;
    }
    let row = row.ok_or_else(|| Fault::internal("an archive was entered and is not there"))?;
    let backup = store::backup(&row)?;
    let key = DataKey::unwrap(ring, &key_purpose(&id), &Sealed::stored(backup.wrapped_key.as_str()));
    let key = key.ok_or_else(|| StepError::Never {
        why: "ENCRYPTION_KEY no longer contains the key that wraps this archive's data key".to_owned(),
    })?;
    Ok((backup, key))
}

impl Archiver<'_> {
    async fn proceed(&mut self) -> Result<Done, StepError> {
        loop {
            if self.backup.schema_version != self.cx.shared.config.schema.version() {
                // A newer release has come meanwhile: there are tables that nobody captures.
                self.start_again().await?;
            }
            match self.backup.cursor.clone() {
                Phase::Start => {
                    let watermark = self.source.lead().await?;
                    let place = Default::default();
                    self.go_on(None, Phase::Copying { place, watermark }).await?;
                }
                Phase::Copying { place, watermark } => {
                    let mut draft = Draft::default();
                    let next = self.source.copy(place, &mut draft).await?;
                    let next = match next {
                        Some(place) => Phase::Copying { place, watermark },
                        None => Phase::Following { watermark },
                    };
                    self.put_away(draft, false, next).await?;
                }
                Phase::Following { watermark } => {
                    let mut draft = Draft::default();
                    let followed = self.source.follow(watermark, &mut draft).await?;
                    let left = self.backup.parts + i64::from(!draft.is_empty());
                    let next = match followed.counts {
                        Some(counts) => Phase::Sealing { left, taken_at: self.now().millis(), counts },
                        None => Phase::Following { watermark: followed.upto },
                    };
                    self.put_away(draft, true, next).await?;
                }
                Phase::Sealing { left, taken_at, counts } => {
                    self.source.release().await?;
                    return self.seal(left, taken_at, counts).await;
                }
            }
            self.check_time()?;
        }
    }

    fn now(&self) -> Timestamp {
        self.cx.shared.platform.now()
    }

    fn check_time(&self) -> Result<(), StepError> {
        let now = self.now();
        if now.since(self.cx.now) > TIME_BUDGET || self.source.statements > STATEMENTS {
            return Err(StepError::Wait { until: now, why: "more rows are left".to_owned() });
        }
        Ok(())
    }

    /// Puts a part away, under a name that nothing else has, and enters it: a rival's part, or one that comes late, is in
    /// nobody's way.
    async fn put_away(&mut self, draft: Draft, changes: bool, next: Phase) -> Result<(), StepError> {
        if draft.is_empty() {
            return self.go_on(None, next).await;
        }
        let platform = self.cx.shared.platform.as_ref();
        let (number, id) = (self.backup.parts, self.backup.id.as_str());
        let (bytes, digest) = draft.seal(platform, &self.key, id, number)?;
        let suffix = crate::id::random_text(platform, 16);
        let object = format!("{}{number:06}-{suffix}", prefix(&self.backup.tenant, id));
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        self.objects.put(&object, bytes).await?;
        self.go_on(Some(Part { object, changes, digest, bytes: length }), next).await
    }

    async fn go_on(&mut self, part: Option<Part>, next: Phase) -> Result<(), StepError> {
        let batch = store::go_on(&self.backup, part.as_ref(), &next)?;
        let gone_on = match self.directory.commit(batch).await {
            Err(fault) if fault.detail.contains(store::GUARD) => false,
            outcomes => outcomes?.last().is_some_and(|outcome| !outcome.rows.is_empty()),
        };
        if !gone_on {
            return Err(self.overtaken());
        }
        self.backup.version += 1;
        self.backup.cursor = next;
        if let Some(part) = part {
            self.backup.parts += 1;
            self.backup.bytes += part.bytes;
        }
        Ok(())
    }

    async fn start_again(&mut self) -> Result<(), StepError> {
        let version = self.cx.shared.config.schema.version();
        let outcomes = self.directory.commit(store::start_again(&self.backup, version)?).await?;
        if outcomes.first().is_none_or(|outcome| outcome.rows.is_empty()) {
            return Err(self.overtaken());
        }
        let row = self.directory.first(store::by_id(&self.backup.id)).await?;
        let row = row.ok_or_else(|| Fault::internal("an archive is gone"))?;
        self.backup = store::backup(&row)?;
        Ok(())
    }

    fn overtaken(&self) -> StepError {
        StepError::Wait { until: self.now(), why: "another instance goes on".to_owned() }
    }
}

/// Removes what there is of an archive that was given up.
pub async fn discard(cx: &StepContext<'_>) -> Result<Done, StepError> {
    let directory = cx.shared.directory.db(cx.meter)?;
    let row = directory.first(store::by_id(&id_of(&cx.operation.id))).await?;
    let Some(backup) = row.as_ref().map(store::backup).transpose()? else { return Ok(Done::skipped()) };
    let tables = cx.shared.config.schema.moved();
    Source::new(cx, cx.tenant_db()?, backup.reason, tables).release().await?;
    if backup.state == State::Whole {
        return Ok(Done::with([]).detail(format!("{} is whole, and stays", backup.id)));
    }
    directory.commit([store::doom(&backup.id, cx.now)]).await?;
    remove(cx.shared, &directory, &backup).await?;
    Ok(Done::with([]))
}

/// Removes an archive that is doomed: what is kept of it, then that it was there.
pub async fn remove(shared: &Shared, directory: &DirectoryDb, backup: &Backup) -> Result<(), Fault> {
    if let Some(objects) = shared.platform.archive() {
        let prefix = prefix(&backup.tenant, &backup.id);
        loop {
            let names = objects.list(&prefix, None).await?;
            if names.is_empty() {
                break;
            }
            objects.delete(names).await?;
        }
    }
    directory.commit(store::forget(&backup.id)).await.map(drop)
}

/// Removes the archives that are doomed, or that nobody wants to keep any longer.
pub async fn retain(shared: &Shared, meter: &Meter) -> Result<(), Fault> {
    let (directory, retention) = (shared.directory.db(meter)?, shared.config.retention);
    let now = shared.platform.now();
    let before = retention.days.map(|days| now.minus(Lifetime::days(days)));
    let mut rows = directory.all(store::doomed(before, PER_TICK)).await?;
    if let Some(keep) = retention.keep {
        rows.extend(directory.all(store::surplus(keep, PER_TICK)).await?);
    }
    for row in rows {
        let backup = store::backup(&row)?;
        let doomed = directory.commit([store::doom(&backup.id, retention.since(now))]).await?;
        if doomed.first().is_none_or(|outcome| outcome.rows.is_empty()) {
            continue;
        }
        match remove(shared, &directory, &backup).await {
            // The next tick tries again.
            Err(fault @ Fault { kind: FaultKind::Unavailable, .. }) => {
                log_fault(shared.platform.as_ref(), "tick", &backup.tenant, &fault);
            }
            removed => removed?,
        }
    }
    Ok(())
}
