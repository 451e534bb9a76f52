//! Which members of an answer the client wants (Auth0: `fields`, `include_fields`).

use serde::Deserialize;
use serde_json::Value as Json;

/// `fields` and `include_fields` of a request, as text from the query.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Fields {
    fields: Option<String>,
    include_fields: Option<String>,
}

impl Fields {
    /// Whether members are named at all.
    pub fn names(&self) -> bool {
        self.fields.as_deref().is_some_and(|names| !names.is_empty())
    }

    /// Whether a member of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        match self.fields.as_deref().filter(|names| !names.is_empty()) {
            Some(names) => {
                let include = self.include_fields.as_deref() != Some("false");
                names.split(',').any(|wanted| wanted.trim() == name) == include
            }
            None => true,
        }
    }

    /// The object with only the named members, or without them if `include_fields` is `false`. Names that the object
    /// does not have are ignored (Auth0).
    pub fn of(&self, mut object: Json) -> Json {
        if let Some(members) = object.as_object_mut() {
            members.retain(|name, _| self.wants(name));
        }
        object
    }
}
