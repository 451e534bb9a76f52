//! Identifiers: opaque text, one type each, so that a user id cannot be passed for a client id.

use crate::platform::Platform;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes text that came from a request, a token or a row: ids are opaque and are kept as they are.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&$name> for crate::db::Value {
            fn from(id: &$name) -> Self {
                Self::Text(id.0.clone())
            }
        }
    )*};
}

identifiers! {
    /// A user: `{provider}|{id}`, e.g. `auth0|5f7c…`. Only the first `|` has a meaning.
    UserId;
    /// An application (Auth0: client).
    ClientId;
    /// A grant of scopes of an audience to a machine client: `cgr_…`.
    ClientGrantId;
    /// A source of identities: `con_…`.
    ConnectionId;
    /// A group of users inside a tenant: `org_…`.
    OrganizationId;
    /// A set of permissions: `rol_…`.
    RoleId;
    /// An API: its row id, not its identifier.
    ResourceServerId;
    /// A browser session, public as the `sid` claim; the cookie is a different secret.
    SessionId;
    /// One refresh token of a family.
    RefreshTokenId;
    /// The tokens that descend from one login by rotation (RFC 9700 §4.14.2).
    FamilyId;
    /// One entry of a tenant's log.
    LogId;
    /// A D1 database in the directory.
    DatabaseId;
    /// A durable piece of lifecycle work: `op_…`.
    OperationId;
}

/// A tenant: 1-63 of a-z 0-9 -, a valid DNS label, immutable.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// Takes a valid DNS label (RFC 1123 §2.1, lower case only); `None` for anything else. Whether a new tenant may
    /// have this id is another question: see `tenant::reserved`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let edge =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let inner =
            bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-');
        (bytes.len() <= 63 && inner && edge(bytes.first()) && edge(bytes.last()))
            .then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&TenantId> for crate::db::Value {
    fn from(id: &TenantId) -> Self {
        Self::Text(id.0.clone())
    }
}

const ALPHABET: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Random text of `length` letters and digits (5.95 bits each, drawn without bias).
pub fn random_text(platform: &dyn Platform, length: usize) -> String {
    let mut text = String::with_capacity(length);
    let mut buffer = [0_u8; 32];
    while text.len() < length {
        platform.random(&mut buffer);
        // 248 = 4 × 62: a byte above it would favour the first letters.
        let fair = buffer.iter().filter(|byte| **byte < 248);
        let letters = fair.filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        text.extend(letters.take(length - text.len()).map(|letter| char::from(*letter)));
    }
    text
}

/// A new id with a prefix that says what it names, as Auth0's do: `org_…`, `con_…`.
pub fn prefixed(platform: &dyn Platform, prefix: &str) -> String {
    format!("{prefix}_{}", random_text(platform, 16))
}
