//! The pure half of the engine: which steps there are, in which order, and what follows from a failure.

use super::model::{Kind, Operation, Origin};
use crate::{
    cloudflare::problem::{self, Problem},
    config::Placement,
    error::{Fault, FaultKind},
    time::{Lifetime, Timestamp},
};

/// A step of an operation. Each can be done again after it was done, wholly or in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The name is taken and the operation recorded.
    Reserve,
    /// A database of the pool is claimed, or the name of a new one is written down before it is made.
    Database,
    /// The database is made through the API.
    Create,
    /// Its tables are made.
    Migrate,
    /// The script is bound to it.
    Attach,
    /// Something is written and read back on the way that requests will take.
    Verify,
    /// The tenant gets its keys, its connection and its settings.
    Seed,
    /// The tenant gets its organization on the main tenant, and that its first administrator.
    Organization,
    /// The tenant is opened.
    Activate,
    /// The tenant is closed: from here on it answers nobody.
    Close,
    /// Its organization is removed, and with it every right to manage it.
    Withdraw,
    /// The script lets go of its database.
    Detach,
    /// Its database is deleted.
    Drop,
    /// Its rows are deleted from a database that stays.
    Wipe,
    /// Its name is put on hold, or, after a failure, free to be tried again.
    Release,
    /// Its rows are copied, followed, compared, and become its home; or do not.
    Move,
    /// All its rows are archived.
    Archive,
    /// An archive that could not be finished is removed, and with it what captured changes for it.
    Discard,
    /// An archive is read as a whole and found to be what its manifest says.
    Check,
    /// The rows of the archive take the place of those that are there, and are compared.
    Load,
    /// The state of its database is written down, to which it could return.
    Bookmark,
    /// Its database goes back in time.
    Travel,
    /// The operation is over.
    Finish,
}

/// How a tenant is made. Nothing can be reached before `Activate`.
const PROVISION: [Step; 9] = [
    Step::Reserve,
    Step::Database,
    Step::Create,
    Step::Migrate,
    Step::Attach,
    Step::Verify,
    Step::Seed,
    Step::Organization,
    Step::Activate,
];

/// How a tenant is removed, or what is there of one that could not be made. Never in another order: a database that is
/// deleted while the script is bound to it makes the script undeployable.
const DELETE: [Step; 7] =
    [Step::Close, Step::Withdraw, Step::Archive, Step::Detach, Step::Drop, Step::Wipe, Step::Release];

/// How a tenant is moved. Up to `Verify` the steps are about the database that it is moved to; after `Move` about the one
/// that it has no more.
const MOVE: [Step; 11] = [
    Step::Reserve,
    Step::Database,
    Step::Create,
    Step::Migrate,
    Step::Attach,
    Step::Verify,
    Step::Move,
    Step::Detach,
    Step::Drop,
    Step::Wipe,
    Step::Finish,
];

/// How a database is given up that was got ready for a move which could not begin.
const GIVE_BACK: [Step; 4] = [Step::Detach, Step::Drop, Step::Wipe, Step::Finish];

/// How a tenant is archived.
const BACKUP: [Step; 3] = [Step::Reserve, Step::Archive, Step::Finish];

/// How a tenant is made from an archive: as any other, but filled and not seeded. Nothing is made before the archive has
/// been read as a whole.
const RESTORE_NEW: [Step; 11] = [
    Step::Reserve,
    Step::Check,
    Step::Database,
    Step::Create,
    Step::Migrate,
    Step::Attach,
    Step::Verify,
    Step::Load,
    Step::Seed,
    Step::Organization,
    Step::Activate,
];

/// How a tenant is brought back to what an archive shows. It serves until what it has now is archived too.
const RESTORE: [Step; 6] =
    [Step::Reserve, Step::Check, Step::Archive, Step::Load, Step::Seed, Step::Activate];

/// How the database of a tenant goes back in time.
const TIME_TRAVEL: [Step; 4] = [Step::Reserve, Step::Bookmark, Step::Travel, Step::Activate];

/// What is left to do of an archive that was given up.
const DISCARD: [Step; 2] = [Step::Discard, Step::Finish];

impl Step {
    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Database => "database",
            Self::Create => "create",
            Self::Migrate => "migrate",
            Self::Attach => "attach",
            Self::Verify => "verify",
            Self::Seed => "seed",
            Self::Organization => "organization",
            Self::Activate => "activate",
            Self::Close => "close",
            Self::Withdraw => "withdraw",
            Self::Detach => "detach",
            Self::Drop => "drop",
            Self::Wipe => "wipe",
            Self::Release => "release",
            Self::Move => "move",
            Self::Archive => "archive",
            Self::Discard => "discard",
            Self::Check => "check",
            Self::Load => "load",
            Self::Bookmark => "bookmark",
            Self::Travel => "travel",
            Self::Finish => "finish",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        let known =
            PROVISION.into_iter().chain(DELETE).chain(MOVE).chain(RESTORE).chain(TIME_TRAVEL).chain(DISCARD);
        known.into_iter().find(|step| step.as_str() == text)
    }

    /// Whether such an operation on a tenant with this placement, and a database of this origin, needs the step.
    fn concerns(self, kind: Kind, placement: Placement, origin: Option<Origin>) -> bool {
        match self {
            Self::Database => placement == Placement::Isolated || kind == Kind::Move,
            Self::Create | Self::Attach | Self::Detach | Self::Drop => origin == Some(Origin::Created),
            Self::Wipe => matches!(origin, Some(Origin::Shared | Origin::Pool)),
            // What could not be made whole is not worth an archive.
            Self::Archive => origin.is_some() && !matches!(kind, Kind::Provision | Kind::RestoreNew),
            _ => true,
        }
    }
}

/// The steps of an operation in order, as far as they are known: those of a database that has not been chosen yet are
/// not among them. A provision that was given up continues with what undoes it.
pub fn steps(kind: Kind, gave_up: bool, placement: Placement, origin: Option<Origin>) -> Vec<Step> {
    let all: &[Step] = match (kind, gave_up) {
        (Kind::Provision, false) => &PROVISION,
        (Kind::RestoreNew, false) => &RESTORE_NEW,
        (Kind::Provision | Kind::RestoreNew, true) | (Kind::Delete, _) => &DELETE,
        (Kind::Move, false) => &MOVE,
        (Kind::Move, true) => &GIVE_BACK,
        (Kind::Backup, false) => &BACKUP,
        (Kind::Restore, false) => &RESTORE,
        (Kind::TimeTravel, false) => &TIME_TRAVEL,
        (Kind::Backup | Kind::Restore | Kind::TimeTravel, true) => &DISCARD,
    };
    all.iter().copied().filter(|step| step.concerns(kind, placement, origin)).collect()
}

/// The step that an operation begins with having done, and the one that it does first.
pub const fn first(kind: Kind, placement: Placement) -> [Step; 2] {
    match (kind, placement) {
        (Kind::Provision, Placement::Shared) => [Step::Reserve, Step::Migrate],
        (Kind::Provision, Placement::Isolated) | (Kind::Move, _) => [Step::Reserve, Step::Database],
        (Kind::Delete, _) => [Step::Close, Step::Withdraw],
        (Kind::Backup, _) => [Step::Reserve, Step::Archive],
        (Kind::Restore | Kind::RestoreNew, _) => [Step::Reserve, Step::Check],
        (Kind::TimeTravel, _) => [Step::Reserve, Step::Bookmark],
    }
}

/// Why a step did not succeed.
#[derive(Debug)]
pub enum Trouble {
    /// It is somebody else's turn, or part of the work is left: nothing went wrong. Does not count as an attempt.
    Wait {
        /// When to go on.
        until: Timestamp,
        /// For the operator.
        why: String,
    },
    /// It may succeed later.
    Retry {
        /// For the operator.
        why: String,
        /// Not earlier than this: somebody said so, or something may still be on its way.
        not_before: Option<Timestamp>,
    },
    /// It will never succeed.
    Never {
        /// For the operator.
        why: String,
    },
    /// We, or a database, failed; may succeed later. Logged, not shown.
    Fault(Fault),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Trouble {
    /// What the failure of an API call at `now` means.
    pub fn of(problem: Problem, now: Timestamp) -> Self {
        let why = problem.detail;
        match problem.kind {
            problem::Kind::NotSent(pause) => Self::Wait { until: now.plus(pause), why },
            problem::Kind::Throttled(pause) => Self::Retry { why, not_before: Some(now.plus(pause)) },
            problem::Kind::Unknown => Self::Retry { why, not_before: Some(now.plus(SETTLING)) },
            problem::Kind::Limit | problem::Kind::Unauthorized => Self::Never { why },
            problem::Kind::Exists | problem::Kind::NotFound | problem::Kind::Refused => {
                Self::Retry { why, not_before: None }
            }
        }
    }

    /// What the operator is told.
    pub fn words(&self) -> String {
        match self {
            Self::Wait { why, .. } | Self::Retry { why, .. } | Self::Never { why } => why.clone(),
            Self::Fault(Fault { kind: FaultKind::Unavailable, .. }) => {
                "a database is busy or could not be reached".to_owned()
            }
            Self::Fault(_) => "something went wrong on our side; the log says what".to_owned(),
        }
    }
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt at this moment.
    Again(Timestamp),
    /// What has been done is undone, from this moment on.
    GiveUp(Timestamp),
}

/// What was sent may take effect this long after its answer was lost: an API call, or a statement, must finish in 30 s
/// (Cloudflare: D1, limits). What depends on it not happening any more waits as long.
pub const SETTLING: Lifetime = Lifetime::seconds(30);

/// Attempts at one step before a provision is given up: about two minutes if nobody says how long to wait.
const ATTEMPTS: i64 = 8;

/// The longest pause between two attempts: an operator who has mended the cause waits no longer.
const LONGEST_PAUSE: i64 = 300;

/// What follows from `trouble` at the operation's step. Only what makes something is ever given up; what removes
/// something is tried until it succeeds, so that nothing is left behind.
pub fn verdict(operation: &Operation, trouble: &Trouble, now: Timestamp) -> Verdict {
    let pause = 1_i64.checked_shl(u32::try_from(operation.attempt).unwrap_or(u32::MAX)).unwrap_or(i64::MAX);
    let pause = now.plus(Lifetime::seconds(pause.clamp(1, LONGEST_PAUSE)));
    // A move that has begun is never given up by itself: the tenant is served, and an operator can abort it.
    let moves = operation.kind == Kind::Move && operation.step != Step::Move;
    // What has begun to replace the rows of a tenant is finished.
    let replaces = matches!(operation.step, Step::Load | Step::Seed | Step::Travel);
    let other = match operation.kind {
        Kind::Provision | Kind::RestoreNew | Kind::Backup => true,
        Kind::Restore => !replaces,
        // It can be taken forth again to where it was.
        Kind::TimeTravel => !replaces || matches!(trouble, Trouble::Never { .. }),
        Kind::Delete | Kind::Move => false,
    };
    let makes = (other || moves) && operation.state.gave_up.is_none();
    let last = operation.attempt + 1 >= ATTEMPTS;
    match trouble {
        Trouble::Wait { until, .. } => Verdict::Again(*until),
        Trouble::Never { .. } if makes => Verdict::GiveUp(now),
        Trouble::Retry { .. } | Trouble::Fault(_) if makes && last => Verdict::GiveUp(now.plus(SETTLING)),
        Trouble::Retry { not_before: Some(earliest), .. } => Verdict::Again(pause.max(*earliest)),
        Trouble::Retry { .. } | Trouble::Fault(_) | Trouble::Never { .. } => Verdict::Again(pause),
    }
}
