//! Where everything passes that the server does to the world outside, and can go wrong.

use super::sqlite::Sqlite;
use gatehouse::{
    db::{Driver, Outcome, RawStatement},
    error::Fault,
    platform::{LocalBox, ObjectStore},
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
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
    /// An object that is kept, or removed.
    Store,
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

/// A store of objects behind the gate.
pub struct GatedObjects {
    gate: Rc<Gate>,
    objects: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
}

impl GatedObjects {
    /// These objects behind this gate.
    pub fn new(gate: &Rc<Gate>, objects: &Rc<RefCell<BTreeMap<String, Vec<u8>>>>) -> Self {
        Self { gate: Rc::clone(gate), objects: Rc::clone(objects) }
    }
}

impl ObjectStore for GatedObjects {
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> LocalBox<'a, Result<(), Fault>> {
        Box::pin(async move {
            self.gate.pass(Effect::Store, false).await?;
            self.objects.borrow_mut().insert(name.to_owned(), bytes);
            self.gate.pass(Effect::Store, true).await
        })
    }

    fn get<'a>(&'a self, name: &'a str) -> LocalBox<'a, Result<Option<Vec<u8>>, Fault>> {
        Box::pin(async move { Ok(self.objects.borrow().get(name).cloned()) })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> LocalBox<'a, Result<Vec<String>, Fault>> {
        Box::pin(async move {
            let objects = self.objects.borrow();
            let names = objects.keys().filter(|name| name.starts_with(prefix));
            let names = names.filter(|name| after.is_none_or(|after| name.as_str() > after));
            // Fewer than R2 lists, so that there is more than one page.
            Ok(names.take(7).cloned().collect())
        })
    }

    fn delete(&self, names: Vec<String>) -> LocalBox<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.gate.pass(Effect::Store, false).await?;
            self.objects.borrow_mut().retain(|name, _| !names.contains(name));
            self.gate.pass(Effect::Store, true).await
        })
    }
}
