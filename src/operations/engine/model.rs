//! What the directory knows of a piece of work on a tenant.

use super::{
    procedure::{Procedure, Situation, Step},
    subject::{Origin, TenantRecord},
};
use crate::{
    config::Placement,
    error::Fault,
    id::{OperationId, TenantId},
    json,
    time::Timestamp,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What was asked for, beyond what the tenant's own row says. Each procedure has its own type of it, which says the kind.
/// Stored as JSON: the names of its members outlive a release.
pub trait Parameters: Serialize + DeserializeOwned {
    /// The procedure that these are for.
    fn procedure() -> &'static Procedure;
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Nobody has begun yet.
    Pending,
    /// Being worked on, or waiting for its next attempt.
    Running,
    /// Done.
    Succeeded,
    /// Given up, and everything that had been done undone.
    Failed,
    /// Ended where it began, because somebody wanted that.
    Cancelled,
}

impl Progress {
    const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// As stored and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|progress| progress.as_str() == text)
    }
}

/// A piece of work that somebody asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// The id it will have.
    pub id: OperationId,
    /// The tenant it is done to.
    pub tenant: TenantId,
    /// Where that lives, or will.
    pub placement: Placement,
    /// What is done.
    pub procedure: &'static Procedure,
    /// What was asked for, as JSON.
    pub input: String,
    /// The `sub` of the token that asked for it.
    pub initiated_by: String,
}

impl Order {
    /// Work on a tenant. The type of the parameters says which.
    ///
    /// # Errors
    /// A fault if they do not serialize.
    pub fn new<P: Parameters>(
        id: OperationId,
        (tenant, placement): (&TenantId, Placement),
        parameters: &P,
        initiated_by: &str,
    ) -> Result<Self, Fault> {
        Ok(Self {
            id,
            tenant: tenant.clone(),
            placement,
            procedure: P::procedure(),
            input: json::write(parameters)?,
            initiated_by: initiated_by.to_owned(),
        })
    }
}

/// A durable piece of work, as its row says: any instance can take it up where the last one died.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The tenant it is done to.
    pub tenant: TenantRecord,
    /// What is done.
    pub procedure: &'static Procedure,
    /// The database that the tenant has, by its id in the directory.
    pub home: Option<String>,
    /// The database that the tenant is to change to, once that has been chosen.
    pub target: Option<String>,
    /// How far it is.
    pub status: Progress,
    /// The step that is done next, or was done last.
    pub step: &'static Step,
    /// Failed attempts at that step.
    pub attempt: i64,
    /// What was asked for, as JSON.
    pub input: String,
    /// Why it was given up: from then on its steps are undone.
    pub failure: Option<String>,
    /// What went wrong last, in words for the operator.
    pub error: Option<String>,
    /// The `sub` of the token that asked for it.
    pub initiated_by: String,
    /// Until when somebody works on it.
    pub lease_until: Option<Timestamp>,
    /// Nothing is done before this moment.
    pub run_at: Timestamp,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// The sequence of its last event.
    pub sequence: i64,
}

impl Operation {
    /// Whether this is what is done.
    pub fn is(&self, procedure: &Procedure) -> bool {
        self.procedure.name == procedure.name
    }

    /// What was asked for; none of another procedure.
    ///
    /// # Errors
    /// A fault if the row holds something else.
    pub fn parameters<P: Parameters>(&self) -> Result<Option<P>, Fault> {
        let unreadable = |error| Fault::internal(format!("{}: unreadable parameters: {error}", self.id));
        self.is(P::procedure()).then(|| json::read(&self.input).map_err(unreadable)).transpose()
    }

    /// The same where no other procedure can be.
    ///
    /// # Errors
    /// As [`parameters`](Self::parameters), and a fault of another procedure.
    pub fn require<P: Parameters>(&self) -> Result<P, Fault> {
        let other = || Fault::internal(format!("{} has the parameters of another procedure", self.id));
        self.parameters()?.ok_or_else(other)
    }

    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        matches!(self.status, Progress::Succeeded | Progress::Failed | Progress::Cancelled)
    }

    /// When somebody may take it up, unless it is over.
    pub fn due_at(&self) -> Option<Timestamp> {
        (!self.is_over()).then(|| self.lease_until.map_or(self.run_at, |until| until.max(self.run_at)))
    }

    /// Whether the tenant is in the database that it was to change to.
    pub fn has_arrived(&self) -> bool {
        self.target.is_some() && self.home == self.target
    }

    /// Its steps, as far as they are known by now.
    pub fn plan(&self) -> Vec<&'static Step> {
        self.plan_with(None)
    }

    /// The step after this one, when a database of this origin has just been `chosen`; none if this is the last.
    pub fn next(&self, chosen: Option<Origin>) -> Option<&'static Step> {
        self.plan_with(chosen).into_iter().skip_while(|step| !step.is(self.step.name)).nth(1)
    }

    fn plan_with(&self, chosen: Option<Origin>) -> Vec<&'static Step> {
        let origin = chosen.or_else(|| self.tenant.database.as_ref().map(|assigned| assigned.origin));
        let situation =
            Situation { placement: self.tenant.placement, origin, has_target: self.target.is_some() };
        self.procedure.plan(self.failure.is_some(), situation)
    }
}
