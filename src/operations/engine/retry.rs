//! What follows from a failed step: another attempt, and when; or that the operation is given up. Pure.

use super::{model::Operation, procedure::OnFailure};
use crate::{
    cloudflare::problem::{self, Problem},
    error::{Fault, FaultKind},
    time::{Lifetime, Timestamp},
};

/// Why a step did not succeed.
#[derive(Debug)]
pub enum StepError {
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

impl From<Fault> for StepError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl StepError {
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
pub enum RetryDecision {
    /// Another attempt at this moment.
    Again(Timestamp),
    /// What has been done is undone, from this moment on.
    GiveUp(Timestamp),
}

/// What was sent may take effect this long after its answer was lost: an API call, or a statement, must finish in 30 s
/// (Cloudflare: D1, limits). What depends on it not happening any more waits as long.
pub const SETTLING: Lifetime = Lifetime::seconds(30);

/// Attempts at one step before an operation is given up: about two minutes if nobody says how long to wait.
const ATTEMPTS: i64 = 8;

/// The longest pause between two attempts: an operator who has mended the cause waits no longer.
const LONGEST_PAUSE: i64 = 300;

/// What follows from an error at the operation's step. What undoes something, and a procedure that has nothing to undo, is
/// tried until it succeeds, so that nothing is left behind.
pub fn decide(operation: &Operation, error: &StepError, now: Timestamp) -> RetryDecision {
    let pause = 1_i64.checked_shl(u32::try_from(operation.attempt).unwrap_or(u32::MAX)).unwrap_or(i64::MAX);
    let pause = now.plus(Lifetime::seconds(pause.clamp(1, LONGEST_PAUSE)));
    let may_give_up = match operation.step.on_failure {
        OnFailure::Undo => true,
        OnFailure::UndoIfHopeless => matches!(error, StepError::Never { .. }),
        OnFailure::Persist => false,
    };
    let may_give_up =
        may_give_up && operation.failure.is_none() && operation.procedure.undo().next().is_some();
    let last = operation.attempt + 1 >= ATTEMPTS;
    match error {
        StepError::Wait { until, .. } => RetryDecision::Again(*until),
        StepError::Never { .. } if may_give_up => RetryDecision::GiveUp(now),
        StepError::Retry { .. } | StepError::Fault(_) if may_give_up && last => {
            RetryDecision::GiveUp(now.plus(SETTLING))
        }
        StepError::Retry { not_before: Some(earliest), .. } => RetryDecision::Again(pause.max(*earliest)),
        StepError::Retry { .. } | StepError::Fault(_) | StepError::Never { .. } => {
            RetryDecision::Again(pause)
        }
    }
}
