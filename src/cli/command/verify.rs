//! `gatehouse verify`: every row and every column of a tenant, compared on both sides while it moves, else counted and
//! hashed.

use super::{
    super::{
        api::Api,
        exit::{Exit, Failure, Outcome},
        screen::{Screen, count, table},
    },
    operations::differing,
    tenants::{self, Tenant},
};
use crate::{
    operations::moves::{progress::Differing, rows::Sum, verify::Verified as Part},
    tenant::Status,
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

impl Arguments {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let tenants = if self.tenants.is_empty() {
            let all = tenants::all(api, None)?;
            let settled = |tenant: &&Tenant| {
                matches!(tenant.status, Status::Active | Status::ReadOnly | Status::Suspended)
            };
            all.iter().filter(settled).map(|tenant| tenant.id.clone()).collect()
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
    differences: Vec<Differing>,
    pending: usize,
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
        let part: Part = api.get(&format!("{path}?{}", query.finish()))?;
        verified.mode = part.mode;
        for (table, sum) in &part.tables {
            verified.tables.entry(table.clone()).or_default().merge(sum);
        }
        verified.differences.extend(part.differences);
        verified.pending += part.pending;
        next = part.next;
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
                filled.map(|(name, sum)| [name.clone(), count(sum.rows), short(sum.hash())]).collect();
            lines.push(table(["TABLE", "ROWS", "HASH"], &rows));
        }
        lines.join("\n")
    }

    fn document(&self, tenant: &str) -> Json {
        let tables: BTreeMap<_, _> = self
            .tables
            .iter()
            .map(|(name, sum)| (name, json!({"rows": sum.rows, "hash": sum.hash()})))
            .collect();
        json!({"tenant": tenant, "mode": self.mode, "rows": self.rows(), "tables": tables,
            "differences": self.differences, "pending": self.pending})
    }
}
