//! How often something may be asked for: one table of the platform's counters, and which of them a route meets. Pure.

use http::Method;
use std::net::IpAddr;

/// A counter of the platform (Cloudflare's rate limit binding): so many requests of one key in a period, counted where the
/// request arrives and roughly. It costs no round trip to a database, and so it is what stands before everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The binding of `wrangler.toml` that counts.
    pub binding: &'static str,
    /// How many requests of one key there may be in a period.
    pub limit: u32,
    /// The period in seconds: 10 or 60 (Cloudflare's only two).
    pub period: u32,
}

/// Pages, per address. Auth0: 100 requests per second to the Authentication API of a whole tenant.
pub const PAGES: Rate = Rate { binding: "LIMIT_PAGES", limit: 300, period: 10 };
/// Passwords, codes and new accounts, per address: each costs a hash. What a whole office or school types in the morning.
pub const CREDENTIALS: Rate = Rate { binding: "LIMIT_CREDENTIALS", limit: 60, period: 10 };
/// The token endpoint, per address. Auth0: 30 requests per second.
pub const TOKENS: Rate = Rate { binding: "LIMIT_TOKENS", limit: 300, period: 10 };
/// Refusals of the token endpoint, per client and address: guesses of secrets, codes and refresh tokens.
pub const FAILURES: Rate = Rate { binding: "LIMIT_FAILURES", limit: 50, period: 60 };
/// Userinfo, per person (Auth0: per user id, 10 at once and 5 per minute; applications here ask on every page).
pub const USERINFO: Rate = Rate { binding: "LIMIT_USERINFO", limit: 60, period: 60 };
/// The management API, per address and again per caller and tenant. Auth0: 50 per second, on larger plans 250.
pub const MANAGEMENT: Rate = Rate { binding: "LIMIT_MANAGEMENT", limit: 1000, period: 10 };
/// Everything that is counted at all, per tenant. Auth0: 500 requests per second on its larger plans.
pub const TENANTS: Rate = Rate { binding: "LIMIT_TENANTS", limit: 5000, period: 10 };
/// Hosts and issuers that turned out to be nobody's, per address: each costs a look into the directory.
pub const STRANGERS: Rate = Rate { binding: "LIMIT_STRANGERS", limit: 30, period: 60 };

/// All of them, as `wrangler.toml` declares them.
pub const RATES: [Rate; 8] = [PAGES, CREDENTIALS, TOKENS, FAILURES, USERINFO, MANAGEMENT, TENANTS, STRANGERS];

/// What kind of thing a route is, for those who count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Public documents, answered from memory: not counted.
    Public,
    /// Pages and what leads to them: they read, and seal what they hand out.
    Page,
    /// Where a password or a code is checked, or an account made.
    Credentials,
    /// Where clients prove themselves.
    Token,
    /// Claims for an access token.
    UserInfo,
    /// The management API.
    Management,
}

/// The rows of the OAuth and Login areas. One that is not here is treated as [`Class::Credentials`], the strictest, and a
/// test asks for it to be entered.
const CLASSES: &[(Class, &str, &[&str])] = &[
    (
        Class::Public,
        "GET",
        &[
            "/.well-known/jwks.json",
            "/.well-known/oauth-authorization-server",
            "/.well-known/openid-configuration",
            "/api/v2/spec",
        ],
    ),
    (
        Class::Page,
        "GET",
        &[
            "/",
            "/authorize",
            "/oidc/logout",
            "/u/consent",
            "/u/login/identifier",
            "/u/login/password",
            "/u/mfa-otp-challenge",
            "/u/preview",
            "/u/signup",
            "/v2/logout",
        ],
    ),
    (Class::Page, "POST", &["/authorize", "/oidc/logout", "/u/consent", "/u/login/identifier"]),
    (Class::Credentials, "POST", &["/u/login/password", "/u/mfa-otp-challenge", "/u/signup"]),
    (Class::Token, "POST", &["/oauth/revoke", "/oauth/token"]),
    (Class::UserInfo, "GET", &["/userinfo"]),
    (Class::UserInfo, "POST", &["/userinfo"]),
];

impl Class {
    /// The class of a row of the route table; `None` for one that has been entered nowhere.
    pub fn of(method: &Method, path: &str, area: &str) -> Option<Self> {
        if matches!(area, "Management" | "Operator") {
            return Some(Self::Management);
        }
        let is_it = |row: &&(Self, &str, &[&str])| row.1 == method.as_str() && row.2.contains(&path);
        CLASSES.iter().find(is_it).map(|(class, _, _)| *class)
    }

    /// What counts requests of this class by the address that they come from, before anything else is done.
    pub const fn by_address(self) -> Option<Rate> {
        match self {
            Self::Public => None,
            Self::Page => Some(PAGES),
            Self::Credentials => Some(CREDENTIALS),
            Self::Token | Self::UserInfo => Some(TOKENS),
            Self::Management => Some(MANAGEMENT),
        }
    }

    /// Its part of a key: classes that share a counter are counted apart.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Page => "page",
            Self::Credentials => "credentials",
            Self::Token => "token",
            Self::UserInfo => "userinfo",
            Self::Management => "management",
        }
    }
}

/// The network that an address is counted as. A home or an office gets an IPv6 prefix of 56 bits (RFC 6177 §2), all of
/// whose addresses are its own.
pub fn network(ip: &str) -> String {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{:x}::/56", d & 0xff00)
        }
        Ok(ip) => ip.to_string(),
        Err(_) => ip.to_owned(),
    }
}

/// An address, or the addresses that begin with so many of its bits (CIDR, RFC 4632).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Self { address, bits })
    }

    /// Whether an address is in it.
    pub fn contains(self, ip: IpAddr) -> bool {
        let same = |left: u128, right: u128, width: u32| {
            (left ^ right).checked_shr(width - self.bits).unwrap_or_default() == 0
        };
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => same(own.to_bits().into(), ip.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(ip)) => same(own.to_bits(), ip.to_bits(), 128),
            _ => false,
        }
    }
}

/// Whether an address is on a list of addresses and networks.
pub fn is_listed(ip: &str, list: &[String]) -> bool {
    let Ok(ip) = ip.parse::<IpAddr>() else { return false };
    list.iter().filter_map(|entry| Network::parse(entry)).any(|network| network.contains(ip))
}
