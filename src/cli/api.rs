//! The management API, as a command uses it: with a token, patience, and errors in words.

use super::{credentials::Credentials, environment::Environment, exit::Failure};
use crate::{
    json,
    platform::{Incoming, Outgoing},
    secret::Secret,
    time::Lifetime,
};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::{cell::RefCell, rc::Rc};
use url::Url;

/// A server and the right to manage it.
pub struct Api<'a> {
    environment: &'a dyn Environment,
    base: Url,
    credentials: Credentials,
    token: RefCell<Option<Rc<Secret>>>,
}

/// How often a request is sent at most before its failure is final.
const ATTEMPTS: u32 = 8;

/// How often a server that has never answered is asked.
const FIRST_ATTEMPTS: u32 = 3;

/// The longest that the server may have us wait before the next attempt.
const LONGEST_WAIT: Lifetime = Lifetime::seconds(60);

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status, of success.
    pub status: u16,
    /// The body; null if there is none.
    pub body: Json,
}

impl Answer {
    /// The body as this type.
    ///
    /// # Errors
    /// It is of another one: the server is of a release that this command does not know.
    pub fn read<T: DeserializeOwned>(self, path: &str) -> Result<T, Failure> {
        let other = |error| {
            let path = path.split('?').next().unwrap_or_default();
            Failure::Other(format!("the answer of {path} is none that this release knows: {error}"))
        };
        serde_json::from_value(self.body).map_err(other)
    }
}

impl<'a> Api<'a> {
    /// The server at `base`.
    pub fn new(environment: &'a dyn Environment, base: Url, credentials: Credentials) -> Self {
        Self { environment, base, credentials, token: RefCell::default() }
    }

    /// Where the server is.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The outside.
    pub fn environment(&self) -> &'a dyn Environment {
        self.environment
    }

    /// `GET`, read as the server's own type of the answer.
    ///
    /// # Errors
    /// See [`Self::call`]; and an answer of another type.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::GET, path, None)?.read(path)
    }

    /// `POST`, read in the same way.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &Json) -> Result<T, Failure> {
        self.call(Method::POST, path, Some(body))?.read(path)
    }

    /// `POST` of what would be done twice if it was sent twice: if it may have arrived, it is not sent again.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post_once<T: DeserializeOwned>(&self, path: &str, body: &Json) -> Result<T, Failure> {
        self.send(None, Method::POST, path, Some(body), 1)?.read(path)
    }

    /// Calls the management API of the base domain. A request that was refused because the server is busy, or that
    /// cannot have arrived, is sent again; one that may have arrived is sent again only if that does no harm: every
    /// write of ours is one that the server takes twice, or refuses the second time with words that say so.
    ///
    /// # Errors
    /// The server's refusal, or that it does not answer.
    pub fn call(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Answer, Failure> {
        self.call_of(None, method, path, body)
    }

    /// Calls the management API of one tenant, from the base domain.
    ///
    /// # Errors
    /// See [`Self::call`].
    pub fn call_of(
        &self,
        tenant: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Answer, Failure> {
        self.send(tenant, method, path, body, ATTEMPTS)
    }

    /// `attempts`: how often it is sent at most when no answer comes.
    fn send(
        &self,
        tenant: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Json>,
        attempts: u32,
    ) -> Result<Answer, Failure> {
        let mut renewed = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let token = self.token()?;
            let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", token.expose()))];
            headers.extend(tenant.map(|tenant| ("tenant-id".to_owned(), tenant.to_owned())));
            headers.extend(body.map(|_| ("content-type".to_owned(), "application/json".to_owned())));
            let request = Outgoing {
                method: method.clone(),
                url: self.url(path),
                headers,
                body: body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            };
            let answer = match self.environment.send(&request) {
                Ok(answer) => answer,
                Err(_) if attempt < attempts => {
                    self.environment.pause(backoff(attempt));
                    continue;
                }
                Err(words) => return Err(self.unreachable(&words)),
            };
            match answer.status {
                200..=299 => return Ok(Answer { status: answer.status, body: body_of(&answer) }),
                401 if !renewed && matches!(self.credentials, Credentials::Client { .. }) => {
                    renewed = true;
                    self.token.borrow_mut().take();
                }
                429 | 502..=504 if attempt < ATTEMPTS => self.environment.pause(wait(&answer, attempt)),
                _ => return Err(refused(&answer)),
            }
        }
    }

    /// Asks a host for something that needs no token: discovery, keys, health.
    ///
    /// # Errors
    /// The refusal, or that nobody answers.
    pub fn open(&self, url: &str) -> Result<Json, Failure> {
        let request =
            Outgoing { method: Method::GET, url: url.to_owned(), headers: Vec::new(), body: Vec::new() };
        let answer = self.environment.send(&request).map_err(|words| self.unreachable(&words))?;
        if (200..300).contains(&answer.status) { Ok(body_of(&answer)) } else { Err(refused(&answer)) }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{}", self.base.as_str().trim_end_matches('/'), path)
    }

    fn unreachable(&self, words: &str) -> Failure {
        Failure::Unreachable(format!("{} does not answer: {words}", self.base))
    }

    /// The audience of every management token.
    pub fn audience(&self) -> String {
        self.url("/api/v2/")
    }

    /// The token, made by client credentials (RFC 6749 §4.4) when it is first needed.
    fn token(&self) -> Result<Rc<Secret>, Failure> {
        if let Some(token) = self.token.borrow().as_ref() {
            return Ok(Rc::clone(token));
        }
        let token = Rc::new(match &self.credentials {
            Credentials::Token(token) => Secret::new(token.expose()),
            Credentials::Client { id, secret } => self.token_of(id, secret)?,
        });
        *self.token.borrow_mut() = Some(Rc::clone(&token));
        Ok(token)
    }

    fn token_of(&self, id: &str, secret: &Secret) -> Result<Secret, Failure> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let body = form
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", id)
            .append_pair("client_secret", secret.expose())
            .append_pair("audience", &self.audience())
            .finish();
        let mut attempt = 0;
        let answer = loop {
            attempt += 1;
            let sent = self.environment.send(&Outgoing {
                method: Method::POST,
                url: self.url("/oauth/token"),
                headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
                body: body.clone().into_bytes(),
            });
            match sent {
                Ok(answer) if matches!(answer.status, 429 | 502..=504) && attempt < ATTEMPTS => {
                    self.environment.pause(wait(&answer, attempt));
                }
                Ok(answer) => break answer,
                // Nobody has answered yet: more likely than a server that is away for a moment is a wrong URL.
                Err(_) if attempt < FIRST_ATTEMPTS => self.environment.pause(backoff(attempt)),
                Err(words) => return Err(self.unreachable(&words)),
            }
        };
        let body = body_of(&answer);
        match body.get("access_token").and_then(Json::as_str) {
            Some(token) => Ok(Secret::new(token)),
            None => Err(refused(&answer)),
        }
    }
}

fn body_of(answer: &Incoming) -> Json {
    json::read(&answer.body).unwrap_or(Json::Null)
}

/// How long to wait before attempt number `attempt` + 1: doubling from a quarter of a second.
fn backoff(attempt: u32) -> Lifetime {
    Lifetime::milliseconds(250 << attempt.min(7)).min(LONGEST_WAIT)
}

/// As long as the server says (RFC 9110 §10.2.3), within reason.
fn wait(answer: &Incoming, attempt: u32) -> Lifetime {
    let said = answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Lifetime::seconds);
    said.unwrap_or_else(|| backoff(attempt)).min(LONGEST_WAIT)
}

/// A refusal in the words of the server, whichever dialect it speaks.
fn refused(answer: &Incoming) -> Failure {
    let body = body_of(answer);
    let text = |names: &[&str]| {
        names.iter().find_map(|name| body.get(*name)).and_then(Json::as_str).map(str::to_owned)
    };
    let code = text(&["errorCode", "error_code", "error"]).unwrap_or_else(|| "error".to_owned());
    let message = text(&["message", "error_description"])
        .unwrap_or_else(|| String::from_utf8_lossy(&answer.body).chars().take(200).collect());
    Failure::Refused { status: answer.status, code, message, body }
}
