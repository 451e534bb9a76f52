//! Which applications are told that a session has ended, of which reason, and at which URLs (OpenID Connect Back-Channel
//! Logout 1.0; Auth0: `oidc_logout`). Pure.

use super::model::Client;
use serde_json::Value as Json;
use url::{Host, Url};

/// Why a session has ended, as Auth0 names it among `selected_initiators`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// The person signed out.
    RpLogout,
    /// An operator or an application ended the session.
    SessionRevoked,
    /// The person has a new password.
    PasswordChanged,
    /// The person has a new e-mail address.
    EmailChanged,
    /// The person was blocked.
    AccountDeactivated,
    /// The person is gone.
    AccountDeleted,
}

impl Initiator {
    /// Auth0's words. Those that are not in [`Initiator`] can be stored, but nothing of the kind ever happens here.
    pub const NAMES: [&str; 9] = [
        "rp-logout",
        "idp-logout",
        "session-revoked",
        "session-expired",
        "password-changed",
        "email-identifier-changed",
        "account-deactivated",
        "account-deleted",
        "mfa-phone-unenrolled",
    ];

    /// Auth0's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RpLogout => "rp-logout",
            Self::SessionRevoked => "session-revoked",
            Self::PasswordChanged => "password-changed",
            Self::EmailChanged => "email-identifier-changed",
            Self::AccountDeactivated => "account-deactivated",
            Self::AccountDeleted => "account-deleted",
        }
    }
}

/// How many URLs a client can have. Each is a request that a sign-out causes.
pub const URLS: usize = 5;

/// The URLs of a client that are told of a session that has ended like this. A person who signs out is told of to every
/// client that has a URL; anything else only to those that chose it, or chose all (Auth0).
pub fn urls(client: &Client, initiator: Initiator) -> Vec<&str> {
    let settings = client.other.get("oidc_logout");
    let list = settings.and_then(|settings| settings.get("backchannel_logout_urls")).and_then(Json::as_array);
    let wanted = settings.and_then(|settings| settings.get("backchannel_logout_initiators"));
    let all = wanted.and_then(|wanted| wanted.get("mode")).is_some_and(|mode| mode == "all");
    let selected = wanted.and_then(|wanted| wanted.get("selected_initiators")).and_then(Json::as_array);
    let is_selected = selected.is_some_and(|names| names.iter().any(|name| name == initiator.as_str()));
    let told = initiator == Initiator::RpLogout || all || is_selected;
    let urls = list.into_iter().flatten().filter_map(Json::as_str);
    urls.filter(|_| told).take(URLS).collect()
}

/// Checks the URLs of a client: see [`check_url`].
///
/// # Errors
/// Words that name the URL.
pub fn check(client: &Client, base_domain: &str) -> Result<(), String> {
    let settings = client.other.get("oidc_logout");
    let list = settings.and_then(|settings| settings.get("backchannel_logout_urls")).and_then(Json::as_array);
    for url in list.into_iter().flatten().filter_map(Json::as_str) {
        check_url(url, base_domain)
            .map_err(|why| format!("oidc_logout.backchannel_logout_urls: {url:?} {why}"))?;
    }
    Ok(())
}

/// Names that are answered by nobody in public (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`).
const PRIVATE: [&str; 7] = ["localhost", "local", "internal", "home.arpa", "test", "invalid", "onion"];

/// Checks where this server may be sent by whoever administers a tenant: to a public host with `https`, and never to
/// itself. An address instead of a name is refused whatever it is. In development, where the base domain is `localhost`,
/// `http` to a loopback address is allowed too.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(text: &str, base_domain: &str) -> Result<(), &'static str> {
    let name = |authority: &str| authority.split(':').next().unwrap_or_default().to_owned();
    let (base, url) = (name(base_domain), Url::parse(text).map_err(|_| "must be an absolute URL")?);
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or password");
    }
    // Back-Channel Logout §2.2: it must not include a fragment.
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    let host = url.host().ok_or("must name a host")?;
    let is_below = |host: &str, domain: &str| {
        host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
    };
    let is_loopback = match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(domain) => is_below(domain, "localhost"),
    };
    let is_ours = url.host_str().is_some_and(|host| is_below(host, &base));
    if base == "localhost" && is_loopback {
        let port = base_domain.split_once(':').and_then(|(_, port)| port.parse().ok());
        let same_port = url.port_or_known_default() == port.or(Some(80));
        return if is_ours && same_port { Err("must not be this server itself") } else { Ok(()) };
    }
    if url.scheme() != "https" {
        return Err("must use https");
    }
    let Host::Domain(domain) = host else { return Err("must name a host, not an address") };
    let domain = domain.trim_end_matches('.');
    if is_ours || is_below(domain, &base) {
        return Err("must not be this server itself");
    }
    if !domain.contains('.') || PRIVATE.iter().any(|private| is_below(domain, private)) {
        return Err("must name a public host");
    }
    Ok(())
}
