//! Nobody gives away a permission of the management API that they do not hold: else whoever may change roles, or people,
//! could make themselves whatever they like.

use super::{
    Area, Management,
    management::{Refusal, TENANT_ADMIN},
    may_manage::Bearer,
};
use crate::{
    error::{Error, Fault},
    id::UserId,
    resources::permissions,
};

impl Management {
    /// Checks that the caller may let somebody else have these permissions of the management API. A machine for all
    /// tenants may, and so may the administrators of the tenant; anybody else must hold each of them by their token.
    ///
    /// # Errors
    /// 403, or a fault of the database.
    pub async fn check_may_give<'a>(
        &self,
        permissions: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error<Refusal>> {
        let Some(lacking) = permissions.into_iter().find(|permission| !self.holds(permission)) else {
            return Ok(());
        };
        if self.may_give([lacking]).await? {
            return Ok(());
        }
        let words = format!("You cannot give {lacking} of the management API: you do not hold it");
        Err(Refusal::forbidden("insufficient_scope", words).into())
    }

    /// Whether the caller may: see [`Management::check_may_give`].
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn may_give<'a>(&self, permissions: impl IntoIterator<Item = &'a str>) -> Result<bool, Fault> {
        let held = permissions.into_iter().all(|permission| self.holds(permission));
        if held { Ok(true) } else { self.is_administrator().await }
    }

    /// Whether the caller holds a permission by their token.
    pub fn holds(&self, permission: &str) -> bool {
        self.claims().has_scope(permission)
    }

    /// Whether the caller may do anything to this tenant, whatever scopes this one token asked for.
    async fn is_administrator(&self) -> Result<bool, Fault> {
        match self.bearer() {
            Bearer::Main { all_tenants: true } | Bearer::Organization(_) => Ok(true),
            Bearer::Own(_) => Ok(false),
            Bearer::Main { all_tenants: false } => {
                let user = UserId::new(self.claims().sub.as_str());
                let rows = self.db().all(permissions::store::held(&user, &self.audience())).await?;
                for row in &rows {
                    if row.text("permission_name")? == TENANT_ADMIN && row.text("organization_id")?.is_empty()
                    {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// The tenant's names for its management API: permissions are kept under the first; the others are that of the
    /// installation, and that of the host that was used.
    pub fn audiences(&self) -> [String; 3] {
        let call = self.call();
        let installation =
            call.shared.directory.issuer(&call.shared.config.main_tenant).management_audience();
        [self.audience(), installation, call.tenant.issuer().management_audience()]
    }
}
