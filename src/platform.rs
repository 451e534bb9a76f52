//! Everything impure, in one trait. Two implementations: the Worker, and the in-memory world of the tests.

use crate::{
    db::Driver,
    error::Fault,
    id::OperationId,
    jose::{Algorithm, Jwk},
    limits::model::Rate,
    secret::Secret,
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::{future::Future, pin::Pin, rc::Rc};

/// A future on the one thread of a Worker.
pub type LocalBox<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What the outside world must give us.
pub trait Platform {
    /// The present moment. Read once per request, by `app`; everything else takes it from its `Call`.
    fn now(&self) -> Timestamp;

    /// Fills `buffer` with cryptographically secure random bytes.
    fn random(&self, buffer: &mut [u8]);

    /// The database behind a D1 binding of the running script; `None` while the script does not have that binding.
    fn database(&self, binding: &str) -> Option<Rc<dyn Driver>>;

    /// The names of the D1 bindings of the running script, sorted.
    fn bindings(&self) -> Vec<String>;

    /// Where archives are kept, if anywhere.
    fn archive(&self) -> Option<Rc<dyn ObjectStore>>;

    /// Sends an outgoing HTTP request. A fault means that no whole answer came back: the request may or may not have arrived.
    fn fetch<'a>(&'a self, request: Outgoing) -> LocalBox<'a, Result<Incoming, Fault>>;

    /// Makes a key pair (RSA-2048 for RS256).
    fn generate_key(&self, algorithm: Algorithm) -> LocalBox<'_, Result<KeyPair, Fault>>;

    /// Prepares a private key (JWK in JSON) for signing. Keep the result: importing costs more than signing.
    fn signer<'a>(
        &'a self,
        algorithm: Algorithm,
        private_jwk: &'a Secret,
    ) -> LocalBox<'a, Result<Rc<dyn Signer>, Fault>>;

    /// Whether `signature` over `message` was made by the private half of `key`.
    fn verify<'a>(
        &'a self,
        key: &'a Jwk,
        message: &'a [u8],
        signature: &'a [u8],
    ) -> LocalBox<'a, Result<bool, Fault>>;

    /// How dear a password hash is: Argon2id memory in KiB and passes. The Worker: 19456 and 2 (OWASP).
    fn password_cost(&self) -> (u32, u32);

    /// Lets so much time pass.
    fn pause(&self, span: Lifetime) -> LocalBox<'_, ()>;

    /// Lets everything come first that waits for the one thread, of a caller before whom so many others wait: in the Worker a few
    /// milliseconds, and 15 for each of them.
    fn breathe(&self, ahead: usize) -> LocalBox<'_, ()>;

    /// Runs work after the response has been sent (`waitUntil`, at most 30 s).
    fn defer(&self, work: LocalBox<'static, ()>);

    /// Counts one more of `key`, and answers whether that many are allowed. Roughly, and never for longer than a moment:
    /// where nothing counts (an older deployment without the binding), everything is.
    fn within<'a>(&'a self, rate: &'a Rate, key: &'a str) -> LocalBox<'a, bool>;

    /// Asks the one coordinator (a Durable Object) for a lease or a share of the API budget.
    fn coordinate<'a>(&'a self, ask: Ask) -> LocalBox<'a, Result<Answer, Fault>>;

    /// Has `operations::advance` called for this operation at about `at`, in a fresh request, at least once.
    fn wake<'a>(&'a self, operation: &'a OperationId, at: Timestamp) -> LocalBox<'a, Result<(), Fault>>;

    /// Sends one data point per request to the metrics store. Never fails a request.
    fn measure(&self, point: &DataPoint);

    /// Writes one structured line to the log: `level`, `message` and fields without secrets or personal data.
    fn log(&self, level: Level, message: &str, fields: Json);
}

/// A store of objects by name (in the Worker: an R2 bucket). What was put is there for every later read. An effect that
/// failed may have happened all the same.
pub trait ObjectStore {
    /// Keeps an object, in place of one that has this name.
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> LocalBox<'a, Result<(), Fault>>;

    /// The object of this name, if there is one.
    fn get<'a>(&'a self, name: &'a str) -> LocalBox<'a, Result<Option<Vec<u8>>, Fault>>;

    /// Names that begin so, in order: at most 1,000, behind `after`.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> LocalBox<'a, Result<Vec<String>, Fault>>;

    /// Removes the objects of these names, as far as they are there: at most 1,000.
    fn delete(&self, names: Vec<String>) -> LocalBox<'_, Result<(), Fault>>;
}

/// An outgoing HTTP request.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// `GET`, `POST`, …
    pub method: http::Method,
    /// The whole URL.
    pub url: String,
    /// Name and value, in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// The answer to an [`Outgoing`] request.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// HTTP status.
    pub status: u16,
    /// Name (lower case) and value.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Incoming {
    /// The first header of this (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A new key pair as JWKs.
pub struct KeyPair {
    /// JSON of the private JWK.
    pub private: Secret,
    /// The public JWK, without `kid`.
    pub public: Jwk,
}

/// A private key that is ready to sign.
pub trait Signer {
    /// Signs the signing input of a JWS. The private key never leaves the platform.
    fn sign<'a>(&'a self, message: &'a [u8]) -> LocalBox<'a, Result<Vec<u8>, Fault>>;
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Something an operator may want to know.
    Info,
    /// A fault.
    Error,
}

/// What is asked of the coordinator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Exclusive use of `name` for `holder`, until it is released or `for_ms` have passed. Asking again extends it.
    Acquire {
        /// What is locked, e.g. `bindings`.
        name: String,
        /// Who asks, e.g. an operation id with its attempt.
        holder: String,
        /// How long, in milliseconds, should the holder never come back.
        for_ms: i64,
    },
    /// The end of that use. Releasing what somebody else holds by now does nothing.
    Release {
        /// What was locked.
        name: String,
        /// Who held it.
        holder: String,
    },
    /// Permission for `calls` calls of the Cloudflare API (limit: 1,200 in 5 minutes for a token).
    Spend {
        /// How many calls.
        calls: u32,
    },
}

/// What the coordinator answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Go ahead.
    Granted,
    /// Not now: ask again in so many milliseconds.
    Wait {
        /// Milliseconds.
        ms: i64,
    },
}

/// What one request cost: the row of the `tenant_requests` metric.
#[derive(Debug, Clone, PartialEq)]
pub struct DataPoint {
    /// Tenant, or empty when none was found.
    pub tenant: String,
    /// Method and path pattern of the route, or `none`.
    pub route: String,
    /// HTTP status of the answer.
    pub status: u16,
    /// Wall time in milliseconds.
    pub duration_ms: i64,
    /// D1 round trips, rows read and rows written.
    pub cost: crate::db::Cost,
}
