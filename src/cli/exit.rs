//! How a command ends: the exit code, and the words for a failure.

use super::source::Problem;
use serde_json::{Value as Json, json};
use std::fmt;

/// What the shell is told. Scripts may rely on these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, and nothing is wrong.
    Done,
    /// 1: refused or failed; what was asked for has not happened.
    Failed,
    /// 2: the command line makes no sense.
    Usage,
    /// 3: everything could be looked at, and something is wrong: differences, problems, an unhealthy tenant.
    Differences,
    /// 4: the server does not answer, so what has become of it is not known; the same command may be run again.
    Unreachable,
}

impl Exit {
    /// As the shell sees it.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Differences => 3,
            Self::Unreachable => 4,
        }
    }
}

/// What a command has to say in the end.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub exit: Exit,
    /// For people.
    pub text: String,
    /// For programs (`--json`).
    pub document: Json,
}

impl Outcome {
    /// A good end.
    pub fn done(text: impl Into<String>, document: Json) -> Self {
        Self { exit: Exit::Done, text: text.into(), document }
    }
}

/// Why a command could not do what it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The command line or a file that it names makes no sense.
    Usage(String),
    /// The server refused: its status, its error code, its words, and its whole answer.
    Refused {
        /// HTTP status.
        status: u16,
        /// `error_code` of the answer.
        code: String,
        /// `message` of the answer.
        message: String,
        /// The answer.
        body: Json,
    },
    /// The server does not answer.
    Unreachable(String),
    /// A source cannot be imported.
    Source(Problem),
    /// Anything else.
    Other(String),
}

impl Failure {
    /// A source that was fit when it was checked, and is so no more.
    pub fn changed(problem: impl fmt::Display) -> Self {
        Self::Other(format!("the source has changed since it was checked: {problem}"))
    }

    /// How a command ends that failed like this.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Unreachable(_) => Exit::Unreachable,
            Self::Refused { .. } | Self::Source(_) | Self::Other(_) => Exit::Failed,
        }
    }

    /// For programs.
    pub fn document(&self) -> Json {
        let message = self.to_string();
        match self {
            Self::Refused { status, code, body, .. } => {
                json!({"error": code, "message": message, "status": status, "answer": body})
            }
            Self::Usage(_) => json!({"error": "usage", "message": message}),
            Self::Unreachable(_) => json!({"error": "unreachable", "message": message}),
            Self::Source(problem) => json!({
                "error": "source", "message": message, "table": problem.table, "row": problem.row,
                "line": problem.at.map(|at| at.line), "offset": problem.at.map(|at| at.offset),
            }),
            Self::Other(_) => json!({"error": "failed", "message": message}),
        }
    }

    /// Whether the server said this code.
    pub fn is_code(&self, expected: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == expected)
    }

    /// Whether the server said this status.
    pub fn is_status(&self, expected: u16) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == expected)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(words) | Self::Unreachable(words) | Self::Other(words) => f.write_str(words),
            Self::Refused { status, code, message, .. } => write!(f, "{message} ({status} {code})"),
            Self::Source(problem) => write!(f, "the source cannot be imported: {problem}"),
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Source(problem)
    }
}
