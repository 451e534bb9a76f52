//! The tenants that a plan fills, and everything in it that makes no sense. Pure.

use super::model::{MOST_PARTS, Others, Plan, TenantPlan, VERSION, check_id};
use crate::{config::Placement, id::TenantId};
use std::collections::{BTreeMap, BTreeSet};

/// A tenant to be filled.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The tenant of the source that it is filled from.
    pub from: String,
    /// Its id; none for the main tenant, whose id the installation knows.
    pub to: Option<TenantId>,
    /// Its name for people.
    pub name: Option<String>,
    /// Where its rows will live.
    pub placement: Option<Placement>,
    /// Where in the world.
    pub region: Option<String>,
    /// Whose people it gets.
    pub choice: Choice,
}

/// Whose people a destination gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// Everybody.
    All,
    /// Those of the part with this index.
    Part(usize),
    /// Those who are in no part.
    Others,
}

impl Destination {
    /// For messages.
    pub fn label(&self) -> String {
        self.to.as_ref().map_or_else(|| "the main tenant".to_owned(), ToString::to_string)
    }
}

impl Plan {
    /// The tenants to be filled, in the order of the plan with the main tenant last: its organizations are those of the
    /// others, which have to be there first.
    ///
    /// # Errors
    /// Everything that makes no sense, in words.
    pub fn destinations(&self) -> Result<Vec<Destination>, Vec<String>> {
        let mut problems = Vec::new();
        if self.version != VERSION {
            problems.push(format!("version is {}, and this tool reads version {VERSION}", self.version));
        }
        let mut destinations: Vec<Destination> = Vec::new();
        for tenant in &self.tenant {
            if self.tenant.iter().filter(|other| other.from == tenant.from).count() > 1 {
                problems.push(format!("tenant {} is in the plan twice", tenant.from));
            }
            if tenant.skip {
                continue;
            }
            match tenant.destinations() {
                Ok(found) => destinations.extend(found),
                Err(found) => problems.extend(found),
            }
        }
        if self.tenant.iter().filter(|tenant| tenant.main && !tenant.skip).count() > 1 {
            problems.push("two tenants become the main tenant".to_owned());
        }
        let mut ids = BTreeMap::<&TenantId, &str>::new();
        for destination in &destinations {
            if let Some(to) = &destination.to
                && let Some(first) = ids.insert(to, &destination.from)
            {
                problems.push(format!("both {first} and {} become tenant {to}", destination.from));
            }
        }
        problems.sort();
        problems.dedup();
        destinations.sort_by_key(|destination| destination.to.is_none());
        if problems.is_empty() { Ok(destinations) } else { Err(problems) }
    }
}

impl TenantPlan {
    fn destinations(&self) -> Result<Vec<Destination>, Vec<String>> {
        let mut problems = Vec::new();
        let mut say = |words: &str| problems.push(format!("tenant {}: {words}", self.from));
        if self.main && self.to.is_some() {
            say("main = true has no `to`: the main tenant has its id already");
        }
        if self.main && (self.placement.is_some() || self.region.is_some()) {
            say("the main tenant is where it is: placement and region are not for it");
        }
        let mut destinations = Vec::new();
        let mut go = |to: Option<&str>, name: &Option<String>, placement, region: &Option<String>, choice| {
            let to = match to.map(check_id).transpose() {
                Ok(to) => to,
                Err(words) => return say(&words),
            };
            if region.is_some() && placement == Some(Placement::Shared) {
                say("a region needs placement = \"isolated\"");
            }
            let (name, region) = (name.clone(), region.clone());
            destinations.push(Destination { from: self.from.clone(), to, name, placement, region, choice });
        };
        for (index, part) in self.part.iter().enumerate() {
            go(Some(&part.to), &part.name, part.placement, &part.region, Choice::Part(index));
        }
        if self.others == Others::Keep {
            let choice = if self.part.is_empty() { Choice::All } else { Choice::Others };
            match (&self.to, self.main) {
                (None, false) => say("`to` is missing: the id that it gets, or main = true, or skip = true"),
                (to, _) => go(to.as_deref(), &self.name, self.placement, &self.region, choice),
            }
        } else if self.part.is_empty() {
            say("others = \"leave\" without parts leaves everybody: say skip = true");
        }
        self.check_parts(&mut problems);
        if problems.is_empty() { Ok(destinations) } else { Err(problems) }
    }

    /// Every part has people, and no criterion belongs to two parts.
    fn check_parts(&self, problems: &mut Vec<String>) {
        if self.part.len() > MOST_PARTS {
            problems.push(format!("tenant {}: it has more than {MOST_PARTS} parts", self.from));
        }
        let mut seen = BTreeSet::new();
        for part in &self.part {
            let criteria = [
                ("organization", &part.organizations),
                ("connection", &part.connections),
                ("e-mail domain", &part.email_domains),
            ];
            if criteria.iter().all(|(_, values)| values.is_empty()) {
                problems.push(format!(
                    "tenant {}: part {} has nobody: say organizations, connections or email_domains",
                    self.from, part.to
                ));
            }
            for (kind, values) in criteria {
                for value in values {
                    if !seen.insert((kind, value.to_lowercase())) {
                        problems.push(format!("tenant {}: {kind} {value} is in two parts", self.from));
                    }
                }
            }
        }
    }
}
