//! The `claims` parameter (OpenID Connect Core §5.5): single claims about the person, for the ID token or for userinfo. Pure.
//!
//! Who gets what: a claim that is named here is one that its scope (§5.4) would give, so it is treated as that scope. A client
//! of ours gets it; for a client of somebody else the page of consent names the scope that the claim is of, and without a yes
//! there is no claim. The scope itself is not granted by it. A claim that is asked for with a value is given if that is the
//! value; one that nobody knows is left out, essential or not (§5.5.1).

use super::{authorize::respond::Denied, person};
use crate::{id::UserId, json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// What was proven by a second factor, as `acr` names it (Auth0: what an API asks for to have somebody step up).
pub const MULTI_FACTOR: &str = "http://schemas.openid.net/pape/policies/2007/06/multi-factor";

/// The claim of an access token that says which single claims userinfo gives for it. The token is its only record.
pub const OF_USERINFO: &str = "userinfo_claims";

/// Single claims by their names, each with the values that are wanted of it: null for whatever it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Single(Map<String, Json>);

impl Single {
    /// Whether the claim is asked for, as what it is.
    pub fn wants(&self, name: &str, value: &Json) -> bool {
        match self.0.get(name) {
            Some(Json::Array(good)) => good.contains(value),
            Some(_) => true,
            None => false,
        }
    }

    /// Those that no scope of these gives already.
    pub fn beyond(&self, scope: &super::scope::Scopes) -> Self {
        let is_given = |name: &str| person::scope_of(name).is_some_and(|of| scope.contains(of));
        let more = self.0.iter().filter(|(name, _)| !is_given(name));
        Self(json::gather(more.map(|(name, good)| (name.clone(), good.clone()))))
    }

    /// Reads what an access token says of itself, by [`OF_USERINFO`].
    pub fn of_token(claims: &Map<String, Json>) -> Self {
        Self(claims.get(OF_USERINFO).and_then(Json::as_object).cloned().unwrap_or_default())
    }

    /// As an access token says it; nothing if none is asked for.
    pub fn for_token(self) -> Option<Json> {
        (!self.0.is_empty()).then_some(Json::Object(self.0))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

/// Single claims, each where it is wanted: kept with codes and refresh tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// In the ID token.
    pub id_token: Single,
    /// In the answer of userinfo.
    pub userinfo: Single,
}

impl Asked {
    /// Reads what a refresh token keeps. What cannot be read asks for nothing.
    pub fn stored(text: &str) -> Self {
        json::read(text).unwrap_or_default()
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The parameter, checked.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What tokens are made of later.
    pub asked: Asked,
    /// Whom it is about, each time that it says so: the values of `sub`.
    subjects: Vec<Vec<Json>>,
    /// How it must have been proven who that is: the values of an essential `acr`.
    contexts: Option<Vec<Json>>,
}

/// How one claim is asked for. Members that nobody knows are ignored (§5.5.1).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wish {
    essential: Option<bool>,
    value: Option<Json>,
    values: Option<Vec<Json>>,
}

impl Wish {
    /// The values that are good; `None` if every one is.
    fn good(self) -> Option<Vec<Json>> {
        let value = self.value.filter(|value| !value.is_null());
        match (value, self.values) {
            (None, values) => values,
            (Some(value), values) => Some(values.unwrap_or_default().into_iter().chain([value]).collect()),
        }
    }
}

/// Said of everything that is no such parameter.
const MALFORMED: &str = "claims must be a JSON object with the members id_token and userinfo, each an object of claims that are null or \
     have the members essential (true or false), value and values (a list)";

impl Request {
    /// Reads the parameter, whose length the caller has checked. Claims that there are not are ignored.
    ///
    /// # Errors
    /// What is wrong, for the developer.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        let mut whole = json::accept_object(text.as_bytes()).map_err(|_| MALFORMED)?;
        let mut request = Self::default();
        request.asked.id_token = request.part(whole.remove("id_token"), true)?;
        request.asked.userinfo = request.part(whole.remove("userinfo"), false)?;
        Ok(request)
    }

    fn part(&mut self, part: Option<Json>, is_id_token: bool) -> Result<Single, &'static str> {
        let mut single = Map::new();
        let claims = match part {
            None | Some(Json::Null) => return Ok(Single::default()),
            Some(Json::Object(claims)) => claims,
            Some(_) => return Err(MALFORMED),
        };
        for (name, wish) in claims {
            let wish = match wish {
                Json::Null => Wish::default(),
                wish @ Json::Object(_) => serde_json::from_value(wish).map_err(|_| MALFORMED)?,
                _ => return Err(MALFORMED),
            };
            let is_essential = wish.essential == Some(true);
            let good = wish.good();
            match (name.as_str(), good) {
                ("sub", Some(good)) => self.subjects.push(good),
                ("acr", good) if is_id_token => {
                    self.contexts = good.clone().filter(|_| is_essential);
                    single.insert(name, good.into());
                }
                (known, good) if person::scope_of(known).is_some() => {
                    single.insert(name, good.into());
                }
                _ => {}
            }
        }
        Ok(Single(single))
    }

    /// The scopes that would give what is asked for.
    pub fn scopes(&self) -> Vec<&'static str> {
        let mut scopes = Vec::new();
        for name in self.asked.id_token.names().chain(self.asked.userinfo.names()) {
            scopes.extend(person::scope_of(name));
        }
        scopes
    }

    /// Whether it says whom it is about, who is there already then.
    pub fn names_somebody(&self) -> bool {
        !self.subjects.is_empty()
    }

    /// Whether it can be about this person. What names another one is answered by no session of theirs (Core §3.1.2.2).
    pub fn is_about(&self, user: &UserId) -> bool {
        self.subjects.iter().all(|good| good.iter().any(|value| value == user.as_str()))
    }

    /// Whether a second factor must be proven, whatever the tenant asks for by itself.
    pub fn needs_second_factor(&self) -> bool {
        self.contexts.as_ref().is_some_and(|good| good.iter().any(|value| value == MULTI_FACTOR))
    }

    /// Checks that whoever signs in is who was asked for, and has proven it as was asked for.
    ///
    /// # Errors
    /// `access_denied` for somebody else (Core §3.1.2.2); for an essential `acr` that was not reached (§5.5.1.1)
    /// `unmet_authentication_requirements` (OpenID Connect Core Error Code unmet_authentication_requirements 1.0).
    pub fn check(&self, user: &UserId, has_second_factor: bool) -> Result<(), Denied> {
        if !self.is_about(user) {
            return Err(Denied::new(
                "access_denied",
                "Somebody else has signed in than claims asks for by sub",
            ));
        }
        if self.contexts.is_some() && !(has_second_factor && self.needs_second_factor()) {
            return Err(Denied::new(
                "unmet_authentication_requirements",
                "The login does not reach the acr that claims asks for as essential",
            ));
        }
        Ok(())
    }
}
