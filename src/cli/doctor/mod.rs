//! Diagnosis: what is looked at, what is wrong with it, and what to do. Pure; the looking is done by the command.

pub mod database;
pub mod log;
pub mod tenant;
pub mod token;

use serde::Serialize;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What, in a word or two.
    pub what: &'static str,
    /// How it is.
    pub state: State,
    /// What was found.
    pub found: String,
    /// What to do about it; empty if nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub advice: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Good,
    /// It may be meant so.
    Unusual,
    /// It explains why something does not work.
    Wrong,
}

impl Check {
    /// As it should be.
    pub fn good(what: &'static str, found: impl Into<String>) -> Self {
        Self { what, state: State::Good, found: found.into(), advice: String::new() }
    }

    /// It may be meant so.
    pub fn unusual(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Unusual, found: found.into(), advice: advice.into() }
    }

    /// It explains why something does not work.
    pub fn wrong(what: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what, state: State::Wrong, found: found.into(), advice: advice.into() }
    }
}

/// Checks for people, one a line, with what to do below.
pub fn text(checks: &[Check]) -> String {
    let line = |check: &Check| {
        let mark = match check.state {
            State::Good => "ok   ",
            State::Unusual => "look ",
            State::Wrong => "WRONG",
        };
        let line = format!("{mark}  {:<13} {}", check.what, check.found);
        if check.advice.is_empty() { line } else { format!("{line}\n{:22}→ {}", "", check.advice) }
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}
