//! What an operation consists of, as a value: its name, its steps with what does and undoes each, and what follows from a
//! failure. Pure but for the functions that it names.

use super::{
    StepContext,
    model::{Operation, Progress},
    retry::StepError,
    subject::Origin,
};
use crate::{
    config::Placement,
    db::{Row, Statement},
    error::Fault,
    platform::LocalBox,
    tenant::InDirectory,
    time::Timestamp,
};
use serde_json::{Map, Value};

/// The procedures that an installation knows.
pub type Procedures = [&'static Procedure];

/// What the directory writes.
pub type Writes = Vec<Statement<InDirectory>>;

/// Members that a procedure adds to the view of its operations.
pub type Details = Map<String, Value>;

/// One kind of operation. Its name and those of its steps are stored, so they outlive a release.
pub struct Procedure {
    /// Name of the kind, as stored and in the API.
    pub name: &'static str,
    /// Steps in order. Beginning an operation is its first step; the last one ends it.
    pub steps: &'static [Step],
    /// Whether the request that asks for it does what it can at once. Else it begins in a request of its own.
    pub at_once: bool,
    /// Whether the tenant changes its database: then the operation remembers the one that the tenant has when it begins.
    pub changes_database: bool,
    /// Writes of the directory when it is given up, before its steps are undone.
    pub on_failure: fn(&Operation, Timestamp) -> Writes,
    /// Members of the API's view besides those of every operation. With the row of its progress when one operation is
    /// asked for, without it in a list.
    pub details: fn(&Operation, Option<&Row>) -> Result<Details, Fault>,
}

impl Procedure {
    /// A procedure without steps, for everything that another one leaves out.
    pub const PLAIN: Self = Self {
        name: "",
        steps: &[],
        at_once: false,
        changes_database: false,
        on_failure: |_, _| Vec::new(),
        details: |_, _| Ok(Map::new()),
    };

    /// Steps that undo it: those of its steps that have one, the last first. A procedure without any is never given up.
    pub fn undo(&self) -> impl Iterator<Item = &'static Step> + use<> {
        self.steps.iter().rev().filter_map(|step| step.undo)
    }

    /// Steps that are needed in a situation, forward or undoing.
    pub fn plan(&self, undoing: bool, situation: Situation) -> Vec<&'static Step> {
        let needed = |step: &&'static Step| (step.needed)(situation);
        if undoing {
            self.undo().filter(needed).collect()
        } else {
            self.steps.iter().filter(needed).collect()
        }
    }

    /// The step of this name: first among those that undo, if that is what is done.
    pub fn step(&self, name: &str, undoing: bool) -> Option<&'static Step> {
        let find = |undoing: bool| {
            if undoing {
                self.undo().find(|step| step.name == name)
            } else {
                self.steps.iter().find(|step| step.name == name)
            }
        };
        find(undoing).or_else(|| find(!undoing))
    }
}

/// What is known of where the tenant lives when its steps are counted.
#[derive(Debug, Clone, Copy)]
pub struct Situation {
    /// Placement of the tenant.
    pub placement: Placement,
    /// Origin of the database that the operation is about; none while it has not been chosen.
    pub origin: Option<Origin>,
    /// Whether a database has been chosen that the tenant is to change to.
    pub has_target: bool,
}

/// A step of a procedure. It can be done again after it was done, wholly or in part.
pub struct Step {
    /// Name, as stored and in the API.
    pub name: &'static str,
    pub(super) run: Run,
    pub(super) needed: fn(Situation) -> bool,
    pub(super) undo: Option<&'static Step>,
    pub(super) on_failure: OnFailure,
    pub(super) is_about_other: bool,
}

/// What a step does.
#[derive(Clone, Copy)]
pub enum Run {
    /// Changes something outside the directory's row of the operation, and is done again until it has succeeded.
    Effect(Effect),
    /// Happens in the directory, in one transaction with the step before it.
    Recorded,
    /// The same, as the last step: how the operation ends, unless it was given up, and what the directory writes with it.
    End(fn(&Operation, Timestamp) -> (Progress, Writes)),
}

/// A step's function. An `async fn` becomes one by `|cx| Box::pin(create(cx))`.
pub type Effect = for<'a> fn(&'a StepContext<'a>) -> LocalBox<'a, Result<Done, StepError>>;

/// What follows when a step has failed for good: see [`decide`](super::retry::decide).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// The operation is given up, and its steps are undone.
    Undo,
    /// The same, but only if it will never succeed.
    UndoIfHopeless,
    /// It is tried again until it succeeds.
    Persist,
}

impl Step {
    /// A step that changes something outside the operation's own row.
    pub const fn new(name: &'static str, effect: Effect) -> Self {
        Self::with(name, Run::Effect(effect))
    }

    /// A step that is done when the one before it is.
    pub const fn recorded(name: &'static str) -> Self {
        Self::with(name, Run::Recorded)
    }

    /// The last step: how the operation ends, and what the directory writes with it.
    pub const fn end(name: &'static str, end: fn(&Operation, Timestamp) -> (Progress, Writes)) -> Self {
        Self::with(name, Run::End(end))
    }

    const fn with(name: &'static str, run: Run) -> Self {
        let needed = |_| true;
        Self { name, run, needed, undo: None, on_failure: OnFailure::Undo, is_about_other: false }
    }

    /// The same, only where it is needed.
    pub const fn when(self, needed: fn(Situation) -> bool) -> Self {
        Self { needed, ..self }
    }

    /// The same, undone by another step.
    pub const fn undone_by(self, undo: &'static Self) -> Self {
        Self { undo: Some(undo), ..self }
    }

    /// The same, tried until it succeeds: what has begun here is finished.
    pub const fn until_done(self) -> Self {
        Self { on_failure: OnFailure::Persist, ..self }
    }

    /// The same, given up only when it will never succeed.
    pub const fn unless_hopeless(self) -> Self {
        Self { on_failure: OnFailure::UndoIfHopeless, ..self }
    }

    /// The same, about the one of two databases that the tenant does not live in when it has changed, or has not.
    pub const fn about_other(self) -> Self {
        Self { is_about_other: true, ..self }
    }

    /// Whether another one has its name.
    pub fn is(&self, name: &str) -> bool {
        self.name == name
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl std::fmt::Debug for Procedure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a step came to.
pub struct Done {
    /// `succeeded`, or `skipped` when there was nothing to do.
    pub(super) outcome: &'static str,
    /// More, for the history.
    pub(super) detail: Option<String>,
    /// What the directory remembers of it.
    pub(super) writes: Vec<Statement<InDirectory>>,
    /// Origin of the database that the steps from here on are about, if that is what was decided.
    pub(super) chosen: Option<Origin>,
}

impl Done {
    /// It was done, and the directory is to remember this.
    pub fn with(writes: impl IntoIterator<Item = Statement<InDirectory>>) -> Self {
        Self { outcome: "succeeded", detail: None, writes: writes.into_iter().collect(), chosen: None }
    }

    /// There was nothing to do.
    pub fn skipped() -> Self {
        Self { outcome: "skipped", ..Self::with([]) }
    }

    /// The same, and the steps from here on are about a database of this origin.
    pub fn chosen(self, origin: Origin) -> Self {
        Self { chosen: Some(origin), ..self }
    }

    /// The same, with more for the history.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The same, with more for the directory to remember.
    pub fn and(mut self, writes: impl IntoIterator<Item = Statement<InDirectory>>) -> Self {
        self.writes.extend(writes);
        self
    }
}
