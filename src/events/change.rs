//! What a write does to what: no entry of the log is made without it. Pure.

use crate::secret::Secret;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

/// A change of one object, as the log keeps it: what it is called, which object it is, and which of its members had which
/// value before and have which one now. Nothing in it is secret: see [`shown`].
#[derive(Debug, Clone)]
pub struct Change {
    description: String,
    kind: &'static str,
    id: String,
    members: Map<String, Json>,
    room: usize,
}

/// The longest text of a value, in bytes of JSON; of a longer one the digest is kept.
const MAX_VALUE: usize = 256;

/// How much room the values of one change have, in bytes of JSON; of what does not fit any more the digest is kept.
const MAX_VALUES: usize = 4096;

/// How many members are named.
const MAX_MEMBERS: usize = 64;

impl Change {
    /// A change, in words (Auth0's, where it has any), of the object of this kind (Auth0's noun in the singular) and id.
    pub fn of(description: impl Into<String>, kind: &'static str, id: impl ToString) -> Self {
        Self {
            description: description.into(),
            kind,
            id: id.to_string(),
            members: Map::new(),
            room: MAX_VALUES,
        }
    }

    /// With all members of an object that is made.
    pub fn made(self, after: &impl Serialize) -> Self {
        self.between(&Json::Null, after)
    }

    /// With all members of an object that is removed.
    pub fn removed(self, before: &impl Serialize) -> Self {
        self.between(before, &Json::Null)
    }

    /// With the members that differ.
    pub fn between(self, before: &impl Serialize, after: &impl Serialize) -> Self {
        let (before, after) = (tree(before), tree(after));
        let none = Map::new();
        let (old, new) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
        let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
        names.fold(self, |change, name| change.member(name, old.get(name), new.get(name)))
    }

    /// With what a patch changes of an object: the members that it names and that have another value by it.
    pub fn patched(self, before: &impl Serialize, patch: &Map<String, Json>) -> Self {
        let before = tree(before);
        patch.iter().fold(self, |change, (name, after)| change.member(name, before.get(name), Some(after)))
    }

    /// With what is put into the object, or tied to it.
    pub fn added(self, name: &str, what: &impl Serialize) -> Self {
        self.member(name, None, Some(&tree(what)))
    }

    /// With what is taken out of the object, or parted from it.
    pub fn taken(self, name: &str, what: &impl Serialize) -> Self {
        self.member(name, Some(&tree(what)), None)
    }

    /// With a member that had one value and has another.
    pub fn member(mut self, name: &str, before: Option<&Json>, after: Option<&Json>) -> Self {
        let present = |value: Option<&Json>| value.cloned().filter(|value| !value.is_null());
        let (before, after) = (present(before), present(after));
        if before == after || self.members.len() >= MAX_MEMBERS {
            return self;
        }
        let mut sides = Map::new();
        for (side, value) in [("before", before), ("after", after)] {
            if let Some(value) = value {
                sides.insert(side.to_owned(), self.fit(shown(name, &value)));
            }
        }
        self.members.insert(name.to_owned(), Json::Object(sides));
        self
    }

    fn fit(&mut self, value: Json) -> Json {
        let text = value.to_string();
        if text.len() > MAX_VALUE.min(self.room) {
            return digest(&text);
        }
        self.room -= text.len();
        value
    }

    /// In words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The user that it is about, if it is about one.
    pub fn user(&self) -> Option<&str> {
        (self.kind == "user").then_some(self.id.as_str())
    }

    /// As the log shows it: `object` and `changes`.
    pub fn details(&self) -> Map<String, Json> {
        let mut details = Map::new();
        details.insert("object".to_owned(), json!({ "type": self.kind, "id": self.id }));
        details.insert("changes".to_owned(), Json::Object(self.members.clone()));
        details
    }
}

fn tree(value: &impl Serialize) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

fn digest(text: &str) -> Json {
    let digest = Secret::new(text).digest();
    Json::String(format!("sha256:{}", digest.as_str().get(..16).unwrap_or_default()))
}

/// A value without its secrets. Of a secret that was made by chance its digest tells whether it was changed back; that of a
/// password could be guessed from its digest, so it only says that there is one.
pub fn shown(name: &str, value: &Json) -> Json {
    match value {
        Json::String(_) if name == "password" => json!("hidden"),
        Json::String(text) if is_secret(name) => digest(text),
        Json::Array(items) => items.iter().map(|item| shown(name, item)).collect(),
        Json::Object(members) => {
            Json::Object(members.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect())
        }
        other => other.clone(),
    }
}

/// Whether a member of this name holds a secret: those of clients, connections, mail providers and extensions.
fn is_secret(name: &str) -> bool {
    const ENDS: [&str; 8] =
        ["secret", "password", "pass", "token", "credentials", "_key", "apikey", "connectionstring"];
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_names_what_differs_and_nothing_else() {
        let change = Change::of("Update a client", "client", "c1").between(
            &json!({ "name": "A", "callbacks": [], "same": 1, "gone": true }),
            &json!({ "name": "B", "callbacks": [], "same": 1 }),
        );
        assert_eq!(
            Json::Object(change.details()),
            json!({ "object": { "type": "client", "id": "c1" },
                    "changes": { "name": { "before": "A", "after": "B" }, "gone": { "before": true } } })
        );
        assert_eq!(change.user(), None);
        assert_eq!(Change::of("Update a User", "user", "auth0|1").user(), Some("auth0|1"));
    }

    #[test]
    fn no_secret_is_kept_however_deep() {
        let change = Change::of("x", "connection", "c").made(&json!({
            "password": "Plain1!",
            "options": { "client_secret": "s3cret", "list": [{ "api_key": "k3y" }], "client_id": "shown" },
        }));
        let text = json!(change.details()).to_string();
        assert!(!["Plain1!", "s3cret", "k3y"].iter().any(|secret| text.contains(secret)), "{text}");
        assert!(text.contains("shown") && text.contains("sha256:") && text.contains("hidden"), "{text}");
    }

    #[test]
    fn however_much_changes_the_entry_is_small() {
        let many: Map<String, Json> =
            (0..200).map(|n| (format!("member{n}"), json!("x".repeat(250)))).collect();
        let text = json!(Change::of("x", "user", "u").made(&many).details()).to_string();
        assert!(text.len() < 10_000, "{}", text.len());
        let long = json!(Change::of("x", "user", "u").added("text", &"x".repeat(5000)).details()).to_string();
        assert!(long.len() < 200, "{long}");
    }
}
