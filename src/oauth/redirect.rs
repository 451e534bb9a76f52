//! Where a code, an error or a signed-out person may be sent.

use crate::resources::clients::{
    model::AppType,
    urls::{is_sound, stands_for, web_origin},
};

/// A URL that the client registered: the only thing an answer can be sent to. Made only by matching.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget(String);

/// Hosts on which a native app listens at whatever port it was given.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

impl RedirectTarget {
    /// Matches a `redirect_uri` with the registered ones, as [`stands_for`] says; a native app may choose the port of a
    /// loopback address (RFC 8252 §7.3). It has no fragment (RFC 6749 §3.1.2). `organization` is the name of the one that is
    /// signed in to.
    pub fn matching(
        url: &str,
        registered: &[String],
        app: AppType,
        organization: Option<&str>,
    ) -> Option<Self> {
        let same = |known: &String| {
            stands_for(known, url, organization)
                || (app == AppType::Native
                    && without_port(known).is_some_and(|it| Some(it) == without_port(url)))
        };
        (is_sound(url) && !url.contains('#') && registered.iter().any(same)).then(|| Self(url.to_owned()))
    }

    /// Matches where a person asks to be sent after signing out.
    pub fn after_logout(url: &str, registered: &[String]) -> Option<Self> {
        Self::matching(url, registered, AppType::RegularWeb, None)
    }

    /// The same by Auth0's rule for `/v2/logout`: query and fragment are not part of the comparison.
    pub fn after_older_logout(url: &str, registered: &[String]) -> Option<Self> {
        let bare = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
        let asked = bare(url);
        (is_sound(url) && registered.iter().any(|known| stands_for(&bare(known), &asked, None)))
            .then(|| Self(url.to_owned()))
    }

    /// The first registered URL that stands for itself.
    pub fn first(registered: &[String]) -> Option<Self> {
        registered.iter().find_map(|known| Self::after_logout(known, std::slice::from_ref(known)))
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

    /// Its origin, if it is a web address.
    pub fn origin(&self) -> Option<String> {
        web_origin(&self.0)
    }

    /// Whether whatever listens there may be somebody else than who registered it: an app's own scheme, which any app can
    /// claim, or a port of the device (RFC 8252 §8.6).
    pub fn is_unverifiable(&self) -> bool {
        !self.is_web() || without_port(&self.0).is_some()
    }

    /// Where a form may lead that ends there: see [`leads`].
    pub fn leads(&self) -> String {
        leads(&self.0)
    }

    /// The URL with parameters in its fragment, of which it has none (RFC 6749 §3.1.2).
    pub fn with_fragment(&self, parameters: &[(&str, &str)]) -> String {
        let fragment = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{}#{fragment}", self.0)
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

/// Where a form may lead that ends at `url`, as sources of a Content Security Policy. Browsers hold every redirect that
/// follows a form to its policy, also those of the application, which may send people on to another host of its own (seen
/// in Chromium 156); so it names schemes.
pub fn leads(url: &str) -> String {
    match url.split_once(':') {
        Some((scheme, _)) if !scheme.eq_ignore_ascii_case("https") => format!("https: {scheme}:"),
        _ => "https:".to_owned(),
    }
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
