//! The parameters of an authorization request, and what they may say. Pure.

use crate::{oauth::redirect::RedirectTarget, time::Lifetime};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The parameters as they came (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1, Auth0's own). What we do
/// not know is ignored (RFC 6749 §3.1).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Raw {
    /// The client.
    pub client_id: Option<String>,
    /// Where the answer shall go.
    pub redirect_uri: Option<String>,
    /// Only `code`.
    pub response_type: Option<String>,
    /// One of [`ResponseMode::NAMES`].
    pub response_mode: Option<String>,
    /// Given back as it is.
    pub state: Option<String>,
    /// Scopes, separated by spaces.
    pub scope: Option<String>,
    /// The API (Auth0).
    pub audience: Option<String>,
    /// Put into the ID token.
    pub nonce: Option<String>,
    /// Single claims (OpenID Connect Core §5.5), as JSON.
    pub claims: Option<String>,
    /// PKCE.
    pub code_challenge: Option<String>,
    /// PKCE: only `S256`.
    pub code_challenge_method: Option<String>,
    /// `none`, `login`, `select_account`, `consent`.
    pub prompt: Option<String>,
    /// Seconds since the person last proved who they are.
    pub max_age: Option<String>,
    /// What to put into the first field.
    pub login_hint: Option<String>,
    /// `signup` to begin there (Auth0).
    pub screen_hint: Option<String>,
    /// Id or name of the organization to sign in to (Auth0).
    pub organization: Option<String>,
    /// Name of the connection to sign in with (Auth0).
    pub connection: Option<String>,
    /// A request object: not supported.
    pub request: Option<String>,
    /// A reference to one: not supported.
    pub request_uri: Option<String>,
}

impl Raw {
    /// Its members that are there, to be sealed into the state of a login.
    pub fn to_map(&self) -> Map<String, Json> {
        let mut map = match serde_json::to_value(self) {
            Ok(Json::Object(map)) => map,
            _ => Map::new(),
        };
        map.retain(|_, value| !value.is_null());
        map
    }
}

/// How the answer gets to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// In the query of its address (OAuth 2.0 Multiple Response Types §2.1).
    #[default]
    Query,
    /// In the fragment of its address, which no server sees (OAuth 2.0 Multiple Response Types §2.1).
    Fragment,
    /// In a form that the browser sends there, so that the code stands in no log (OAuth 2.0 Form Post Response Mode).
    FormPost,
    /// Posted by a page of ours to the page of that origin which framed or opened it (Auth0's SDK for single-page apps).
    WebMessage,
}

impl ResponseMode {
    /// Every mode, as it is asked for.
    pub const NAMES: [&str; 4] = ["query", "fragment", "form_post", "web_message"];

    /// Reads the parameter. A form and a message can be sent to a web address only.
    ///
    /// # Errors
    /// What is wrong, for the developer.
    pub fn read(text: Option<&str>, target: &RedirectTarget) -> Result<Self, &'static str> {
        match text {
            None | Some("query") => Ok(Self::Query),
            Some("fragment") => Ok(Self::Fragment),
            Some("form_post") if target.is_web() => Ok(Self::FormPost),
            Some("web_message") if target.is_web() => Ok(Self::WebMessage),
            Some("form_post" | "web_message") => {
                Err("form_post and web_message need a redirect_uri of http or https")
            }
            Some(_) => Err("response_mode must be query, fragment, form_post or web_message"),
        }
    }
}

/// How far the person may be bothered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prompt {
    /// As far as it takes.
    #[default]
    Auto,
    /// Not at all: what needs a page is an error.
    None,
    /// A session is not enough: they must sign in again.
    Login,
    /// What they have agreed to is not enough: they are asked again.
    Consent,
}

impl Prompt {
    /// Reads the parameter: words separated by spaces, `none` only alone (OpenID Connect Core §3.1.2.1).
    ///
    /// # Errors
    /// What is wrong, for the developer.
    pub fn read(text: Option<&str>) -> Result<Self, &'static str> {
        let words: Vec<&str> = text.unwrap_or_default().split_ascii_whitespace().collect();
        if words.contains(&"none") {
            return if words.len() == 1 { Ok(Self::None) } else { Err("prompt none must stand alone") };
        }
        let mut prompt = Self::Auto;
        for word in words {
            match word {
                // There is one account per session: choosing another one is signing in again.
                "login" | "select_account" => prompt = Self::Login,
                // Asked for together, signing in again is what counts.
                "consent" if prompt == Self::Auto => prompt = Self::Consent,
                "consent" => {}
                _ => return Err("prompt must be none, login, select_account or consent"),
            }
        }
        Ok(prompt)
    }
}

/// Reads `max_age`: whole seconds.
///
/// # Errors
/// What is wrong, for the developer.
pub fn max_age(text: Option<&str>) -> Result<Option<Lifetime>, &'static str> {
    let read = |text: &str| text.parse::<u32>().map(|seconds| Lifetime::seconds(i64::from(seconds)));
    text.map(read).transpose().map_err(|_| "max_age must be a number of seconds")
}
