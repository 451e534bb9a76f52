//! A change of a resource on its way, as what is done before it sees it.

use crate::{db::Statement, tenant::InTenant};
use serde_json::{Map, Value as Json};

/// What is about to be written.
pub struct Write {
    /// What is done.
    pub act: Act,
    /// The key of its row.
    pub id: String,
    /// It as it is stored, without defaults; empty if it is new.
    pub stored: Map<String, Json>,
    /// What is set of it: members that were checked; null clears. Empty if it is removed.
    pub set: Map<String, Json>,
    /// What is committed with it, before it.
    pub beside: Vec<Statement<InTenant>>,
    /// Whether it holds only while what is stored is what was read: set it if what is set depends on that.
    pub depends: bool,
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// One is made.
    Create,
    /// One is changed.
    Patch,
    /// One is removed.
    Delete,
}

impl Write {
    /// A member as it will be: what is set, else what is stored.
    pub fn after(&self, name: &str) -> Option<&Json> {
        let value = self.set.get(name).or_else(|| self.stored.get(name));
        value.filter(|value| !value.is_null())
    }

    /// The same as text; empty if it is none.
    pub fn text(&self, name: &str) -> &str {
        self.after(name).and_then(Json::as_str).unwrap_or_default()
    }

    /// Whether this sets a member to something else than what is stored.
    pub fn changes(&self, name: &str) -> bool {
        self.set.get(name).is_some_and(|value| {
            let stored = self.stored.get(name);
            if value.is_null() { stored.is_some() } else { stored != Some(value) }
        })
    }
}
