//! The whole of a move on real SQLite, against misfortune: workers die at any effect, are overtaken, lose answers, while
//! clients write through instances with old routes. No client sees a failure, and nothing is lost.
//!
//! `TRIALS=2000 cargo test --test native -- moves::rivals` tries more.

use super::{
    furnish::{count, furnish_beside, traces},
    trial::{TENANT, Trial, arrived},
};
use crate::{
    operations::simulation::Chance,
    support::{
        Ask, World,
        gate::{Effect, Fate},
    },
};
use gatehouse::{error::Fault, id::OperationId, platform::LocalBox, time::Lifetime};
use serde_json::{Value as Json, json};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Waker},
};

/// How many trials.
fn trials() -> u64 {
    std::env::var("TRIALS").map_or(25, |number| number.parse().unwrap())
}

/// What a client has been told, and what went wrong.
#[derive(Default)]
struct Account {
    written: Cell<u64>,
    created: RefCell<Vec<String>>,
    failures: RefCell<Vec<String>>,
}

struct Scene {
    trial: Trial,
    token: String,
    account: Rc<Account>,
    person: String,
    /// Whether a worker is having its turn: only those meet misfortune.
    worker: Rc<Cell<bool>>,
}

impl Scene {
    fn new(placement: &str) -> Self {
        let trial = Trial::new(placement);
        furnish_beside(&trial.home(), TENANT, 6);
        let token = trial.world.machine_token("");
        let scene =
            Self { trial, token, account: Rc::default(), person: String::new(), worker: Rc::default() };
        let made = scene.trial.world.send(scene.create("first@example.com")).expect(201).json();
        Self { person: made["user_id"].as_str().unwrap().to_owned(), ..scene }
    }

    fn create(&self, email: &str) -> Ask {
        let person = json!({ "connection": "Username-Password-Authentication", "email": email, "password": "a-long-enough-one" });
        self.ask(Ask::post("", "/api/v2/users")).json(&person)
    }

    fn ask(&self, ask: Ask) -> Ask {
        ask.bearer(&self.token).header("tenant-id", TENANT)
    }

    fn path(&self) -> String {
        format!("/api/v2/users/{}", self.person.replace('|', "%7C"))
    }

    /// A client that writes one thing after the other through one instance, and reads what it wrote.
    fn client(&self, number: u64, times: u64) -> LocalBox<'static, ()> {
        let (isolate, account) = (self.trial.world.another_isolate(), Rc::clone(&self.account));
        let mut asks = Vec::new();
        for time in 0..times {
            let email = format!("person{number}x{time}@example.com");
            asks.push((self.create(&email), Some(email)));
            let path = self.path();
            let patch = Ask::new(gatehouse::http::Method::PATCH, "", &path);
            asks.push((self.ask(patch), None));
            asks.push((self.ask(Ask::get("", &path)), None));
        }
        Box::pin(async move {
            for (ask, email) in asks {
                if let Some(email) = email {
                    let response = isolate.app.handle(ask.into_request()).await;
                    account.check(response.status.as_u16() == 201, "create", &response.body);
                    account.created.borrow_mut().push(email);
                    continue;
                }
                let wanted = account.written.get() + 1;
                let reads = ask.clone().into_request().method == gatehouse::http::Method::GET;
                let ask = if reads { ask } else { ask.json(&json!({ "user_metadata": { "n": wanted } })) };
                let before = account.written.get();
                let response = isolate.app.handle(ask.into_request()).await;
                account.check(response.status.as_u16() == 200, "person", &response.body);
                let body: Json = serde_json::from_slice(&response.body).unwrap_or_default();
                let seen = body["user_metadata"]["n"].as_u64().unwrap_or_default();
                if reads {
                    account.check(seen >= before, "an old read", &response.body);
                } else {
                    account.written.set(account.written.get().max(wanted));
                }
            }
        })
    }

    fn worker(&self, id: &OperationId) -> LocalBox<'static, ()> {
        let (isolate, id): (World, OperationId) = (self.trial.world.another_isolate(), id.clone());
        Box::pin(async move { drop(isolate.app.advance(&id).await) })
    }

    /// From now on workers meet misfortune, and somebody else comes first after every effect.
    fn arm(&self, seed: u64, odds: usize) {
        let (worker, chance) = (Rc::clone(&self.worker), RefCell::new(Chance(seed ^ 0xabcd)));
        *self.trial.world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
            let unlucky = worker.get() && effect == Effect::Commit && chance.borrow_mut().below(100) < odds;
            match (unlucky, happened) {
                (true, _) => Fate::Fail(Fault::unavailable("Network connection lost")),
                (false, true) => Fate::Pause,
                (false, false) => Fate::Go,
            }
        }));
    }

    /// Everybody at once, until the clients are done.
    fn contend(&self, chance: &mut Chance, id: &OperationId) {
        let mut context = Context::from_waker(Waker::noop());
        let mut clients: Vec<_> = (0..2).map(|number| self.client(number, 4)).collect();
        let mut workers = vec![self.worker(id)];
        for _ in 0..200_000 {
            if clients.is_empty() {
                return;
            }
            let workers_turn = chance.below(3) > 0;
            let running = if workers_turn { &mut workers } else { &mut clients };
            if !running.is_empty() {
                let one = chance.below(running.len());
                self.worker.set(workers_turn);
                if running[one].as_mut().poll(&mut context).is_ready() {
                    drop(running.swap_remove(one));
                }
                self.worker.set(false);
            }
            match chance.below(40) {
                // It dies where it is.
                0 if workers.len() > 1 => drop(workers.swap_remove(chance.below(workers.len()))),
                1..=4 if workers.len() < 3 => workers.push(self.worker(id)),
                5 => self.trial.world.advance(Lifetime::milliseconds([10, 900, 6_000][chance.below(3)])),
                _ => {}
            }
        }
        panic!("the clients do not come to an end");
    }
}

impl Account {
    fn check(&self, fine: bool, what: &str, body: &[u8]) {
        if !fine {
            self.failures.borrow_mut().push(format!("{what}: {}", String::from_utf8_lossy(body)));
        }
    }
}

fn try_one(placement: &str, to: &str, seed: u64) {
    try_with(placement, to, seed, |_| ());
}

fn try_with(placement: &str, to: &str, seed: u64, plant: impl Fn(&Scene)) {
    let mut chance = Chance(seed);
    let scene = Scene::new(placement);
    plant(&scene);
    let trial = &scene.trial;
    trial.world.outside.seed(seed + 1_000);
    let (old, id) = (trial.home(), trial.begin(&json!({ "placement": to })));
    scene.arm(seed, [0, 3, 10, 25][chance.below(4)]);
    scene.contend(&mut chance, &id);
    *trial.world.outside.gate.rule.borrow_mut() = None;
    trial.world.advance(Lifetime::minutes(2));
    let wanted = ["finish", "rollback", "nothing"][chance.below(3)];
    trial.until(&id, arrived);
    if wanted != "nothing" {
        trial.steer(&id, wanted).expect(200);
        trial.until(&id, |shown| shown["status"] != "running");
    }
    let said = scene.account.failures.borrow();
    assert!(said.is_empty(), "seed {seed}: a client saw {said:?}");
    let home = trial.home();
    assert_eq!(std::rc::Rc::ptr_eq(&home, &old), wanted == "rollback", "seed {seed}");
    for email in scene.account.created.borrow().iter() {
        let found =
            home.query(&format!("select 1 from users where tenant_id = '{TENANT}' and email = '{email}'"));
        assert_eq!(found.len(), 1, "seed {seed}: {email}");
    }
    let kept = home.query(&format!("select user_metadata from users where user_id = '{}'", scene.person));
    let kept: Json = serde_json::from_str(kept[0]["user_metadata"].as_str().unwrap()).unwrap();
    let written = scene.account.written.get();
    assert!(kept["n"].as_u64().unwrap() == written, "seed {seed}: {kept} instead of {written}");
    if wanted == "nothing" {
        let verified = trial.get(&format!("/management/tenants/{TENANT}/verify")).expect(200).json();
        assert_eq!(verified["differences"], json!([]), "seed {seed}");
    } else {
        let left = if wanted == "rollback" {
            trial.world.database(if to == "shared" { "SHARED" } else { "POOL_01" })
        } else {
            old
        };
        assert_eq!((count(&left, TENANT), traces(&left), traces(&home)), (0, 0, 0), "seed {seed}");
    }
}

#[test]
fn workers_die_and_lose_answers_while_a_tenant_leaves_the_shared_database() {
    (0..trials()).for_each(|seed| try_one("shared", "isolated", seed));
}

#[test]
fn the_same_on_the_way_back() {
    (1_000_000..1_000_000 + trials()).for_each(|seed| try_one("isolated", "shared", seed));
}

/// The test of the test: a database whose fence lets everybody in loses something, and that is seen.
#[test]
fn a_database_without_a_fence_is_found_out() {
    let fenceless = |scene: &Scene| drop(scene.trial.home().query("drop trigger write_guard_fence"));
    let found = (0..40).find(|seed| {
        let tried = std::panic::catch_unwind(|| try_with("shared", "isolated", *seed, fenceless));
        tried.is_err()
    });
    assert!(found.is_some(), "it passes unnoticed");
}
