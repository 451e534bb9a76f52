//! The authority a client used, checked.

use crate::http::Request;

/// A valid, lower-case authority: a DNS name with an optional port. Never an IP address (except a loopback one,
/// which only names the main tenant of a development server), never a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(String);

/// A DNS name has at most 253 characters (RFC 1035 §2.3.4), a port adds six.
const MAX_LENGTH: usize = 259;

impl Host {
    /// Reads the `host` header, of which there is exactly one (RFC 9112 §3.2). `x-forwarded-host` is never looked at.
    ///
    /// # Errors
    /// What is wrong with it, for the client. The header itself is not repeated.
    pub fn of(request: &Request) -> Result<Self, &'static str> {
        let mut hosts = request.headers.get_all("host").iter();
        let host = hosts.next().ok_or("The Host header is missing.")?;
        if hosts.next().is_some() {
            return Err("There is more than one Host header.");
        }
        Self::parse(host.to_str().map_err(|_| "The Host header is not a valid host name.")?)
    }

    /// Checks an authority. Upper case is accepted and folded, since host names are case-insensitive (RFC 9110 §4.2.3).
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(authority: &str) -> Result<Self, &'static str> {
        if authority.is_empty() {
            return Err("The Host header is empty.");
        }
        if authority.len() > MAX_LENGTH {
            return Err("The Host header is too long.");
        }
        if authority.starts_with('[') {
            return Err("The Host header must be a host name, not an IP address.");
        }
        let lower = authority.to_ascii_lowercase();
        let (name, port) =
            lower.split_once(':').map_or((lower.as_str(), None), |(name, port)| (name, Some(port)));
        let port_ok = port
            .is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0) && !port.starts_with('+'));
        if !port_ok {
            return Err("The port in the Host header is not valid.");
        }
        if !name.split('.').all(is_label) {
            return Err("The Host header is not a valid host name.");
        }
        if name.split('.').next_back().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err("The Host header must be a host name, not an IP address.");
        }
        Ok(Self(lower))
    }

    /// The authority, lower case, with its port if it had one.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    let alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    label.len() <= 63
        && alphanumeric(label.bytes().next())
        && alphanumeric(label.bytes().next_back())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
