//! The world outside, as a Worker has it.

use super::{
    bindings::Bindings,
    coordinator::{self, Message},
    crypto::{self, Held},
    r2::R2,
    wire::{self, thrown},
};
use crate::{
    db::Driver,
    error::Fault,
    id::OperationId,
    jose::{Algorithm, Jwk},
    json,
    limits::model::Rate,
    platform::{
        Answer, Ask, DataPoint, Incoming, KeyPair, Level, LocalBox, ObjectStore, Outgoing, Platform, Signer,
    },
    secret::Secret,
    time::{Lifetime, Timestamp},
};
use js_sys::Promise;
use serde_json::{Value as Json, json};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    rc::Rc,
    time::Duration,
};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{
    AnalyticsEngineDataPointBuilder, Delay,
    web_sys::{self, WorkerGlobalScope, console},
};

#[wasm_bindgen(module = "cloudflare:workers")]
extern "C" {
    /// `waitUntil` of whichever request is running: the platform outlives them all.
    #[wasm_bindgen(js_name = waitUntil)]
    fn wait_until(work: &Promise);
}

/// The Worker's side of [`Platform`]: one per isolate.
pub struct Edge {
    bindings: Bindings,
    databases: RefCell<HashMap<String, Rc<dyn Driver>>>,
    /// The counters that were found not to count.
    uncounted: RefCell<HashSet<&'static str>>,
}

impl Edge {
    /// The world as these bindings open it.
    pub fn new(bindings: Bindings) -> Self {
        Self { bindings, databases: RefCell::default(), uncounted: RefCell::default() }
    }
}

/// The present moment. It stands still while we compute: the platform's defence against timing attacks.
pub fn now() -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 need 41 bits")]
    Timestamp::from_millis(js_sys::Date::now() as i64)
}

/// Writes one line of JSON to the log.
pub fn log(level: Level, message: &str, fields: Json) {
    let mut line = json!({ "level": match level { Level::Info => "info", Level::Error => "error" }, "message": message });
    if let (Json::Object(line), Json::Object(fields)) = (&mut line, fields) {
        line.extend(fields);
    }
    let line = JsValue::from_str(&line.to_string());
    match level {
        Level::Info => console::log_1(&line),
        Level::Error => console::error_1(&line),
    }
}

impl Platform for Edge {
    fn now(&self) -> Timestamp {
        now()
    }

    fn random(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            // Better no server than one whose secrets can be guessed.
            std::process::abort();
        }
    }

    fn database(&self, binding: &str) -> Option<Rc<dyn Driver>> {
        if let Some(known) = self.databases.borrow().get(binding) {
            return Some(Rc::clone(known));
        }
        let driver: Rc<dyn Driver> = Rc::new(self.bindings.database(binding)?);
        self.databases.borrow_mut().insert(binding.to_owned(), Rc::clone(&driver));
        Some(driver)
    }

    fn bindings(&self) -> Vec<String> {
        self.bindings.databases()
    }

    fn archive(&self) -> Option<Rc<dyn ObjectStore>> {
        self.bindings.archive().map(|bucket| Rc::new(R2::of(bucket)) as Rc<dyn ObjectStore>)
    }

    fn fetch<'a>(&'a self, request: Outgoing) -> LocalBox<'a, Result<Incoming, Fault>> {
        Box::pin(async move {
            let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
            let answer = JsFuture::from(scope.fetch_with_request(&wire::outgoing(&request)?)).await;
            let answer: web_sys::Response = answer.map_err(thrown("fetch"))?.unchecked_into();
            wire::incoming(answer).await
        })
    }

    fn generate_key(&self, algorithm: Algorithm) -> LocalBox<'_, Result<KeyPair, Fault>> {
        Box::pin(crypto::generate(algorithm))
    }

    fn signer<'a>(
        &'a self,
        algorithm: Algorithm,
        private_jwk: &'a Secret,
    ) -> LocalBox<'a, Result<Rc<dyn Signer>, Fault>> {
        Box::pin(async move { Ok(Rc::new(Held::import(algorithm, private_jwk).await?) as Rc<dyn Signer>) })
    }

    fn verify<'a>(
        &'a self,
        key: &'a Jwk,
        message: &'a [u8],
        signature: &'a [u8],
    ) -> LocalBox<'a, Result<bool, Fault>> {
        Box::pin(crypto::holds(key, message, signature))
    }

    fn password_cost(&self) -> (u32, u32) {
        (19_456, 2)
    }

    fn pause(&self, span: Lifetime) -> LocalBox<'_, ()> {
        let span = u64::try_from(span.as_millis()).unwrap_or_default();
        Box::pin(async move { Delay::from(Duration::from_millis(span)).await })
    }

    /// A few milliseconds: what arrived during a hash is answered in them. Who is far behind looks less often.
    fn breathe(&self, ahead: usize) -> LocalBox<'_, ()> {
        let milliseconds = 6 + 15 * u64::try_from(ahead.min(20)).unwrap_or_default();
        Box::pin(async move { Delay::from(Duration::from_millis(milliseconds)).await })
    }

    fn defer(&self, work: LocalBox<'static, ()>) {
        wait_until(&future_to_promise(async move {
            work.await;
            Ok(JsValue::UNDEFINED)
        }));
    }

    fn within<'a>(&'a self, rate: &'a Rate, key: &'a str) -> LocalBox<'a, bool> {
        Box::pin(async move {
            let allowed = match self.bindings.rate_limiter(rate.binding) {
                Some(limiter) => limiter.limit(key.to_owned()).await.map(|outcome| outcome.success),
                None => Err(worker::Error::RustError("the binding is missing from wrangler.toml".to_owned())),
            };
            // Better a server without this limit than none. Said once: a flood must not flood the log.
            allowed.unwrap_or_else(|error| {
                if self.uncounted.borrow_mut().insert(rate.binding) {
                    let fields = json!({ "binding": rate.binding, "detail": error.to_string() });
                    log(Level::Error, "nothing counts requests here", fields);
                }
                true
            })
        })
    }

    fn coordinate<'a>(&'a self, ask: Ask) -> LocalBox<'a, Result<Answer, Fault>> {
        Box::pin(async move {
            let answer = coordinator::tell(&self.bindings, coordinator::NAME, &Message::Ask(ask)).await?;
            json::read(&answer).map_err(|error| Fault::internal(format!("coordinator: {error}")))
        })
    }

    fn wake<'a>(&'a self, operation: &'a OperationId, at: Timestamp) -> LocalBox<'a, Result<(), Fault>> {
        Box::pin(async move {
            let message = Message::Wake { operation: operation.clone(), at: at.millis() };
            coordinator::tell(&self.bindings, operation.as_str(), &message).await.map(drop)
        })
    }

    fn measure(&self, point: &DataPoint) {
        let Some(metrics) = self.bindings.metrics() else { return };
        #[expect(clippy::cast_precision_loss, reason = "counts and milliseconds of one request")]
        let doubles = [
            f64::from(point.status),
            point.duration_ms as f64,
            point.cost.round_trips as f64,
            point.cost.rows_read as f64,
            point.cost.rows_written as f64,
        ];
        // A metric that is lost must not fail the request it measures.
        let _ = AnalyticsEngineDataPointBuilder::new()
            .indexes([point.tenant.as_str()])
            .blobs([point.tenant.as_str(), point.route.as_str()])
            .doubles(doubles)
            .write_to(metrics);
    }

    fn log(&self, level: Level, message: &str, fields: Json) {
        log(level, message, fields);
    }
}
