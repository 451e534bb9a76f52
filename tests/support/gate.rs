//! Where everything passes that the server does to the world outside, and can go wrong.

use super::sqlite::Sqlite;
use gatehouse::{
    db::{Driver, Outcome, RawStatement},
    error::Fault,
    platform::LocalBox,
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// Something that the server does to the world outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A batch that writes.
    Commit,
    /// An outgoing request.
    Fetch,
    /// A question to the coordinator.
    Coordinate,
    /// An alarm clock that is set.
    Wake,
}

/// What becomes of an effect.
pub enum Fate {
    /// It happens, or has happened, and that is all.
    Go,
    /// The isolate dies here.
    Die,
    /// It fails here.
    Fail(Fault),
    /// Somebody else comes first.
    Pause,
}

/// Decides what becomes of an effect: asked before it happens (`false`) and after (`true`).
pub type Rule = Box<dyn Fn(Effect, bool) -> Fate>;

/// Where every effect passes.
#[derive(Default)]
pub struct Gate {
    /// Who decides; without one everything goes.
    pub rule: RefCell<Option<Rule>>,
    dead: Cell<bool>,
}

impl Gate {
    /// Lets an effect pass, or not.
    pub async fn pass(&self, effect: Effect, happened: bool) -> Result<(), Fault> {
        let fate = self.rule.borrow().as_ref().map_or(Fate::Go, |rule| rule(effect, happened));
        match fate {
            Fate::Go => Ok(()),
            Fate::Fail(fault) => Err(fault),
            Fate::Die => {
                self.dead.set(true);
                std::future::pending().await
            }
            Fate::Pause => {
                let mut paused = false;
                std::future::poll_fn(|_| {
                    if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
                Ok(())
            }
        }
    }

    /// Runs a future until it is done or its isolate dies.
    pub fn survive<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        self.dead.set(false);
        let mut future = std::pin::pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..100_000 {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Some(value);
            }
            if self.dead.get() {
                return None;
            }
        }
        panic!("a future waits for something that is not in this world");
    }
}

/// A database behind the gate.
pub struct Gated {
    gate: Rc<Gate>,
    database: Rc<Sqlite>,
}

impl Gated {
    /// This database behind this gate.
    pub fn new(gate: &Rc<Gate>, database: Rc<Sqlite>) -> Self {
        Self { gate: Rc::clone(gate), database }
    }
}

impl Driver for Gated {
    fn run(&self, batch: Vec<RawStatement>) -> LocalBox<'_, Result<Vec<Outcome>, Fault>> {
        Box::pin(async move {
            let reads = batch.iter().all(|statement| statement.sql.trim_start().starts_with("select"));
            if reads {
                return self.database.run(batch).await;
            }
            self.gate.pass(Effect::Commit, false).await?;
            let outcomes = self.database.run(batch).await;
            self.gate.pass(Effect::Commit, true).await?;
            outcomes
        })
    }
}
