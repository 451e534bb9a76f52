//! The first plan for a source: every tenant comes along whole, under an id that is allowed here. Pure.

use super::model::{Others, Plan, SourcePlan, TenantPlan, Unsupported, VERSION, check_id};
use crate::time::{Lifetime, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The id that the tenant with those people has in an AuthHero install, unless somebody has chosen another.
const CONTROL_PLANE: &str = "control_plane";

/// What is known of a source when its plan is drafted.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its tenants by id: their name for people, and the names of their organizations.
    pub tenants: BTreeMap<String, (Option<String>, BTreeSet<String>)>,
    /// Origins under which people have logged in, and how often.
    pub origins: BTreeMap<String, u64>,
    /// Tables that this tool does not know.
    pub unknown_tables: BTreeSet<String>,
}

/// Drafts a plan. The tenant with organizations that are named like the other tenants is the one whose people manage
/// them, else the one called `control_plane`: it becomes the main tenant. The issuer is the one origin under which people have logged in, and stops issuing
/// a day from now.
pub fn draft(path: &Path, facts: &Facts, now: Timestamp) -> Plan {
    let managed = |id: &str, organizations: &BTreeSet<String>| {
        organizations.iter().filter(|name| name.as_str() != id && facts.tenants.contains_key(*name)).count()
    };
    let main = facts
        .tenants
        .iter()
        .map(|(id, (_, organizations))| (managed(id, organizations), id))
        .filter(|(count, _)| *count > 0)
        .max_by_key(|(count, _)| *count)
        .map(|(_, id)| id.clone())
        .or_else(|| facts.tenants.contains_key(CONTROL_PLANE).then(|| CONTROL_PLANE.to_owned()));
    let mut taken = BTreeSet::new();
    let tenant = |(from, (name, _)): (&String, &(Option<String>, BTreeSet<String>))| {
        let is_main = main.as_ref() == Some(from);
        let to = (!is_main).then(|| free(from, &mut taken));
        TenantPlan {
            from: from.clone(),
            to,
            main: is_main,
            skip: false,
            name: name.clone().filter(|name| !name.is_empty()),
            placement: None,
            region: None,
            logs: true,
            sessions: true,
            browser_sessions: false,
            unsupported_factors: Unsupported::Refuse,
            verified_domains: BTreeSet::new(),
            part: Vec::new(),
            others: Others::Keep,
        }
    };
    let tenant = facts.tenants.iter().map(tenant).collect();
    let issuer =
        facts.origins.iter().max_by_key(|(_, count)| **count).map(|(origin, _)| format!("{origin}/"));
    let source = SourcePlan {
        path: path.to_owned(),
        dialect: None,
        cutover: issuer.as_ref().map(|_| now.plus(Lifetime::days(1)).iso()),
        issuer,
        encryption_key: None,
        leave_out: BTreeSet::new(),
    };
    Plan { version: VERSION, source, tenant }
}

/// An id that is allowed here and looks like `from`.
fn free(from: &str, taken: &mut BTreeSet<String>) -> String {
    let from = from.to_lowercase();
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let label: String = from.chars().map(letter).take(50).collect();
    let label = label.trim_matches('-');
    let allowed = |id: &String| check_id(id).is_ok() && !taken.contains(id);
    let more = (1_u32..).map(|number| match number {
        1 => format!("{label}-tenant"),
        number => format!("{label}-{number}"),
    });
    let id = std::iter::once(label.to_owned()).chain(more).find(allowed).unwrap_or_default();
    taken.insert(id.clone());
    id
}
