//! What is wanted of a move at a moment: what was asked for in the beginning, what an operator has said since, and what
//! time it is.

use super::{
    MOVE,
    model::{Goal, Side},
};
use crate::{
    config::Placement,
    operations::engine::{model::Parameters, procedure::Procedure, subject::Region},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};

/// What a request for a move says.
#[derive(Debug, Clone, Deserialize)]
pub struct NewMove {
    placement: Placement,
    region: Option<String>,
    #[serde(default)]
    switch: Switch,
    rollback_days: Option<i64>,
    #[serde(default)]
    rehearse: bool,
}

/// When the tenant changes its home.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// As soon as everything is there and compared.
    #[default]
    WhenReady,
    /// When an operator says so.
    Manual,
}

/// What a move is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Where to, and how.
    #[serde(rename = "move")]
    pub terms: Terms,
}

impl Parameters for Move {
    fn procedure() -> &'static Procedure {
        &MOVE
    }
}

/// A move that was asked for, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Where the tenant's rows shall live.
    pub placement: Placement,
    /// Where in the world its new database is made, if somebody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Where in the world it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_before: Option<String>,
    /// When it changes its home.
    pub switch: Switch,
    /// For how many milliseconds after that it can be rolled back.
    pub window_ms: i64,
    /// Whether everything is done but that.
    pub rehearse: bool,
    /// The tenant's epoch when it began.
    pub generation: i64,
}

/// How long a move can be rolled back if nobody says otherwise, and at most. Until then every change is written twice.
const WINDOW_DAYS: i64 = 7;
const LONGEST_WINDOW_DAYS: i64 = 30;

impl NewMove {
    /// A move that says nothing but where to.
    pub fn to(placement: Placement, region: Option<String>) -> Self {
        Self { placement, region, switch: Switch::default(), rollback_days: None, rehearse: false }
    }

    /// Where it goes.
    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// The same, with so many days in which it can be rolled back.
    pub fn within(self, rollback_days: Option<i64>) -> Self {
        Self { rollback_days, ..self }
    }

    /// Whether it asks for a database of the tenant's own.
    pub fn is_isolated(&self) -> bool {
        self.placement == Placement::Isolated
    }

    /// Checks it, for a tenant that lives there in its epoch. `made`: whether databases can be made through the API.
    ///
    /// # Errors
    /// Words that name the member and say the rule.
    pub fn check(
        self,
        before: Placement,
        region_before: Option<&Region>,
        epoch: i64,
        made: bool,
    ) -> Result<Terms, String> {
        let region = self.region.map(|text| Region::parse(&text).ok_or(Region::RULE)).transpose()?;
        match (before, self.placement, &region) {
            (_, Placement::Shared, Some(_)) => {
                return Err("region needs placement isolated: a shared database is where it is".to_owned());
            }
            (Placement::Shared, Placement::Shared, None) => {
                return Err("placement: the tenant is in the shared database already".to_owned());
            }
            (Placement::Isolated, Placement::Isolated, None) => {
                return Err(
                    "placement: the tenant has a database of its own already; name a region to move it there"
                        .to_owned(),
                );
            }
            (_, _, Some(_)) if !made => {
                return Err("region needs a database that is made for it, and no API token is set".to_owned());
            }
            _ => {}
        }
        let days = self.rollback_days.unwrap_or(WINDOW_DAYS);
        if !(0..=LONGEST_WINDOW_DAYS).contains(&days) {
            return Err(format!("rollback_days must be 0 to {LONGEST_WINDOW_DAYS}"));
        }
        Ok(Terms {
            placement: self.placement,
            region: region.map(|region| region.as_str().to_owned()),
            region_before: region_before.map(|region| region.as_str().to_owned()),
            switch: self.switch,
            window_ms: Lifetime::days(days).as_millis(),
            rehearse: self.rehearse,
            generation: epoch + 1,
        })
    }
}

/// What an operator has said of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Go there as soon as possible.
    Target,
    /// Be where it began, with the other database in step, until somebody says more.
    Return,
    /// End where it began: abort, or roll back.
    Source,
    /// End where it has arrived.
    Finish,
}

impl Command {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Return => "return",
            Self::Source => "source",
            Self::Finish => "finish",
        }
    }

    /// Reads the stored form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Target, Self::Return, Self::Source, Self::Finish]
            .into_iter()
            .find(|command| command.as_str() == text)
    }
}

/// What the directory says that bears on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MoveRow {
    /// Where the tenant is at home.
    pub home: Side,
    /// What an operator has said last.
    pub command: Option<Command>,
    /// Whether an operator holds it.
    pub held: bool,
    /// When it has arrived.
    pub switched_at: Option<Timestamp>,
}

/// What is wanted now.
pub fn goal(terms: &Terms, row: &MoveRow) -> Goal {
    let (home, part) = match (row.command, row.home) {
        (Some(Command::Source), _) => (Side::Source, true),
        // Only where it has arrived is it finished: that is checked when it is said, and nothing takes it back.
        (Some(Command::Finish), home) => (home, true),
        (Some(Command::Target), _) | (None, Side::Target) => (Side::Target, false),
        (Some(Command::Return), _) => (Side::Source, false),
        (None, Side::Source) if terms.switch == Switch::WhenReady && !terms.rehearse => (Side::Target, false),
        (None, Side::Source) => (Side::Source, false),
    };
    Goal { home, part, hold: row.held }
}

/// What follows by itself when the follower is level and nothing else is wanted: a rehearsal is over, and so is the time
/// in which a move can be rolled back.
pub fn follows(terms: &Terms, row: &MoveRow, now: Timestamp) -> Option<Command> {
    match (row.home, row.switched_at) {
        (Side::Source, _) if terms.rehearse => Some(Command::Source),
        (Side::Target, Some(at)) if now >= at.plus(Lifetime::milliseconds(terms.window_ms)) => {
            Some(Command::Finish)
        }
        _ => None,
    }
}
