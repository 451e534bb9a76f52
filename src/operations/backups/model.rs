//! The words of a backup: what is in it, how far it is, what its manifest says.

use crate::{
    config::Retention,
    db::schema::Table,
    id::{OperationId, TenantId},
    operations::moves::{model::Cursor, rows::Sum},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is in an archive only if somebody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Signing keys: with them, tokens go on being valid wherever it is restored.
    Keys,
    /// Sessions, codes, refresh tokens, lockouts: with them, people stay signed in.
    Sessions,
    /// What happened.
    Logs,
}

impl Group {
    /// Everything.
    pub const ALL: [Self; 3] = [Self::Keys, Self::Sessions, Self::Logs];

    /// As stored and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Sessions => "sessions",
            Self::Logs => "logs",
        }
    }

    /// Its tables.
    pub const fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Keys => &["signing_keys", "former_keys"],
            Self::Sessions => &["sessions", "codes", "refresh_tokens", "login_attempts"],
            Self::Logs => &["logs", "log_blocks"],
        }
    }

    /// Of these tables, those that are in an archive with these groups: all that are in no group, and theirs.
    pub fn choose(include: &[Self], tables: Vec<Table>) -> Vec<Table> {
        let left_out = |table: &Table| {
            Self::ALL.iter().any(|group| !include.contains(group) && group.tables().contains(&table.name))
        };
        tables.into_iter().filter(|table| !left_out(table)).collect()
    }
}

/// What a request for a backup says.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewBackup {
    /// What shall be in it besides what always is.
    #[serde(default)]
    pub include: Vec<Group>,
}

/// What an operation is to archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// What shall be in it.
    pub include: Vec<Group>,
}

/// What a request for a restore says.
#[derive(Debug, Clone, Deserialize)]
pub struct NewRestore {
    /// Which archive.
    pub backup: String,
    /// The id of a tenant that does not exist yet; none for the tenant itself.
    pub into: Option<String>,
    /// Where a new tenant lives.
    pub placement: Option<crate::config::Placement>,
}

/// What an operation is to restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoring {
    /// Which archive.
    pub backup: String,
    /// Whose it is.
    pub of: TenantIdText,
    /// The hash of its manifest.
    pub hash: String,
    /// In place: the state in which the tenant was, and will be again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<crate::tenant::Status>,
}

/// To which moment the database of a tenant goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Travelling {
    /// In milliseconds since 1970.
    pub to: i64,
    /// The state in which the tenant was, and will be again.
    pub status: crate::tenant::Status,
}

/// The id of a tenant that may exist no more, as text.
pub type TenantIdText = String;

/// Why an archive is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody asked for it.
    Asked,
    /// The tenant is about to be deleted.
    Deletion,
    /// Another one is about to be restored in its place.
    Restore,
}

impl Reason {
    const ALL: [Self; 3] = [Self::Asked, Self::Deletion, Self::Restore];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Deletion => "deletion",
            Self::Restore => "restore",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How far an archive is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being written.
    Writing,
    /// All there, and read back.
    Whole,
    /// Being removed.
    Deleting,
}

impl State {
    const ALL: [Self; 3] = [Self::Writing, Self::Whole, Self::Deleting];

    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Whole => "whole",
            Self::Deleting => "deleting",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Rows by table, and what they add up to.
pub type Sums = BTreeMap<String, Sum>;

/// Where the writing of an archive goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Nothing has been read: the capture comes first.
    Start,
    /// Rows are copied from this place on. What was captured behind the position is to be read again.
    Copying {
        /// Where the copy goes on.
        place: Cursor,
        /// The position of the log before the first row was copied.
        watermark: i64,
    },
    /// What was captured behind the position is read again.
    Following {
        /// The position of the log.
        watermark: i64,
    },
    /// Everything was read at that instant; the parts from this one down are still to be read back.
    Sealing {
        /// How many parts, from the first one on, have not been read back.
        left: i64,
        /// The instant.
        taken_at: i64,
        /// How many rows each table had then.
        counts: BTreeMap<String, u64>,
    },
}

/// An archive as the directory knows it.
#[derive(Debug, Clone)]
pub struct Backup {
    /// Its id: `bak_…`.
    pub id: String,
    /// Whose.
    pub tenant: TenantIdText,
    /// Which operation made it.
    pub operation: OperationId,
    /// Why.
    pub reason: Reason,
    /// How far it is.
    pub state: State,
    /// What was asked for.
    pub include: Vec<Group>,
    /// Its key, wrapped.
    pub wrapped_key: String,
    /// The number of migrations of the database that it was read from.
    pub schema_version: i64,
    /// Counts the steps of writing it.
    pub version: i64,
    /// Where that goes on.
    pub cursor: Phase,
    /// How many parts there are.
    pub parts: i64,
    /// How many bytes of them are kept.
    pub bytes: i64,
    /// What was read back so far.
    pub sums: Sums,
    /// The hash of its manifest.
    pub hash: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// The instant that it shows.
    pub taken_at: Option<Timestamp>,
    /// When it was whole.
    pub finished_at: Option<Timestamp>,
}

impl Backup {
    /// Until when it stays whoever wants it gone: what is left of a tenant that was deleted, or of one that another was
    /// restored in the place of, is the way back.
    pub fn kept_until(&self, retention: Retention) -> Option<Timestamp> {
        let is_way_back = self.reason != Reason::Asked && self.state == State::Whole;
        is_way_back.then(|| self.created_at.plus(retention.undo))
    }
}

/// An archive, as the API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupView {
    /// Its id: `bak_…`.
    pub id: String,
    /// Whose.
    pub tenant_id: TenantIdText,
    /// Which operation made it.
    pub operation_id: OperationId,
    /// Why.
    pub reason: Reason,
    /// How far it is.
    pub status: State,
    /// What was asked for.
    pub include: Vec<Group>,
    /// The number of migrations of the database that it was read from.
    pub schema_version: i64,
    /// How many parts there are.
    pub parts: i64,
    /// How many rows were read back so far.
    pub rows: u64,
    /// How many bytes are kept.
    pub bytes: i64,
    /// The rows by table, and what they add up to.
    pub tables: Sums,
    /// The hash of its manifest.
    pub hash: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// The instant that it shows.
    pub taken_at: Option<Timestamp>,
    /// When it was whole.
    pub finished_at: Option<Timestamp>,
}

impl BackupView {
    /// What is shown of an archive: all but its key.
    pub fn of(backup: Backup) -> Self {
        Self {
            rows: backup.sums.values().map(|sum| sum.rows).sum(),
            id: backup.id,
            tenant_id: backup.tenant,
            operation_id: backup.operation,
            reason: backup.reason,
            status: backup.state,
            include: backup.include,
            schema_version: backup.schema_version,
            parts: backup.parts,
            bytes: backup.bytes,
            tables: backup.sums,
            hash: backup.hash,
            created_at: backup.created_at,
            taken_at: backup.taken_at,
            finished_at: backup.finished_at,
        }
    }
}

/// The id of the archive that an operation makes: always the same.
pub fn id_of(operation: &OperationId) -> String {
    format!("bak_{}", operation.as_str().trim_start_matches("op_"))
}

/// One part, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name in the store.
    pub object: String,
    /// Whether it holds what had changed meanwhile, and not rows of the copy.
    pub changes: bool,
    /// SHA-256 of what is kept, hex.
    pub digest: String,
    /// How many bytes that is.
    pub bytes: i64,
}

/// What is written last. Whoever has this has the whole archive, or finds out what is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The archive.
    pub backup: String,
    /// Whose it is.
    pub tenant: TenantIdText,
    /// Under which issuer that was served.
    pub issuer: String,
    /// The number of migrations of the database that it was read from.
    pub schema_version: i64,
    /// What was asked for.
    pub include: Vec<Group>,
    /// The instant that it shows, in milliseconds since 1970.
    pub taken_at: i64,
    /// The columns of each table in it, without the tenant.
    pub columns: BTreeMap<String, Vec<String>>,
    /// Its rows by table.
    pub sums: Sums,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

impl Manifest {
    /// The tables that are in it, with the columns that it has of them: those that have come since keep their defaults.
    ///
    /// # Errors
    /// Words that name a table or a column that this release does not have.
    pub fn tables(&self, known: &[Table]) -> Result<Vec<Table>, String> {
        let newer = |what: String| format!("the archive was made by a newer release of the server: {what}");
        let table = |(name, columns): (&String, &Vec<String>)| {
            let table = known.iter().find(|table| table.name == *name);
            let table = table.ok_or_else(|| newer(format!("it has a table {name}")))?;
            let column = |column: &String| {
                let found = table.columns.iter().skip(1).find(|known| *known == column);
                found.copied().ok_or_else(|| newer(format!("its table {name} has a column {column}")))
            };
            let columns = std::iter::once(Ok("tenant_id")).chain(columns.iter().map(column));
            Ok(Table {
                name: table.name,
                key: table.key.clone(),
                columns: columns.collect::<Result<_, String>>()?,
            })
        };
        self.columns.iter().map(table).collect()
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.sums.values().map(|sum| sum.rows).sum()
    }
}

/// What is wrong with an archive: words for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage(pub String);

/// Whether a tenant of this id may be restored from an archive of another one.
pub fn check_into(of: &TenantId, into: &TenantId) -> Result<(), String> {
    if of == into { Err("into: leave it out to restore the tenant itself".to_owned()) } else { Ok(()) }
}
