//! JSON, each way through one door: a type that is read from text here and from a tree there is compiled twice, and what
//! the Worker weighs is for a good part the code that reads and writes JSON.

use crate::error::Fault;
use serde::{Deserialize as _, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

/// Reads JSON text. Text is read into a tree, and every type from the tree.
///
/// # Errors
/// What is wrong with the text, or that it is not of this type.
pub fn read<T: DeserializeOwned>(text: impl AsRef<[u8]>) -> serde_json::Result<T> {
    tree(text.as_ref()).and_then(T::deserialize)
}

/// Reads an object whose members nobody interprets.
///
/// # Errors
/// What is wrong with the text, or that it is no object.
pub fn object(text: &str) -> serde_json::Result<Map<String, Json>> {
    match tree(text.as_bytes())? {
        Json::Object(members) => Ok(members),
        other => Map::deserialize(other),
    }
}

fn tree(text: &[u8]) -> serde_json::Result<Json> {
    serde_json::from_slice(text)
}

/// Writes JSON text.
///
/// # Errors
/// A fault if the value has no form in JSON: a map with keys that are not text.
pub fn write<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::internal(error.to_string()))
}

/// Puts items into a map, one after the other. To `collect` them would compile a sort of its own for every iterator.
pub fn gather<M: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> M {
    let mut all = M::default();
    all.extend(items);
    all
}

/// Reads a member of a stored document that releases before this one kept as it came: what is not of the type counts as
/// absent, as it did then, so that the rest of the document can be read. Bodies are checked before they get here.
///
/// # Errors
/// What is wrong with the document itself.
pub fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Json::deserialize(from).map(|value| T::deserialize(value).unwrap_or_default())
}
