//! Connections: where people sign in.

pub mod model;
pub mod store;
mod write;

use super::engine::{
    self, Default, Inherited, Resource, Verb, collection, document, flag, hanging, is, like, list_of, one_of,
    text, word,
};
use crate::{
    access::{Management, Scope},
    http::shape::Kind,
};
use model::{NAME, STRATEGIES, hide};
use serde_json::{Map, Value as Json};

const VERBS: [(Verb, Scope); 5] =
    engine::all("read:connections", "create:connections", "update:connections", "delete:connections");

/// Sources of identities.
pub static CONNECTIONS: Resource =
    collection("/api/v2/connections", "/api/v2/connections/{id}", "connections", "con")
        .called("connection", "a Connection")
        .verbs(&VERBS)
        .fields(&[
            // Users refer to it by its name.
            like("name", &NAME).column().required().fixed().unique(),
            word("strategy", &STRATEGIES).column().required().fixed(),
            text("display_name", 1, 128).nullable(),
            document("options").sealed("connections.options").default(Default::Object),
            list_of("enabled_clients", &Kind::Text(1, 128), 1000).nullable(),
            list_of("realms", &Kind::Text(1, 128), 10).nullable(),
            flag("is_domain_connection").nullable().default(Default::Flag(false)),
            flag("show_as_button").nullable(),
            document("metadata").nullable(),
        ])
        .filters(&[is("name", "name"), one_of("strategy", "strategy")])
        .by("name")
        .hangs(&[
            hanging("organization_connections", "connection_id"),
            hanging("external_ids", "connection_id"),
        ])
        .inherited(Inherited::Fallback)
        .imported()
        .before_write(write::before)
        .view(view);

/// A connection as it is shown: without secrets, sealed or not.
fn view(_: &Management, connection: &mut Map<String, Json>) {
    if let Some(Json::Object(options)) = connection.get_mut("options") {
        hide(options);
    }
    if !connection.contains_key("realms")
        && let Some(name) = connection.get("name").cloned()
    {
        connection.insert("realms".to_owned(), Json::Array(vec![name]));
    }
}
