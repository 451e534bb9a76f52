//! `gatehouse tenants`: the tenants of an installation.

use super::super::{
    answer::Answered,
    api::Api,
    exit::{Failure, Outcome},
    screen::{Screen, table},
};
use crate::{id::TenantId, operations::tenants::view::TenantView, tenant::Status, time::Lifetime};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value as Json, json};

/// What can be done to tenants.
#[derive(Debug, Subcommand)]
pub enum Tenants {
    /// Lists them
    List {
        /// Only those in this state
        #[arg(long, value_name = "STATUS")]
        status: Option<String>,
    },
    /// Makes one, and waits until it serves
    Create(New),
    /// Shows one
    Get {
        /// Its id
        tenant: String,
    },
    /// Renames one, or sets its state
    Update(Change),
    /// Deletes one and its data, and waits until it is gone
    Delete {
        /// Its id
        tenant: String,
        /// Its id again: what is deleted cannot be brought back
        #[arg(long, value_name = "TENANT")]
        confirm: String,
        /// Returns at once
        #[arg(long)]
        no_wait: bool,
    },
}

/// A tenant to be.
#[derive(Debug, Args)]
pub struct New {
    /// Its id, which becomes its host name: a-z, 0-9 and -
    tenant: String,
    /// Its name for people
    #[arg(long)]
    name: Option<String>,
    /// `isolated` or `shared`; the installation's default if not given
    #[arg(long)]
    placement: Option<String>,
    /// Where its database is made: wnam, enam, weur, eeur, apac, oc, eu, fedramp
    #[arg(long)]
    region: Option<String>,
    /// Returns at once
    #[arg(long)]
    no_wait: bool,
}

/// What is to change.
#[derive(Debug, Args)]
pub struct Change {
    /// Its id
    tenant: String,
    /// Its name for people
    #[arg(long, required_unless_present = "status")]
    name: Option<String>,
    /// `active`, `staging`, `read_only` or `suspended`
    #[arg(long)]
    status: Option<String>,
}

impl Tenants {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        match self {
            Self::List { status } => list(api, status.as_deref()),
            Self::Create(new) => create(api, screen, &new),
            Self::Get { tenant } => Ok(shown(get(api, &tenant)?)),
            Self::Update(change) => update(api, &change),
            Self::Delete { tenant, confirm, no_wait } => delete(api, screen, &tenant, &confirm, no_wait),
        }
    }
}

/// The path of a tenant, which is checked first: an id is never anything else of a URL.
///
/// # Errors
/// It cannot be one.
pub fn path(tenant: &str) -> Result<String, Failure> {
    let id = TenantId::parse(tenant).ok_or_else(|| {
        Failure::Usage(format!(
            "{tenant:?} is no tenant's id: 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends"
        ))
    })?;
    Ok(format!("/management/tenants/{id}"))
}

/// A tenant, as the server shows it.
pub type Tenant = Answered<TenantView>;

/// A tenant.
///
/// # Errors
/// The server's refusal.
pub fn get(api: &Api<'_>, tenant: &str) -> Result<Tenant, Failure> {
    api.get(&path(tenant)?)
}

/// Every tenant, page by page.
///
/// # Errors
/// The server's refusal.
pub fn all(api: &Api<'_>, status: Option<&str>) -> Result<Vec<Tenant>, Failure> {
    let mut tenants = Vec::new();
    for page in 0.. {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("page", &page.to_string()).append_pair("per_page", &PAGE.to_string());
        if let Some(status) = status {
            query.append_pair("status", status);
        }
        let found: Vec<Tenant> = api.get(&format!("/management/tenants?{}", query.finish()))?;
        let last = found.len() < PAGE;
        tenants.extend(found);
        if last {
            break;
        }
    }
    Ok(tenants)
}

/// Tenants of a page: as many as the server gives at once.
const PAGE: usize = 100;

/// A member of an answer, as text.
pub fn text<'a>(value: &'a Json, name: &str) -> &'a str {
    value.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn list(api: &Api<'_>, status: Option<&str>) -> Result<Outcome, Failure> {
    let tenants = all(api, status)?;
    let row = |tenant: &Tenant| {
        [
            tenant.id.clone(),
            tenant.status.as_str().to_owned(),
            tenant.placement.as_str().to_owned(),
            tenant.domain.clone(),
            tenant.friendly_name.clone(),
        ]
    };
    let rows: Vec<_> = tenants.iter().map(row).collect();
    let shown = table(["TENANT", "STATUS", "PLACEMENT", "DOMAIN", "NAME"], &rows);
    Ok(Outcome::done(shown, json!({ "tenants": tenants })))
}

fn shown(tenant: Tenant) -> Outcome {
    let members = [
        ("id", tenant.id.clone()),
        ("friendly_name", tenant.friendly_name.clone()),
        ("status", tenant.status.as_str().to_owned()),
        ("placement", tenant.placement.as_str().to_owned()),
        ("region", tenant.region.clone().unwrap_or_default()),
        ("issuer", tenant.issuer.clone()),
        ("created_at", tenant.created_at.iso()),
    ];
    let members = members.iter().filter(|(_, text)| !text.is_empty());
    let mut lines: Vec<_> = members.map(|(name, text)| format!("{name:<14} {text}")).collect();
    if let Some(operation) = &tenant.operation {
        let (kind, status, step) = (&operation.kind, operation.status.as_str(), &operation.step);
        lines.push(format!("{:<14} {kind} {status} ({step}) {}", "operation", operation.id));
        lines.extend(operation.error.as_ref().map(|error| format!("{:<14} {error}", "error")));
    }
    Outcome::done(lines.join("\n"), tenant.into_document())
}

fn create(api: &Api<'_>, screen: &mut Screen<'_>, new: &New) -> Result<Outcome, Failure> {
    path(&new.tenant)?;
    let optional = [("friendly_name", &new.name), ("placement", &new.placement), ("region", &new.region)];
    let mut body = Map::from_iter([("id".to_owned(), Json::from(new.tenant.as_str()))]);
    body.extend(
        optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into()))),
    );
    let made = api.post("/management/tenants", &Json::Object(body))?;
    if new.no_wait { Ok(shown(made)) } else { until_active(api, screen, &new.tenant).map(shown) }
}

/// Waits until a tenant that is being made serves.
///
/// # Errors
/// It could not be made.
pub fn until_active(api: &Api<'_>, screen: &mut Screen<'_>, tenant: &str) -> Result<Tenant, Failure> {
    loop {
        let made = get(api, tenant)?;
        match made.status {
            Status::Provisioning => wait(api, screen, &made),
            Status::Failed => {
                let why = made.operation.as_ref().and_then(|operation| operation.error.as_deref());
                let why = why.unwrap_or("no reason given");
                return Err(Failure::Other(format!("the tenant {tenant} could not be made: {why}")));
            }
            _ => return Ok(made),
        }
    }
}

/// Shows how far the newest operation of a tenant is, and lets some time pass.
fn wait(api: &Api<'_>, screen: &mut Screen<'_>, tenant: &TenantView) {
    if let Some(operation) = &tenant.operation {
        let number = |steps: usize| u64::try_from(steps).unwrap_or_default();
        let (step, of) = (number(operation.progress.step), number(operation.progress.of));
        screen.progress(&tenant.id, step, of, &operation.step);
    }
    api.environment().pause(Lifetime::seconds(1));
}

fn update(api: &Api<'_>, change: &Change) -> Result<Outcome, Failure> {
    let members = [("friendly_name", &change.name), ("status", &change.status)];
    let body: Map<_, _> = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.as_deref()?.into())))
        .collect();
    let path = path(&change.tenant)?;
    api.call(Method::PATCH, &path, Some(&Json::Object(body)))?.read(&path).map(shown)
}

fn delete(
    api: &Api<'_>,
    screen: &mut Screen<'_>,
    tenant: &str,
    confirm: &str,
    no_wait: bool,
) -> Result<Outcome, Failure> {
    if confirm != tenant {
        return Err(Failure::Usage(format!("--confirm must be {tenant}: its data is deleted for good")));
    }
    let answer = api.call(Method::DELETE, &path(tenant)?, None)?;
    let mut gone = answer.status == 204;
    while !gone && !no_wait {
        match get(api, tenant) {
            Ok(left) => wait(api, screen, &left),
            Err(failure) if failure.is_status(404) => gone = true,
            Err(failure) => return Err(failure),
        }
    }
    let words = if gone { "is deleted" } else { "is being deleted" };
    Ok(Outcome::done(format!("The tenant {tenant} {words}."), json!({"id": tenant, "deleted": gone})))
}
