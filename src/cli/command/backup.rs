//! `gatehouse backup`: archives of tenants, several at once.

use super::{
    super::{
        answer::Answered,
        api::Api,
        exit::{Exit, Failure, Outcome},
        plan::cost::bytes,
        screen::{Screen, count, table},
    },
    operations::{self, Details, Operation},
    tenants,
};
use crate::{
    operations::{
        backups::model::{BackupView, Group},
        engine::model::Progress,
    },
    tenant::Status,
    time::{Lifetime, Timestamp},
};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::collections::VecDeque;

/// What can be in an archive besides what always is.
pub const EVERYTHING: [&str; 3] = ["keys", "sessions", "logs"];

/// Which tenants, and what of them.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenants
    #[arg(required_unless_present = "all")]
    tenants: Vec<String>,
    /// All that are not being made or deleted, the main one too
    #[arg(long, conflicts_with = "tenants")]
    all: bool,
    /// What is in it besides what always is: keys, sessions, logs
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = EVERYTHING)]
    include: Vec<String>,
    /// All of these: whoever is signed in still is after a restore
    #[arg(long, conflicts_with = "include")]
    everything: bool,
    /// Leaves out who has such an archive from after this moment (2027-01-15T08:00:00Z): to go on after it was cut off
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    /// How many are archived at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=50))]
    parallelism: u8,
    /// Returns at once; `gatehouse status` then says how far it is
    #[arg(long)]
    no_wait: bool,
}

impl Arguments {
    /// Does it. One that fails does not keep the others from being archived.
    ///
    /// # Errors
    /// There is nowhere to keep archives, or the server does not answer.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let since = self.since.as_deref().map(moment).transpose()?;
        let include: Vec<&str> = match self.everything {
            true => EVERYTHING.to_vec(),
            false => self.include.iter().map(String::as_str).collect(),
        };
        let mut round = if self.all { Round::of_all(api)? } else { Round::of(&self.tenants)? };
        if let Some(since) = since {
            round.leave_out_archived(api, since, &include)?;
        }
        if round.waiting.len() > 1 && !self.no_wait {
            screen.say(format!(
                "{} tenants are archived. To go on where it was cut off: --since {}",
                round.waiting.len(),
                screen.environment().now().iso()
            ));
        }
        let most = if self.no_wait { usize::MAX } else { usize::from(self.parallelism) };
        round.run(api, screen, &include, most, self.no_wait)?;
        Ok(round.outcome())
    }
}

/// A moment that somebody typed.
///
/// # Errors
/// It is none.
pub fn moment(text: &str) -> Result<Timestamp, Failure> {
    let wrong = || Failure::Usage(format!("{text:?} is no moment in UTC, like 2027-01-15T08:00:00Z"));
    Timestamp::span(text).map(|(moment, _)| moment).ok_or_else(wrong)
}

/// Tenants on their way into archives.
#[derive(Debug, Default)]
pub struct Round {
    waiting: VecDeque<String>,
    /// The operations that are on their way.
    running: Vec<Operation>,
    /// The archives that are whole.
    pub whole: Vec<Archive>,
    /// Who was not archived, and why.
    pub failed: Vec<(String, Failure)>,
    /// Who needs no archive now, and why.
    pub left_out: Vec<(String, String)>,
}

impl Round {
    /// These tenants.
    ///
    /// # Errors
    /// What is no id of a tenant.
    pub fn of(tenants: &[String]) -> Result<Self, Failure> {
        tenants.iter().try_for_each(|tenant| tenants::path(tenant).map(drop))?;
        Ok(Self { waiting: tenants.iter().cloned().collect(), ..Self::default() })
    }

    /// Every tenant that has something to be archived.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn of_all(api: &Api<'_>) -> Result<Self, Failure> {
        let mut round = Self::default();
        for tenant in tenants::all(api, None)? {
            let id = tenant.id.clone();
            match tenant.status {
                Status::Active | Status::Staging | Status::ReadOnly | Status::Suspended => {
                    round.waiting.push_back(id);
                }
                other => round.left_out.push((id, format!("it is {}", other.as_str()))),
            }
        }
        Ok(round)
    }

    /// Leaves out who has an archive that shows a later instant, with everything that is wanted.
    fn leave_out_archived(
        &mut self,
        api: &Api<'_>,
        since: Timestamp,
        include: &[&str],
    ) -> Result<(), Failure> {
        for tenant in std::mem::take(&mut self.waiting) {
            let there = archives(api, &tenant)?.into_iter().find_map(|archive| {
                archive.taken_at.filter(|taken_at| *taken_at >= since && has_all(&archive, include))
            });
            match there {
                Some(taken_at) => {
                    self.left_out.push((tenant, format!("it was archived at {}", taken_at.iso())))
                }
                None => self.waiting.push_back(tenant),
            }
        }
        Ok(())
    }

    /// Archives them, at most `most` at once; begins only, if nobody waits.
    ///
    /// # Errors
    /// There is nowhere to keep archives, or the server does not answer: what has begun goes on there.
    pub fn run(
        &mut self,
        api: &Api<'_>,
        screen: &mut Screen<'_>,
        include: &[&str],
        most: usize,
        no_wait: bool,
    ) -> Result<(), Failure> {
        let total = self.waiting.len();
        loop {
            while self.running.len() < most
                && let Some(tenant) = self.waiting.pop_front()
            {
                match begin(api, &tenant, include) {
                    Ok(operation) => self.running.push(operation),
                    Err(failure) if is_final(&failure) => return Err(failure),
                    Err(failure) => self.failed.push((tenant, failure)),
                }
            }
            if no_wait || self.running.is_empty() {
                screen.finished();
                return Ok(());
            }
            for operation in std::mem::take(&mut self.running) {
                self.look_after(api, &operation, include)?;
            }
            let done = total - self.waiting.len() - self.running.len();
            let whole = |count: usize| u64::try_from(count).unwrap_or_default();
            screen.progress("backup", whole(done), whole(total), &self.words(api)?);
            if !self.running.is_empty() {
                api.environment().pause(Lifetime::seconds(1));
            }
        }
    }

    /// What has become of an operation since it was last looked at.
    fn look_after(&mut self, api: &Api<'_>, operation: &Details, include: &[&str]) -> Result<(), Failure> {
        let (id, tenant) = (&operation.id, operation.tenant_id.clone());
        let operation = operations::get(api, id.as_str())?;
        if !operation.is_over() {
            self.running.push(operation);
        } else if operation.status == Progress::Succeeded {
            let archive = archive(api, &tenant, of(&operation))?;
            if has_all(&archive, include) {
                self.whole.push(archive);
            } else {
                let words = format!(
                    "{}, which was on its way already, does not have all of that: run it again",
                    archive.id
                );
                self.failed.push((tenant, Failure::Other(words)));
            }
        } else {
            self.failed.push((tenant, Failure::Other(format!("{id}: {}", operation.why()))));
        }
        Ok(())
    }

    /// How far the first of those is that are on their way.
    fn words(&self, api: &Api<'_>) -> Result<String, Failure> {
        let Some(first) = self.running.first() else { return Ok("tenants".to_owned()) };
        let (tenant, step) = (&first.tenant_id, &first.step);
        // There is nothing to be seen of it before its first step.
        Ok(match archive(api, tenant, of(first)) {
            Ok(archive) => format!(
                "tenants; {tenant}: {step}, {} parts, {}",
                count(archive.parts.unsigned_abs()),
                bytes(archive.bytes.unsigned_abs())
            ),
            Err(failure) if failure.is_status(404) => format!("tenants; {tenant}: {step}"),
            Err(failure) => return Err(failure),
        })
    }

    fn outcome(&self) -> Outcome {
        let mut lines = Vec::new();
        if !self.whole.is_empty() {
            lines.push(listed(&self.whole));
        }
        let begun = |operation: &Operation| {
            let (tenant, backup) = (&operation.tenant_id, of(operation));
            format!("{tenant} is being archived as {backup}: gatehouse status {}", operation.id)
        };
        lines.extend(self.running.iter().map(begun));
        lines.extend(self.left_out.iter().map(|(tenant, why)| format!("{tenant} was left out: {why}")));
        lines.extend(self.failed.iter().map(|(tenant, why)| format!("{tenant} was not archived: {why}")));
        let exit = if self.failed.is_empty() { Exit::Done } else { Exit::Failed };
        Outcome { exit, text: lines.join("\n"), document: self.document() }
    }

    /// For programs.
    pub fn document(&self) -> Json {
        let failed =
            self.failed.iter().map(|(tenant, why)| json!({"tenant": tenant, "failure": why.document()}));
        let left_out = self.left_out.iter().map(|(tenant, why)| json!({"tenant": tenant, "why": why}));
        json!({"backups": self.whole, "begun": self.running,
            "failed": failed.collect::<Vec<_>>(), "left_out": left_out.collect::<Vec<_>>()})
    }
}

/// Whether it would be the same for every tenant: there is nowhere to keep archives, or the server is too old to make any.
fn is_final(failure: &Failure) -> bool {
    let codes = ["no_archive", "not_found", "method_not_allowed"];
    failure.exit() == Exit::Unreachable
        || failure.is_status(401)
        || codes.iter().any(|code| failure.is_code(code))
}

/// Begins the archive of a tenant, or takes up the one that is being written.
fn begin(api: &Api<'_>, tenant: &str, include: &[&str]) -> Result<Operation, Failure> {
    let path = format!("{}/backups", tenants::path(tenant)?);
    let is_ours =
        |operation: &Details, is_new: bool| operation.kind == "backup" && (is_new || !operation.is_over());
    operations::begin(api, tenant, (&path, &json!({ "include": include })), &is_ours)
}

/// The archive that an operation makes.
fn of(operation: &Details) -> &str {
    operation.backup.as_deref().unwrap_or_default()
}

fn has_all(archive: &BackupView, include: &[&str]) -> bool {
    include.iter().all(|wanted| archive.include.iter().any(|group| group.as_str() == *wanted))
}

/// An archive, as the server shows it.
pub type Archive = Answered<BackupView>;

/// One archive of a tenant.
///
/// # Errors
/// The server's refusal.
pub fn archive(api: &Api<'_>, tenant: &str, backup: &str) -> Result<Archive, Failure> {
    let backup = operations::check_id("bak_", backup)?;
    api.get(&format!("{}/backups/{backup}", tenants::path(tenant)?))
}

/// A page of archives.
#[derive(Deserialize)]
struct Page {
    backups: Vec<Archive>,
}

/// The archives of a tenant, newest first; of a deleted one too.
///
/// # Errors
/// The server's refusal.
pub fn archives(api: &Api<'_>, tenant: &str) -> Result<Vec<Archive>, Failure> {
    let path = format!("{}/backups", tenants::path(tenant)?);
    let mut archives = Vec::new();
    for page in 0.. {
        let Page { backups } = api.get(&format!("{path}?per_page=100&page={page}"))?;
        let last = backups.len() < 100;
        archives.extend(backups);
        if last {
            break;
        }
    }
    Ok(archives)
}

/// Archives for people.
pub fn listed(archives: &[Archive]) -> String {
    let row = |archive: &Archive| {
        [
            archive.tenant_id.clone(),
            archive.id.clone(),
            archive.taken_at.map(Timestamp::iso).unwrap_or_default(),
            count(archive.rows),
            bytes(archive.bytes.unsigned_abs()),
            archive.status.as_str().to_owned(),
            archive.reason.as_str().to_owned(),
            archive.include.iter().copied().map(Group::as_str).collect::<Vec<_>>().join(", "),
        ]
    };
    let rows: Vec<_> = archives.iter().map(row).collect();
    table(["TENANT", "BACKUP", "SHOWS IT AT", "ROWS", "SIZE", "STATUS", "WHY", "WITH"], &rows)
}
