//! Which URLs a client can register (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §2.1), and which URLs those stand for: what
//! is accepted here matches something, and what could never match is refused. Pure.

use super::model::{AppType, Client};
use url::{Host, Url};

/// Schemes that a browser interprets itself: what is sent to them is run or shown, not received.
const DANGEROUS: [&str; 7] = ["about", "blob", "data", "file", "filesystem", "javascript", "vbscript"];

/// Stands for one label of a host, or for a part of one (Auth0).
const ANY: &str = "*";

/// Stands for the name of the organization that is signed in to (Auth0).
pub const ORGANIZATION: &str = "{organization_name}";

/// Domains below which anybody gets a name of their own: a whole label left open there would be everybody's. Auth0 leaves
/// this to whoever registers; part of a label, as `app-*-team.vercel.app`, is.
const EVERYBODYS: [&str; 28] = [
    "amazonaws.com",
    "appspot.com",
    "azurestaticapps.net",
    "azurewebsites.net",
    "blogspot.com",
    "cloudfront.net",
    "deno.dev",
    "firebaseapp.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "loca.lt",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "onrender.com",
    "pages.dev",
    "r2.dev",
    "repl.co",
    "run.app",
    "surge.sh",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// What registries put between a country and those who register below it, as `co` in `co.uk`.
const REGISTRIES: [&str; 13] =
    ["ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "nom", "or", "org"];

/// Checks where codes may be sent: an absolute `https` URL without a fragment; plain `http` to a loopback address; a scheme
/// of its own for a native app. Auth0: part of the leftmost label of the host may be open, by one `*` or
/// `{organization_name}`.
///
/// # Errors
/// What is wrong with it.
pub fn check_target(text: &str, app: AppType) -> Result<(), &'static str> {
    let url = check_absolute(text, app)?;
    // RFC 6749 §3.1.2: it must not include a fragment.
    if url.fragment().is_some() { Err("must not have a fragment") } else { Ok(()) }
}

/// Checks where people may be sent after signing out: as [`check_target`], but no organization is known there.
///
/// # Errors
/// What is wrong with it.
pub fn check_logout(text: &str, app: AppType) -> Result<(), &'static str> {
    if text.contains(ORGANIZATION) {
        return Err("must not have {organization_name}: signing out is about no organization");
    }
    check_target(text, app)
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
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains('\\') {
        return Err(
            "must not have spaces, backslashes, or letters beyond ASCII: those are written as %.. or xn--",
        );
    }
    let open = Open::of(text);
    let text = open.as_ref().map_or_else(|| text.to_owned(), Open::sample);
    if text.contains(['*', '{', '}']) {
        return Err("can have one * or {organization_name}, in the leftmost label of its host");
    }
    let url = Url::parse(&text).map_err(|_| "must be an absolute URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have a user name or password");
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err("must use https, except for a loopback address"),
        scheme if DANGEROUS.contains(&scheme) => return Err("must not use this scheme"),
        _ if open.is_some() => return Err("can have one * or {organization_name} only with https"),
        _ if app == AppType::Native => return Ok(url),
        _ => return Err("must use https; only a native app can have a scheme of its own"),
    }
    match open {
        Some(open) if !open.is_of_its_own_domain() => {
            Err("can have one * only below a domain of its own: anybody could get a name there")
        }
        _ => Ok(url),
    }
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

/// A registered URL that leaves open a part of the leftmost label of its host.
struct Open<'a> {
    /// Scheme, `://`, and the letters before the open part.
    before: &'a str,
    /// What it stands for: a label, or the organization's name.
    stands_for: &'static str,
    /// The letters after it, a dot, and the rest.
    after: &'a str,
}

impl<'a> Open<'a> {
    /// Reads a registered URL; `None` if it is one that stands for itself.
    fn of(text: &'a str) -> Option<Self> {
        let found = [ANY, ORGANIZATION].into_iter().find_map(|open| Some((open, text.split_once(open)?)));
        let (stands_for, (before, after)) = found?;
        let (_, label) = before.split_once("://")?;
        let rest = after.split_once('.').map_or(after, |(label, _)| label);
        let is_leftmost = label.bytes().chain(rest.bytes()).all(is_label_byte);
        is_leftmost.then_some(Self { before, stands_for, after })
    }

    /// A URL that it stands for.
    fn sample(&self) -> String {
        format!("{}a{}", self.before, self.after)
    }

    /// Whether what is left of the open label is a domain that somebody has registered.
    fn is_of_its_own_domain(&self) -> bool {
        let whole = self.before.ends_with('/') && self.after.starts_with('.');
        let below = self.after.split_once('.').map_or("", |(_, below)| below);
        let end = below.find(['/', ':', '?', '#']).unwrap_or(below.len());
        let domain = below.get(..end).unwrap_or_default().to_ascii_lowercase();
        let labels: Vec<&str> = domain.split('.').collect();
        match labels.as_slice() {
            _ if labels.iter().any(|label| label.is_empty()) => false,
            ["localhost"] => true,
            [] | [_] => false,
            // co.uk and the like
            [registry, country] if country.len() == 2 => !REGISTRIES.contains(registry),
            _ => !(whole && EVERYBODYS.contains(&domain.as_str())),
        }
    }

    /// Whether it stands for `url`, letter by letter but for the open part: that is one label, or the organization's name.
    fn stands_for(&self, url: &str, organization: Option<&str>) -> bool {
        let inner = url.strip_prefix(self.before).and_then(|rest| rest.strip_suffix(self.after));
        inner.is_some_and(|inner| {
            !inner.is_empty()
                && inner.bytes().all(is_label_byte)
                && (self.stands_for == ANY || organization == Some(inner))
        })
    }
}

/// The letters of a host name. Underscores stand in some that are in use.
fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Whether a registered URL stands for this one: letter by letter (RFC 9700 §2.1), so that look-alikes, user information,
/// other cases and path tricks never match, but for a part that it leaves open. `organization` is the name of the one
/// that is signed in to.
pub fn stands_for(registered: &str, url: &str, organization: Option<&str>) -> bool {
    match Open::of(registered) {
        None => registered == url,
        Some(open) => open.is_of_its_own_domain() && open.stands_for(url, organization),
    }
}

/// Whether a URL can be sent people to at all: an absolute one (RFC 6749 §3.1.2) that is safe in a header. Checked here as
/// well as where URLs are registered: rows may have been imported.
pub fn is_sound(url: &str) -> bool {
    url.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse(url).is_ok_and(|parsed| !DANGEROUS.contains(&parsed.scheme()))
}

/// The origin of a URL as browsers write it (RFC 6454 §6.2): of a web address scheme, host and port unless it is the
/// usual one, of any other what is before its path. A part that is left open stays so.
fn origin(url: &str) -> Option<String> {
    // A label that is in no URL, and that parsing leaves as it is.
    const MARK: &str = "0open0label0";
    let open = Open::of(url);
    let text =
        open.as_ref().map_or_else(|| url.to_owned(), |open| format!("{}{MARK}{}", open.before, open.after));
    let parsed = Url::parse(&text).ok()?;
    let origin = match parsed.scheme() {
        "http" | "https" => parsed.origin().ascii_serialization(),
        scheme => format!("{scheme}://{}", parsed.host_str()?),
    };
    Some(open.map_or(origin.clone(), |open| origin.replace(MARK, open.stands_for)))
}

/// The origin of a web address; `None` of any other.
pub fn web_origin(url: &str) -> Option<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    origin(url).filter(|_| is_web)
}

/// Whether pages of `origin` are among the registered origins. Without `organization` every name will do for that.
fn is_origin_of(registered: &str, origin: &str, organization: Option<&str>) -> bool {
    let Some(known) = self::origin(registered) else { return false };
    let known = if organization.is_none() { known.replace(ORGANIZATION, ANY) } else { known };
    stands_for(&known, origin, organization)
}

impl Client {
    /// Whether pages of `origin` are registered as the client's own, so that they may use a person's session (Auth0:
    /// Allowed Web Origins). Callbacks do not count: where a code may be sent is not yet a page that may ask for one unseen.
    pub fn has_web_origin(&self, origin: &str, organization: Option<&str>) -> bool {
        self.web_origins.iter().any(|known| is_origin_of(known, origin, organization))
    }

    /// Whether pages of `origin` may call for the client. Auth0: those of its callbacks may without being listed.
    pub fn may_call_from(&self, origin: &str) -> bool {
        let known = self.allowed_origins.iter().chain(&self.web_origins).chain(&self.callbacks);
        // What a page shows without an origin, in the web view of an app: nothing tells whose it is, or need to.
        let opaque = origin == "null" && self.app_type == AppType::Native;
        opaque || known.into_iter().any(|known| is_origin_of(known, origin, None))
    }
}
