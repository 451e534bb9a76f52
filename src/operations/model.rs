//! What the directory knows of a tenant and of the work that is done to it.

use super::{
    backups::model as backups,
    moves::wish::Terms,
    plan::{self, Step},
};
use crate::{
    config::Placement,
    id::{OperationId, OrganizationId, TenantId, UserId},
    tenant::{Status, reserved::is_reserved, store::Database},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};

/// A tenant as its operator sees it, whatever its state.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id.
    pub id: TenantId,
    /// Its name for people.
    pub friendly_name: String,
    /// Its state.
    pub status: Status,
    /// Where its rows live.
    pub placement: Placement,
    /// Where in the world, if somebody said.
    pub region: Option<Region>,
    /// Counts its moves and its lives.
    pub epoch: i64,
    /// Its organization on the main tenant; the main tenant has none.
    pub organization: Option<OrganizationId>,
    /// Its database, from being chosen to being given up; with an operation, the one that the operation is about now.
    pub database: Option<Held>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was gone; its name is held from then on.
    pub deleted_at: Option<Timestamp>,
}

/// A tenant that somebody may have.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its id.
    pub id: TenantId,
    /// Its name for people.
    pub friendly_name: String,
    /// Where its rows will live.
    pub placement: Placement,
    /// Where in the world.
    pub region: Option<Region>,
    /// The organization it will have on the main tenant.
    pub organization: OrganizationId,
}

/// What a request for a tenant says. What else it says is for another API.
#[derive(Debug, Clone, Deserialize)]
pub struct NewTenant {
    id: String,
    friendly_name: Option<String>,
    placement: Option<Placement>,
    region: Option<String>,
}

impl NewTenant {
    /// One of this id and name, which lives there.
    pub fn named(id: &str, friendly_name: Option<String>, placement: Option<Placement>) -> Self {
        Self { id: id.to_owned(), friendly_name, placement, region: None }
    }

    /// Checks it. `made`: whether databases can be made through the API.
    ///
    /// # Errors
    /// Words that name the member and say the rule.
    pub fn check(
        self,
        default: Placement,
        made: bool,
        organization: OrganizationId,
    ) -> Result<Wanted, String> {
        let id = TenantId::parse(&self.id).ok_or(
            "id must be 1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit (a DNS label)",
        )?;
        if is_reserved(&id) {
            return Err(format!("id {id} is reserved"));
        }
        let friendly_name = self.friendly_name.unwrap_or(self.id);
        check_friendly_name(&friendly_name)?;
        let placement = self.placement.unwrap_or(default);
        let region = self.region.map(|text| Region::parse(&text).ok_or(Region::RULE)).transpose()?;
        if region.is_some() && placement == Placement::Shared {
            return Err("region needs placement isolated: a shared database is where it is".to_owned());
        }
        if region.is_some() && !made {
            return Err("region needs a database that is made for it, and no API token is set".to_owned());
        }
        Ok(Wanted { id, friendly_name, placement, region, organization })
    }
}

/// The longest name that an organization can show (Auth0), which a tenant's name becomes.
const FRIENDLY_NAME_LENGTH: usize = 255;

fn check_friendly_name(name: &str) -> Result<(), String> {
    let length = name.trim().chars().count();
    if length == 0 || length > FRIENDLY_NAME_LENGTH {
        return Err(format!("friendly_name must have 1 to {FRIENDLY_NAME_LENGTH} characters"));
    }
    Ok(())
}

/// What a request changes of a tenant.
#[derive(Debug, Clone, Deserialize)]
pub struct TenantChange {
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// `active`, `staging`, `read_only` or `suspended`.
    pub status: Option<Status>,
    placement: Option<Placement>,
    region: Option<String>,
}

impl TenantChange {
    /// Checks it.
    ///
    /// # Errors
    /// Words that name the member and say the rule.
    pub fn check(&self) -> Result<(), String> {
        if self.placement.is_some() || self.region.is_some() {
            return Err("placement and region are changed by a move, not by an update".to_owned());
        }
        if self.status.is_some_and(|status| !SETTLED.contains(&status)) {
            return Err("status must be active, staging, read_only or suspended".to_owned());
        }
        self.friendly_name.as_deref().map_or(Ok(()), check_friendly_name)
    }

    /// Applies it.
    ///
    /// # Errors
    /// Words that say why the tenant cannot be brought into that state.
    pub fn apply(&self, tenant: &mut Record) -> Result<(), String> {
        if let Some(name) = &self.friendly_name {
            name.clone_into(&mut tenant.friendly_name);
        }
        if let Some(status) = self.status {
            if !SETTLED.contains(&tenant.status) {
                return Err(format!("The tenant is {}", tenant.status.as_str()));
            }
            tenant.status = status;
        }
        Ok(())
    }
}

/// The states among which an operator may choose; the others belong to operations.
const SETTLED: [Status; 4] = [Status::Active, Status::Staging, Status::ReadOnly, Status::Suspended];

impl Record {
    /// Until when its name is on hold, if it is. `hold`: how long names are.
    pub fn held_until(&self, hold: Lifetime, now: Timestamp) -> Option<Timestamp> {
        self.deleted_at.map(|gone| gone.plus(hold)).filter(|until| *until > now)
    }
}

/// The database that holds a tenant.
#[derive(Debug, Clone)]
pub struct Held {
    /// How to reach it.
    pub database: Database,
    /// Its name at Cloudflare.
    pub name: String,
    /// Where it comes from, and so where it goes.
    pub origin: Origin,
}

/// Where a database comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The one that many tenants share.
    Shared,
    /// The pool, to which it returns.
    Pool,
    /// The Cloudflare API, for this tenant alone.
    Created,
}

impl Origin {
    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "shared" => Some(Self::Shared),
            "pool" => Some(Self::Pool),
            "created" => Some(Self::Created),
            _ => None,
        }
    }
}

/// Where in the world a database is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Region {
    /// Cloudflare puts it near there if it can.
    Hint(String),
    /// It never leaves there: a legal promise, not a wish.
    Jurisdiction(String),
}

impl Region {
    pub(super) const RULE: &str = "region must be one of wnam, enam, weur, eeur, apac, oc, or eu, fedramp";

    /// Reads one of D1's location hints or jurisdictions (Cloudflare: D1, data location).
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "wnam" | "enam" | "weur" | "eeur" | "apac" | "oc" => Some(Self::Hint(text.to_owned())),
            "eu" | "fedramp" => Some(Self::Jurisdiction(text.to_owned())),
            _ => None,
        }
    }

    /// As stored and shown.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Hint(text) | Self::Jurisdiction(text) => text,
        }
    }
}

/// What an operation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Makes a tenant.
    Provision,
    /// Removes a tenant.
    Delete,
    /// Moves a tenant to another database.
    Move,
    /// Archives a tenant.
    Backup,
    /// Brings a tenant back to what an archive shows.
    Restore,
    /// Makes a tenant from an archive.
    RestoreNew,
    /// Takes the database of a tenant back in time.
    TimeTravel,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Provision,
        Self::Delete,
        Self::Move,
        Self::Backup,
        Self::Restore,
        Self::RestoreNew,
        Self::TimeTravel,
    ];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Delete => "delete",
            Self::Move => "move",
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::RestoreNew => "restore_new",
            Self::TimeTravel => "time_travel",
        }
    }

    /// Whether it takes too long for the request that asks for it: the alarm clock begins it, at once.
    pub const fn is_long(self) -> bool {
        !matches!(self, Self::Provision | Self::Delete)
    }

    /// Whether it makes a tenant that did not exist.
    pub const fn makes_tenant(self) -> bool {
        matches!(self, Self::Provision | Self::RestoreNew)
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How far an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

    /// As stored and shown.
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

/// What was asked for, beyond what the tenant's own row says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Input {
    /// The user of the main tenant who becomes the tenant's first administrator; none when a machine asked.
    pub administrator: Option<UserId>,
    /// Of a move: where to, and how.
    #[serde(rename = "move", skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// Of a backup: what shall be in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<backups::Wanted>,
    /// Of a restore: from what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore: Option<backups::Restoring>,
    /// Of a journey in time: to when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub travel: Option<backups::Travelling>,
}

/// What the steps so far have decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Why it was given up: from then on its steps undo what has been done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gave_up: Option<String>,
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
    /// What it is for.
    pub kind: Kind,
    /// What was asked for.
    pub input: Input,
    /// The `sub` of the token that asked for it.
    pub initiated_by: String,
}

/// A durable piece of work, as its row says: any instance can take it up where the last one died.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// The tenant it is done to.
    pub tenant: Record,
    /// What it is for.
    pub kind: Kind,
    /// The database that the tenant has, by its id in the directory.
    pub home: Option<String>,
    /// Of a move: the one that it is moved to, once that has been chosen.
    pub target: Option<String>,
    /// How far it is.
    pub status: Progress,
    /// What is done next, or was done last.
    pub step: Step,
    /// Failed attempts at that step.
    pub attempt: i64,
    /// What was asked for.
    pub input: Input,
    /// What has been decided.
    pub state: State,
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
    /// Whether nothing is left to do.
    pub fn is_over(&self) -> bool {
        matches!(self.status, Progress::Succeeded | Progress::Failed | Progress::Cancelled)
    }

    /// When somebody may take it up, unless it is over.
    pub fn due_at(&self) -> Option<Timestamp> {
        (!self.is_over()).then(|| self.lease_until.map_or(self.run_at, |until| until.max(self.run_at)))
    }

    /// Whether the tenant of a move is where it was to go.
    pub fn has_arrived(&self) -> bool {
        self.target.is_some() && self.home == self.target
    }

    /// How it ends when it has been brought to its end: a move, where it was to go, or where it began.
    pub fn ending(&self) -> Progress {
        if self.kind != Kind::Move {
            return Progress::Succeeded;
        }
        let rehearsed = self.input.terms.as_ref().is_some_and(|terms| terms.rehearse);
        if self.has_arrived() || rehearsed { Progress::Succeeded } else { Progress::Cancelled }
    }

    /// Of one that replaces the rows of a tenant: the state in which that was, and will be again.
    pub fn status_before(&self) -> Option<Status> {
        let restored = self.input.restore.as_ref().and_then(|restoring| restoring.status);
        restored.or_else(|| self.input.travel.as_ref().map(|travelling| travelling.status))
    }

    /// Its steps, as far as they are known by now.
    pub fn plan(&self) -> Vec<Step> {
        self.plan_with(self.tenant.database.as_ref().map(|held| held.origin))
    }

    /// The step after this one, when the tenant's database has just been `chosen`; none if this is the last.
    pub fn next(&self, chosen: Option<Origin>) -> Option<Step> {
        let plan = if chosen.is_some() { self.plan_with(chosen) } else { self.plan() };
        plan.into_iter().skip_while(|step| *step != self.step).nth(1)
    }

    fn plan_with(&self, origin: Option<Origin>) -> Vec<Step> {
        plan::steps(self.kind, self.state.gave_up.is_some(), self.tenant.placement, origin)
    }
}
