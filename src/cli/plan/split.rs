//! Splitting a tenant: who of its people goes to which part, and what goes with them. Pure.

use super::{
    destination::Choice,
    model::{Part, TenantPlan},
};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// A row of the source.
type Row = Map<String, Json>;

/// Which parts a person goes to, one bit each of at most [`super::model::MOST_PARTS`].
type Parts = u64;

/// Who goes where, learned row by row. Kept in memory: some hundred bytes for each user of a tenant that is split.
#[derive(Debug)]
pub struct Split<'a> {
    parts: &'a [Part],
    /// Organizations by id: the part they belong to.
    organizations: BTreeMap<String, Parts>,
    /// Root accounts: their parts.
    people: BTreeMap<String, Parts>,
    /// Linked accounts: their root.
    linked: BTreeMap<String, String>,
    /// Memberships, until everybody is known.
    members: Vec<(String, String)>,
}

/// What the splitting of a tenant comes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Division {
    people: BTreeMap<Choice, BTreeSet<String>>,
    organizations: BTreeMap<String, Choice>,
    /// How many people are in more than one part, and go to each of them.
    pub in_several: usize,
}

fn text<'r>(row: &'r Row, column: &str) -> &'r str {
    row.get(column).and_then(Json::as_str).unwrap_or_default()
}

impl<'a> Split<'a> {
    /// The splitting of a tenant, before anything is known.
    pub fn new(plan: &'a TenantPlan) -> Self {
        Self {
            parts: &plan.part,
            organizations: BTreeMap::new(),
            people: BTreeMap::new(),
            linked: BTreeMap::new(),
            members: Vec::new(),
        }
    }

    fn matching(&self, matches: impl Fn(&Part) -> bool) -> Parts {
        self.parts
            .iter()
            .enumerate()
            .filter(|(_, part)| matches(part))
            .fold(0, |parts, (index, _)| parts | 1_u64.wrapping_shl(u32::try_from(index).unwrap_or_default()))
    }

    /// Takes note of a row of this tenant.
    pub fn see(&mut self, table: &str, row: &Row) {
        match table {
            "organizations" => {
                let (id, name) = (text(row, "id"), text(row, "name"));
                let parts = self
                    .matching(|part| part.organizations.contains(id) || part.organizations.contains(name));
                self.organizations.insert(id.to_owned(), parts);
            }
            "user_organizations" => {
                self.members.push((text(row, "user_id").to_owned(), text(row, "organization_id").to_owned()));
            }
            "users" => {
                let id = text(row, "user_id").to_owned();
                match text(row, "linked_to") {
                    "" => {
                        let domain = text(row, "email").rsplit_once('@').map_or("", |(_, domain)| domain);
                        let domain = domain.to_lowercase();
                        let connection = text(row, "connection");
                        let parts = self.matching(|part| {
                            part.connections.contains(connection)
                                || part.email_domains.iter().any(|wanted| wanted.to_lowercase() == domain)
                        });
                        self.people.insert(id, parts);
                    }
                    root => drop(self.linked.insert(id, root.to_owned())),
                }
            }
            _ => {}
        }
    }

    /// What it comes to, once every row has been seen: a linked account goes where its root goes.
    pub fn divide(mut self) -> Division {
        for (user, organization) in std::mem::take(&mut self.members) {
            let root = self.linked.get(&user).unwrap_or(&user);
            let parts = self.organizations.get(&organization).copied().unwrap_or_default();
            if let Some(own) = self.people.get_mut(root) {
                *own |= parts;
            }
        }
        let mut division = Division::default();
        let choices = |parts: Parts| {
            let chosen: Vec<_> = (0..self.parts.len())
                .filter(|index| {
                    parts.checked_shr(u32::try_from(*index).unwrap_or_default()).unwrap_or_default() & 1 == 1
                })
                .map(Choice::Part)
                .collect();
            if chosen.is_empty() { vec![Choice::Others] } else { chosen }
        };
        for (user, parts) in &self.people {
            division.in_several += usize::from(parts.count_ones() > 1);
            for choice in choices(*parts) {
                division.people.entry(choice).or_default().insert(user.clone());
            }
        }
        for (user, root) in &self.linked {
            for choice in choices(self.people.get(root).copied().unwrap_or_default()) {
                division.people.entry(choice).or_default().insert(user.clone());
            }
        }
        for (organization, parts) in &self.organizations {
            let first = choices(*parts).first().copied().unwrap_or(Choice::Others);
            division.organizations.insert(organization.clone(), first);
        }
        division
    }
}

impl Division {
    /// The people of a destination; none for everybody.
    pub fn people(&self, choice: Choice) -> Option<BTreeSet<String>> {
        (choice != Choice::All).then(|| self.people.get(&choice).cloned().unwrap_or_default())
    }

    /// Whether a row goes to a destination as far as organizations and domains decide it; people are asked for
    /// elsewhere. An organization that a part names goes there with its members, invitations and connections, and
    /// nowhere else. A custom domain can lead to one tenant only: to the one with the others.
    pub fn takes(&self, choice: Choice, table: &str, row: &Row) -> bool {
        if choice == Choice::All {
            return true;
        }
        let organization = match table {
            "organizations" => text(row, "id"),
            "organization_connections"
            | "invites"
            | "user_organizations"
            | "user_roles"
            | "user_permissions" => text(row, "organization_id"),
            "custom_domains" | "proxy_routes" => return choice == Choice::Others,
            _ => return true,
        };
        organization.is_empty() || self.organizations.get(organization).is_none_or(|own| *own == choice)
    }
}
