//! A tenant that moves in the in-memory world, and the operator who moves it.

use crate::support::{Answer, Ask, World, block_on, sqlite::Sqlite};
use gatehouse::{
    id::OperationId,
    platform::Platform,
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};
use std::rc::Rc;

/// The tenant of most trials.
pub const TENANT: &str = "acme";

pub struct Trial {
    pub world: World,
}

impl Trial {
    /// A tenant in the shared database, or in one of its own.
    pub fn new(placement: &str) -> Self {
        let world = World::new();
        let trial = Self { world };
        let new = json!({ "id": TENANT, "placement": placement });
        trial.post("/management/tenants", &new).expect(201);
        trial
    }

    pub fn post(&self, path: &str, body: &Json) -> Answer {
        self.world.send(Ask::post("", path).bearer(&self.world.machine_token("")).json(body))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.world.send(Ask::get("", path).bearer(&self.world.machine_token("")))
    }

    /// Begins a move; answers its operation.
    pub fn begin(&self, body: &Json) -> OperationId {
        let answer = self.post(&format!("/management/tenants/{TENANT}/moves"), body).expect(202).json();
        assert_eq!(answer["kind"], "move");
        OperationId::new(answer["id"].as_str().unwrap())
    }

    /// Steers the move.
    pub fn steer(&self, id: &OperationId, what: &str) -> Answer {
        self.post(&format!("/management/operations/{id}/{what}"), &json!({}))
    }

    /// The operation as the API shows it.
    pub fn look(&self, id: &OperationId) -> Json {
        let answer = self.get(&format!("/management/operations/{id}"));
        assert_eq!(answer.status(), 200, "{:?}", self.world.outside.log.borrow());
        answer.json()
    }

    /// Lets the alarm clock ring whenever it is due, until the operation is as wanted.
    #[track_caller]
    pub fn until(&self, id: &OperationId, wanted: impl Fn(&Json) -> bool) -> Json {
        for _ in 0..500 {
            let shown = self.look(id);
            if wanted(&shown) {
                return shown;
            }
            self.ring();
        }
        panic!("it does not come to that: {:#} {:#?}", self.look(id), self.world.outside.log.borrow());
    }

    /// Lets the next alarm clock ring.
    pub fn ring(&self) {
        let outside = &self.world.outside;
        let mut due = outside.wakes.take();
        due.sort_by_key(|(_, at)| *at);
        let Some((id, at)) = due.first().cloned() else { return };
        outside.wakes.borrow_mut().extend(due.drain(1..));
        self.world.advance(Lifetime::milliseconds(at.since(outside.now()).as_millis().max(1)));
        let isolate = self.world.another_isolate();
        let next: Option<Timestamp> = block_on(isolate.app.advance(&id)).unwrap();
        outside.wakes.borrow_mut().extend(next.map(|at| (id, at)));
    }

    /// The database in which the tenant is at home.
    pub fn home(&self) -> Rc<Sqlite> {
        self.world.home(TENANT)
    }

    /// The binding of that.
    pub fn home_binding(&self) -> String {
        let home = format!("select database_id from tenants where id = '{TENANT}'");
        self.world.database("DIRECTORY").query(&home)[0]["database_id"].as_str().unwrap().to_owned()
    }

    /// Moves the tenant and ends the move.
    pub fn move_to(&self, placement: &str) -> Json {
        let id = self.begin(&json!({ "placement": placement }));
        self.until(&id, arrived);
        self.steer(&id, "finish").expect(200);
        self.until(&id, |shown| shown["status"] == "succeeded")
    }
}

/// Whether the tenant is where it was to go.
pub fn arrived(shown: &Json) -> bool {
    shown["move"]["arrived"] == true && shown["move"]["phase"] == "switched"
}
