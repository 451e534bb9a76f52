//! What an organization is, and which names it can have.

use crate::{
    http::shape::{Kind, Member},
    id::{OrganizationId, TenantId},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// An organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Organization {
    /// Its row id, `org_…`: the `org_id` of tokens.
    pub id: OrganizationId,
    /// Its name, unique in the tenant: the `org_name` of tokens.
    pub name: String,
    /// Shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The rest of what can be set of it.
    #[serde(flatten)]
    pub document: Document,
}

/// What can be set of an organization besides its names. What we do not interpret is kept as it came.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Document {
    /// The operator's own notes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Json>,
    /// The rest: branding.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// Auth0's limits.
const NAME_LENGTH: usize = 50;
const DISPLAY_NAME_LENGTH: usize = 255;
const METADATA_ENTRIES: usize = 25;
const METADATA_LENGTH: usize = 255;

impl Organization {
    /// Checks names and notes (Auth0): a name of 1 to 50 of `a-z 0-9 - _`, beginning with a letter or digit; notes of
    /// at most 25 texts.
    ///
    /// # Errors
    /// Words that name the member.
    pub fn check(&self) -> Result<(), String> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let begins = self.name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if self.name.len() > NAME_LENGTH || !begins || !self.name.bytes().all(allowed) {
            return Err(format!(
                "name must be 1 to {NAME_LENGTH} of a-z, 0-9, - and _, beginning with a letter or digit"
            ));
        }
        let length = self.display_name.as_ref().map(|name| name.chars().count());
        if length.is_some_and(|length| length == 0 || length > DISPLAY_NAME_LENGTH) {
            return Err(format!("display_name must have 1 to {DISPLAY_NAME_LENGTH} characters"));
        }
        if self.document.metadata.len() > METADATA_ENTRIES {
            return Err(format!("metadata can hold {METADATA_ENTRIES} entries"));
        }
        let short = |text: &str| text.chars().count() <= METADATA_LENGTH;
        let fits = |(key, value): (&String, &Json)| short(key) && value.as_str().is_some_and(short);
        if !self.document.metadata.iter().all(fits) {
            return Err(format!("metadata must hold texts of at most {METADATA_LENGTH} characters"));
        }
        Ok(())
    }
}

/// What can be set of an organization. Kinds that [`Organization`] knows are its to check.
pub const MEMBERS: [Member; 7] = [
    Member::new("name", Kind::Any),
    Member::new("display_name", Kind::Any),
    Member::new("metadata", Kind::Any),
    Member::new("branding", Kind::Document).or_null(),
    Member::new("enabled_connections", Kind::List(&Kind::Object(&ENABLED), 10)).or_null(),
    Member::new("token_quota", Kind::Document).or_null(),
    Member::new("third_party_client_access", Kind::Text(1, 64)).or_null(),
];

/// A connection through which people sign in to an organization.
const ENABLED: [Member; 5] = [
    Member::new("connection_id", Kind::Text(1, 64)),
    Member::new("assign_membership_on_login", Kind::Flag).or_null(),
    Member::new("show_as_button", Kind::Flag).or_null(),
    Member::new("is_signup_enabled", Kind::Flag).or_null(),
    Member::new("is_enabled", Kind::Flag).or_null(),
];

/// The ids of the connections that a body names.
pub fn named_connections(body: &Map<String, Json>) -> Vec<String> {
    let list = body.get("enabled_connections").and_then(Json::as_array);
    let ids = list.into_iter().flatten().map(|one| one.get("connection_id").and_then(Json::as_str));
    ids.map(|id| id.unwrap_or_default().to_owned()).collect()
}

/// The members of an organization that cannot be set.
pub const FIXED: &[&str] = &["id", "created_at", "updated_at"];

/// Whether an organization of the main tenant with this name is, or could become, that of a tenant. Being its member
/// is what lets a person manage that tenant, so it comes and goes with the tenant and never by hand: an organization
/// made before its tenant would hand the tenant to whoever made it. Names that no tenant can have (`platform_team`)
/// are free.
pub fn belongs_to_a_tenant(name: &str) -> bool {
    TenantId::parse(name).is_some()
}
