//! An answer of the management API: as the server's own type, and as it was said.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value as Json;
use std::ops::Deref;

/// An answer as the type that the server made it of. Programs are told the whole document, with what a newer server has
/// added to it.
#[derive(Debug, Clone)]
pub struct Answered<T> {
    value: T,
    document: Json,
}

impl<T> Answered<T> {
    /// All that was said.
    pub fn into_document(self) -> Json {
        self.document
    }
}

impl<T> Deref for Answered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Answered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Json::deserialize(deserializer)?;
        let value = T::deserialize(&document).map_err(serde::de::Error::custom)?;
        Ok(Self { value, document })
    }
}

impl<T> Serialize for Answered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}
