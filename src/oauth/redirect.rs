//! Where a code, an error or a signed-out person may be sent.

use crate::resources::clients::model::AppType;
use url::Url;

/// A URL that the client registered: the only thing an answer can be sent to. Made only by matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget(String);

/// Hosts on which a native app listens at whatever port it was given.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Schemes that a browser would run instead of following.
const ACTIVE: [&str; 4] = ["javascript", "data", "vbscript", "blob"];

impl RedirectTarget {
    /// Matches `url` with the registered ones: letter by letter (RFC 9700 §2.1), so that look-alikes, user information,
    /// other cases and path tricks never match. A native app may choose the port of a loopback address (RFC 8252 §7.3).
    pub fn matching(url: &str, registered: &[String], app: AppType) -> Option<Self> {
        let same = |known: &String| {
            known == url
                || (app == AppType::Native
                    && without_port(known).is_some_and(|it| Some(it) == without_port(url)))
        };
        (is_sound(url) && registered.iter().any(same)).then(|| Self(url.to_owned()))
    }

    /// The URL as matched.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it leads, for a person to judge: scheme, host and port of a web address, the scheme of an app.
    pub fn place(&self) -> &str {
        let end = self.0.match_indices('/').nth(2).map_or(self.0.len(), |(at, _)| at);
        let web = self.0.get(..end).filter(|_| self.is_web());
        web.or_else(|| self.0.split(':').next()).unwrap_or_default()
    }

    /// Whether a browser can send a form there: not to an app's own scheme.
    pub fn is_web(&self) -> bool {
        self.0.starts_with("https://") || self.0.starts_with("http://")
    }

    /// The URL with further parameters in its query; what was there already stays (RFC 6749 §3.1.2).
    pub fn with(&self, parameters: &[(&str, &str)]) -> String {
        if parameters.is_empty() {
            return self.0.clone();
        }
        let separator = if self.0.contains('?') { '&' } else { '?' };
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{}{separator}{query}", self.0)
    }
}

/// An absolute URL without a fragment (RFC 6749 §3.1.2) that is safe in a header. Checked here as well as where URLs
/// are registered: rows may have been imported.
fn is_sound(url: &str) -> bool {
    url.bytes().all(|byte| byte.is_ascii_graphic())
        && !url.contains('#')
        && Url::parse(url).is_ok_and(|parsed| !ACTIVE.contains(&parsed.scheme()))
}

/// The host of a plain-http loopback URL and what follows its port; `None` for any other URL.
fn without_port(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (host, rest) = LOOPBACK.iter().find_map(|host| Some((*host, rest.strip_prefix(host)?)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = rest.split_at_checked(digits)?;
            port.parse::<u16>().ok()?;
            rest
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}
