//! One call of the API: within the budget, with its retries, and with its answer read.

use super::problem::{Kind, Problem, read};
use crate::{
    config::CloudflareConfig,
    http::Method,
    platform::{Answer, Ask, Outgoing, Platform},
    time::{Lifetime, Timestamp},
};
use serde_json::Value as Json;
use std::rc::Rc;

/// The API of one account, for one script.
#[derive(Clone)]
pub struct Api {
    platform: Rc<dyn Platform>,
    config: CloudflareConfig,
}

/// A call.
pub(super) struct Call {
    pub(super) method: Method,
    /// Below the account.
    pub(super) path: String,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// Whether doing it twice is doing it once: only then it is repeated when no answer came back.
    pub(super) repeatable: bool,
    /// After this moment it must not be sent: then nobody reckons with it any more.
    pub(super) deadline: Option<Timestamp>,
}

/// How often a repeatable call is made before its failure counts. A pause between them is not ours to make: a request
/// cannot sleep, so whoever wants to wait comes back later.
const ATTEMPTS: usize = 3;

impl Api {
    /// The API as configured.
    pub fn new(platform: Rc<dyn Platform>, config: CloudflareConfig) -> Self {
        Self { platform, config }
    }

    /// The script whose bindings are managed.
    pub fn script(&self) -> &str {
        &self.config.script_name
    }

    pub(super) async fn call(&self, call: Call) -> Result<Json, Problem> {
        let mut attempts = if call.repeatable { ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            self.spend().await?;
            match self.send(&call).await {
                Err(Problem { kind: Kind::Unknown, .. }) if attempts > 0 => {}
                answer => return answer,
            }
        }
    }

    /// One call of the budget that all instances share.
    async fn spend(&self) -> Result<(), Problem> {
        match self.platform.coordinate(Ask::Spend { calls: 1 }).await {
            Ok(Answer::Granted) => Ok(()),
            Ok(Answer::Wait { ms }) => Err(Problem {
                kind: Kind::NotSent(Lifetime::milliseconds(ms)),
                detail: "the budget of API calls is used up".to_owned(),
            }),
            Err(fault) => Err(Problem { kind: Kind::NotSent(Lifetime::seconds(1)), detail: fault.detail }),
        }
    }

    async fn send(&self, call: &Call) -> Result<Json, Problem> {
        let config = &self.config;
        let mut headers = vec![("authorization".to_owned(), format!("Bearer {}", config.api_token.expose()))];
        if !call.body.is_empty() {
            headers.push(("content-type".to_owned(), call.content_type.to_owned()));
        }
        let outgoing = Outgoing {
            method: call.method.clone(),
            url: format!("{}/accounts/{}{}", config.api_base, config.account_id, call.path),
            headers,
            body: call.body.clone(),
        };
        // Nothing may be awaited between this look at the clock and the call.
        if call.deadline.is_some_and(|deadline| self.platform.now() > deadline) {
            let detail = "this instance was too slow; another one goes on".to_owned();
            return Err(Problem { kind: Kind::NotSent(Lifetime::default()), detail });
        }
        let answer = self.platform.fetch(outgoing).await;
        let answer = answer.map_err(|fault| Problem { kind: Kind::Unknown, detail: fault.detail })?;
        read(answer.status, answer.header("retry-after"), &answer.body)
    }
}

impl Call {
    /// A call without a body.
    pub(super) fn plain(method: Method, path: String, repeatable: bool) -> Self {
        Self { method, path, content_type: "", body: Vec::new(), repeatable, deadline: None }
    }

    /// A call with a JSON body.
    pub(super) fn json(method: Method, path: String, body: &Json, repeatable: bool) -> Self {
        let body = body.to_string().into_bytes();
        Self { method, path, content_type: "application/json", body, repeatable, deadline: None }
    }
}
