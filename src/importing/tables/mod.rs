//! The tables that an import can fill: their columns, what each may hold, and what they refer to. Everything that is
//! done to records (checking, storing, reading back, comparing) follows from this.

mod configuration;
mod declared;
mod people;
mod sign_in;

pub use crate::resources::engine::declaration::Reference;

use crate::resources::{
    branding::{BRANDING, THEMES},
    client_grants::CLIENT_GRANTS,
    connections::CONNECTIONS,
    email_templates::EMAIL_TEMPLATES,
    engine::to,
    grants::GRANTS,
    organizations::ORGANIZATIONS,
    resource_servers::RESOURCE_SERVERS,
    roles::ROLES,
    settings::SETTINGS,
};
use configuration::*;
use declared::declared;
use people::*;
use sign_in::*;
use std::sync::LazyLock;

/// How many records a chunk may hold.
pub const CHUNK: usize = 500;

/// A table that can be filled.
#[derive(Debug)]
pub struct Table {
    /// Its name in records; that of the table unless `rows` says another.
    pub name: &'static str,
    /// The table of the tenant that its columns are in.
    pub rows: &'static str,
    /// Its columns. The first `key` of them name a row.
    pub columns: &'static [Column],
    /// How many columns are the key; 0 for a table of one row.
    pub key: usize,
    /// Columns that no two rows may share, besides the key.
    pub unique: &'static [&'static [&'static str]],
    /// What must be there too.
    pub refers: &'static [Reference],
    /// Whether its rows are those of another table, of which it sets some columns.
    pub amends: bool,
    /// A condition that holds for the rows which a tenant is born with: they are not counted.
    pub born: Option<&'static str>,
}

/// A column of a record.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Whether it may be null or absent.
    pub nullable: bool,
}

/// What a column may hold.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text of at most so many bytes.
    Text(usize),
    /// One of these words.
    Word(&'static [&'static str]),
    /// An integer from 0 to 2^53.
    Integer,
    /// A moment in milliseconds since the epoch.
    Time,
    /// `true` or `false`; 0 or 1 in the row.
    Flag,
    /// A JSON object; text in the row.
    Object,
    /// A JSON array; text in the row.
    List,
    /// The hex SHA-256 of a secret that the source kept digested too.
    Digest,
    /// A JSON object with secrets among its `options` (`connections::model::secrets`), sealed one by one.
    Options {
        /// What they are sealed for.
        purpose: &'static str,
    },
    /// A secret to recognize, and to show again: in the row its digest, and itself sealed where `sealed` names a column.
    Secret {
        /// The column of the digest.
        digest: &'static str,
        /// The column of the sealed secret, if it is to be shown again.
        sealed: Option<&'static str>,
        /// What it is sealed for.
        purpose: &'static str,
    },
    /// A secret to use: text or JSON, sealed in the column `sealed`.
    Sealed {
        /// The column of the sealed secret.
        sealed: &'static str,
        /// What it is sealed for.
        purpose: &'static str,
    },
}

/// A table whose rows are its own.
const fn table(name: &'static str, key: usize, columns: &'static [Column]) -> Table {
    Table { name, rows: name, columns, key, unique: &[], refers: &[], amends: false, born: None }
}

impl Table {
    const fn unique(self, unique: &'static [&'static [&'static str]]) -> Self {
        Self { unique, ..self }
    }

    const fn refers(self, refers: &'static [Reference]) -> Self {
        Self { refers, ..self }
    }

    const fn amends(self, rows: &'static str) -> Self {
        Self { rows, amends: true, ..self }
    }

    /// The columns that name a row.
    pub fn key_columns(&self) -> &'static [Column] {
        self.columns.get(..self.key).unwrap_or_default()
    }

    /// The key of a record: a JSON array of its parts.
    pub fn key_cells(&self, values: &super::record::Values) -> serde_json::Value {
        self.key_columns().iter().map(|column| values.get(column.name).cloned().unwrap_or_default()).collect()
    }

    /// The key of a record, for people: its parts separated by spaces.
    pub fn key_of(&self, values: &super::record::Values) -> String {
        let part = |column: &Column| match values.get(column.name) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "null".to_owned(),
        };
        self.key_columns().iter().map(part).collect::<Vec<_>>().join(" ")
    }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, nullable: false }
}

const fn text(name: &'static str, most: usize) -> Column {
    column(name, Kind::Text(most))
}

const fn flag(name: &'static str) -> Column {
    column(name, Kind::Flag)
}

const fn time(name: &'static str) -> Column {
    column(name, Kind::Time)
}

const fn object(name: &'static str) -> Column {
    column(name, Kind::Object)
}

impl Column {
    const fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// The longest id, name and address that a key holds, in bytes.
const ID: usize = 512;

/// The longest text that is not a document.
const WORDS: usize = 4096;

/// Every table, in the order in which records are sent: what is referred to before what refers to it.
pub static TABLES: LazyLock<[&Table; 33]> = LazyLock::new(|| {
    [
        declared(&SETTINGS),
        &FORMER_KEYS,
        declared(&CONNECTIONS),
        &CLIENTS,
        declared(&RESOURCE_SERVERS),
        declared(&CLIENT_GRANTS),
        declared(&ROLES),
        &ROLE_PERMISSIONS,
        declared(&ORGANIZATIONS),
        &ORGANIZATION_CONNECTIONS,
        &USERS,
        &PASSWORDS,
        &PASSWORD_HISTORY,
        &AUTHENTICATION_METHODS,
        &USER_ACTIVITY,
        &ORGANIZATION_MEMBERS,
        &USER_ROLES,
        &USER_PERMISSIONS,
        declared(&GRANTS),
        &EXTERNAL_IDS,
        &ORGANIZATION_INVITATIONS,
        &EXTENSIONS,
        declared(&BRANDING),
        &PAGE_TEMPLATES,
        declared(&THEMES),
        &PROMPT_SETTINGS,
        &CUSTOM_TEXTS,
        &EMAIL_PROVIDERS,
        declared(&EMAIL_TEMPLATES),
        &CUSTOM_DOMAINS,
        &SESSIONS,
        &REFRESH_TOKENS,
        &LOGS,
    ]
});

/// The secrets among the options of a document.
pub fn secrets(document: &mut super::record::Values) -> Vec<&mut String> {
    let options = document.get_mut("options").and_then(serde_json::Value::as_object_mut);
    options.map(crate::resources::connections::model::secrets).unwrap_or_default()
}

/// The table of this name.
pub fn by_name(name: &str) -> Option<&'static Table> {
    TABLES.iter().copied().find(|table| table.name == name)
}
