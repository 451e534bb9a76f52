//! Scopes: a set of words (RFC 6749 §3.3), and the rules of who gets which. Pure.

use std::fmt;

/// The scopes that OpenID Connect defines (Core §5.4, §11): about the person, not about an API.
pub const OPENID: [&str; 6] = ["openid", "profile", "email", "phone", "address", "offline_access"];

/// A list of scopes, each once, in the order in which they were asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Reads the parameter: words separated by spaces.
    pub fn parse(text: &str) -> Self {
        text.split_ascii_whitespace().collect()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `scope` is among them.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|one| one == scope)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those for which `keep` holds.
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        self.iter().filter(|scope| keep(scope)).collect()
    }

    /// Whether every one of them is among `others`.
    pub fn is_within(&self, others: &Self) -> bool {
        self.iter().all(|scope| others.contains(scope))
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<T: IntoIterator<Item = &'a str>>(scopes: T) -> Self {
        let mut list: Vec<String> = Vec::new();
        for scope in scopes {
            if !list.iter().any(|known| known == scope) {
                list.push(scope.to_owned());
            }
        }
        Self(list)
    }
}

/// The form of the parameter and of the claim.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}
