//! What is wrong with the database of a tenant: its binding, its schema, its indexes. Pure.

use super::Check;
use crate::db::schema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A database, as `GET /management/tenants/{id}/database` shows it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Database {
    /// Its id in the directory.
    pub id: String,
    /// The name under which the script knows it.
    pub binding: String,
    /// Whether the running script has that binding.
    pub bound: bool,
    /// How many migrations it has.
    pub schema_version: usize,
    /// Its indexes by name, as SQL; none of one that cannot be reached.
    pub indexes: Option<BTreeMap<String, String>>,
}

/// Everything about a database.
pub fn judge(database: &Database) -> Vec<Check> {
    let mut checks = vec![binding(database), version(database)];
    checks.extend(indexes(database));
    checks
}

fn binding(database: &Database) -> Check {
    let Database { id, binding, bound, .. } = database;
    if *bound {
        return Check::good("binding", format!("{id}, which the running script has as {binding}"));
    }
    let found = match database.indexes {
        Some(_) => {
            format!("the running script does not have {binding}: {id} is reached over HTTP, which is slow")
        }
        None => format!("the running script does not have {binding}, so that {id} cannot be reached"),
    };
    let advice = "it comes back within five minutes by itself, if an API token is set (CF_API_TOKEN); was something \
                  deployed without keep_bindings?";
    Check::wrong("binding", found, advice)
}

fn version(database: &Database) -> Check {
    let newest = schema::TENANT.len();
    let found = format!("{} migrations of {newest}", database.schema_version);
    match database.schema_version {
        own if own == newest => Check::good("schema", found),
        own if own < newest => {
            Check::unusual("schema", found, "the next request to the tenant brings the others")
        }
        _ => {
            let advice =
                "the server is newer than this command, which does not know its indexes: build it again";
            Check::unusual("schema", found, advice)
        }
    }
}

/// The indexes that a database with so many migrations has, by name, as SQL.
fn declared(version: usize) -> BTreeMap<&'static str, &'static str> {
    let mut declared = BTreeMap::new();
    for statement in schema::TENANT.iter().take(version).flat_map(|(_, sql)| schema::split(sql)) {
        let words: Vec<_> = statement.trim_end_matches(';').split_whitespace().collect();
        match words.as_slice() {
            ["create", "unique", "index", name, ..] | ["create", "index", name, ..] => {
                declared.insert(*name, statement);
            }
            ["drop", "index", "if", "exists", name] | ["drop", "index", name] => drop(declared.remove(name)),
            _ => {}
        }
    }
    declared
}

/// SQL without what does not change its meaning: the database writes the first words in capitals.
fn plain(sql: &str) -> String {
    let words = sql.trim_end_matches(';').split_whitespace().map(str::to_lowercase);
    words.collect::<Vec<_>>().join(" ")
}

fn indexes(database: &Database) -> Vec<Check> {
    let Some(there) = &database.indexes else { return Vec::new() };
    if database.schema_version > schema::TENANT.len() {
        return Vec::new();
    }
    let declared = declared(database.schema_version);
    let mut checks = Vec::new();
    for (name, sql) in &declared {
        let advice = || format!("make it again in {}: {}", database.id, plain(sql));
        match there.get(*name) {
            None => {
                let found = format!("{name} is missing: what it is for is slow, or no longer unique");
                checks.push(Check::wrong("indexes", found, advice()));
            }
            Some(own) if plain(own) != plain(sql) => {
                checks.push(Check::wrong(
                    "indexes",
                    format!("{name} is another one: {}", plain(own)),
                    advice(),
                ));
            }
            Some(_) => {}
        }
    }
    let surplus = there.iter().filter(|(name, _)| !declared.contains_key(name.as_str()));
    checks.extend(surplus.map(|(name, sql)| {
        let found = format!("{name} is nobody's: {}", plain(sql));
        Check::unusual("indexes", found, "every write pays for it: if nobody needs it, drop it")
    }));
    if checks.is_empty() {
        checks.push(Check::good(
            "indexes",
            format!("{}, all that the schema declares, and no other", declared.len()),
        ));
    }
    checks
}
