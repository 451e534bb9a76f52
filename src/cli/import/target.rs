//! A tenant to be filled, with everything that deciding about a row needs.

use super::{
    super::{
        authhero::{self, Unsealing},
        exit::Failure,
        plan::{
            Destination, Plan,
            model::{TenantPlan, Unsupported},
            split::Division,
        },
    },
    existing::Existing,
    first_pass::FirstPass,
};
use crate::{routes::ROUTES, tenant::Issuer, time::Timestamp};
use url::Url;

/// A destination on its way.
pub struct Target {
    /// What the plan says.
    pub destination: Destination,
    /// How rows are mapped for it.
    pub mapping: authhero::Plan,
    /// Who goes where, if the tenant is split.
    pub division: Option<Division>,
}

impl Target {
    /// Whether it is the main tenant, which is there already and in use.
    pub const fn is_main(&self) -> bool {
        self.destination.to.is_none()
    }

    /// Its id: that of the main tenant is given.
    pub fn id<'a>(&'a self, main: &'a str) -> &'a str {
        self.destination.to.as_ref().map_or(main, |to| to.as_str())
    }

    /// Whether a row goes there, as far as its tenant and the splitting decide.
    pub fn takes(&self, table: &str, row: &serde_json::Map<String, serde_json::Value>) -> bool {
        self.division.as_ref().is_none_or(|division| division.takes(self.destination.choice, table, row))
    }
}

/// The targets of a plan at the installation of `base`, of which `existing` is there already.
///
/// # Errors
/// The plan makes no sense, by itself or for this source.
pub fn targets(
    plan: &Plan,
    first: &FirstPass,
    base: &Url,
    key: Option<&str>,
    existing: &Existing,
) -> Result<Vec<Target>, Failure> {
    let wrong = |problems: Vec<String>| Failure::Usage(format!("the plan:\n  {}", problems.join("\n  ")));
    let destinations = plan.destinations().map_err(wrong)?;
    let there: Vec<&str> = first.facts.tenants.keys().map(String::as_str).collect();
    let problems = plan.check_tenants(&there);
    if !problems.is_empty() {
        return Err(wrong(problems));
    }
    let cutover = cutover(plan)?;
    let usable = |key: &str| Unsealing::parse(key).is_some();
    if key.is_some_and(|key| !usable(key)) {
        return Err(Failure::Usage("the encryption key is not 32 bytes in base64 or hex".to_owned()));
    }
    let target = |destination: Destination| {
        let tenant = plan
            .of(&destination.from)
            .ok_or_else(|| Failure::Other("a plan without its tenant".to_owned()))?;
        let division = first.divisions.get(&destination.from).cloned();
        let mut mapping = mapping(plan, tenant, &destination, base, cutover);
        mapping.key = key.and_then(Unsealing::parse);
        mapping.people = division.as_ref().and_then(|division| division.people(destination.choice));
        if destination.to.is_none() {
            existing.apply(&mut mapping, plan, first);
        }
        Ok(Target { destination, mapping, division })
    };
    destinations.into_iter().map(target).collect()
}

fn mapping(
    plan: &Plan,
    tenant: &TenantPlan,
    destination: &Destination,
    base: &Url,
    cutover: Timestamp,
) -> authhero::Plan {
    let authority = authority(base);
    let authority = match &destination.to {
        Some(to) => format!("{to}.{authority}"),
        None => authority,
    };
    let issuer = Issuer::of(base.scheme(), &authority);
    let scopes = ROUTES.management_scopes();
    let mut mapping = authhero::Plan::new(&destination.from, issuer, cutover, &scopes);
    mapping.main = destination.to.is_none();
    mapping.keeps_settings = mapping.main;
    mapping.former_issuer.clone_from(&plan.source.issuer);
    mapping.verified_domains.clone_from(&tenant.verified_domains);
    mapping.logs = tenant.logs;
    mapping.sessions = tenant.sessions;
    mapping.browser_sessions = tenant.browser_sessions;
    mapping.ignores_unsupported_factors = tenant.unsupported_factors == Unsupported::Ignore;
    mapping
}

/// The base domain with its port, as hosts are named.
pub fn authority(base: &Url) -> String {
    let host = base.host_str().unwrap_or_default();
    base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// When the source stops issuing tokens.
fn cutover(plan: &Plan) -> Result<Timestamp, Failure> {
    let wrong = || {
        let words = "the plan: source.cutover must be a moment such as 2027-01-15T08:00:00.000Z: when the source stops issuing \
                     tokens";
        Failure::Usage(words.to_owned())
    };
    match &plan.source.cutover {
        Some(text) => Timestamp::span(text).map(|(first, _)| first).ok_or_else(wrong),
        // Without an issuer nothing of the source is accepted, whenever it stops.
        None if plan.source.issuer.is_none() => Ok(Timestamp::from_millis(0)),
        None => Err(wrong()),
    }
}
