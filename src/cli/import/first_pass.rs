//! The first pass: what there is, what is there twice, and who goes where.

use super::{
    super::{
        authhero::{self, Survey},
        exit::Failure,
        plan::{
            Plan,
            draft::Facts,
            split::{Division, Split},
        },
        screen::Screen,
        source::{Row, Source},
    },
    Findings, Progress, tenant_of,
};
use crate::importing::record::Problem;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use url::Url;

/// What the first pass has found.
#[derive(Default)]
pub struct FirstPass {
    /// What rows refer to.
    pub survey: Survey,
    /// What a draft is made of.
    pub facts: Facts,
    /// Who goes where, of the tenants that are split.
    pub divisions: BTreeMap<String, Division>,
    /// What can have another id here, by tenant, kind (`organizations`, `roles`, `connections`) and name: its id.
    pub named: BTreeMap<(String, &'static str), BTreeMap<String, String>>,
    /// What makes the source unfit.
    pub problems: Findings,
    /// How many rows there are.
    pub rows: u64,
}

/// Looks at every row once. Without a plan nothing is split.
///
/// # Errors
/// The source cannot be read.
pub fn first_pass(
    source: &dyn Source,
    plan: Option<&Plan>,
    screen: &mut Screen<'_>,
) -> Result<FirstPass, Failure> {
    let mut pass = FirstPass::default();
    let split = plan.into_iter().flat_map(|plan| &plan.tenant).filter(|tenant| !tenant.part.is_empty());
    let mut splits: BTreeMap<_, _> = split.map(|tenant| (tenant.from.clone(), Split::new(tenant))).collect();
    let mut progress = Progress::new(screen, "survey", source);
    for table in source.tables() {
        let name = table.name.as_str();
        if authhero::source(name).is_none() {
            let left_out = plan.is_some_and(|plan| plan.source.leave_out.contains(name));
            if table.rows > 0 && !left_out {
                pass.facts.unknown_tables.insert(name.to_owned());
            }
            continue;
        }
        progress.read(source, name, &mut |row| {
            pass.rows += 1;
            for problem in pass.survey.see(name, &row.values) {
                pass.problems.add(problem, Some(row));
            }
            pass.learn(name, row);
            if let Some(split) = tenant_of(name, row).and_then(|tenant| splits.get_mut(tenant)) {
                split.see(name, &row.values);
            }
            Ok(())
        })?;
    }
    progress.end();
    if plan.is_some() {
        for table in &pass.facts.unknown_tables {
            let words =
                "is not known: it may be newer than this tool. To import without it, name it in leave_out";
            let problem = Problem {
                table: table.clone(),
                key: String::new(),
                column: String::new(),
                words: words.to_owned(),
            };
            pass.problems.add(problem, None);
        }
    }
    if pass.facts.tenants.is_empty() {
        return Err(Failure::Other(
            "the source has no tenants: is it the database of an AuthHero install?".to_owned(),
        ));
    }
    for ((tenant, kind), names) in &pass.named {
        if *kind == "organizations"
            && let Some((_, organizations)) = pass.facts.tenants.get_mut(tenant)
        {
            organizations.extend(names.keys().cloned());
        }
    }
    pass.divisions = splits.into_iter().map(|(tenant, split)| (tenant, split.divide())).collect();
    Ok(pass)
}

impl FirstPass {
    /// Takes note of what a draft is made of, and of what has a name.
    fn learn(&mut self, table: &str, row: &Row) {
        let text = |column: &str| row.values.get(column).and_then(Json::as_str).unwrap_or_default();
        let Some(tenant) = tenant_of(table, row) else { return };
        let kind = match table {
            "tenants" => {
                let name = Some(text("friendly_name").to_owned()).filter(|name| !name.is_empty());
                self.facts.tenants.entry(tenant.to_owned()).or_default().0 = name;
                return;
            }
            "login_sessions" => {
                if let Ok(url) = Url::parse(text("authorization_url")) {
                    *self.facts.origins.entry(url.origin().ascii_serialization()).or_default() += 1;
                }
                return;
            }
            "organizations" => "organizations",
            "roles" => "roles",
            "connections" => "connections",
            _ => return,
        };
        let named = self.named.entry((tenant.to_owned(), kind)).or_default();
        named.insert(text("name").to_owned(), text("id").to_owned());
    }
}
