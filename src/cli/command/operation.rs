//! `gatehouse operation` and `gatehouse rollback`: what is done with a move that is on its way.

use super::{
    super::{
        api::Api,
        exit::{Failure, Outcome},
        screen::Screen,
    },
    migrations,
    operations::{Operation, Until, check_id, describe, get, of_tenant, watch, watch_end},
};
use crate::operations::migrations::model::PREFIX;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

/// What is done with an operation.
#[derive(Debug, Args)]
pub struct OperationCommand {
    /// What to do
    what: What,
    /// The operation, or the tenant whose move it is; to pause and to resume, also a migration (mig_…)
    operation: String,
}

/// What can be done with a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Does nothing for now
    Pause,
    /// Goes on
    Resume,
    /// Gives up before the switch, and clears up
    Abort,
    /// Switches now, as soon as everything is there and compared
    Switch,
    /// Goes back after the switch, for now: both databases stay in step, and it can be switched again
    Return,
    /// Goes back after the switch, and ends; nothing that was written since is lost
    Rollback,
    /// Ends the time in which it can be rolled back, and clears up
    Finish,
}

impl OperationCommand {
    /// To roll back, as `gatehouse rollback` says it.
    pub const fn rollback(operation: String) -> Self {
        Self { what: What::Rollback, operation }
    }

    /// Does it, and waits until it is so.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn run(self, api: &Api<'_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        let word = match self.what {
            What::Pause => "pause",
            What::Resume => "resume",
            What::Abort => "abort",
            What::Switch => "switch",
            What::Return => "return",
            What::Rollback => "rollback",
            What::Finish => "finish",
        };
        if self.operation.starts_with(PREFIX) {
            return match self.what {
                What::Pause | What::Resume => migrations::set_status(api, &self.operation, word),
                _ => Err(Failure::Usage(format!(
                    "{word} is for each of its moves: gatehouse status {}",
                    self.operation
                ))),
            };
        }
        let id = resolve(api, &self.operation)?;
        let path = format!("/management/operations/{id}/{word}");
        match api.post::<Json>(&path, &json!({})) {
            // It was said already, and the answer to that was lost.
            Err(failure) if failure.is_status(409) && decided(api, &id, self.what)? => {}
            said => drop(said?),
        }
        let operation = match self.what {
            What::Pause | What::Resume => get(api, &id)?,
            What::Switch => watch(api, screen, &id, Until::Arrived)?,
            What::Return => watch(api, screen, &id, Until::Returned)?,
            What::Abort | What::Rollback | What::Finish => watch_end(api, screen, &id)?,
        };
        Ok(Outcome::done(describe(&operation), operation.into_document()))
    }
}

/// Whether a move already ends as is wanted.
fn decided(api: &Api<'_>, id: &str, what: What) -> Result<bool, Failure> {
    let moved = get(api, id)?.moved.clone();
    let wanted = moved.and_then(|moved| moved.wanted).unwrap_or_default();
    Ok(match what {
        What::Abort | What::Rollback => wanted == "source",
        What::Switch => wanted == "target",
        What::Return => wanted == "return",
        What::Finish => wanted == "finish",
        What::Pause | What::Resume => false,
    })
}

/// The operation of this id, or the newest move of the tenant of this id.
fn resolve(api: &Api<'_>, named: &str) -> Result<String, Failure> {
    if named.starts_with("op_") {
        return check_id("op_", named).map(str::to_owned);
    }
    let operations = of_tenant(api, named)?;
    let newest = operations.iter().find(|operation: &&Operation| operation.kind == "move");
    newest
        .map(|operation| operation.id.to_string())
        .ok_or_else(|| Failure::Other(format!("the tenant {named} has not been moved")))
}
