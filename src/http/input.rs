//! How the input of a handler is decoded from a request; access has been proven before.

use super::{Method, Request};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Why an input could not be decoded: safe to show, names the field where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

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
            && let Ok(single) = serde_json::from_value(serde_json::Value::String(value.clone()))
        {
            return Ok(Self(single));
        }
        let map =
            params.0.iter().map(|(name, value)| (name.clone(), serde_json::Value::String(value.clone())));
        serde_json::from_value(serde_json::Value::Object(map.collect())).map(Self).map_err(malformed)
    }
}

/// A JSON body.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Input for Json<T> {
    fn decode(request: &Request, _: &Params) -> Result<Self, Malformed> {
        let body: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
        serde_json::from_slice(body).map(Self).map_err(|error| Malformed(error.to_string()))
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
/// RFC 6749 §3.2: a field without a value counts as absent, and a repeated one is refused.
#[derive(Debug, Clone)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> Input for Form<T> {
    fn decode(request: &Request, params: &Params) -> Result<Self, Malformed> {
        let json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if json {
            return Json::decode(request, params).map(|Json(value)| Self(value));
        }
        let mut fields = Pairs::parse(&request.body).0;
        fields.retain(|(_, value)| !value.is_empty());
        let pairs = Pairs(fields);
        match pairs.repeated() {
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

    /// A name that stands more than once.
    pub fn repeated(&self) -> Option<&str> {
        let mut seen = BTreeSet::new();
        self.0.iter().find(|(name, _)| !seen.insert(name)).map(|(name, _)| name.as_str())
    }

    /// The pairs as a struct; a repeated name keeps its first value.
    ///
    /// # Errors
    /// What is wrong, in words for the client.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T, Malformed> {
        let mut map = serde_json::Map::new();
        for (name, value) in self.0 {
            map.entry(name).or_insert(serde_json::Value::String(value));
        }
        serde_json::from_value(serde_json::Value::Object(map)).map_err(|error| Malformed(error.to_string()))
    }
}
