//! Everything outside the command: the network, the clock, variables, other programs. Two implementations: the process,
//! and the in-memory world of a test.

use crate::{
    platform::{Incoming, Outgoing},
    time::{Lifetime, Timestamp},
};

/// What a command reaches.
pub trait Environment {
    /// Sends a request and waits for the whole answer.
    ///
    /// # Errors
    /// No answer came; the words say why. The request may have arrived all the same.
    fn send(&self, request: &Outgoing) -> Result<Incoming, String>;

    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn pause(&self, span: Lifetime);

    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;

    /// Runs another program in this folder, with these variables besides our own, its output on our error stream;
    /// whether it succeeded.
    ///
    /// # Errors
    /// It cannot be started.
    fn run(&self, program: &str, arguments: &[String], variables: &[(&str, String)]) -> Result<bool, String>;

    /// Runs another program in this folder for what it says on its standard output: `None` if it does not succeed.
    ///
    /// # Errors
    /// It cannot be started.
    fn ask(&self, program: &str, arguments: &[&str]) -> Result<Option<String>, String>;
}
