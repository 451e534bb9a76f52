//! What an organization is, and which names it can have.

use crate::{http::shape::Like, id::TenantId};
use serde_json::{Map, Value as Json};

/// What an organization can be called.
pub static NAME: Like = Like {
    fits: is_name,
    words: "1 to 50 of a-z, 0-9, - and _, beginning with a letter or digit",
    longest: 50,
    example: "my-team",
};

fn is_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    name.len() <= 50 && begins && name.bytes().all(allowed)
}

/// The ids of the connections that a body names.
pub fn named_connections(body: &Map<String, Json>) -> Vec<String> {
    let list = body.get("enabled_connections").and_then(Json::as_array);
    let ids = list.into_iter().flatten().map(|one| one.get("connection_id").and_then(Json::as_str));
    ids.map(|id| id.unwrap_or_default().to_owned()).collect()
}

/// Whether an organization of the main tenant with this name is, or could become, that of a tenant. Being its member
/// is what lets a person manage that tenant, so it comes and goes with the tenant and never by hand: an organization
/// made before its tenant would hand the tenant to whoever made it. Names that no tenant can have (`platform_team`)
/// are free.
pub fn belongs_to_a_tenant(name: &str) -> bool {
    TenantId::parse(name).is_some()
}
