//! `gatehouse fleet`: all tenants at once are read-only, or open again.

use super::{
    super::{
        api::Api,
        exit::{Failure, Outcome},
    },
    tenants::text,
};
use clap::ValueEnum;
use serde_json::{Value as Json, json};

/// The state of all tenants together, or the last step of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Fleet {
    /// Each tenant is as it is
    Active,
    /// Everything but the pages of a login
    Staging,
    /// Finishes every move that has arrived: from then on it can't be rolled back
    CleanUp,
    /// Nothing can be changed in any of them; people stay signed in
    ReadOnly,
}

/// Shows it, or sets it.
///
/// # Errors
/// The server's refusal.
pub fn run(api: &Api<'_>, to: Option<Fleet>) -> Result<Outcome, Failure> {
    let shown = match to {
        None => api.get("/management/fleet")?,
        Some(Fleet::Active) => api.post("/management/fleet/active", &json!({}))?,
        Some(Fleet::Staging) => api.post("/management/fleet/staging", &json!({}))?,
        Some(Fleet::CleanUp) => api.post("/management/fleet/clean_up", &json!({}))?,
        Some(Fleet::ReadOnly) => api.post("/management/fleet/read_only", &json!({}))?,
    };
    if let Some(finishing) = shown.get("finishing").and_then(Json::as_array) {
        return Ok(Outcome::done(format!("{} moves are being finished.", finishing.len()), shown));
    }
    let counts = shown.get("tenants").and_then(Json::as_object);
    let counts = counts.into_iter().flatten().map(|(status, count)| format!("{count} {status}"));
    let mut text =
        format!("The fleet is {}: {}.", text(&shown, "status"), counts.collect::<Vec<_>>().join(", "));
    if let Some(at) = shown.get("effective_at").and_then(Json::as_str) {
        text = format!("{text} Every instance knows it from {at} on.");
    }
    Ok(Outcome::done(text, shown))
}
