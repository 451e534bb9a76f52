//! What the person, or the program, in front of a command sees. The report, or with `--json` one document and nothing
//! else, goes to the standard output; progress and failures go to the error stream.

use super::{
    environment::Environment,
    exit::{Exit, Failure, Outcome},
};
use crate::time::{Lifetime, Timestamp};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::Write;

/// How things are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// To a person at a terminal: bars that move.
    Terminal,
    /// Into a file or a log: now and then a line.
    Plain,
    /// To a program.
    Json,
}

/// Where things are shown.
pub struct Screen<'a> {
    environment: &'a dyn Environment,
    out: Box<dyn Write + 'a>,
    err: Box<dyn Write + 'a>,
    mode: Mode,
    bar: Option<ProgressBar>,
    said: Option<Timestamp>,
}

/// Between two lines about the same work.
const SELDOM: Lifetime = Lifetime::seconds(5);

impl<'a> Screen<'a> {
    /// A screen that writes here.
    pub fn new(
        environment: &'a dyn Environment,
        out: impl Write + 'a,
        err: impl Write + 'a,
        mode: Mode,
    ) -> Self {
        Self { environment, out: Box::new(out), err: Box::new(err), mode, bar: None, said: None }
    }

    /// The outside.
    pub fn environment(&self) -> &'a dyn Environment {
        self.environment
    }

    /// One line about what is going on.
    pub fn say(&mut self, line: impl AsRef<str>) {
        match (&self.bar, self.mode) {
            (_, Mode::Json) => {}
            (Some(bar), _) => bar.println(line),
            // A screen that is gone is nobody's failure.
            (None, _) => drop(writeln!(self.err, "{}", line.as_ref())),
        }
    }

    /// How far the work called `what` is: `done` of `total`, in the unit of the words that follow.
    pub fn progress(&mut self, what: &str, done: u64, total: u64, words: &str) {
        match self.mode {
            Mode::Json => {}
            Mode::Terminal => {
                let bar = self.bar.get_or_insert_with(bar);
                bar.set_length(total);
                bar.set_prefix(what.to_owned());
                bar.set_message(words.to_owned());
                bar.set_position(done);
            }
            Mode::Plain => {
                // Work that is over soon needs no line.
                let now = self.environment.now();
                let said = *self.said.get_or_insert(now);
                if now.since(said) >= SELDOM {
                    self.said = Some(now);
                    drop(writeln!(self.err, "{what}: {done} of {total} {words}"));
                }
            }
        }
    }

    /// The end of some work whose progress was shown.
    pub fn finished(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.said = None;
    }

    /// Shows how a command ended, and says how it exits.
    pub fn end(&mut self, ended: Result<Outcome, Failure>) -> Exit {
        self.finished();
        match ended {
            Ok(outcome) => {
                if self.mode == Mode::Json {
                    drop(writeln!(self.out, "{:#}", outcome.document));
                } else if !outcome.text.is_empty() {
                    drop(writeln!(self.out, "{}", outcome.text.trim_end()));
                }
                outcome.exit
            }
            Err(failure) => {
                if self.mode == Mode::Json {
                    drop(writeln!(self.out, "{:#}", failure.document()));
                } else {
                    drop(writeln!(self.err, "error: {failure}"));
                }
                failure.exit()
            }
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {human_pos}/{human_len} {msg} {eta}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Columns of text, each as wide as it must be; numbers, which is what looks like one, stand on the right.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or_default()
    };
    let is_number = |cell: &str| {
        cell.ends_with(|last: char| last.is_ascii_digit() || "%sB".contains(last))
            && cell.starts_with(|first: char| first.is_ascii_digit() || "$~".contains(first))
    };
    let line = |cells: &mut dyn Iterator<Item = (&str, bool)>| {
        let cells = cells.enumerate().map(|(column, (cell, right))| {
            let width = width(column);
            if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let right =
        |column: usize| rows.first().and_then(|row| row.get(column)).is_some_and(|cell| is_number(cell));
    let head = line(&mut head.iter().enumerate().map(|(column, cell)| (*cell, right(column))));
    let rows = rows
        .iter()
        .map(|row| line(&mut row.iter().enumerate().map(|(column, cell)| (cell.as_str(), right(column)))));
    std::iter::once(head).chain(rows).collect::<Vec<_>>().join("\n")
}

/// A number with its thousands apart: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}
