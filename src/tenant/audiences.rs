//! The names of a tenant's management API. Pure.
//!
//! It is registered under one name, that of the tenant's own subdomain, and permissions and grants are kept under that name
//! only. Tokens are also issued for the installation's name and for that of the host that a client used. Nothing else may
//! be called like any of them, in whatever spelling: a text that means our URL to any parser of URLs is ours.

use crate::id::TenantId;
use url::Url;

/// The path of every management API, below its host.
const PATH: &str = "api/v2";

/// A URL, as far as it matters for whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its host in lower case, with its port unless that is a usual one.
    pub authority: String,
    /// Whether its path is that of a management API.
    pub is_management: bool,
}

impl Place {
    /// Where an identifier points to as the parser of browsers reads it (WHATWG URL): scheme and host in any case, escapes
    /// and letters beyond ASCII in the host, user names, backslashes, dots in the path, with or without the final slash.
    /// `None` if it is no URL of `http` or `https`.
    pub fn of(identifier: &str) -> Option<Self> {
        let url =
            Url::parse(identifier.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let name = url.host_str()?.trim_end_matches('.').to_owned();
        // http and https are no two places here: who may use which is the operator's, not the identifier's.
        let port = url.port().filter(|port| !matches!(port, 80 | 443));
        let authority = port.map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
        let segments = url.path().split('/').filter(|segment| !segment.is_empty());
        let path: Vec<String> = segments.map(|segment| decoded(segment).to_ascii_lowercase()).collect();
        Some(Self { authority, is_management: path.join("/") == PATH })
    }

    /// Whether it is the base domain, or below it, where only tenants are.
    pub fn is_at(&self, base_domain: &str) -> bool {
        let rest = self.authority.strip_suffix(base_domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// The tenant of a host below the base domain; the main one at the base domain itself.
    pub fn tenant(&self, base_domain: &str, main: &TenantId) -> Option<TenantId> {
        let label = self.authority.strip_suffix(base_domain)?;
        if label.is_empty() { Some(main.clone()) } else { TenantId::parse(label.strip_suffix('.')?) }
    }
}

/// A segment of a path without percent-encoding.
fn decoded(segment: &str) -> String {
    let escaped = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}
