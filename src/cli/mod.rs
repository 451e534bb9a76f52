//! The `gatehouse` command: what an operator does to an installation from a terminal or a script.
//!
//! ```text
//! arguments ─▶ credentials ─▶ Api ─▶ command::… ─▶ Outcome ─▶ Screen ─▶ exit code
//!  usage: 2     usage: 2      seam    one file                 text, or
//!                             Environment each                 one JSON document
//! ```
//!
//! It is a client of the management API and of nothing else. What it reaches outside itself passes an
//! [`Environment`], so that a test runs whole commands against the in-memory world. A [`source`] is read and checked to
//! its end before the first request is sent. The rules of plans are in [`plan`], which does no I/O.

pub mod answer;
pub mod api;
pub mod authhero;
mod command;
pub mod credentials;
pub mod doctor;
pub mod environment;
pub mod exit;
pub mod import;
mod native;
pub mod plan;
pub mod screen;
pub mod source;

pub use native::Native;

use api::Api;
use clap::{Parser, error::ErrorKind};
use credentials::Given;
use environment::Environment;
use exit::{Exit, Failure, Outcome};
use screen::{Mode, Screen};
use std::{ffi::OsString, io::Write};

/// Manages a Gatehouse: its tenants, where they live, and how they got there.
#[derive(Debug, Parser)]
#[command(name = "gatehouse", version, max_term_width = 100, after_help = EXITS)]
struct Arguments {
    /// The base domain of the installation [env: GATEHOUSE_URL] [default: http://localhost:8787]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// Writes one JSON document to the standard output, and nothing else
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    given: Given,
    #[command(subcommand)]
    command: command::Command,
}

const EXITS: &str = "Exit codes: 0 done; 1 refused or failed; 2 usage; 3 looked at, and differences or problems found; \
                     4 the server does not answer.\nCredentials: GATEHOUSE_TOKEN, or MANAGEMENT_CLIENT_ID and \
                     MANAGEMENT_CLIENT_SECRET from the environment or a file.";

/// Where a local server is.
const LOCAL: &str = "http://localhost:8787";

/// Runs a command: its arguments without the program's name, and where its output goes. `terminal`: whether `err` is
/// one.
pub fn run(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    environment: &dyn Environment,
    mut out: impl Write,
    mut err: impl Write,
    terminal: bool,
) -> Exit {
    let program = std::iter::once("gatehouse".into());
    let arguments = match Arguments::try_parse_from(program.chain(arguments.into_iter().map(Into::into))) {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            drop(if asked { write!(out, "{error}") } else { write!(err, "{error}") });
            return if asked { Exit::Done } else { Exit::Usage };
        }
    };
    let mode = match (arguments.json, terminal) {
        (true, _) => Mode::Json,
        (false, true) => Mode::Terminal,
        (false, false) => Mode::Plain,
    };
    let mut screen = Screen::new(environment, out, err, mode);
    let ended = obey(arguments, environment, &mut screen);
    screen.end(ended)
}

fn obey(
    arguments: Arguments,
    environment: &dyn Environment,
    screen: &mut Screen<'_>,
) -> Result<Outcome, Failure> {
    let Arguments { url, given, command, .. } = arguments;
    let said = url.or_else(|| environment.variable("GATEHOUSE_URL"));
    let url = said.or_else(|| command.url(environment)).unwrap_or_else(|| LOCAL.to_owned());
    let connect = || {
        let base = credentials::check_url(&url)?;
        let credentials = credentials::find(&given, &base, environment)?;
        Ok(Api::new(environment, base, credentials))
    };
    command.run(&url, &connect, screen)
}
