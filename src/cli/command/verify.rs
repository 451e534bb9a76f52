//! `gatehouse verify`: every row and every column of a tenant, compared on both sides while it moves, else counted and
//! hashed.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::{Screen, count, table},
    },
    operations::differing,
    tenants::{self, text},
};
use clap::Args;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Which tenants.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenants; without any, every one that is not being made or deleted
    tenants: Vec<String>,
}

/// What a table comes to: rows, and a sum modulo 2^256, little end first, that does not depend on their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hash: Vec<u8>,
}

impl Sum {
    /// Adds what the server says of a part: `rows:hash`.
    fn add(&mut self, text: &str) -> Option<()> {
        let (rows, hash) = text.split_once(':')?;
        self.rows += rows.parse::<u64>().ok()?;
        let digits: Vec<_> = hash.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
        let bytes = digits.chunks(2).map(|pair| match pair {
            [high, low] => Some(high * 16 + low),
            _ => None,
        });
        self.hash.resize(32, 0);
        let mut carry = 0;
        for (place, digit) in self.hash.iter_mut().zip(bytes.collect::<Option<Vec<_>>>()?) {
            let sum = u32::from(*place) + digit + carry;
            *place = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        Some(())
    }

    fn hex(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let tenants = if self.tenants.is_empty() {
            let all = tenants::all(api, None)?;
            let settled =
                |tenant: &&Json| ["active", "read_only", "suspended"].contains(&text(tenant, "status"));
            all.iter().filter(settled).map(|tenant| text(tenant, "id").to_owned()).collect()
        } else {
            self.tenants
        };
        let (mut texts, mut documents, mut differ) = (Vec::new(), Vec::new(), false);
        for tenant in &tenants {
            let verified = verify(api, screen, tenant)?;
            differ |= !verified.differences.is_empty();
            texts.push(verified.text(tenant, tenants.len() == 1));
            documents.push(verified.document(tenant));
        }
        let exit = if differ { Exit::Differences } else { Exit::Done };
        Ok(Outcome { exit, text: texts.join("\n"), document: json!({"tenants": documents}) })
    }
}

/// What became of the comparison of a tenant.
#[derive(Debug, Default)]
struct Verified {
    mode: String,
    tables: BTreeMap<String, Sum>,
    differences: Vec<Json>,
    pending: u64,
}

/// Compares a tenant, part by part.
fn verify(api: &Api<'_>, screen: &mut Screen<'_>, tenant: &str) -> Result<Verified, Failure> {
    let path = format!("{}/verify", tenants::path(tenant)?);
    let mut verified = Verified::default();
    let mut next: Option<String> = None;
    loop {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(next) = &next {
            query.append_pair("from", next);
        }
        let part = api.get(&format!("{path}?{}", query.finish()))?;
        text(&part, "mode").clone_into(&mut verified.mode);
        for (table, sum) in part.get("tables").and_then(Json::as_object).into_iter().flatten() {
            let added =
                verified.tables.entry(table.clone()).or_default().add(sum.as_str().unwrap_or_default());
            added.ok_or_else(|| Failure::Other(format!("the server's sum of {table} cannot be read")))?;
        }
        verified
            .differences
            .extend(part.get("differences").and_then(Json::as_array).cloned().unwrap_or_default());
        verified.pending += part.get("pending").and_then(Json::as_u64).unwrap_or_default();
        next = part.get("next").and_then(Json::as_str).map(str::to_owned);
        if next.is_none() {
            return Ok(verified);
        }
        screen.progress(tenant, verified.rows(), 0, "rows compared");
    }
}

impl Verified {
    fn rows(&self) -> u64 {
        self.tables.values().map(|sum| sum.rows).sum()
    }

    /// For people; `whole`: with its tables.
    fn text(&self, tenant: &str, whole: bool) -> String {
        let same = if self.mode == "compared" { "equal on both sides" } else { "counted and hashed" };
        let mut lines =
            vec![format!("{tenant}: {} rows {same}, {} differ", count(self.rows()), self.differences.len())];
        if self.pending > 0 {
            lines.push(format!(
                "  {} rows have just changed and are on their way to the other side",
                self.pending
            ));
        }
        lines.extend(self.differences.iter().take(100).map(|found| format!("  {}", differing(found))));
        if whole {
            let short = |hash: String| hash.chars().take(16).collect::<String>();
            let filled = self.tables.iter().filter(|(_, sum)| sum.rows > 0);
            let rows: Vec<_> =
                filled.map(|(name, sum)| [name.clone(), count(sum.rows), short(sum.hex())]).collect();
            lines.push(table(["TABLE", "ROWS", "HASH"], &rows));
        }
        lines.join("\n")
    }

    fn document(&self, tenant: &str) -> Json {
        let tables: BTreeMap<_, _> = self
            .tables
            .iter()
            .map(|(name, sum)| (name, json!({"rows": sum.rows, "hash": sum.hex()})))
            .collect();
        json!({"tenant": tenant, "mode": self.mode, "rows": self.rows(), "tables": tables,
            "differences": self.differences, "pending": self.pending})
    }
}
