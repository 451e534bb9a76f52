//! How the input of a handler is decoded from a request; access has been proven before.

use super::{
    Method, Request,
    shape::{self, Member},
};
use crate::json;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Why an input could not be decoded: safe to show, names the field where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parameters that the route took out of the path, decoded.
#[derive(Debug, Clone, Default)]
pub struct Params(pub Vec<(String, String)>);

/// Something a handler can take as its second argument.
pub trait Input: Sized {
    /// Decodes it.
    ///
    /// # Errors
    /// What is wrong, in words for the client.
    fn decode(request: &Request, params: &Params) -> Result<Self, Malformed>;
}

impl Input for () {
    fn decode(_: &Request, _: &Params) -> Result<Self, Malformed> {
        Ok(())
    }
}

impl<A: Input, B: Input> Input for (A, B) {
    fn decode(request: &Request, params: &Params) -> Result<Self, Malformed> {
        Ok((A::decode(request, params)?, B::decode(request, params)?))
    }
}

/// The path parameter, or a struct of all of them.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> Input for Path<T> {
    fn decode(_: &Request, params: &Params) -> Result<Self, Malformed> {
        let malformed = |error: serde_json::Error| Malformed(format!("path: {error}"));
        // A single parameter decodes as itself, so that `Path<UserId>` needs no wrapper struct.
        if let [(_, value)] = params.0.as_slice()
            && let Ok(single) = serde_json::from_value(Value::String(value.clone()))
        {
            return Ok(Self(single));
        }
        serde_json::from_value(params.object()).map(Self).map_err(malformed)
    }
}

impl Params {
    fn object(&self) -> Value {
        let values = self.0.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
        Value::Object(json::gather(values))
    }
}

/// A JSON body: an object.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Input for Json<T> {
    fn decode(request: &Request, params: &Params) -> Result<Self, Malformed> {
        Members::decode(request, params).and_then(|Members(members)| typed(members)).map(Self)
    }
}

/// A JSON body as it came, to make a resource of it or to change one. Both know what is unknown to us too: a resource
/// keeps the members it does not interpret.
#[derive(Debug, Clone)]
pub struct Members(pub Map<String, Value>);

impl Input for Members {
    fn decode(request: &Request, _: &Params) -> Result<Self, Malformed> {
        let body: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
        json::accept_object(body)
            .map(Self)
            .map_err(|error| Malformed(format!("the body is not a JSON object: {error}")))
    }
}

impl Members {
    /// The body, if everything in it is among `members` or `fixed`; the latter `make` and `change` refuse in words of their
    /// own. What nobody knows would be without effect, and nobody would be told.
    ///
    /// # Errors
    /// Words that name the member at fault.
    pub fn known(self, members: &[Member], fixed: &[&str]) -> Result<Self, Malformed> {
        let mut body = self.0;
        let fixed: Map<String, Value> =
            json::gather(fixed.iter().filter_map(|name| body.remove_entry(*name)));
        shape::check(&body, &[members])?;
        body.extend(fixed);
        Ok(Self(body))
    }

    /// A new resource: these members, and the `given` ones. The body must not name the latter, nor `fixed` ones. Null
    /// counts as absent (Auth0).
    ///
    /// # Errors
    /// Words that name the member at fault.
    pub fn make<T: DeserializeOwned>(self, given: &[(&str, &str)], fixed: &[&str]) -> Result<T, Malformed> {
        let names = given.iter().map(|(name, _)| *name).chain(fixed.iter().copied());
        let mut members = self.apart_from(names)?;
        members.retain(|_, value| !value.is_null());
        members.extend(given.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        typed(members)
    }

    /// A changed resource: these members instead of the stored ones. Null takes one away, so that its default holds
    /// again (Auth0). The body must not name `fixed` members.
    ///
    /// # Errors
    /// Words that name the member at fault.
    pub fn change<T: Serialize + DeserializeOwned>(self, stored: &T, fixed: &[&str]) -> Result<T, Malformed> {
        let changes = self.apart_from(fixed.iter().copied())?;
        let Ok(Value::Object(mut members)) = serde_json::to_value(stored) else {
            return Err(Malformed("what is stored is not an object".to_owned()));
        };
        members.extend(changes);
        members.retain(|_, value| !value.is_null());
        typed(members)
    }

    fn apart_from<'a>(
        self,
        mut names: impl Iterator<Item = &'a str>,
    ) -> Result<Map<String, Value>, Malformed> {
        match names.find(|name| self.0.contains_key(*name)) {
            Some(name) => Err(Malformed(format!("{name} cannot be set"))),
            None => Ok(self.0),
        }
    }
}

/// Decodes an object.
///
/// # Errors
/// What is wrong, in words for the client, after the name of the member at fault.
pub fn typed<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, Malformed> {
    T::deserialize(Value::Object(members.clone())).map_err(|error| {
        let refusal = |members| T::deserialize(Value::Object(members)).err().map(|error| error.to_string());
        blame(&members, &error.to_string(), &refusal)
    })
}

/// serde says what is wrong but not where: the culprit is the member that is refused with the same words when it comes
/// alone, or without which the rest is accepted.
fn blame(
    members: &Map<String, Value>,
    words: &str,
    refusal: &dyn Fn(Map<String, Value>) -> Option<String>,
) -> Malformed {
    // No resource has as many members as this; a body that has must not be dear to refuse.
    let mut suspects = members.iter().take(100);
    // What is wrong with no member at all is that one is missing.
    let missing = refusal(Map::new()).as_deref() == Some(words);
    let alone = |(name, value): &(&String, &Value)| {
        refusal(json::gather([((*name).clone(), (*value).clone())])).as_deref() == Some(words)
    };
    let innocent = |name: &str| {
        let mut rest = members.clone();
        rest.remove(name);
        refusal(rest).is_some()
    };
    let culprit = suspects.clone().find(|suspect| !missing && alone(suspect));
    match culprit.or_else(|| suspects.find(|(name, _)| !innocent(name))) {
        Some((name, _)) => Malformed(format!("{name}: {words}")),
        None => Malformed(words.to_owned()),
    }
}

/// The query string as a struct. Every value arrives as text; a repeated name keeps its first value.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> Input for Query<T> {
    fn decode(request: &Request, _: &Params) -> Result<Self, Malformed> {
        Pairs::parse(request.query.as_bytes()).decode().map(Self)
    }
}

/// A form body (`application/x-www-form-urlencoded`), or the same fields as JSON: Auth0's endpoints take both.
/// RFC 6749 §3.2: a field without a value counts as absent, in JSON too; a repeated one is refused.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> Input for Form<T> {
    fn decode(request: &Request, params: &Params) -> Result<Self, Malformed> {
        let json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if json {
            let Members(mut members) = Members::decode(request, params)?;
            members.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
            return typed(members).map(Self);
        }
        let pairs = Pairs::parse(&request.body).present();
        match pairs.repeated().first() {
            Some(name) => Err(Malformed(format!("{name} is given more than once"))),
            None => pairs.decode().map(Self),
        }
    }
}

/// Names and values as they came, for endpoints that must look at repetitions themselves: of the query of a `GET`, of
/// the form of a `POST`.
#[derive(Debug, Clone, Default)]
pub struct Pairs(pub Vec<(String, String)>);

impl Input for Pairs {
    fn decode(request: &Request, _: &Params) -> Result<Self, Malformed> {
        Ok(Self::parse(if request.method == Method::POST { &request.body } else { request.query.as_bytes() }))
    }
}

impl Pairs {
    fn parse(encoded: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(encoded)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// Those with a value: RFC 6749 §3.1 has a parameter without one count as absent.
    pub fn present(mut self) -> Self {
        self.0.retain(|(_, value)| !value.is_empty());
        self
    }

    /// The names that stand more than once.
    pub fn repeated(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.0.iter().filter(|(name, _)| !seen.insert(name)).map(|(name, _)| name.clone()).collect()
    }

    /// The pairs as a struct; a repeated name keeps its first value.
    ///
    /// # Errors
    /// What is wrong, in words for the client.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, Malformed> {
        let mut members = Map::new();
        for (name, value) in self.0 {
            members.entry(name).or_insert(Value::String(value));
        }
        typed(members)
    }
}
