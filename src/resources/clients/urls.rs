//! Which URLs a client can register (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1).

use super::model::AppType;
use url::{Host, Url};

/// Schemes that a browser interprets itself: what is sent to them is run or shown, not received.
const DANGEROUS: [&str; 7] = ["about", "blob", "data", "file", "filesystem", "javascript", "vbscript"];

/// Checks where codes and people may be sent: an absolute `https` URL without a fragment; plain `http` to a loopback
/// address; a scheme of its own for a native app. Auth0: the leftmost label of the host may be `*`.
///
/// # Errors
/// What is wrong with it.
pub fn check_target(text: &str, app: AppType) -> Result<(), &'static str> {
    let url = check_absolute(text, app)?;
    // RFC 6749 §3.1.2: it must not include a fragment.
    if url.fragment().is_some() { Err("must not have a fragment") } else { Ok(()) }
}

/// Checks an origin: as [`check_target`], and nothing after the host and port.
///
/// # Errors
/// What is wrong with it.
pub fn check_origin(text: &str, app: AppType) -> Result<(), &'static str> {
    let url = check_absolute(text, app)?;
    let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    if bare { Ok(()) } else { Err("must be an origin: a scheme, a host and perhaps a port") }
}

fn check_absolute(text: &str, app: AppType) -> Result<Url, &'static str> {
    const LENGTH: usize = 2048;
    if text.len() > LENGTH {
        return Err("is too long");
    }
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '\\') {
        return Err("must not have spaces, control characters or backslashes");
    }
    let url = Url::parse(text).map_err(|_| "must be an absolute URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or password");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("must use https, except for a loopback address"),
        scheme if DANGEROUS.contains(&scheme) => return Err("must not use this scheme"),
        _ if app == AppType::Native => return Ok(url),
        _ => return Err("must use https; only a native app can have a scheme of its own"),
    }
    check_wildcard(text, &url)?;
    Ok(url)
}

/// RFC 8252 §7.3 and RFC 6761 §6.3: the loopback addresses, and `localhost` with what is below it.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// Auth0: one `*`, as the whole leftmost label of a name of at least three, so that it cannot stand for a domain
/// that anybody can register.
fn check_wildcard(text: &str, url: &Url) -> Result<(), &'static str> {
    if !text.contains('*') {
        return Ok(());
    }
    let below = url.host_str().and_then(|host| host.strip_prefix("*."));
    let enough = below.is_some_and(|name| name.contains('.') || name == "localhost");
    if text.matches('*').count() == 1 && enough {
        Ok(())
    } else {
        Err("can have one *, in place of the leftmost label of its host")
    }
}
