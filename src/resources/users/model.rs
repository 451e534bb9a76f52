//! What a user is.

use crate::{id::UserId, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// What is needed to make a user; the password travels beside it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct NewUser {
    /// The connection they sign in through.
    pub connection: String,
    /// E-mail address, lower case.
    pub email: Option<String>,
    /// Whether the address has been proven.
    pub email_verified: bool,
    /// User name, lower case.
    pub username: Option<String>,
    /// Phone number in the form of E.164.
    pub phone_number: Option<String>,
    /// Whether the number has been proven.
    pub phone_verified: bool,
    /// Full name; shown as the address when absent (Auth0).
    pub name: Option<String>,
    /// Given name.
    pub given_name: Option<String>,
    /// Family name.
    pub family_name: Option<String>,
    /// Nickname; the part of the address before `@` when absent (Auth0).
    pub nickname: Option<String>,
    /// URL of a picture.
    pub picture: Option<String>,
    /// The other standard claims (OpenID Connect Core §5.1), by their names.
    pub profile: Map<String, Json>,
    /// What the person may change.
    pub user_metadata: Map<String, Json>,
    /// What only the operator may change.
    pub app_metadata: Map<String, Json>,
    /// Whether they may not sign in.
    pub blocked: bool,
}

impl NewUser {
    /// The full name: as given, else the address, else the user name, else the number.
    pub fn display_name(&self) -> Option<&str> {
        let name = self.name.as_deref().or(self.email.as_deref()).or(self.username.as_deref());
        name.or(self.phone_number.as_deref())
    }

    /// The nickname: as given, else what stands before the `@`, else the user name.
    pub fn short_name(&self) -> Option<&str> {
        let local = self.email.as_deref().and_then(|email| email.split('@').next());
        self.nickname.as_deref().or(local).or(self.username.as_deref())
    }
}

/// A user as the management API shows them.
#[derive(Debug, Clone, Serialize)]
pub struct User {
    /// `{provider}|{id}`.
    pub user_id: UserId,
    /// E-mail address, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether the address has been proven.
    pub email_verified: bool,
    /// User name, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Phone number in the form of E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the number has been proven; absent without a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_verified: Option<bool>,
    /// Full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// URL of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The other standard claims.
    #[serde(flatten)]
    pub profile: Map<String, Json>,
    /// What the person may change.
    pub user_metadata: Map<String, Json>,
    /// What only the operator may change.
    pub app_metadata: Map<String, Json>,
    /// Whether they may not sign in.
    pub blocked: bool,
    /// Where they can come from: the account's own identity first, then those linked to it.
    pub identities: Vec<Identity>,
    /// When they signed in last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
    /// From where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ip: Option<String>,
    /// How often they have signed in.
    pub logins_count: i64,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// One way in to an account.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    /// Through which connection.
    pub connection: String,
    /// Its id there: the part of the user id behind the first `|` (Auth0).
    pub user_id: String,
    /// Its provider: the part before.
    pub provider: String,
    /// Whether it comes from a social network.
    #[serde(rename = "isSocial")]
    pub is_social: bool,
    /// What a linked identity says of the person; absent for the account's own.
    #[serde(rename = "profileData", skip_serializing_if = "Option::is_none")]
    pub profile_data: Option<Json>,
}

/// Providers whose identities are ours, or of an enterprise.
const NOT_SOCIAL: [&str; 10] =
    ["auth0", "email", "sms", "oidc", "okta", "samlp", "waad", "adfs", "ad", "google-apps"];

impl Identity {
    /// The id of its row.
    pub fn row_id(&self) -> UserId {
        UserId::new(format!("{}|{}", self.provider, self.user_id))
    }

    /// A text that it says of the person.
    pub fn says(&self, name: &str) -> Option<&str> {
        self.profile_data.as_ref()?.get(name)?.as_str()
    }

    /// The identity that a user row stands for.
    pub fn new(user_id: &str, connection: String, profile_data: Option<Json>) -> Self {
        let (provider, id) = user_id.split_once('|').unwrap_or(("", user_id));
        let is_social = !NOT_SOCIAL.contains(&provider);
        Self { connection, user_id: id.to_owned(), provider: provider.to_owned(), is_social, profile_data }
    }
}

impl User {
    /// The identity of the account that comes through this connection, if it is not the account's own.
    pub fn linked(&self, connection: &str) -> Option<&Identity> {
        self.identities.iter().skip(1).find(|identity| identity.connection == connection)
    }

    /// The connection of the account's own identity.
    pub fn connection(&self) -> &str {
        self.identities.first().map(|identity| identity.connection.as_str()).unwrap_or_default()
    }
}

/// What a new id of a user may look like behind its provider: what the operator wants, or 24 random hex digits.
/// `wanted` may repeat the provider in front, as ids in exports do.
///
/// # Errors
/// Words for the client if the wanted id cannot be one.
pub fn user_id(provider: &str, wanted: Option<&str>, random: [u8; 12]) -> Result<UserId, String> {
    let Some(wanted) = wanted else {
        return Ok(UserId::new(format!("{provider}|{}", crate::secret::hex(&random))));
    };
    let own = wanted.strip_prefix(provider).and_then(|rest| rest.strip_prefix('|')).unwrap_or(wanted);
    let printable = own.bytes().all(|byte| byte.is_ascii_graphic());
    if own.is_empty() || own.len() > 255 || !printable || own.contains('|') {
        return Err("'user_id' must be 1 to 255 printable ASCII characters without |".to_owned());
    }
    Ok(UserId::new(format!("{provider}|{own}")))
}
