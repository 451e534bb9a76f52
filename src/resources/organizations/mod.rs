//! Organizations: groups of users inside a tenant.

pub mod api;
mod connections;
mod invitations;
pub mod members;
pub mod model;
pub mod store;
mod write;

use super::engine::{self, Resource, Verb, collection, document, field, hanging, like, list_of, text};
use crate::{
    access::Scope,
    http::shape::{Kind, Member},
};
use model::NAME;

const VERBS: [(Verb, Scope); 5] =
    engine::all("read:organizations", "create:organizations", "update:organizations", "delete:organizations");

/// Organizations. Limits are Auth0's.
pub static ORGANIZATIONS: Resource =
    collection("/api/v2/organizations", "/api/v2/organizations/{id}", "organizations", "org")
        .called("organization", "an organization")
        .verbs(&VERBS)
        .fields(&[
            like("name", &NAME).column().required().unique(),
            text("display_name", 1, 255).column().nullable(),
            field("metadata", Kind::Entries(25, &Kind::Text(0, 255))).nullable(),
            document("branding").nullable(),
            list_of("enabled_connections", &Kind::Object(&ENABLED), 10).nullable(),
            document("token_quota").nullable(),
            text("third_party_client_access", 1, 64).nullable(),
        ])
        .by("name")
        .sortable(&["name", "display_name", "created_at"])
        .hangs(&[
            hanging("user_roles indexed by user_roles_by_organization", "organization_id"),
            hanging("organization_members", "organization_id"),
            hanging(
                "organization_invitations indexed by organization_invitations_by_organization",
                "organization_id",
            ),
            hanging("organization_connections", "organization_id"),
            hanging("organization_client_grants", "organization_id"),
        ])
        .imported()
        .before_write(write::before);

/// A connection through which people sign in to an organization.
const ENABLED: [Member; 5] = [
    Member::new("connection_id", Kind::Text(1, 64)),
    Member::new("assign_membership_on_login", Kind::Flag).or_null(),
    Member::new("show_as_button", Kind::Flag).or_null(),
    Member::new("is_signup_enabled", Kind::Flag).or_null(),
    Member::new("is_enabled", Kind::Flag).or_null(),
];
