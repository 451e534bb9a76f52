//! What the main tenant has already: an import does not bring a second one of the same name.

use super::{
    super::{api::Api, authhero, exit::Failure, plan::Plan},
    first_pass::FirstPass,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Ids by name.
type Ids = BTreeMap<String, String>;

/// What is there, by name.
#[derive(Debug, Default)]
pub struct Existing {
    organizations: Ids,
    roles: Ids,
    connections: Ids,
}

impl Existing {
    /// Asks the main tenant.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn ask(api: &Api<'_>) -> Result<Self, Failure> {
        Ok(Self {
            organizations: named(api, "organizations")?,
            roles: named(api, "roles")?,
            connections: named(api, "connections")?,
        })
    }

    /// What will be there, as far as that is known without asking: every tenant has its organization.
    pub fn expected(plan: &Plan) -> Self {
        let ids = plan.tenant.iter().filter_map(|tenant| tenant.to.clone());
        Self { organizations: ids.map(|id| (id.clone(), format!("org_{id}"))).collect(), ..Self::default() }
    }

    /// Tells the mapping of the main tenant. The organization of a tenant has the tenant's id for a name, which the plan
    /// may have changed.
    pub fn apply(&self, mapping: &mut authhero::Plan, plan: &Plan, first: &FirstPass) {
        let known = |kind: &'static str, there: &Ids, rename: &dyn Fn(&str) -> String| {
            let source = first.named.get(&(mapping.tenant.clone(), kind));
            let pair = |(name, id): (&String, &String)| Some((id.clone(), there.get(&rename(name))?.clone()));
            source.into_iter().flatten().filter_map(pair).collect::<Ids>()
        };
        let same = |name: &str| name.to_owned();
        let renamed = |name: &str| {
            plan.of(name).and_then(|tenant| tenant.to.clone()).unwrap_or_else(|| name.to_owned())
        };
        let organizations = known("organizations", &self.organizations, &renamed);
        let (roles, connections) =
            (known("roles", &self.roles, &same), known("connections", &self.connections, &same));
        (mapping.organizations, mapping.roles, mapping.connections) = (organizations, roles, connections);
    }
}

/// Whatever has an id and a name (the three kinds are of three types).
#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

/// Everything of a kind that the main tenant has, page by page.
fn named(api: &Api<'_>, kind: &str) -> Result<Ids, Failure> {
    const PAGE: usize = 100;
    let mut ids = Ids::new();
    for page in 0.. {
        let found: Vec<Named> = api.get(&format!("/api/v2/{kind}?page={page}&per_page={PAGE}"))?;
        let last = found.len() < PAGE;
        ids.extend(found.into_iter().map(|Named { id, name }| (name, id)));
        if last {
            break;
        }
    }
    Ok(ids)
}
