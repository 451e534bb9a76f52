//! What a tenant is.

use crate::{config::Placement, id::TenantId};
use serde::{Deserialize, Serialize};

/// A tenant that exists and is in a state that may serve this request. Made only by the directory.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub(super) id: TenantId,
    pub(super) status: Status,
    pub(super) writable: bool,
    pub(super) placement: Placement,
    pub(super) epoch: i64,
    pub(super) issuer: Issuer,
    pub(super) main: bool,
}

impl Tenant {
    /// Its id.
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// Whether it is serving normally, read-only or not open yet.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether nothing of it may be changed for the moment.
    pub fn is_read_only(&self) -> bool {
        !self.writable
    }

    /// Where its rows live.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Counts its moves: what was cached under an older epoch is not its any more.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The issuer that the client used: `https://{host}/`.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Whether this is the control plane.
    pub fn is_main(&self) -> bool {
        self.main
    }
}

/// The `iss` of a tenant: `https://{host}/`, with the slash (Auth0).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Issuer(pub(super) String);

impl Issuer {
    /// The issuer of an authority.
    pub fn of(scheme: &str, authority: &str) -> Self {
        Self(format!("{scheme}://{authority}/"))
    }

    /// With the final slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its host, with the port if it has one.
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or(self.0.as_str(), |(_, rest)| rest).trim_end_matches('/')
    }

    /// A URL below the issuer; `path` without a leading slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The audience of this tenant's management API.
    pub fn management_audience(&self) -> String {
        self.join("api/v2/")
    }
}

/// The state of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being made; serves nothing yet.
    Provisioning,
    /// Serves everything.
    Active,
    /// Serves its management API and its machines as ever, but its pages only to those who were sent a pass.
    Staging,
    /// Serves what needs no write; a write gets 503 with `Retry-After`.
    ReadOnly,
    /// Serves nothing, keeps everything.
    Suspended,
    /// Could not be made; can be retried or deleted.
    Failed,
    /// Being deleted; answers as if it did not exist.
    Deleting,
    /// Gone; its name is held for a while.
    Deleted,
}

impl Status {
    /// Every state, for tests and for reading.
    pub const ALL: [Self; 8] = [
        Self::Provisioning,
        Self::Active,
        Self::Staging,
        Self::ReadOnly,
        Self::Suspended,
        Self::Failed,
        Self::Deleting,
        Self::Deleted,
    ];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Staging => "staging",
            Self::ReadOnly => "read_only",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }

    /// As the directory's column says it: whether an active tenant is staging stands beside that.
    pub const fn stored(self) -> &'static str {
        match self {
            Self::Staging => Self::Active.as_str(),
            other => other.as_str(),
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// The state of all tenants together but the main one, which is where it is changed. The phases of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fleet {
    /// No tenant is open yet.
    Staging,
    /// Nothing of any tenant can be changed.
    ReadOnly,
    /// Each tenant is in its own state.
    #[default]
    Active,
}

impl Fleet {
    /// Every state, in the order of a rollout.
    pub const ALL: [Self; 3] = [Self::Staging, Self::ReadOnly, Self::Active];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staging => "staging",
            Self::ReadOnly => "read_only",
            Self::Active => "active",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// What is left of a tenant's own state: how it serves, and whether it may be changed. The fleet only ever takes away.
    pub fn limits(self, own: Status) -> (Status, bool) {
        let writable = self != Self::ReadOnly && matches!(own, Status::Active | Status::Staging);
        let status = match (self, own) {
            (Self::Staging, Status::Active | Status::ReadOnly) => Status::Staging,
            (Self::ReadOnly, Status::Active) => Status::ReadOnly,
            _ => own,
        };
        (status, writable)
    }
}
