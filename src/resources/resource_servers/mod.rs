//! Resource servers (APIs): what access tokens are for.

pub mod model;
pub mod store;
mod write;

use super::engine::{
    self, Default, Inherited, Resource, Verb, collection, document, field, flag, hanging, integer, like,
    list_of, object, one_of, text, word,
};
use crate::{
    access::{Management, Scope},
    http::shape::{Kind, Like, Member},
};
use model::Dialect;
use serde_json::{Map, Value as Json, json};

const VERBS: [(Verb, Scope); 5] = engine::all(
    "read:resource_servers",
    "create:resource_servers",
    "update:resource_servers",
    "delete:resource_servers",
);

/// APIs. Limits are Auth0's: characters, scopes, and seconds (30 days).
pub static RESOURCE_SERVERS: Resource =
    collection("/api/v2/resource-servers", "/api/v2/resource-servers/{id}", "resource_servers", "api")
        .called("resource_server", "a resource server")
        .verbs(&VERBS)
        .fields(&[
            like("identifier", &IDENTIFIER).column().required().fixed().unique(),
            like("name", &NAME).column().default(Default::Same("identifier")),
            list_of("scopes", &Kind::Object(&PERMISSION), 1000).nullable().default(Default::List),
            integer("token_lifetime", 1, MONTH).nullable().default(Default::Integer(86_400)),
            integer("token_lifetime_for_web", 1, MONTH).nullable(),
            flag("allow_offline_access").nullable().default(Default::Flag(false)),
            flag("enforce_policies").nullable().default(Default::Flag(false)),
            word("token_dialect", &Dialect::NAMES).nullable().default(Default::Text("access_token")),
            word("signing_alg", &["RS256"]).nullable().default(Default::Text("RS256")),
            flag("skip_consent_for_verifiable_first_party_clients").nullable(),
            object("options", &OPTIONS).nullable(),
            document("metadata").nullable(),
            text("verification_key", 1, 4096).nullable(),
            text("verificationKey", 1, 4096).nullable(),
            document("token_encryption").nullable(),
            text("consent_policy", 1, 64).nullable(),
            field("authorization_details", Kind::List(&Kind::Document, 10)).nullable(),
            document("proof_of_possession").nullable(),
        ])
        .or_by("identifier")
        .filters(&[one_of("identifiers", "identifier")])
        .hangs(&[
            hanging("role_permissions", "resource_server_identifier").by("identifier"),
            hanging("user_permissions indexed by user_permissions_by_api", "resource_server_identifier")
                .by("identifier"),
            hanging("client_grants", "audience").by("identifier"),
        ])
        .system()
        .inherited(Inherited::Copied)
        .imported_beside("is_system = 1")
        .before_write(write::before)
        .view(view);

/// The longest that an access token can last, in seconds.
const MONTH: i64 = 2_592_000;

static IDENTIFIER: Like = Like {
    fits: |text| (1..=600).contains(&text.len()) && is_visible(text),
    words: "1 to 600 visible ASCII characters",
    longest: 600,
    example: "https://api.example.com/",
};

static NAME: Like = Like {
    fits: |text| (1..=200).contains(&text.chars().count()) && !text.contains(['<', '>']),
    words: "text of 1 to 200 characters, without < and >",
    longest: 200,
    example: "Orders",
};

/// A scope token (RFC 6749 §3.3).
static SCOPE: Like = Like {
    fits: |text| (1..=280).contains(&text.len()) && is_visible(text) && !text.contains(['"', '\\']),
    words: "1 to 280 visible ASCII characters without \" and \\",
    longest: 280,
    example: "read:orders",
};

const PERMISSION: [Member; 2] =
    [Member::new("value", Kind::Like(&SCOPE)), Member::new("description", Kind::Text(0, 4096)).or_null()];

/// What AuthHero keeps under `options`: there, the first two are where Auth0 has them at the top.
const OPTIONS: [Member; 7] = [
    Member::new("enforce_policies", Kind::Flag).or_null(),
    Member::new("token_dialect", Kind::Word(&Dialect::NAMES)).or_null(),
    Member::new("allow_skipping_userinfo", Kind::Flag).or_null(),
    Member::new("skip_userinfo", Kind::Flag).or_null(),
    Member::new("persist_client_authorization", Kind::Flag).or_null(),
    Member::new("enable_introspection_endpoint", Kind::Flag).or_null(),
    Member::new("mtls", Kind::Document).or_null(),
];

fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The management API defines what the route table says, which no row repeats.
fn view(cx: &Management, server: &mut Map<String, Json>) {
    let is_system = server.entry("is_system").or_insert(Json::Bool(false)) == &Json::Bool(true);
    if is_system && server.get("identifier").and_then(Json::as_str) == Some(&cx.audience()) {
        let scopes: Vec<Json> = cx.permissions().into_iter().map(|name| json!({ "value": name })).collect();
        server.insert("scopes".to_owned(), Json::Array(scopes));
    }
}
