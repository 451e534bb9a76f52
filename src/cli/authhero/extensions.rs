//! Code, hooks, flows, forms, streams and what else extends a tenant: kept as it was configured.

use super::{Mapping, or_null};
use crate::importing::record::Problem;
use serde_json::{Map, Value as Json, json};

/// How a table of the source becomes extensions.
struct Shape {
    table: &'static str,
    kind: &'static str,
    id: &'static str,
    name: &'static str,
    /// JSON, flags, integers and moments, and text.
    documents: &'static [&'static str],
    flags: &'static [&'static str],
    numbers: &'static [&'static str],
    texts: &'static [&'static str],
    /// JSON with secrets, sealed as a whole.
    secrets: &'static [&'static str],
    /// Whether its dates are milliseconds.
    ts: bool,
}

const SHAPES: [Shape; 12] = [
    Shape {
        table: "hook_code",
        kind: "hook_code",
        id: "id",
        name: "",
        documents: &[],
        flags: &[],
        numbers: &[],
        texts: &["code"],
        secrets: &["secrets"],
        ts: true,
    },
    Shape {
        table: "actions",
        kind: "action",
        id: "id",
        name: "name",
        documents: &["dependencies", "supported_triggers"],
        flags: &["is_system", "inherit"],
        numbers: &["deployed_at_ts"],
        texts: &["code", "runtime", "status"],
        secrets: &["secrets"],
        ts: true,
    },
    Shape {
        table: "action_versions",
        kind: "action_version",
        id: "id",
        name: "",
        documents: &["dependencies", "supported_triggers"],
        flags: &["deployed"],
        numbers: &["number"],
        texts: &["action_id", "code", "runtime"],
        secrets: &["secrets"],
        ts: true,
    },
    Shape {
        table: "hooks",
        kind: "hook",
        id: "hook_id",
        name: "",
        documents: &["metadata"],
        flags: &["enabled", "synchronous"],
        numbers: &["priority"],
        texts: &["trigger_id", "form_id", "url", "template_id", "code_id", "page_id", "permission_required"],
        secrets: &[],
        ts: true,
    },
    Shape {
        table: "forms",
        kind: "form",
        id: "id",
        name: "name",
        documents: &["messages", "languages", "translations", "nodes", "start", "ending", "style"],
        flags: &[],
        numbers: &[],
        texts: &[],
        secrets: &[],
        ts: false,
    },
    Shape {
        table: "flows",
        kind: "flow",
        id: "id",
        name: "name",
        documents: &["actions"],
        flags: &[],
        numbers: &[],
        texts: &[],
        secrets: &[],
        ts: false,
    },
    Shape {
        table: "log_streams",
        kind: "log_stream",
        id: "id",
        name: "name",
        documents: &["filters"],
        flags: &["is_priority"],
        numbers: &[],
        texts: &["type", "status"],
        secrets: &["sink"],
        ts: false,
    },
    Shape {
        table: "migration_sources",
        kind: "migration_source",
        id: "id",
        name: "name",
        documents: &[],
        flags: &["enabled"],
        numbers: &[],
        texts: &["provider", "connection"],
        secrets: &["credentials"],
        ts: false,
    },
    Shape {
        table: "scim_configurations",
        kind: "scim_configuration",
        id: "connection_id",
        name: "",
        documents: &["mapping"],
        flags: &[],
        numbers: &[],
        texts: &["user_id_attribute"],
        secrets: &[],
        ts: false,
    },
    Shape {
        table: "scim_tokens",
        kind: "scim_token",
        id: "token_id",
        name: "",
        documents: &["scopes"],
        flags: &[],
        numbers: &["valid_until", "last_used_at"],
        texts: &["connection_id", "token_hash"],
        secrets: &[],
        ts: false,
    },
    Shape {
        table: "client_registration_tokens",
        kind: "client_registration_token",
        id: "id",
        name: "",
        documents: &["constraints"],
        flags: &["single_use"],
        numbers: &["used_at_ts", "expires_at_ts", "revoked_at_ts"],
        texts: &["token_hash", "type", "client_id", "sub"],
        secrets: &[],
        ts: true,
    },
    Shape {
        table: "proxy_routes",
        kind: "proxy_route",
        id: "id",
        name: "",
        documents: &["match", "handlers"],
        flags: &[],
        numbers: &["priority"],
        texts: &["custom_domain_id"],
        secrets: &[],
        ts: false,
    },
];

impl Mapping<'_> {
    pub(super) fn extension(&mut self, table: &str) -> Result<(), Problem> {
        let Some(shape) = SHAPES.iter().find(|shape| shape.table == table) else { return Ok(()) };
        let row = &self.row;
        let id = row.need(shape.id)?;
        let name = if shape.name.is_empty() { None } else { row.text(shape.name)? };
        let mut document = Map::new();
        let mut keep = |name: &str, value: Json| {
            if !value.is_null() {
                document.insert(name.to_owned(), value);
            }
        };
        for name in shape.documents {
            keep(name, row.json(name)?.unwrap_or(Json::Null));
        }
        for name in shape.flags {
            keep(name, json!(row.flag(name)?));
        }
        for name in shape.numbers {
            keep(name, json!(row.time(name)?));
        }
        for name in shape.texts {
            keep(name, or_null(row.text(name)?));
        }
        let mut secrets = Map::new();
        for name in shape.secrets {
            if let Some(value) = row.json(name)? {
                secrets.insert((*name).to_owned(), self.open_all(name, value));
            }
        }
        let times = if shape.ts { self.times_ts()? } else { self.times()? };
        row.note("", "is kept, but not in effect yet");
        let values = [
            ("kind", json!(shape.kind)),
            ("id", json!(id)),
            ("name", or_null(name)),
            ("document", Json::Object(document)),
            ("secrets", if secrets.is_empty() { Json::Null } else { Json::Object(secrets) }),
        ];
        self.put("extensions", values.into_iter().chain(times));
        Ok(())
    }
}
