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
        sqlite::Sqlite,
    },
};
use gatehouse::{db::schema, error::Fault, id::OperationId, platform::LocalBox, time::Lifetime};
use serde_json::{Value as Json, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    task::{Context, Waker},
};

/// How many trials.
pub fn trials() -> u64 {
    std::env::var("TRIALS").map_or(12, |number| number.parse().unwrap())
}

/// What clients have been told, and what went wrong.
#[derive(Default)]
pub struct Account {
    /// The last value that each client has written: of its own member, since of two who write one at once either may be the last.
    written: RefCell<BTreeMap<String, u64>>,
    created: RefCell<Vec<String>>,
    pub failures: RefCell<Vec<String>>,
}

/// Clients that come one after the other while a move does not come to its end.
const MANY: u64 = 60;

/// Somebody who has their turn now and then.
type Somebody = LocalBox<'static, ()>;

/// A tenant that is used while it moves.
pub struct Scene {
    pub trial: Trial,
    token: String,
    pub account: Rc<Account>,
    pub person: String,
    /// Whether a worker is having its turn: only those meet misfortune.
    worker: Rc<Cell<bool>>,
}

impl Scene {
    pub fn new(placement: &str) -> Self {
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

    pub fn ask(&self, ask: Ask) -> Ask {
        ask.bearer(&self.token).header("tenant-id", TENANT)
    }

    pub fn path(&self) -> String {
        format!("/api/v2/users/{}", self.person.replace('|', "%7C"))
    }

    /// A client that writes one thing after the other through one instance, and reads what it wrote.
    fn client(&self, number: u64, times: u64) -> Somebody {
        let (isolate, account) = (self.trial.world.another_isolate(), Rc::clone(&self.account));
        let member = format!("n{number}");
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
                let before = account.written.borrow().get(&member).copied().unwrap_or_default();
                let wanted = before + 1;
                let reads = ask.clone().into_request().method == gatehouse::http::Method::GET;
                let ask =
                    if reads { ask } else { ask.json(&json!({ "user_metadata": { &member: wanted } })) };
                let response = isolate.app.handle(ask.into_request()).await;
                account.check(response.status.as_u16() == 200, "person", &response.body);
                let body: Json = serde_json::from_slice(&response.body).unwrap_or_default();
                let seen = body["user_metadata"][&member].as_u64().unwrap_or_default();
                if reads {
                    account.check(seen == before, "an old read", &response.body);
                } else {
                    account.written.borrow_mut().insert(member.clone(), wanted);
                }
            }
        })
    }

    /// A worker; where there is a newer release than the first one, of either.
    fn worker(&self, id: &OperationId, chance: &mut Chance) -> Somebody {
        let world = &self.trial.world;
        let stays_behind = chance.below(3) == 0;
        let isolate: World =
            if stays_behind { world.isolate_of(schema::CURRENT) } else { world.another_isolate() };
        let id = id.clone();
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

    /// Everybody at once, until the clients are done. Before each turn, and at the end, something may `happen`.
    fn contend(
        &self,
        chance: &mut Chance,
        id: &OperationId,
        happen: &mut dyn FnMut(&mut Chance, &mut Vec<Somebody>),
    ) {
        let before = self.trial.home_binding();
        let mut context = Context::from_waker(Waker::noop());
        let mut clients: Vec<_> = (0..2).map(|number| self.client(number, 2)).collect();
        let mut workers = vec![self.worker(id, chance)];
        let mut number = 2;
        for _ in 0..200_000 {
            // They go on until the tenant has arrived, or for as long as anybody would.
            if clients.len() < 2 && number < MANY && self.trial.home_binding() == before {
                clients.push(self.client(number, 2));
                number += 1;
            }
            happen(chance, &mut clients);
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
            match chance.below(400) {
                // It dies where it is, and its lease is over some time.
                0 if workers.len() > 1 => {
                    drop(workers.swap_remove(chance.below(workers.len())));
                    self.trial.world.advance(Lifetime::seconds(61));
                }
                1..=40 if workers.len() < 3 => workers.push(self.worker(id, chance)),
                41..=45 => {
                    self.trial.world.advance(Lifetime::milliseconds([10, 900, 6_000][chance.below(3)]))
                }
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
    Scene::new(placement).play(to, seed, &mut |_, _| ());
}

impl Scene {
    /// Moves the tenant, ends the move somehow, and looks whether everything is where it should be. Answers the databases
    /// that it is in, and in which it is not any more.
    pub fn play(
        &self,
        to: &str,
        seed: u64,
        happen: &mut dyn FnMut(&mut Chance, &mut Vec<Somebody>),
    ) -> (Rc<Sqlite>, Option<Rc<Sqlite>>) {
        let (scene, mut chance) = (self, Chance(seed));
        let trial = &scene.trial;
        trial.world.outside.seed(seed + 1_000);
        let (old, id) = (trial.home(), trial.begin(&json!({ "placement": to })));
        scene.arm(seed, [0, 3, 10, 25][chance.below(4)]);
        scene.contend(&mut chance, &id, happen);
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
            let found = home
                .query(&format!("select 1 from users where tenant_id = '{TENANT}' and email = '{email}'"));
            assert_eq!(found.len(), 1, "seed {seed}: {email}");
        }
        let kept = home.query(&format!("select user_metadata from users where user_id = '{}'", scene.person));
        let kept: Json = serde_json::from_str(kept[0]["user_metadata"].as_str().unwrap()).unwrap();
        let written = scene.account.written.borrow();
        assert_eq!(kept, json!(*written), "seed {seed}");
        if wanted == "nothing" {
            let ask = Ask::get("", &format!("/management/tenants/{TENANT}/verify"));
            let verified = trial.world.another_isolate().send(ask.bearer(&scene.token)).expect(200).json();
            assert_eq!(verified["differences"], json!([]), "seed {seed}");
            return (home, None);
        }

        let left = if wanted == "rollback" {
            trial.world.database(if to == "shared" { "SHARED" } else { "POOL_01" })
        } else {
            old
        };
        assert_eq!((count(&left, TENANT), traces(&left), traces(&home)), (0, 0, 0), "seed {seed}");
        (home, Some(left))
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

impl Scene {
    /// The move, what an operator has said of it last, and whether they hold it.
    fn said(&self) -> (String, Json, bool) {
        let directory = self.trial.world.database("DIRECTORY");
        let rows = directory.query("select id, wanted, held from operations where kind = 'move'");
        (rows[0]["id"].as_str().unwrap().to_owned(), rows[0]["wanted"].clone(), rows[0]["held"] == 1)
    }

    /// An operator who says this; whether it can be said now is not theirs to know.
    fn operator(&self, what: &str) -> Somebody {
        let isolate = self.trial.world.another_isolate();
        let ask = Ask::post("", &format!("/management/operations/{}/{what}", self.said().0));
        let (ask, account) = (ask.bearer(&self.token).json(&json!({})), Rc::clone(&self.account));
        Box::pin(async move {
            let response = isolate.app.handle(ask.into_request()).await;
            account.check(matches!(response.status.as_u16(), 200 | 409), "operator", &response.body);
        })
    }
}

/// There and back, held and let go, while all of that happens; in the end they want it there.
#[test]
fn an_operator_changes_their_mind_again_and_again() {
    let turns = Cell::new(0);
    for seed in 2_000_000..2_000_000 + trials() {
        let (placement, to) = if seed % 2 == 0 { ("shared", "isolated") } else { ("isolated", "shared") };
        let scene = Scene::new(placement);
        let (before, mut again, mut number) = (scene.trial.home_binding(), 5, 1_000);
        scene.play(to, seed, &mut |chance, clients| {
            if clients.is_empty() {
                let (_, wanted, held) = scene.said();
                let is_back = scene.trial.home_binding() == before;
                match (held, wanted == "return", is_back) {
                    (true, _, _) => clients.push(scene.operator("resume")),
                    (_, true, true) => clients.push(scene.operator("switch")),
                    (_, true, false) => {
                        number += 1;
                        clients.push(scene.client(number, 2));
                    }
                    (_, false, false) if again > 0 => {
                        again -= 1;
                        clients.push(scene.operator("return"));
                    }
                    _ => {}
                }
            } else if chance.below(300) == 0 {
                let what = ["return", "return", "switch", "switch", "pause", "resume"][chance.below(6)];
                clients.push(scene.operator(what));
            }
        });
        let directory = scene.trial.world.database("DIRECTORY");
        let shown = directory.query("select progress from operations where kind = 'move'");
        let progress: Json = serde_json::from_str(shown[0]["progress"].as_str().unwrap()).unwrap();
        turns.set(turns.get() + progress["pauses_ms"].as_array().unwrap().len());
    }
    let (turns, trials) = (turns.get(), usize::try_from(trials()).unwrap());
    println!("{turns} exchanges in {trials} trials");
    assert!(turns > trials + trials / 2, "hardly anybody went back: {turns}");
}

/// The test of the test: a database whose fences let everybody in loses something, and that is seen.
#[test]
fn a_database_without_a_fence_is_found_out() {
    let fenceless = |seed| {
        let scene = Scene::new("shared");
        let home = scene.trial.home();
        home.query("drop trigger write_guard_fence");
        home.query(
            "create trigger write_guard_fence instead of insert on write_guard when false
             begin select raise(abort, 'never'); end",
        );
        scene.play("isolated", seed, &mut |_, _| drop(home.query("update fences set closed = 0")));
    };
    let found = (0..200).find_map(|seed| {
        let tried = std::panic::catch_unwind(|| fenceless(seed));
        Some((seed, tried.err()?.downcast_ref::<String>().cloned().unwrap_or_default()))
    });
    let (seed, why) = found.expect("it passes unnoticed");
    println!("found by trial {seed}: {why}");
    let lost = ["instead of", "left: 0", "an old read", "it is paused", "create", "person"];
    assert!(lost.iter().any(|words| why.contains(words)), "{why}");
}
