//! Scopes: a set of words (RFC 6749 §3.3), and the rules of who gets which. Pure.

use super::audience::Api;
use crate::resources::standing::model::{Place, person_may_have};
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

/// The permissions that a person holds of an API, by roles and directly.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// Everywhere.
    pub everywhere: Scopes,
    /// In the organization that they signed in to.
    pub inside: Scopes,
}

/// What a person's token may be about.
pub struct Wish<'a> {
    /// The scopes that the client asked for.
    pub scope: &'a Scopes,
    /// The API.
    pub api: &'a Api<'a>,
    /// Whether the person signed in to an organization.
    pub in_organization: bool,
    /// Whether this is the main tenant.
    pub on_main: bool,
    /// Whether the client may use refresh tokens.
    pub offline: bool,
}

/// The scopes that a person's token gets: what OpenID Connect defines, and what the API defines. Everything else is
/// dropped silently (Auth0). Of an API with policies, and always of the management API, a person gets only the
/// permissions they hold. `tenants:all` is no scope of the API's catalogue, so no person ever gets it.
pub fn granted(wish: &Wish<'_>, held: &Held) -> Scopes {
    let place = Place { in_organization: wish.in_organization, on_main: wish.on_main };
    let everywhere = |scope: &str| held.everywhere.contains(scope);
    let inside = |scope: &str| held.inside.contains(scope);
    let may_have = |scope: &str| {
        if wish.api.is_management() {
            person_may_have(scope, place, everywhere, inside)
        } else {
            everywhere(scope) || inside(scope)
        }
    };
    wish.scope.filtered(|scope| match scope {
        "offline_access" => wish.offline && wish.api.allows_offline_access(),
        _ if OPENID.contains(&scope) => true,
        _ if !wish.api.defines(scope) => false,
        _ => !wish.api.enforces_policies() || may_have(scope),
    })
}

/// The permissions of the API that the person holds where they signed in, whatever they asked for: Auth0's claim
/// `permissions`.
pub fn permissions(wish: &Wish<'_>, held: &Held) -> Scopes {
    let inside = held.inside.iter().filter(|_| wish.in_organization);
    held.everywhere.iter().chain(inside).filter(|scope| wish.api.defines(scope)).collect()
}
