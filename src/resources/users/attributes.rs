//! What can be set of a user through the management API, checked and brought into the form that it is stored in.

use super::model::{NewUser, User};
use crate::{
    error::Fault,
    http::{
        Malformed,
        shape::{self, Kind, Member},
    },
    json,
    resources::endings::model::Cause,
    secret::Secret,
};
use serde_json::{Map, Value as Json};

/// What goes into a column of its own. Lengths are Auth0's.
const COLUMNS: [Member; 11] = [
    Member::new("email", Kind::Email),
    Member::new("email_verified", Kind::Flag),
    Member::new("username", Kind::Text(1, 128)),
    Member::new("phone_number", Kind::Phone).or_null(),
    Member::new("phone_verified", Kind::Flag),
    Member::new("name", Kind::Text(1, 300)).or_null(),
    Member::new("given_name", Kind::Text(1, 150)).or_null(),
    Member::new("family_name", Kind::Text(1, 150)).or_null(),
    Member::new("nickname", Kind::Text(1, 300)).or_null(),
    Member::new("picture", Kind::Url).or_null(),
    Member::new("blocked", Kind::Flag),
];

/// The names of what goes into a column of its own.
pub fn columns() -> [&'static str; 11] {
    COLUMNS.each_ref().map(|member| member.name)
}

/// The other standard claims (OpenID Connect Core §5.1).
const PROFILE: [Member; 9] = [
    Member::new("middle_name", Kind::Text(1, 150)).or_null(),
    Member::new("preferred_username", Kind::Text(1, 300)).or_null(),
    Member::new("profile", Kind::Url).or_null(),
    Member::new("website", Kind::Url).or_null(),
    Member::new("gender", Kind::Text(1, 50)).or_null(),
    Member::new("birthdate", Kind::Text(1, 10)).or_null(),
    Member::new("zoneinfo", Kind::Text(1, 50)).or_null(),
    Member::new("locale", Kind::Text(1, 35)).or_null(),
    Member::new("address", Kind::Object(&ADDRESS)).or_null(),
];

const ADDRESS: [Member; 6] = [
    Member::new("formatted", Kind::Text(1, 500)),
    Member::new("street_address", Kind::Text(1, 300)),
    Member::new("locality", Kind::Text(1, 150)),
    Member::new("region", Kind::Text(1, 150)),
    Member::new("postal_code", Kind::Text(1, 30)),
    Member::new("country", Kind::Text(1, 100)),
];

const METADATA: [Member; 2] =
    [Member::new("user_metadata", Kind::Document), Member::new("app_metadata", Kind::Document)];

/// What else a request to make a user, or to change one, may hold. Auth0's SDKs name the client and ask for mails.
const CONTROL: [Member; 7] = [
    Member::new("connection", Kind::Text(1, 128)),
    Member::new("user_id", Kind::Text(1, 255)),
    Member::new("password", Kind::Text(1, 256)),
    Member::new("verify_email", Kind::Flag),
    Member::new("verify_password", Kind::Flag),
    Member::new("verify_phone_number", Kind::Flag),
    Member::new("client_id", Kind::Text(1, 128)),
];

/// A checked body.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// The connection it is about.
    pub connection: Option<String>,
    /// The id that a new user shall have.
    pub user_id: Option<String>,
    /// A new password, whose policy has not been checked yet.
    pub password: Option<Secret>,
    /// Columns by their names; null clears one.
    pub columns: Map<String, Json>,
    /// Other claims; null removes one.
    pub profile: Map<String, Json>,
    /// First-level members of the user's metadata; null removes one, and an empty object all of them.
    pub user_metadata: Option<Map<String, Json>>,
    /// As `user_metadata`.
    pub app_metadata: Option<Map<String, Json>>,
}

impl Attributes {
    /// Checks a body. Addresses and user names are brought into lower case.
    ///
    /// # Errors
    /// Words that name the member that is unknown or of the wrong kind.
    pub fn check(mut body: Map<String, Json>) -> Result<Self, Malformed> {
        shape::check(&body, &[&COLUMNS, &PROFILE, &METADATA, &CONTROL])?;
        let mut control = take(&mut body, &CONTROL);
        let mut text = |name: &str| match control.remove(name) {
            Some(Json::String(text)) => Some(text),
            _ => None,
        };
        let (connection, user_id, password) = (text("connection"), text("user_id"), text("password"));
        let profile = take(&mut body, &PROFILE);
        let mut object = |name: &str| match body.remove(name) {
            Some(Json::Object(object)) => Some(object),
            _ => None,
        };
        let (user_metadata, app_metadata) = (object("user_metadata"), object("app_metadata"));
        for name in ["email", "username"] {
            if let Some(Json::String(text)) = body.get_mut(name) {
                *text = text.to_lowercase();
            }
        }
        if let Some(Json::String(username)) = body.get("username") {
            check_username(username)?;
        }
        let password = password.map(Secret::new);
        Ok(Self { connection, user_id, password, columns: body, profile, user_metadata, app_metadata })
    }

    /// A new user of a connection with these attributes. `provider` is what their id begins with.
    ///
    /// # Errors
    /// [`Malformed`] if there is nothing to sign in with; a fault if the tables above and [`NewUser`] disagree.
    pub fn into_new(self, connection: &str, provider: &str) -> Result<Result<NewUser, Malformed>, Fault> {
        let present = |mut map: Map<String, Json>| {
            map.retain(|_, value| !value.is_null());
            map
        };
        let columns = Json::Object(present(self.columns));
        let user: NewUser =
            serde_json::from_value(columns).map_err(|error| Fault::internal(error.to_string()))?;
        let missing = match provider {
            "sms" => user.phone_number.is_none().then_some("phone_number"),
            "email" => user.email.is_none().then_some("email"),
            _ => (user.email.is_none() && user.username.is_none()).then_some("email"),
        };
        if let Some(name) = missing {
            return Ok(Err(Malformed(format!("Missing required property: {name}"))));
        }
        Ok(Ok(NewUser {
            connection: connection.to_owned(),
            profile: present(self.profile),
            user_metadata: self.user_metadata.unwrap_or_default(),
            app_metadata: self.app_metadata.unwrap_or_default(),
            ..user
        }))
    }

    /// A new address has not been proven, nor has a new number, unless the request says so itself.
    pub fn unprove(&mut self, email: Option<&str>, phone: Option<&str>) {
        for (proven, name, now) in
            [("email_verified", "email", email), ("phone_verified", "phone_number", phone)]
        {
            let changes = self.columns.get(name).is_some_and(|new| new.as_str() != now);
            if changes && !self.columns.contains_key(proven) {
                self.columns.insert(proven.to_owned(), Json::Bool(false));
            }
        }
    }

    /// Every member that the body names, the password without its text, as the log keeps them.
    pub fn named(&self) -> Map<String, Json> {
        let mut named = self.columns.clone();
        named.extend(self.profile.clone());
        let metadata = [("user_metadata", &self.user_metadata), ("app_metadata", &self.app_metadata)];
        named.extend(
            metadata
                .into_iter()
                .filter_map(|(name, patch)| Some((name.to_owned(), Json::Object(patch.clone()?)))),
        );
        named.extend(self.password.as_ref().map(|_| ("password".to_owned(), Json::from("hidden"))));
        named
    }

    /// Takes out what is about one way in, for the identity that it is about: how it is signed in with, and whether that is
    /// proven.
    pub fn split_identity(&mut self) -> Self {
        let names = ["email", "email_verified", "username", "phone_number", "phone_verified"];
        let columns = json::gather(names.iter().filter_map(|name| self.columns.remove_entry(*name)));
        Self { password: self.password.take(), columns, ..Self::default() }
    }

    /// Whether this is about how, or whether, the user signs in: whoever asked for it could then do so as them, by a
    /// password they know, or by an address or a name under which they could get one; or the user could not any more.
    pub fn changes_sign_in(&self) -> bool {
        let names = ["email", "email_verified", "username", "phone_number", "phone_verified", "blocked"];
        self.password.is_some() || names.iter().any(|name| self.columns.contains_key(*name))
    }

    /// Why the user must sign in again, if they must.
    pub fn ends(&self, user: &User) -> Option<Cause> {
        let is_new = |(name, now): &(&str, Option<&str>)| {
            self.columns.get(*name).is_some_and(|new| new.as_str() != *now)
        };
        let identifiers = [
            ("email", user.email.as_deref()),
            ("username", user.username.as_deref()),
            ("phone_number", user.phone_number.as_deref()),
        ];
        if self.password.is_some() {
            Some(Cause::PasswordChanged)
        } else if self.columns.get("blocked") == Some(&Json::Bool(true)) {
            Some(Cause::Blocked)
        } else {
            identifiers.iter().any(is_new).then_some(Cause::IdentifierChanged)
        }
    }
}

/// Takes the members of a table out of a body.
fn take(body: &mut Map<String, Json>, members: &[Member]) -> Map<String, Json> {
    json::gather(members.iter().filter_map(|member| body.remove_entry(member.name)))
}

/// Auth0's letters, except that a user name is no e-mail address: nobody may be found under somebody else's.
fn check_username(username: &str) -> Result<(), Malformed> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.!#$'^`~@".contains(&byte);
    if !username.bytes().all(letter) {
        return Err(Malformed("'username' must be of letters, digits and _+-.!#$'^`~@".to_owned()));
    }
    if shape::is_email(username) {
        return Err(Malformed("'username' must not be an e-mail address".to_owned()));
    }
    Ok(())
}
