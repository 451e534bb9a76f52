//! What `wrangler.toml` and the secrets promise, checked once.

use super::d1::D1;
use crate::{config::Config, error::Fault};
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use worker::{AnalyticsEngineDataset, Bucket, Env, Fetcher, RateLimiter, Stub, durable::ObjectNamespace};

/// The bindings of the running script.
pub struct Bindings {
    env: Env,
    coordinators: ObjectNamespace,
    metrics: Option<AnalyticsEngineDataset>,
    archive: Option<Bucket>,
}

impl Bindings {
    /// Takes the bindings that the script cannot do without.
    ///
    /// # Errors
    /// A fault that names the one that is missing.
    pub fn check(env: Env) -> Result<Self, Fault> {
        let missing =
            |name: &str| Fault::internal(format!("the binding {name} is missing from wrangler.toml"));
        let coordinators = env.durable_object("COORDINATOR").map_err(|_| missing("COORDINATOR"))?;
        itself(&env)?;
        let metrics = env.analytics_engine("METRICS").ok();
        let archive = env.bucket("ARCHIVE").ok();
        let bindings = Self { env, coordinators, metrics, archive };
        bindings.database("DIRECTORY").ok_or_else(|| missing("DIRECTORY"))?;
        Ok(bindings)
    }

    /// The operator's settings, from variables and secrets alike.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn config(&self) -> Result<Config, Fault> {
        Config::read(|name| self.value(name)?.as_string())
    }

    /// The D1 database of this binding.
    pub fn database(&self, name: &str) -> Option<D1> {
        D1::of(self.value(name)?)
    }

    /// The names of all D1 bindings, sorted.
    pub fn databases(&self) -> Vec<String> {
        let names = Object::keys(self.env.unchecked_ref::<Object>()).into_iter();
        let mut names: Vec<_> =
            names.filter_map(|name| name.as_string().filter(|name| self.database(name).is_some())).collect();
        names.sort_unstable();
        names
    }

    /// The Durable Object of this name.
    ///
    /// # Errors
    /// A fault if the platform refuses to name it.
    pub fn coordinator(&self, name: &str) -> Result<Stub, Fault> {
        self.coordinators
            .get_by_name(name)
            .map_err(|error| Fault::unavailable(format!("coordinator: {error}")))
    }

    /// What counts requests under this binding, if anything.
    pub fn rate_limiter(&self, name: &str) -> Option<RateLimiter> {
        self.env.rate_limiter(name).ok()
    }

    /// Where data points go, if anywhere.
    pub fn metrics(&self) -> Option<&AnalyticsEngineDataset> {
        self.metrics.as_ref()
    }

    /// Where archives are kept, if anywhere.
    pub fn archive(&self) -> Option<&Bucket> {
        self.archive.as_ref()
    }

    fn value(&self, name: &str) -> Option<JsValue> {
        Reflect::get(&self.env, &JsValue::from_str(name)).ok().filter(|value| !value.is_undefined())
    }
}

/// This script's own `fetch`, with the newest bindings: what a Durable Object calls, since it may run with old ones.
///
/// # Errors
/// A fault if the binding is missing.
pub fn itself(env: &Env) -> Result<Fetcher, Fault> {
    env.service("SELF").map_err(|_| missing("SELF"))
}

fn missing(name: &str) -> Fault {
    Fault::internal(format!("the binding {name} is missing from wrangler.toml"))
}
