//! What is asked of a tenant's life: that it begins, and what may change in it.

use crate::{
    config::Placement,
    id::{OrganizationId, TenantId},
    operations::engine::subject::{Region, TenantRecord},
    tenant::{Status, reserved::is_reserved},
};
use serde::Deserialize;

/// A tenant that was asked for and may be made.
#[derive(Debug, Clone)]
pub struct TenantSpec {
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
    ) -> Result<TenantSpec, String> {
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
        Ok(TenantSpec { id, friendly_name, placement, region, organization })
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
    pub fn apply(&self, tenant: &mut TenantRecord) -> Result<(), String> {
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
