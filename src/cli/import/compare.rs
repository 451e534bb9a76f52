//! Whether the server holds what was sent: counts and hashes of every table.

use super::{
    super::{api::Api, exit::Failure},
    second_pass::Tally,
    sender::path,
};
use crate::importing::fingerprint::Sum;
use serde_json::Value as Json;

/// What differs, in words.
///
/// # Errors
/// The server's refusal.
pub fn compare(api: &Api<'_>, tenant: &str, tally: &Tally) -> Result<Vec<String>, Failure> {
    let mut differences = Vec::new();
    for (table, volume) in &tally.tables {
        let (count, sum) = held(api, tenant, table)?;
        if count != volume.records {
            differences.push(format!(
                "{tenant}: table {table} has {count} rows of {} that were sent",
                volume.records
            ));
        } else if sum != volume.sum {
            differences.push(format!("{tenant}: table {table} has other rows than were sent"));
        }
    }
    Ok(differences)
}

/// How many rows a table has, and what they add up to.
fn held(api: &Api<'_>, tenant: &str, table: &str) -> Result<(u64, Sum), Failure> {
    let (mut count, mut sum) = (0, Sum::default());
    let mut after: Option<String> = None;
    loop {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(after) = &after {
            query.append_pair("after", after);
        }
        let page = api.get(&format!("{}/tables/{table}?{}", path(tenant), query.finish()))?;
        count += page.get("count").and_then(Json::as_u64).unwrap_or_default();
        let hash = page.get("hash").and_then(Json::as_str).and_then(Sum::parse);
        sum.add_sum(hash.ok_or_else(|| Failure::Other("the server answers no hash".to_owned()))?);
        after = page.get("after").and_then(Json::as_str).map(str::to_owned);
        if after.is_none() {
            return Ok((count, sum));
        }
    }
}
