//! Client grants: what machines may do.

pub mod model;
pub mod organizations;
pub mod store;
mod write;

use super::engine::{
    self, Default, Resource, Verb, collection, field, flag, hanging, is, is_set, text, to, word,
};
use crate::{access::Scope, http::shape::Kind};

const VERBS: [(Verb, Scope); 5] =
    engine::all("read:client_grants", "create:client_grants", "update:client_grants", "delete:client_grants");

/// The scopes of an API that a client may have as a machine.
pub static CLIENT_GRANTS: Resource =
    collection("/api/v2/client-grants", "/api/v2/client-grants/{id}", "client_grants", "cgr")
        .called("client_grant", "a client grant")
        .verbs(&VERBS)
        .fields(&[
            text("client_id", 1, 128).column().required().fixed(),
            text("audience", 1, 600).column().required().fixed().unique(),
            field("scope", Kind::List(&Kind::Text(1, 280), 1000)).column().default(Default::List),
            word("organization_usage", &["deny", "allow", "require"]).column().nullable(),
            flag("allow_any_organization").column().nullable(),
            // Auth0 knows `user` as well: what people get of an API is decided here by what they hold.
            word("subject_type", &["client"]).constant("client"),
        ])
        .primary(&["client_id", "audience"])
        .filters(&[
            is("client_id", "client_id"),
            is("audience", "audience"),
            is_set("allow_any_organization", "allow_any_organization"),
            is("subject_type", "subject_type").of_constant("client", &["client", "user"]),
        ])
        .hangs(&[hanging(
            "organization_client_grants indexed by organization_client_grants_by_grant",
            "grant_id",
        )])
        .imported()
        .refers(&[to("client_id", "clients", "client_id"), to("audience", "resource_servers", "identifier")])
        .before_write(write::before);
