//! What an operation is done to: a tenant, whatever its state, and the database that the operation is about.

use crate::{
    config::Placement,
    db::Row,
    error::Fault,
    id::{OrganizationId, TenantId},
    tenant::{Status, store::Database},
    time::{Lifetime, Timestamp},
};

/// A tenant as its operator sees it, whatever its state.
#[derive(Debug, Clone)]
pub struct TenantRecord {
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
    pub database: Option<AssignedDatabase>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was gone; its name is held from then on.
    pub deleted_at: Option<Timestamp>,
}

impl TenantRecord {
    /// Reads the columns of a tenant, without its database.
    pub(super) fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: known("tenant", TenantId::parse(&row.text("tenant_id")?))?,
            friendly_name: row.text("friendly_name")?,
            status: known("tenant_status", Status::parse(&row.text("tenant_status")?))?,
            placement: known("placement", Placement::parse(&row.text("placement")?))?,
            region: row.optional_text("region")?.and_then(|text| Region::parse(&text)),
            epoch: row.int("epoch")?,
            organization: row.optional_text("organization_id")?.map(OrganizationId::new),
            database: None,
            created_at: row.time("tenant_created_at")?,
            updated_at: row.time("tenant_updated_at")?,
            deleted_at: row.optional_time("deleted_at")?,
        })
    }

    /// Until when its name is on hold, if it is. `hold`: how long names are.
    pub fn held_until(&self, hold: Lifetime, now: Timestamp) -> Option<Timestamp> {
        self.deleted_at.map(|gone| gone.plus(hold)).filter(|until| *until > now)
    }
}

/// A database that a tenant has, or is to have.
#[derive(Debug, Clone)]
pub struct AssignedDatabase {
    /// How to reach it.
    pub database: Database,
    /// Its name at Cloudflare.
    pub name: String,
    /// Where it comes from, and so where it goes.
    pub origin: Origin,
}

impl AssignedDatabase {
    /// Reads the columns of a database, whose names begin so; none if there is none.
    pub(super) fn read(row: &Row, prefix: &str) -> Result<Option<Self>, Fault> {
        let column = |name: &str| format!("{prefix}{name}");
        let Some(id) = row.optional_text(&column("id"))? else { return Ok(None) };
        Ok(Some(Self {
            database: Database {
                id,
                binding: row.text(&column("binding"))?,
                uuid: row.optional_text(&column("uuid"))?,
                schema_version: row.int(&column("schema_version"))?,
            },
            name: row.text(&column("name"))?,
            origin: known("origin", Origin::parse(&row.text(&column("kind"))?))?,
        }))
    }
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
    /// The rule that [`parse`](Self::parse) follows, in words.
    pub const RULE: &str = "region must be one of wnam, enam, weur, eeur, apac, oc, or eu, fedramp";

    /// Reads one of D1's location hints or jurisdictions (Cloudflare: D1, data location).
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "wnam" | "enam" | "weur" | "eeur" | "apac" | "oc" => Some(Self::Hint(text.to_owned())),
            "eu" | "fedramp" => Some(Self::Jurisdiction(text.to_owned())),
            _ => None,
        }
    }

    /// As stored and in the API.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Hint(text) | Self::Jurisdiction(text) => text,
        }
    }
}

/// What a row says, if this release knows it.
pub(super) fn known<T>(what: &str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::internal(format!("the directory holds an unknown {what}")))
}
