//! Who may manage what: the table of the design, as one pure function.

use crate::id::TenantId;

/// What a verified management token says about its bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// Of the main tenant, a person or machine without an organization.
    Main {
        /// A machine client that was granted `tenants:all`.
        all_tenants: bool,
    },
    /// Of the main tenant, inside the organization of this tenant.
    Organization(TenantId),
    /// Of the tenant itself: its own admins and machine clients.
    Own(TenantId),
}

/// Whether the bearer may use the management API of `target`. Which operations, its scopes say.
///
/// | token | main tenant | tenant of the organization | any other tenant |
/// |---|---|---|---|
/// | main, no organization | yes | - | no |
/// | main, organization a | no | yes | no |
/// | of tenant a itself | no | yes, its own | no |
/// | main machine, `tenants:all` | yes | yes | yes |
pub fn may_manage(bearer: &Bearer, target: &TenantId, main: &TenantId) -> bool {
    match bearer {
        Bearer::Main { all_tenants } => *all_tenants || target == main,
        Bearer::Organization(tenant) => target == tenant && target != main,
        Bearer::Own(tenant) => target == tenant,
    }
}
