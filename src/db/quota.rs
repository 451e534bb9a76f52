//! How much a tenant may have of everything that its management API can add: rows of a kind, bytes of a document, bytes of
//! what is remembered of it. One rule for all, asked inside the transaction that writes, so that any number of requests at
//! once cannot pass it.

use super::{Scope, Statement, Value, statement::Merge, write};
use crate::error::{Fault, FaultKind};
use std::collections::BTreeMap;

/// How many rows of a table a tenant may have, or each of its roles, users, organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The table.
    pub table: &'static str,
    /// What the rows are counted by, behind the tenant: a statement says by [`Statement::counted_in`] of whom it adds some.
    pub per: &'static [&'static str],
    /// How many.
    pub most: i64,
    /// What they are called, in the plural, and of whom they are.
    pub noun: &'static str,
}

const fn quota(table: &'static str, per: &'static [&'static str], most: i64, noun: &'static str) -> Quota {
    Quota { table, per, most, noun }
}

/// Auth0's numbers (entity limit policy) for organizations, members, roles and permissions. Of the others Auth0 has no
/// public number; ours keep one tenant from being a burden to the others that share an isolate or a database with it.
pub const QUOTAS: [Quota; 16] = [
    quota("clients", &[], 5_000, "clients of this tenant"),
    quota("client_grants", &[], 10_000, "client grants of this tenant"),
    quota("connections", &[], 1_000, "connections of this tenant"),
    quota("resource_servers", &[], 1_000, "APIs of this tenant"),
    quota("extensions", &["kind"], 500, "extensions of a kind of this tenant"),
    quota("themes", &[], 100, "themes of this tenant"),
    quota("organizations", &[], 100_000, "organizations of this tenant"),
    quota("organization_members", &["organization_id"], 100_000, "members of an organization"),
    quota("organization_client_grants", &["organization_id"], 100, "client grants of an organization"),
    quota("organization_connections", &["organization_id"], 100, "connections of an organization"),
    quota("roles", &[], 1_000, "roles of this tenant"),
    quota("role_permissions", &["role_id"], 1_000, "permissions of a role"),
    quota("user_roles", &["organization_id", "user_id"], 50, "roles of a user"),
    quota("user_permissions", &["organization_id", "user_id"], 1_000, "permissions of a user"),
    quota("data_keys", &[], 100, "encryption keys of this tenant"),
    quota("signing_keys", &[], 100, "signing keys of this tenant"),
];

/// How many bytes one text of a row may have that the management API writes: a document of configuration, or the metadata
/// of a user (Auth0 takes 16 MB of those, which no isolate could list by the hundred).
pub const TEXT: usize = 64 * 1024;

/// How many bytes the documents of a tenant may have together that are read for every snapshot of it. A snapshot is read
/// every few seconds on an isolate that others share.
pub const SNAPSHOT: i64 = 512 * 1024;

/// The tables that are read for every snapshot, with their documents.
const REMEMBERED: [&str; 3] = ["connections", "resource_servers", "settings"];

/// The quotas that hold in an installation: [`QUOTAS`], but for what its operator says.
#[derive(Debug, Clone, Default)]
pub struct Quotas(BTreeMap<String, i64>);

impl Quotas {
    /// Reads `table=number[,table=number…]`: the form of `QUOTAS`.
    ///
    /// # Errors
    /// A fault that names the tables there are.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let tables = || QUOTAS.iter().map(|quota| quota.table).collect::<Vec<_>>().join(", ");
        let entry = |entry: &str| {
            let (table, most) = entry.trim().split_once('=')?;
            let known = QUOTAS.iter().any(|quota| quota.table == table) || table == "snapshot";
            let most = most.parse::<i64>().ok().filter(|most| *most > 0 && known)?;
            Some((table.to_owned(), most))
        };
        let entries = text.split(',').filter(|text| !text.trim().is_empty()).map(entry);
        let quotas = entries.collect::<Option<_>>().map(Self);
        quotas.ok_or_else(|| {
            let tables = tables();
            Fault::internal(format!("QUOTAS must be table=number[,…] with tables of: {tables}, snapshot"))
        })
    }

    /// How many rows there may be by this quota.
    fn most(&self, quota: &Quota) -> i64 {
        self.0.get(quota.table).copied().unwrap_or(quota.most)
    }

    fn snapshot(&self) -> i64 {
        self.0.get("snapshot").copied().unwrap_or(SNAPSHOT)
    }

    /// What to put behind a batch so that it is refused as a whole if it takes the tenant over a quota.
    ///
    /// # Errors
    /// [`FaultKind::TooLarge`] if one of the texts that it writes is longer than [`TEXT`].
    pub fn guard<S: Scope>(&self, batch: &[Statement<S>]) -> Result<Guards<S>, Fault> {
        let mut guards = Guards { statements: Vec::new(), words: Vec::new() };
        let mut remembered = false;
        for statement in batch {
            let Some((table, adds)) = statement.target() else { continue };
            if statement.longest_text() > TEXT {
                let words = format!("A document can have {TEXT} bytes, as it is stored.");
                return Err(Fault { kind: FaultKind::TooLarge(words), detail: table.to_owned() });
            }
            if table == "users" {
                for person in statement.parents() {
                    guards.statements.push(metadata(person));
                    guards.words.push(format!("{TEXT} bytes of user_metadata or app_metadata of a user"));
                }
            }
            if let Some(merge) = statement.merges() {
                guards.statements.push(merged(merge));
                guards.words.push(format!("{TEXT} bytes of a document, as it is stored"));
            }
            remembered |= REMEMBERED.contains(&table);
            let quota = QUOTAS.iter().find(|quota| adds && quota.table == table);
            if let Some(quota) = quota {
                let most = self.most(quota);
                guards.statements.push(rows(quota, most, statement.parents()));
                guards.words.push(format!("{most} {}", quota.noun));
            }
        }
        if remembered {
            let most = self.snapshot();
            guards.statements.push(bytes(most));
            guards.words.push(format!("{most} bytes of connections, APIs and settings together"));
        }
        Ok(guards)
    }
}

/// What stands behind a batch.
pub struct Guards<S> {
    /// The statements.
    pub statements: Vec<Statement<S>>,
    words: Vec<String>,
}

/// What a refusal of the batch by a guard means, in words.
pub fn explain(words: &[String], fault: Fault) -> Fault {
    match fault.kind {
        FaultKind::OverQuota(_) => {
            let words = format!("You reached the limit of entities of this type: {}.", words.join(", "));
            Fault { kind: FaultKind::OverQuota(words), ..fault }
        }
        _ => fault,
    }
}

impl<S> Guards<S> {
    /// The statements, and what they count in words.
    pub fn split(self) -> (Vec<Statement<S>>, Vec<String>) {
        (self.statements, self.words)
    }
}

/// Refuses the batch if somebody whom it adds rows to has more than `most`. The last of the parents may be a list.
fn rows<S: Scope>(quota: &Quota, most: i64, parents: &[Value]) -> Statement<S> {
    let mut conditions = String::new();
    for (index, column) in quota.per.iter().enumerate() {
        let parameter = index + 3;
        conditions.push_str(&if index + 1 == quota.per.len() {
            format!(" and {column} in (select value from json_each(?{parameter}))")
        } else {
            format!(" and {column} = ?{parameter}")
        });
    }
    let table = quota.table;
    let found = match quota.per.last() {
        None => format!(
            "select count(*) from {table} /* all rows: as many as the quota lets be */ where tenant_id = ?1"
        ),
        Some(last) => format!(
            "select coalesce(max(of_one), 0) from (
               select count(*) as of_one from {table} /* all rows: as many as the quota lets be */
               where tenant_id = ?1{conditions} group by {last})"
        ),
    };
    let sql = format!("insert into quota_guard (tenant_id, found, most) values (?1, ({found}), ?2)");
    parents.iter().fold(write(sql).bind(most), |statement, parent| statement.bind(parent.clone()))
}

/// Refuses the batch if the metadata of this person, which a change is merged into, has more than [`TEXT`] bytes.
fn metadata<S: Scope>(person: &Value) -> Statement<S> {
    write(
        "insert into quota_guard (tenant_id, found, most) values (?1, (
           select coalesce(max(length(cast(user_metadata as blob)), length(cast(app_metadata as blob))), 0)
           from users where tenant_id = ?1 and user_id = ?2), ?3)",
    )
    .bind(person.clone())
    .bind(i64::try_from(TEXT).unwrap_or(i64::MAX))
}

/// Refuses the batch if a document that something was merged into has more than [`TEXT`] bytes.
fn merged<S: Scope>(merge: &Merge) -> Statement<S> {
    let (table, (key, value)) = (merge.table, &merge.key);
    write(format!(
        "insert into quota_guard (tenant_id, found, most) values (?1, (
           select coalesce(max(length(cast(document as blob))), 0) from {table} where tenant_id = ?1 and {key} = ?2), ?3)"
    ))
    .bind(value.clone())
    .bind(i64::try_from(TEXT).unwrap_or(i64::MAX))
}

/// Refuses the batch if the documents that every snapshot reads have more than `most` bytes together.
fn bytes<S: Scope>(most: i64) -> Statement<S> {
    let sum = |table: &str| {
        format!(
            "(select coalesce(sum(length(cast(document as blob))), 0)
              from {table} /* all rows: as many bytes as the quota lets be */ where tenant_id = ?1)"
        )
    };
    let sums = REMEMBERED.map(sum).join(" + ");
    write(format!("insert into quota_guard (tenant_id, found, most) values (?1, {sums}, ?2)")).bind(most)
}
