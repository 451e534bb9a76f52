//! `gatehouse fleet`: all tenants at once are read-only, or open again.

use super::super::{
    answer::Answered,
    api::Api,
    exit::{Failure, Outcome},
};
use crate::operations::migrations::fleet::api::{CleanedUp, FleetView};
use clap::ValueEnum;
use serde_json::json;

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
    let shown: Answered<FleetView> = match to {
        None => api.get("/management/fleet")?,
        Some(Fleet::Active) => api.post("/management/fleet/active", &json!({}))?,
        Some(Fleet::Staging) => api.post("/management/fleet/staging", &json!({}))?,
        Some(Fleet::ReadOnly) => api.post("/management/fleet/read_only", &json!({}))?,
        Some(Fleet::CleanUp) => {
            let done: Answered<CleanedUp> = api.post("/management/fleet/clean_up", &json!({}))?;
            let text = format!("{} moves are being finished.", done.finishing.len());
            return Ok(Outcome::done(text, done.into_document()));
        }
    };
    let counts: Vec<_> = shown.tenants.iter().map(|(status, count)| format!("{count} {status}")).collect();
    let mut text = format!("The fleet is {}: {}.", shown.status.as_str(), counts.join(", "));
    if let Some(at) = shown.effective_at {
        text = format!("{text} Every instance knows it from {} on.", at.iso());
    }
    Ok(Outcome::done(text, shown.into_document()))
}
