//! Cookies: host-only, HTTP-only, and of their own site unless they say otherwise.

use super::Request;
use crate::time::Lifetime;

/// A cookie of a tenant's host. Over TLS its name carries `__Host-`, so no other host can set or shadow it
/// (RFC 6265bis §4.1.3.2); plain http (localhost only) has neither the prefix nor `Secure`, which browsers would refuse.
/// Which of the two it is, the operator has set (see [`super::transport`]).
#[derive(Debug, Clone, Copy)]
pub struct Cookie {
    name: &'static str,
    site: Site,
}

/// The longest value of a cookie, in bytes: what browsers keep of one with its name and attributes (RFC 6265 §6.1).
pub const LONGEST: usize = 4096;

/// With whose requests a cookie is sent (RFC 6265bis §4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Site {
    /// With those of its own site, and when a person follows a link to it.
    Own,
    /// With those of pages of other sites too, frames among them.
    Any,
}

impl Cookie {
    /// A cookie that pages of other sites cannot have sent: `SameSite=Lax`.
    pub const fn of_own_site(name: &'static str) -> Self {
        Self { name, site: Site::Own }
    }

    /// A cookie that is sent with requests of pages of any site: whatever it opens must be harmless in the hands of all of
    /// them. `SameSite=None` needs `Secure`, also over plain http, where browsers take that from localhost.
    pub const fn of_any_site(name: &'static str) -> Self {
        Self { name, site: Site::Any }
    }

    fn name(self, secure: bool) -> String {
        if secure { format!("__Host-{}", self.name) } else { self.name.to_owned() }
    }

    /// The value the browser sent, if any. One that is longer than [`LONGEST`] is none of ours.
    pub fn read(self, request: &Request) -> Option<String> {
        let wanted = self.name(request.scheme == "https");
        let found = all(request).find(|(name, _)| *name == wanted).map(|(_, value)| value);
        found.filter(|value| value.len() <= LONGEST).map(str::to_owned)
    }

    /// The `set-cookie` value; without a lifetime it ends with the browser session.
    pub fn set(self, request: &Request, value: &str, lifetime: Option<Lifetime>) -> String {
        let secure = request.scheme == "https";
        let site = if self.site == Site::Own { "Lax" } else { "None" };
        let mut cookie = format!("{}={value}; Path=/; HttpOnly; SameSite={site}", self.name(secure));
        if secure || self.site == Site::Any {
            cookie.push_str("; Secure");
        }
        if let Some(lifetime) = lifetime {
            cookie.push_str(&format!("; Max-Age={}", lifetime.as_seconds()));
        }
        cookie
    }

    /// The `set-cookie` value that removes it.
    pub fn clear(self, request: &Request) -> String {
        self.set(request, "", Some(Lifetime::seconds(0)))
    }
}

/// The cookies that the browser sent, by name.
pub fn all(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    let headers = request.headers.get_all("cookie").iter().filter_map(|header| header.to_str().ok());
    headers.flat_map(|header| header.split(';')).filter_map(|pair| pair.trim().split_once('='))
}
