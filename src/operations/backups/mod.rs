//! Archives of tenants, and tenants from archives.
//!
//! | call | what it does |
//! |---|---|
//! | `POST /management/tenants/{id}/backups` `{include?: ["keys", "sessions", "logs"]}` | 202, an operation with `backup` |
//! | `GET …/backups`, `GET …/backups/{backup}` | what there is: rows, bytes, hash, schema, the instant that it shows |
//! | `DELETE …/backups/{backup}` | 204; 409 `backup_retained` for what can bring a tenant back, until its retention (`RETENTION_DAYS`) is over |
//! | `POST /management/tenants/{id}/restores` `{backup, into?, placement?}` | 202, an operation; `into` is a new tenant |
//! | `POST /management/tenants/{id}/time-travel` `{timestamp}` | 202, an operation; tenants with a database of their own |
//!
//! # What an archive is
//!
//! Numbered parts, each sealed (AES-256-GCM) under a key that was made for this archive, which `ENCRYPTION_KEY` wraps. A
//! part opens only as the part of this number of this archive. The manifest is written last: it names every part with
//! the hash of what is kept, and says for each table how many rows there are and what they add up to. So a part that
//! was changed, cut, swapped, left out or put back from another time is found, and named.
//!
//! # What is promised
//!
//! 1. *One instant.* An archive shows the tenant as it was at one instant, `taken_at`, although nobody had to wait for
//!    it. The tenant's database captures the keys of all changes from before the first row is copied, as in a
//!    [move](super::moves). What was captured is read again, with the rows as they are then, until little is left; that
//!    little is read in one transaction together with the log and with the number of rows of each table.
//! 2. *Whole or not at all.* It is listed as whole only after every part was read back from where it is kept, opened, and
//!    put together to as many rows of each table as there were at that instant.
//! 3. *Nothing by halves.* A restore reads the whole archive before it touches anything. What it writes is read back and
//!    must add up to what the manifest says before anybody is served from it.
//!
//! Whoever brings back what a tenant had, has it: that is for those who administer the tenant, and the main tenant is
//! neither copied nor taken back. Another tenant gets signing keys of its own: who holds a key of the one does not speak
//! for the other.
//!
//! A tenant that is restored in place is archived first, with everything, so that the way back is open.

pub mod api;
pub mod archiving;
pub mod deletion;
pub mod format;
pub mod model;
pub mod restoring;
pub mod store;
pub mod time_travel;

pub use deletion::DELETE;

use self::model::{Contents, Reason, Restoring, Travelling, id_of};
use super::{
    engine::{
        model::{Operation, Parameters, Progress},
        procedure::{Details, Procedure, Step},
    },
    tenants::{
        PROVISION,
        steps::{ACTIVATE, ATTACH, CREATE, DATABASE, MIGRATE, RESERVE, VERIFY, WITHDRAW},
    },
};
use crate::{
    db::{Row, Statement},
    error::Fault,
    id::UserId,
    tenant::InDirectory,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

/// Archives a tenant.
pub static BACKUP: Procedure = Procedure {
    name: "backup",
    steps: &[
        RECORD,
        Step::new("archive", |cx| Box::pin(archiving::run(cx, Reason::Asked))).undone_by(&DISCARD),
        FINISH,
    ],
    details: |operation, _| Ok(Map::from_iter([("backup".to_owned(), json!(id_of(&operation.id)))])),
    ..Procedure::PLAIN
};

/// Brings a tenant back to what an archive shows. It serves until what it has now is archived too; what has begun to
/// replace its rows is finished.
pub static RESTORE: Procedure = Procedure {
    name: "restore",
    steps: &[
        RECORD,
        CHECK,
        Step::new("archive", |cx| Box::pin(archiving::run(cx, Reason::Restore))).undone_by(&DISCARD),
        LOAD.until_done(),
        SEED.until_done(),
        REOPEN,
    ],
    on_failure: |operation, now| reopened(operation, now).into_iter().collect(),
    details: restored,
    ..Procedure::PLAIN
};

/// Makes a tenant from an archive: as any other, but filled and not seeded. Nothing is made before the archive has been
/// read as a whole.
pub static RESTORE_NEW: Procedure = Procedure {
    name: "restore_new",
    steps: &[
        RESERVE,
        CHECK,
        DATABASE,
        CREATE,
        MIGRATE,
        ATTACH,
        VERIFY,
        LOAD,
        SEED,
        Step::new("organization", |cx| Box::pin(restoring::organize(cx))).undone_by(&WITHDRAW),
        ACTIVATE,
    ],
    on_failure: |operation, now| (PROVISION.on_failure)(operation, now),
    details: restored,
    ..Procedure::PLAIN
};

/// Takes the database of a tenant back in time. It can be taken forth again to where it was.
pub static TIME_TRAVEL: Procedure = Procedure {
    name: "time_travel",
    steps: &[
        RECORD,
        Step::new("bookmark", |cx| Box::pin(time_travel::bookmark(cx))).undone_by(&DISCARD),
        Step::new("travel", |cx| Box::pin(time_travel::travel(cx))).unless_hopeless(),
        REOPEN,
    ],
    on_failure: |operation, now| reopened(operation, now).into_iter().collect(),
    details: |operation, _| {
        let travel = operation.parameters::<TimeTravel>()?.map(|TimeTravel { travel }| travel);
        let moment = |travel: Travelling| json!(Timestamp::from_millis(travel.to));
        Ok(Map::from_iter(travel.map(|travel| ("timestamp".to_owned(), moment(travel)))))
    },
    ..Procedure::PLAIN
};

/// The operation is recorded; a tenant that is there stays as it is.
const RECORD: Step = Step::recorded("reserve").undone_by(&FINISH);

/// The operation is over.
const FINISH: Step = Step::end("finish", |_, _| (Progress::Succeeded, Vec::new()));

/// An archive that could not be finished is removed, and with it what captured changes for it.
const DISCARD: Step = Step::new("discard", |cx| Box::pin(archiving::discard(cx)));

/// An archive is read as a whole and found to be what its manifest says.
const CHECK: Step = Step::new("check", |cx| Box::pin(restoring::check(cx)));

/// The rows of the archive take the place of those that are there, and are compared.
const LOAD: Step = Step::new("load", |cx| Box::pin(restoring::load(cx)));

/// A tenant that came without its signing keys gets one.
const SEED: Step = Step::new("seed", |cx| Box::pin(restoring::seed(cx)));

/// The tenant serves again, in the state in which it was.
const REOPEN: Step = Step::end("activate", |operation, now| {
    (Progress::Succeeded, reopened(operation, now).into_iter().collect())
});

fn reopened(operation: &Operation, now: Timestamp) -> Option<Statement<InDirectory>> {
    let restore = || operation.parameters().ok()?.and_then(|Restore { restore }| restore.status);
    let travel = || operation.parameters().ok()?.map(|TimeTravel { travel }| travel.status);
    let status = restore().or_else(travel)?;
    Some(store::open_again(&operation.tenant.id, status, now))
}

fn restored(operation: &Operation, _: Option<&Row>) -> Result<Details, Fault> {
    Ok(Map::from_iter([("backup".to_owned(), json!(restoring::restoring(operation)?.backup))]))
}

/// What a backup is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Backup {
    /// What shall be in it.
    pub backup: Option<Contents>,
}

/// What a restore in place is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Restore {
    /// From what.
    pub restore: Restoring,
}

/// What a restore as a new tenant is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestoreNew {
    /// The user of the main tenant who becomes the tenant's first administrator; none when a machine asked.
    #[serde(default)]
    pub administrator: Option<UserId>,
    /// From what.
    pub restore: Restoring,
}

/// What a journey in time is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TimeTravel {
    /// To when.
    pub travel: Travelling,
}

impl Parameters for Backup {
    fn procedure() -> &'static Procedure {
        &BACKUP
    }
}

impl Parameters for Restore {
    fn procedure() -> &'static Procedure {
        &RESTORE
    }
}

impl Parameters for RestoreNew {
    fn procedure() -> &'static Procedure {
        &RESTORE_NEW
    }
}

impl Parameters for TimeTravel {
    fn procedure() -> &'static Procedure {
        &TIME_TRAVEL
    }
}
