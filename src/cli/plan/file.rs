//! Plan files: TOML, with a comment beside everything that a person may want to change. Pure.

use super::model::{Others, Part, Plan, TenantPlan, Unsupported};
use std::collections::BTreeSet;

/// Reads a plan.
///
/// # Errors
/// Where it is not TOML, or says something that a plan does not say.
pub fn read(text: &str) -> Result<Plan, String> {
    toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
}

/// Writes a plan. `unknown_tables` are those that the person has to decide about.
pub fn write(plan: &Plan, unknown_tables: &BTreeSet<String>) -> String {
    let mut text = String::from(HEAD);
    let source = &plan.source;
    let mut line = |line: String| text.extend([line.as_str(), "\n"]);
    line(format!(
        "version = {}\n\n[source]\npath = {}",
        plan.version,
        quoted(&source.path.to_string_lossy())
    ));
    if let Some(dialect) = source.dialect {
        line(format!("dialect = {}", quoted(&format!("{dialect:?}").to_lowercase())));
    }
    line(ISSUER.to_owned());
    line(match &source.issuer {
        Some(issuer) => format!("issuer = {}", quoted(issuer)),
        None => "# issuer = \"https://auth.example.com/\"".to_owned(),
    });
    line(
        "# When the source stops issuing tokens: they are accepted until the last of them has expired."
            .to_owned(),
    );
    line(match &source.cutover {
        Some(moment) => format!("cutover = {}", quoted(moment)),
        None => "# cutover = \"2027-01-15T08:00:00.000Z\"".to_owned(),
    });
    line(KEY.to_owned());
    line(match &source.encryption_key {
        Some(variable) => format!("encryption_key = {}", quoted(variable)),
        None => "# encryption_key = \"SOURCE_ENCRYPTION_KEY\"".to_owned(),
    });
    if !unknown_tables.is_empty() {
        line(format!(
            "# Tables that are not known here: {}. To import without them, name them.",
            list(unknown_tables)
        ));
    }
    line(format!("leave_out = {}", list(&source.leave_out)));
    for tenant in &plan.tenant {
        line(of_tenant(tenant));
    }
    text
}

const HEAD: &str = "\
# What becomes of each tenant of the source. Edit this, look at it again with `gatehouse plan PLAN`, and then run
# `gatehouse import --plan PLAN`.
#
# A tenant becomes another (`to`), becomes the main tenant whose people manage the others (`main = true`), or stays
# behind (`skip = true`). It lives in a database of its own (`placement = \"isolated\"`) or in one that it shares
# (\"shared\"); without that the installation's default decides. To make several tenants of one, add parts to it:
#
#   [[tenant.part]]
#   to = \"acme-eu\"
#   organizations = [\"acme-eu\"]       # members of these, by id or name; or
#   connections = [\"acme-saml\"]       # users of these connections; or
#   email_domains = [\"acme.example\"]  # users with such an address
#
# Whoever is in no part goes where the tenant goes; with `others = \"leave\"` they stay behind.
";

const ISSUER: &str = "
# The issuer under which the source signed for all its tenants. Tokens that it issued are accepted by the tenant that
# they name until they expire; without an issuer they are not.";

const KEY: &str = "
# The variable of the environment that holds the key of the values that the source has encrypted (enc:v1:). Without it
# such values are left out.";

fn of_tenant(tenant: &TenantPlan) -> String {
    let mut lines = vec!["\n[[tenant]]".to_owned(), format!("from = {}", quoted(&tenant.from))];
    if tenant.main {
        lines.push("main = true".to_owned());
    }
    lines.extend(tenant.to.as_ref().map(|to| format!("to = {}", quoted(to))));
    lines.extend(tenant.name.as_ref().map(|name| format!("name = {}", quoted(name))));
    match tenant.placement {
        Some(placement) => lines.push(format!("placement = {}", quoted(placement.as_str()))),
        None if tenant.main => {}
        None => lines.push("# placement = \"isolated\"".to_owned()),
    }
    lines.extend(tenant.region.as_ref().map(|region| format!("region = {}", quoted(region))));
    if tenant.skip {
        lines.push("skip = true".to_owned());
    }
    lines.push(format!("logs = {}", tenant.logs));
    lines.push(format!("sessions = {} # people stay signed in", tenant.sessions));
    lines.push(format!(
        "browser_sessions = {} # browsers too; the cookie is the `sid` that applications see",
        tenant.browser_sessions
    ));
    let (unsupported, meaning) = match tenant.unsupported_factors {
        Unsupported::Refuse => ("refuse", "can't sign in; \"ignore\": signs in with the password alone"),
        Unsupported::Ignore => ("ignore", "signs in with the password alone; \"refuse\": can't sign in"),
    };
    lines.push(format!(
        "unsupported_factors = \"{unsupported}\" # who has only second factors that can't be checked here {meaning}"
    ));
    lines.push(format!(
        "verified_domains = {} # custom domains that are known to be its own",
        list(&tenant.verified_domains)
    ));
    if tenant.others == Others::Leave {
        lines.push("others = \"leave\"".to_owned());
    }
    lines.extend(tenant.part.iter().map(of_part));
    lines.join("\n")
}

fn of_part(part: &Part) -> String {
    let mut lines = vec!["\n[[tenant.part]]".to_owned(), format!("to = {}", quoted(&part.to))];
    lines.extend(part.name.as_ref().map(|name| format!("name = {}", quoted(name))));
    lines.extend(part.placement.map(|placement| format!("placement = {}", quoted(placement.as_str()))));
    lines.extend(part.region.as_ref().map(|region| format!("region = {}", quoted(region))));
    lines.push(format!("organizations = {}", list(&part.organizations)));
    lines.push(format!("connections = {}", list(&part.connections)));
    lines.push(format!("email_domains = {}", list(&part.email_domains)));
    lines.join("\n")
}

fn list(values: &BTreeSet<String>) -> String {
    format!("[{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", "))
}

/// A basic string (TOML 1.0: String): the escapes of JSON, and one more for DEL.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}
