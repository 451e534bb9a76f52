//! What tokens and userinfo say of a person (OpenID Connect Core §5).

use super::scope::Scopes;
use crate::{db::Row, error::Fault, id::UserId, time::Timestamp};
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
    /// The standard claims that have a column.
    columns: Map<String, Json>,
    /// The other standard claims.
    profile: Map<String, Json>,
    email_verified: bool,
    phone_verified: bool,
    updated_at: Timestamp,
}

/// The claims of the scope `profile` that have no column of their own.
const PROFILE: [&str; 8] =
    ["middle_name", "preferred_username", "profile", "website", "gender", "birthdate", "zoneinfo", "locale"];

impl Person {
    /// Reads a row of a person in `oauth::store`.
    ///
    /// # Errors
    /// A fault if the row holds what the schema does not allow.
    pub fn of(row: &Row) -> Result<Self, Fault> {
        let mut columns = Map::new();
        for name in ["name", "given_name", "family_name", "nickname", "picture", "email", "phone_number"] {
            if let Some(text) = row.optional_text(name)? {
                columns.insert(name.to_owned(), Json::String(text));
            }
        }
        Ok(Self {
            id: UserId::new(row.text("user_id")?),
            blocked: row.flag("blocked")?,
            session_ended: row.flag("session_ended")?,
            is_member: row.flag("is_member")?,
            columns,
            profile: row.json("profile")?,
            email_verified: row.flag("email_verified")?,
            phone_verified: row.flag("phone_verified")?,
            updated_at: row.time("updated_at")?,
        })
    }

    /// Whether tokens may still be issued to them.
    pub fn is_welcome(&self) -> bool {
        !self.blocked && !self.session_ended && self.is_member
    }

    /// The claims that these scopes ask for (Core §5.4). What is not known is left out.
    pub fn claims(&self, scope: &Scopes) -> Map<String, Json> {
        let mut claims = Map::new();
        let mut copy = |from: &Map<String, Json>, names: &[&str]| {
            let known = names.iter().filter_map(|name| Some(((*name).to_owned(), from.get(*name)?.clone())));
            claims.extend(known);
        };
        if scope.contains("profile") {
            copy(&self.columns, &["name", "given_name", "family_name", "nickname", "picture"]);
            copy(&self.profile, &PROFILE);
        }
        if scope.contains("email") {
            copy(&self.columns, &["email"]);
        }
        if scope.contains("phone") {
            copy(&self.columns, &["phone_number"]);
        }
        if scope.contains("address") {
            copy(&self.profile, &["address"]);
        }
        if scope.contains("profile") {
            // Core §5.1 has a number of seconds.
            claims.insert("updated_at".to_owned(), json!(self.updated_at.seconds()));
        }
        if claims.contains_key("email") {
            claims.insert("email_verified".to_owned(), json!(self.email_verified));
        }
        if claims.contains_key("phone_number") {
            claims.insert("phone_number_verified".to_owned(), json!(self.phone_verified));
        }
        claims
    }
}
