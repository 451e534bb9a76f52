//! How an archive becomes whole: everything is read back from where it is kept, put together, and counted.

use super::{
    super::{
        format::{self, Reader, manifest_name, open_part, prefix},
        model::{Damage, Manifest, Part, Phase},
        store,
    },
    Archiver, finished,
};
use crate::{
    error::Fault,
    operations::engine::{procedure::Done, retry::StepError},
    time::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};

impl Archiver<'_> {
    /// Reads the parts back, from the last to the first, and writes the manifest.
    pub(super) async fn seal(
        &mut self,
        left: i64,
        taken_at: i64,
        counts: BTreeMap<String, u64>,
    ) -> Result<Done, StepError> {
        let rows = self.directory.all(store::parts(&self.backup.id)).await?;
        let parts = rows.iter().map(store::read_part).collect::<Result<Vec<_>, _>>()?;
        let unread = usize::try_from(left).unwrap_or_default();
        let mut reader = Reader::resumed(self.backup.sums.clone());
        for (number, part) in parts.iter().enumerate().skip(unread).filter(|(_, part)| part.changes) {
            let read = self.fetch(number, part).await?.and_then(|text| reader.recall(&text));
            self.heed(read).await?;
        }
        for (number, part) in parts.iter().enumerate().take(unread).rev() {
            let read = self.fetch(number, part).await?.and_then(|text| reader.read(part, &text));
            self.heed(read).await?;
            if let Err(tired) = self.check_time() {
                self.backup.sums = reader.sums;
                let left = i64::try_from(number).unwrap_or_default();
                self.go_on(None, Phase::Sealing { left, taken_at, counts }).await?;
                return Err(tired);
            }
        }
        self.backup.sums = reader.sums;
        for (table, rows) in &counts {
            let found = self.backup.sums.get(table).map_or(0, |sum| sum.rows);
            if found != *rows {
                let why = format!("{table} had {rows} rows, and the archive has {found}");
                return self.heed(Err(Damage(why))).await.map(|()| Done::skipped());
            }
            self.backup.sums.entry(table.clone()).or_default();
        }
        self.conclude(taken_at, parts).await
    }

    /// What is kept of a part, opened.
    async fn fetch(&self, number: usize, part: &Part) -> Result<Result<String, Damage>, Fault> {
        let kept = self.objects.get(&part.object).await?;
        Ok(open_part(&self.key, &self.backup.id, number, part, kept))
    }

    /// An archive that is not what was written is begun again.
    async fn heed<T>(&mut self, read: Result<T, Damage>) -> Result<T, StepError> {
        match read {
            Ok(value) => Ok(value),
            Err(Damage(why)) => {
                self.start_again().await?;
                Err(StepError::Retry { why: format!("{why}; it is written again"), not_before: None })
            }
        }
    }

    async fn conclude(&mut self, taken_at: i64, parts: Vec<Part>) -> Result<Done, StepError> {
        let (shared, id) = (self.cx.shared, self.backup.id.as_str());
        let tenant = &self.cx.operation.tenant.id;
        let columns = self.source.columns();
        let manifest = Manifest {
            backup: id.to_owned(),
            tenant: self.backup.tenant.clone(),
            issuer: shared.directory.issuer(tenant).as_str().to_owned(),
            schema_version: self.backup.schema_version,
            include: self.backup.include.clone(),
            taken_at,
            columns,
            sums: self.backup.sums.clone(),
            parts,
        };
        let text = format::written(&manifest)?;
        let platform = shared.platform.as_ref();
        let sealed = format::seal_manifest(platform, &self.key, &self.backup.wrapped_key, id, &text)?;
        let hash = format::hash(&text);
        let name = manifest_name(&self.backup.tenant, id, &hash);
        self.objects.put(&name, sealed).await?;
        // What attempts that came to nothing have left.
        let listed: BTreeSet<&str> =
            manifest.parts.iter().map(|part| part.object.as_str()).chain([name.as_str()]).collect();
        let (prefix, mut after) = (prefix(&self.backup.tenant, id), None::<String>);
        loop {
            let names = self.objects.list(&prefix, after.as_deref()).await?;
            let Some(last) = names.last().cloned() else { break };
            let stray: Vec<String> =
                names.into_iter().filter(|name| !listed.contains(name.as_str())).collect();
            if !stray.is_empty() {
                self.objects.delete(stray).await?;
            }
            after = Some(last);
        }
        let taken_at = Timestamp::from_millis(taken_at);
        let whole = store::set_whole(id, &hash, &self.backup.sums, taken_at, self.now())?;
        Ok(finished(self.cx, &self.backup)?.and(whole))
    }
}
