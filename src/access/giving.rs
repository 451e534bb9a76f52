//! Nobody causes more than their token holds: see [`super::authority`]. Here is looked up what the others hold, for
//! everything that gives a permission of the management API to somebody, takes it from them, or lets one act as another.

use super::{
    Area, Management,
    authority::Authority,
    management::{Refusal, TENANT_ADMIN},
};
use crate::{
    error::{Error, Fault},
    id::UserId,
    resources::permissions,
    tenant::{audiences::Place, store::tenant_of_host},
};

impl Management {
    /// What the caller's token can cause.
    pub fn authority(&self) -> Authority<'_> {
        Authority::new(self.claims(), self.bearer(), &self.call().shared.scopes)
    }

    /// Checks that the caller may let somebody else have these permissions of the management API.
    ///
    /// # Errors
    /// 403.
    pub fn check_may_give<'p>(&self, permissions: impl IntoIterator<Item = &'p str>) -> Result<(), Refusal> {
        let Some(lacking) = self.authority().lacks(permissions) else { return Ok(()) };
        let why = format!("You cannot give {lacking} of the management API: your token does not hold it");
        Err(Refusal::forbidden("insufficient_scope", why))
    }

    /// Checks that the caller may stand in the way of whoever holds these permissions of the management API: act as them, or
    /// keep them from acting.
    ///
    /// # Errors
    /// 403.
    pub fn check_may_stand_over<'p>(
        &self,
        permissions: impl IntoIterator<Item = &'p str>,
    ) -> Result<(), Refusal> {
        let Some(lacking) = self.authority().lacks(permissions) else { return Ok(()) };
        let why = format!(
            "This is about somebody who holds {lacking} of the management API, which your token does not hold"
        );
        Err(Refusal::forbidden("insufficient_scope", why))
    }

    /// The same for a person, by what they hold now, in whichever organization.
    ///
    /// # Errors
    /// 403, or a fault of the database.
    pub async fn check_may_stand_over_person(&self, user: &UserId) -> Result<(), Error<Refusal>> {
        if self.authority().holds_everything() {
            return Ok(());
        }
        let rows = self.db().all(permissions::store::held(user, &self.audience())).await?;
        let held = rows.iter().map(|row| row.text("permission_name")).collect::<Result<Vec<_>, _>>()?;
        Ok(self.check_may_stand_over(held.iter().map(String::as_str))?)
    }

    /// The same for all people of the tenant together: what is about how they sign in is about each of them.
    ///
    /// # Errors
    /// 403, or a fault of the database.
    pub async fn check_may_stand_over_everybody(&self) -> Result<(), Error<Refusal>> {
        if self.authority().holds_everything() {
            return Ok(());
        }
        let held = self.held_by_somebody().await?;
        Ok(self.check_may_stand_over(held.iter().map(String::as_str))?)
    }

    /// Every permission of the management API that some person of the tenant holds. The main tenant always has, or will
    /// have, an administrator.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn held_by_somebody(&self) -> Result<Vec<String>, Fault> {
        let rows = self.db().all(permissions::store::held_by_somebody(&self.audience())).await?;
        let held = rows.iter().map(|row| row.text("permission_name"));
        let always = self.tenant().is_main().then(|| Ok(TENANT_ADMIN.to_owned()));
        held.chain(always).collect()
    }

    /// The name under which an identifier is kept: the management API's own if it names that, in whatever spelling and at
    /// whichever of the tenant's hosts; else as it is.
    ///
    /// # Errors
    /// 400 if it means another URL of ours, or a fault of the directory.
    pub async fn registered(&self, identifier: &str) -> Result<String, Error<Refusal>> {
        let own = self.audience();
        if identifier == own {
            return Ok(own);
        }
        let Some(place) = Place::of(identifier) else { return Ok(identifier.to_owned()) };
        let config = &self.call().shared.config;
        let (base, main) = (config.base_domain.as_str(), &config.main_tenant);
        let whose = if place.is_at(base) {
            place.tenant(base, main)
        } else {
            let directory = self.call().shared.directory.db(&self.call().meter)?;
            match directory.first(tenant_of_host(&place.authority)).await? {
                Some(row) => crate::id::TenantId::parse(&row.text("tenant_id")?),
                None => return Ok(identifier.to_owned()),
            }
        };
        // The installation's name stands for every tenant's.
        let ours = whose.is_some_and(|tenant| tenant == *self.tenant().id() || tenant == *main);
        if ours && place.is_management {
            return Ok(own);
        }
        let why = format!("identifier is reserved: {identifier} is a URL of this server");
        Err(Refusal::invalid_body(why).into())
    }
}
