//! What tokens and userinfo say of a person (OpenID Connect Core §5).

use super::{claims::Single, scope::Scopes};
use crate::{db::Row, error::Fault, id::UserId, json};
use serde_json::{Map, Value as Json, json};

/// A person, as a token needs to know them.
#[derive(Debug, Clone)]
pub struct Person {
    /// The `sub` claim.
    pub id: UserId,
    /// Whether they may not sign in any more.
    pub blocked: bool,
    /// Whether the session has been ended. One that ran out has not: offline access outlives it (Core §11).
    pub session_ended: bool,
    /// Whether they are in the organization that they signed in to, if they did.
    pub is_member: bool,
    /// By what they have proven who they are beyond a password (RFC 8176), when their session began.
    pub amr: Option<Json>,
    /// The standard claims, as far as they are known.
    claims: Map<String, Json>,
}

/// The claims of each scope (Core §5.4).
const CLAIMS: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("phone", &["phone_number", "phone_number_verified"]),
    ("address", &["address"]),
];

/// Every claim about a person, for discovery.
pub fn claim_names() -> impl Iterator<Item = &'static str> {
    CLAIMS.iter().flat_map(|(_, names)| names.iter().copied())
}

/// The scope that gives a claim about the person; `None` for what is no such claim.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    CLAIMS.iter().find(|(_, names)| names.contains(&claim)).map(|(scope, _)| *scope)
}

impl Person {
    /// Reads a row of a person in `oauth::store`.
    ///
    /// # Errors
    /// A fault if the row holds what the schema does not allow.
    pub fn of(row: &Row) -> Result<Self, Fault> {
        let mut claims: Map<String, Json> = row.object("profile")?;
        for name in ["name", "given_name", "family_name", "nickname", "picture", "email", "phone_number"] {
            if let Some(text) = row.optional_text(name)? {
                claims.insert(name.to_owned(), Json::String(text));
            }
        }
        // A user name is what the person wants to be called by, unless they say otherwise (Core §5.1).
        if let Some(username) = row.optional_text("username")? {
            claims.entry("preferred_username").or_insert(Json::String(username));
        }
        if claims.contains_key("email") {
            claims.insert("email_verified".to_owned(), json!(row.flag("email_verified")?));
        }
        if claims.contains_key("phone_number") {
            claims.insert("phone_number_verified".to_owned(), json!(row.flag("phone_verified")?));
        }
        // Core §5.1: a number of seconds.
        claims.insert("updated_at".to_owned(), json!(row.time("updated_at")?.seconds()));
        Ok(Self {
            id: UserId::new(row.text("user_id")?),
            blocked: row.flag("blocked")?,
            session_ended: row.flag("session_ended")?,
            is_member: row.flag("is_member")?,
            amr: row.optional_text("amr")?.map(|_| row.json("amr")).transpose()?,
            claims,
        })
    }

    /// Whether tokens may still be issued to them.
    pub fn is_welcome(&self) -> bool {
        !self.blocked && !self.session_ended && self.is_member
    }

    /// The claims that these scopes ask for, and those that are asked for one by one. What is not known is left out.
    pub fn claims(&self, scope: &Scopes, single: &Single) -> Map<String, Json> {
        let all = CLAIMS.iter().flat_map(|(of, names)| names.iter().map(|name| (*of, *name)));
        let known = all.filter_map(|(of, name)| Some((of, name, self.claims.get(name)?)));
        let wanted = known.filter(|(of, name, value)| scope.contains(of) || single.wants(name, value));
        json::gather(wanted.map(|(_, name, value)| (name.to_owned(), value.clone())))
    }
}
