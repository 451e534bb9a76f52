//! Somebody who types commands, in a world without sockets.

use crate::support::{Ask, World, world};
use gatehouse::{
    cli::{self, environment::Environment},
    http::Method,
    platform::{Incoming, Outgoing, Platform},
    time::{Lifetime, Timestamp},
};
use serde_json::Value as Json;
use std::cell::{Cell, RefCell};

/// What happens to a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and so does its answer.
    Arrives,
    /// It never arrives.
    Lost,
    /// It arrives, and its answer does not.
    AnswerLost,
    /// The server is busy.
    Busy,
}

/// What another program does, given its line, and whether it succeeds.
pub type Program = Box<dyn Fn(&str) -> bool>;

/// What another program says, given its line, if it succeeds.
pub type Saying = Box<dyn Fn(&str) -> Option<String>>;

/// A terminal, and the world that its commands reach.
pub struct Session<'w> {
    /// The world.
    pub world: &'w World,
    /// Requests so far: method and path.
    pub requests: RefCell<Vec<String>>,
    /// What happens to which request, by its number from 0.
    pub fate: RefCell<Box<dyn Fn(usize) -> Fate>>,
    /// Other programs that were run.
    pub programs: RefCell<Vec<String>>,
    /// What they do, and whether they succeed.
    pub when_run: RefCell<Program>,
    /// What they say, if they are run for that.
    pub when_asked: RefCell<Saying>,
    pauses: Cell<u32>,
    /// Variables besides the credentials of the machine client.
    pub variables: RefCell<Vec<(String, String)>>,
}

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub exit: u8,
    /// Its standard output.
    pub out: String,
    /// Its error stream.
    pub err: String,
}

impl Said {
    /// The document of a command that was asked for one.
    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// It, if it ended like this.
    #[track_caller]
    pub fn expect(self, exit: u8) -> Self {
        assert_eq!(self.exit, exit, "{}\n{}", self.out, self.err);
        self
    }
}

impl<'w> Session<'w> {
    /// A session in this world.
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            requests: RefCell::default(),
            fate: RefCell::new(Box::new(|_| Fate::Arrives)),
            programs: RefCell::default(),
            when_run: RefCell::new(Box::new(|_| true)),
            when_asked: RefCell::new(Box::new(|_| None)),
            pauses: Cell::new(0),
            variables: RefCell::default(),
        }
    }

    /// Types a command.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = cli::run(arguments, self, &mut out, &mut err, false);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { exit: exit.code(), out: text(out), err: text(err) }
    }

    /// Types a command line without quotes.
    pub fn type_in(&self, line: &str) -> Said {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }
}

impl Environment for Session<'_> {
    fn send(&self, request: &Outgoing) -> Result<Incoming, String> {
        let (authority, path) = request.url.split_once("://").unwrap().1.split_once('/').unwrap();
        let number = self.requests.borrow().len();
        self.requests.borrow_mut().push(format!("{} /{path}", request.method));
        let fate = self.fate.borrow()(number);
        match fate {
            Fate::Lost => return Err("connection refused".to_owned()),
            Fate::Busy => {
                let headers = vec![("retry-after".to_owned(), "1".to_owned())];
                return Ok(Incoming { status: 503, headers, body: Vec::new() });
            }
            Fate::Arrives | Fate::AnswerLost => {}
        }
        let method = Method::from_bytes(request.method.as_str().as_bytes()).unwrap();
        let mut ask = Ask::new(method, authority, &format!("/{path}")).body(&request.body);
        for (name, value) in &request.headers {
            ask = ask.header(name, value);
        }
        let answer = self.world.send(ask).0;
        if fate == Fate::AnswerLost {
            return Err("connection reset".to_owned());
        }
        let headers = answer.headers().iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Ok(Incoming { status: answer.status.as_u16(), headers: headers.collect(), body: answer.body })
    }

    fn now(&self) -> Timestamp {
        self.world.outside.now()
    }

    /// Time passes, and with it the clock of the Worker and its alarms do their work.
    fn pause(&self, span: Lifetime) {
        self.pauses.set(self.pauses.get() + 1);
        if self.pauses.get() > 1_000 {
            let last = self.requests.borrow().last().cloned().unwrap_or_default();
            let token = self.world.machine_token("");
            let path = last.split_once(' ').map_or("", |(_, path)| path).to_owned();
            let shown = self.world.send(Ask::get("", &path).bearer(&token)).text();
            panic!(
                "a command waits for something that does not happen: {last}: {shown} {:?}",
                self.world.outside.wakes.borrow()
            );
        }
        self.world.advance(span);
        let due = std::mem::take(&mut *self.world.outside.wakes.borrow_mut());
        for (operation, at) in due {
            let next = if at > self.now() {
                Some(at)
            } else {
                let isolate = self.world.another_isolate();
                let advanced = crate::support::block_on(isolate.app.advance(&operation));
                advanced.unwrap_or_else(|_| Some(self.now().plus(Lifetime::seconds(1))))
            };
            self.world.outside.wakes.borrow_mut().extend(next.map(|at| (operation, at)));
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.variables.borrow().iter().find(|(other, _)| other == name) {
            return Some(value.clone()).filter(|value| !value.is_empty());
        }
        match name {
            "MANAGEMENT_CLIENT_ID" => Some(world::MACHINE_ID.to_owned()),
            "MANAGEMENT_CLIENT_SECRET" => Some(world::MACHINE_SECRET.to_owned()),
            _ => None,
        }
    }

    fn run(&self, program: &str, arguments: &[String], _: &[(&str, String)]) -> Result<bool, String> {
        let line = format!("{program} {}", arguments.join(" "));
        let succeeds = self.when_run.borrow()(&line);
        self.programs.borrow_mut().push(line);
        Ok(succeeds)
    }

    fn ask(&self, program: &str, arguments: &[&str]) -> Result<Option<String>, String> {
        Ok(self.when_asked.borrow()(&format!("{program} {}", arguments.join(" "))))
    }
}
