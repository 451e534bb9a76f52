//! JSON, each way through one door. How deep text is nested is counted on its bytes, before any parser looks at it: a
//! parser recurses, and the stack of a Worker is small. A type that is read from text here and from a tree there is
//! compiled twice, and what the Worker weighs is for a good part the code that reads and writes JSON.

use crate::error::Fault;
use serde::{
    Deserialize as _, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value as Json};

/// How deep objects and lists may stand in each other in what others send: twice what any document of Auth0's needs.
pub const ACCEPTED_DEPTH: usize = 32;

/// How deep they may in what is read back. Twice as deep, so that whatever was accepted can still be read when it has been
/// put into something else.
pub const READ_DEPTH: usize = 64;

/// Reads JSON text of our own: what was stored, opened, or answered by a service of ours. Text is read into a tree, and
/// every type from the tree.
///
/// # Errors
/// What is wrong with the text, that it is nested deeper than [`READ_DEPTH`], or that it is not of this type.
pub fn read<T: DeserializeOwned>(text: impl AsRef<[u8]>) -> serde_json::Result<T> {
    tree(text.as_ref(), READ_DEPTH).and_then(T::deserialize)
}

/// Reads JSON text that others have sent. What bounds its size is known before: a body, a token, a query.
///
/// # Errors
/// As [`read`], but it may only be nested as deep as [`ACCEPTED_DEPTH`].
pub fn accept<T: DeserializeOwned>(text: impl AsRef<[u8]>) -> serde_json::Result<T> {
    tree(text.as_ref(), ACCEPTED_DEPTH).and_then(T::deserialize)
}

/// Reads an object of our own whose members nobody interprets.
///
/// # Errors
/// As [`read`], or that it is no object.
pub fn object(text: &str) -> serde_json::Result<Map<String, Json>> {
    members(tree(text.as_bytes(), READ_DEPTH)?)
}

/// Reads an object that others have sent, whose members nobody has looked at yet.
///
/// # Errors
/// As [`accept`], or that it is no object.
pub fn accept_object(text: &[u8]) -> serde_json::Result<Map<String, Json>> {
    members(tree(text, ACCEPTED_DEPTH)?)
}

fn members(tree: Json) -> serde_json::Result<Map<String, Json>> {
    match tree {
        Json::Object(members) => Ok(members),
        other => Map::deserialize(other),
    }
}

fn tree(text: &[u8], most: usize) -> serde_json::Result<Json> {
    if !is_shallow(text, most) {
        return Err(serde_json::Error::custom(format!("nested deeper than {most} levels")));
    }
    serde_json::from_slice(text)
}

/// Whether objects and lists stand in each other at most so deep, as far as the text is JSON: whoever reads it gets no
/// deeper than that before it ends or turns out to be something else.
pub fn is_shallow(text: &[u8], most: usize) -> bool {
    let mut depth = 0_usize;
    structure(text).all(|(_, byte)| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= most
    })
}

/// The items of a JSON array, each as the text that it is: nobody looks into them, so nothing in them can change. `None`
/// if the text is no array without spaces around its items, as SQLite writes it.
pub fn items(array: &str) -> Option<Vec<&str>> {
    let inner = array.strip_prefix('[')?.strip_suffix(']')?;
    let (mut items, mut begins, mut depth) = (Vec::new(), 0, 0_usize);
    if inner.is_empty() {
        return Some(items);
    }
    for (at, byte) in structure(inner.as_bytes()) {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.checked_sub(1)?,
            b',' if depth == 0 => {
                items.push(inner.get(begins..at)?);
                begins = at + 1;
            }
            _ => {}
        }
    }
    items.push(inner.get(begins..)?);
    (depth == 0).then_some(items)
}

/// The bytes that stand outside of strings, with their places.
fn structure(text: &[u8]) -> impl Iterator<Item = (usize, u8)> {
    let (mut inside, mut escaped) = (false, false);
    text.iter().copied().enumerate().filter(move |(_, byte)| {
        if !inside {
            inside = *byte == b'"';
            return !inside;
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => inside = false,
            _ => {}
        }
        false
    })
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
