//! How requests reach the server: which scheme clients use, and what becomes of those that use the other one.

use super::Request;
use crate::error::Fault;

/// Two years in seconds, as the preload lists ask for; RFC 6797 §6.1.1.
const REMEMBERED: &str = "max-age=63072000";

/// The same for every name below: RFC 6797 §6.1.2. Said by the base domain alone, below which every name is a tenant's.
/// What is below a custom domain is not ours.
const REMEMBERED_BELOW: &str = "max-age=63072000; includeSubDomains";

/// What the operator has said about the way of requests. Never a header of a request: whoever sends it may have written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    https: bool,
    proxy: bool,
    local: bool,
}

impl Transport {
    /// Reads the settings: `PUBLIC_SCHEME` (absent, `http` for localhost and `https` for everybody else) and whether
    /// TLS ends at a proxy of the operator's (`TLS_PROXY`).
    ///
    /// # Errors
    /// A fault if the scheme is none of the two, or `http` where passwords would cross a network.
    pub fn read(base_domain: &str, scheme: Option<&str>, proxy: bool) -> Result<Self, Fault> {
        let name = base_domain.split(':').next().unwrap_or_default();
        let local = name == "localhost" || name.ends_with(".localhost");
        let https = match scheme {
            None => !local,
            Some("https") => true,
            Some("http") if local => false,
            Some("http") => {
                return Err(Fault::internal("PUBLIC_SCHEME must be https: http is for localhost alone"));
            }
            Some(_) => return Err(Fault::internal("PUBLIC_SCHEME must be http or https")),
        };
        Ok(Self { https, proxy, local })
    }

    /// The scheme of every URL that clients are given.
    pub const fn scheme(self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    /// Whether this request came as it should: over TLS, unless nobody is promised TLS, or it ends before us.
    pub fn carries(self, request: &Request) -> bool {
        !self.https || self.proxy || request.scheme == "https"
    }

    /// The value of `strict-transport-security` for an answer at this authority; none over plain http (RFC 6797 §7.2), nor
    /// for localhost, of which a browser would remember it for every port.
    pub fn remembered(self, authority: &str, base_domain: &str) -> Option<&'static str> {
        let is_base = authority.eq_ignore_ascii_case(base_domain);
        (self.https && !self.local).then_some(if is_base { REMEMBERED_BELOW } else { REMEMBERED })
    }
}

/// Where a page is that was asked for over plain http: the same address, over TLS (RFC 6797 §8.3).
pub fn over_tls(authority: &str, request: &Request) -> String {
    let host = authority.strip_suffix(":80").unwrap_or(authority);
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    format!("https://{host}{}{query}", request.path)
}
