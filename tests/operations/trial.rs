//! A tenant's life under a schedule of mishaps, and what must be true at its end.

use super::cloudflare::{Cloudflare, Mishap};
use crate::support::{
    Ask, World,
    gate::{Effect, Fate},
};
use gatehouse::{
    error::Fault,
    http::{Method, Request},
    id::OperationId,
    platform::{LocalBox, Platform},
    time::{Lifetime, Timestamp},
};
use serde_json::{Map, Value as Json, json};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// What befalls an effect of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// The isolate dies before it happens.
    DieBefore,
    /// The isolate dies after it has happened.
    DieAfter,
    /// It fails and has not happened. For calls of the API see [`Mishap`].
    FailBefore,
    /// It has happened, and the answer says that it failed.
    FailAfter,
}

impl Strike {
    pub const ALL: [Self; 4] = [Self::DieBefore, Self::DieAfter, Self::FailBefore, Self::FailAfter];
}

/// Everything that goes wrong in one trial: with which effect, with which call of the API.
#[derive(Debug, Clone, Default)]
pub struct Schedule {
    pub strikes: Vec<(usize, Strike)>,
    pub mishaps: Vec<(usize, Mishap)>,
    /// The API does not answer for so long.
    pub outage: Option<Lifetime>,
    /// No alarm clock rings: only the tick, every five minutes, goes on with what was left.
    pub no_alarms: bool,
}

/// Where the tenant of the trial lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    Created,
    Pool,
    Shared,
}

pub struct Trial {
    pub world: World,
    pub cloudflare: Rc<Cloudflare>,
    home: Home,
    /// The operator's, and when they got it: it lasts for two hours.
    token: RefCell<(Timestamp, String)>,
    effects: Rc<Cell<usize>>,
}

type Found = Result<(), String>;

/// The tenant of most trials.
pub const TENANT: &str = "acme";
/// Another one.
pub const RIVAL: &str = "globex";

impl Trial {
    /// A prepared installation, in which nothing has gone wrong yet.
    pub fn new(home: Home) -> Self {
        let bindings: &[&str] = if home == Home::Pool {
            &["DIRECTORY", "SHARED", "POOL_01", "POOL_02"]
        } else {
            &["DIRECTORY", "SHARED"]
        };
        let world = World::with(bindings, Cloudflare::variable);
        let cloudflare = Cloudflare::serve(&world.outside);
        let token = world.machine_token("");
        for change in ["update", "delete"] {
            world.database("DIRECTORY").query(&format!(
                "create trigger no_{change} before {change} on operation_events begin select raise(abort, 'append only'); end"
            ));
        }
        let token = RefCell::new((world.outside.now(), token));
        Self { world, cloudflare, home, token, effects: Rc::default() }
    }

    /// From now on things go wrong as the schedule says.
    pub fn arm(&self, schedule: &Schedule) {
        let (strikes, effects) = (schedule.strikes.clone(), Rc::clone(&self.effects));
        effects.set(0);
        let base = self.cloudflare.calls();
        *self.cloudflare.mishaps.borrow_mut() =
            schedule.mishaps.iter().map(|(call, mishap)| (base + call, *mishap)).collect();
        let now = self.world.outside.now();
        self.cloudflare.down_until.set(schedule.outage.map(|outage| now.plus(outage)));
        *self.world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
            if !happened {
                effects.set(effects.get() + 1);
            }
            let index = effects.get() - 1;
            let Some((_, strike)) = strikes.iter().find(|(at, _)| *at == index) else { return Fate::Go };
            let fails = effect != Effect::Fetch;
            match (strike, happened) {
                (Strike::DieBefore, false) | (Strike::DieAfter, true) => Fate::Die,
                (Strike::FailBefore, false) | (Strike::FailAfter, true) if fails => {
                    Fate::Fail(Fault::unavailable("Network connection lost"))
                }
                _ => Fate::Go,
            }
        }));
    }

    /// From now on others come first after every effect.
    pub fn pause_after_every_effect(&self) {
        *self.world.outside.gate.rule.borrow_mut() =
            Some(Box::new(|_, happened| if happened { Fate::Pause } else { Fate::Go }));
    }

    /// How many effects there have been since [`Trial::arm`].
    pub fn effects(&self) -> usize {
        self.effects.get()
    }

    /// Asks for the tenant, or for its end. Nothing if the isolate died over it.
    pub fn ask(&self, method: Method) -> Option<u16> {
        let isolate = self.world.another_isolate();
        let answer = self.world.outside.gate.survive(isolate.app.handle(self.request(TENANT, method)));
        answer.map(|response| response.status.as_u16())
    }

    /// The same, to be run beside others.
    pub fn asking(&self, tenant: &str, method: Method) -> LocalBox<'static, ()> {
        let (isolate, request) = (self.world.another_isolate(), self.request(tenant, method));
        Box::pin(async move { drop(isolate.app.handle(request).await) })
    }

    fn request(&self, tenant: &str, method: Method) -> Request {
        let placement = if self.home == Home::Shared { "shared" } else { "isolated" };
        let ask = match method {
            Method::POST => {
                Ask::post("", "/management/tenants").json(&json!({ "id": tenant, "placement": placement }))
            }
            method => Ask::new(method, "", &format!("/management/tenants/{tenant}")),
        };
        ask.bearer(&self.token()).into_request()
    }

    fn token(&self) -> String {
        let now = self.world.outside.now();
        let mut token = self.token.borrow_mut();
        if now.since(token.0) >= Lifetime::hours(1) {
            *token = (now, self.world.machine_token(""));
        }
        token.1.clone()
    }

    /// The operations that are not over.
    pub fn live(&self) -> Vec<String> {
        let rows = self.rows("select id from operations where status in ('pending', 'running')");
        rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    /// Lets time pass until nothing is left to do: alarm clocks ring, and every five minutes the clock ticks, each time in
    /// a new isolate. An alarm clock whose call failed rings again.
    ///
    /// # Errors
    /// If something is left to do after a day.
    pub fn run_to_the_end(&self, schedule: &Schedule) -> Found {
        let outside = &self.world.outside;
        let mut next_tick = outside.now().plus(Lifetime::minutes(5));
        let end = outside.now().plus(Lifetime::days(1));
        while !self.live().is_empty() {
            let alarms: Vec<(OperationId, Timestamp)> =
                if schedule.no_alarms { vec![] } else { outside.wakes.take() };
            let rings = alarms.iter().map(|(_, at)| *at).min().map_or(next_tick, |at| at.min(next_tick));
            let now = rings.max(outside.now().plus(Lifetime::seconds(1)));
            if now > end {
                return Err("something is left to do after a day".to_owned());
            }
            self.world.advance(now.since(outside.now()));
            self.cloudflare.settle();
            for (operation, at) in alarms {
                if at > now {
                    outside.wakes.borrow_mut().push((operation, at));
                    continue;
                }
                let isolate = self.world.another_isolate();
                let again = match outside.gate.survive(isolate.app.advance(&operation)) {
                    Some(Ok(next)) => next,
                    Some(Err(_)) | None => Some(now.plus(Lifetime::seconds(2))),
                };
                outside.wakes.borrow_mut().extend(again.map(|at| (operation, at)));
            }
            if now >= next_tick {
                next_tick = now.plus(Lifetime::minutes(5));
                let isolate = self.world.another_isolate();
                outside.gate.survive(isolate.app.tick());
            }
        }
        // What may still be on its way arrives; what was changed shows.
        self.world.advance(Lifetime::minutes(2));
        self.cloudflare.settle();
        Ok(())
    }

    /// From now on nothing goes wrong any more.
    pub fn disarm(&self) {
        *self.world.outside.gate.rule.borrow_mut() = None;
        self.cloudflare.mishaps.borrow_mut().clear();
        self.cloudflare.down_until.set(None);
    }

    fn rows(&self, sql: &str) -> Vec<Map<String, Json>> {
        self.world.database("DIRECTORY").query(sql)
    }

    fn status(&self, tenant: &str) -> Option<String> {
        let rows = self.rows(&format!("select status from tenants where id = '{tenant}'"));
        rows.first().map(|row| row["status"].as_str().unwrap().to_owned())
    }

    /// Exactly one database and one tenant that serves, or none of either.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Found {
        let violations = self.cloudflare.violations.borrow();
        ensure(violations.is_empty(), || format!("{violations:?}"))?;
        self.check_history()?;
        let mut whole = 0;
        for tenant in [TENANT, RIVAL] {
            match self.status(tenant).as_deref() {
                Some("active") => {
                    whole += 1;
                    self.check_whole(tenant)?;
                }
                None | Some("failed" | "deleted") => self.check_nothing(tenant)?,
                Some(other) => return Err(format!("the tenant is {other} for good")),
            }
        }
        let (made, attached) = (self.cloudflare.databases(), self.cloudflare.attached());
        let expected = if self.home == Home::Created { whole } else { 0 };
        ensure(made.len() == expected, || format!("{made:?} exist, for {whole} tenants"))?;
        ensure(attached.len() == expected, || format!("{attached:?} are bound, for {whole} tenants"))
    }

    fn check_whole(&self, tenant: &str) -> Found {
        let held = self.rows(&format!(
            "select d.state, d.uuid, d.binding from tenants t join databases d on d.id = t.database_id where t.id = '{tenant}'"
        ));
        let [held] = held.as_slice() else {
            return Err(format!("{} databases in the directory", held.len()));
        };
        let claimed = self.rows(&format!("select id from databases where tenant_id = '{tenant}'")).len();
        ensure(claimed == usize::from(self.home != Home::Shared), || format!("{claimed} databases claimed"))?;
        if self.home == Home::Created {
            let (made, attached) = (self.cloudflare.databases(), self.cloudflare.attached());
            let uuid = held["uuid"].as_str().unwrap_or_default();
            ensure(held["state"] == "attached", || format!("the database is {}", held["state"]))?;
            ensure(made.iter().any(|(made, _)| made == uuid), || format!("{uuid} does not exist"))?;
            let bound = |(name, to): &&(String, String)| held["binding"] == name.as_str() && to == uuid;
            ensure(attached.iter().filter(bound).count() == 1, || format!("{attached:?}, {held:?}"))?;
        }
        let organizations = self.organizations(tenant);
        ensure(organizations == 1, || format!("{organizations} organizations"))?;
        let isolate = self.world.another_isolate();
        let served = isolate.send(Ask::get(tenant, "/.well-known/jwks.json"));
        ensure(served.status() == 200 && served.json()["keys"].as_array().unwrap().len() == 1, || {
            served.text()
        })
    }

    fn check_nothing(&self, tenant: &str) -> Found {
        let known = self.rows(&format!("select * from databases where tenant_id = '{tenant}'"));
        ensure(known.is_empty(), || format!("the directory still has {known:?}"))?;
        let points =
            self.rows(&format!("select id from tenants where id = '{tenant}' and database_id is not null"));
        ensure(points.is_empty(), || "the tenant still has a database".to_owned())?;
        ensure(self.organizations(tenant) == 0, || "its organization is left".to_owned())?;
        for (name, database) in self.world.outside.databases.borrow().iter() {
            let migrated = !database.query("select 1 from sqlite_schema where name = 'fences'").is_empty();
            let left = if migrated { database.contents(tenant) } else { String::new() };
            let rows = left.lines().find(|line| {
                !line.starts_with("fences") && !line.starts_with("moves") && !line.ends_with("[]")
            });
            ensure(rows.is_none(), || format!("{name} still has {rows:?}"))?;
        }
        let isolate = self.world.another_isolate();
        let status = isolate.send(Ask::get(tenant, "/.well-known/jwks.json")).status();
        ensure(status == 404 || status == 503, || format!("it answers {status}"))
    }

    fn organizations(&self, tenant: &str) -> usize {
        let sql = format!("select id from organizations where tenant_id = 'main' and name = '{tenant}'");
        self.world.database("SHARED").query(&sql).len()
    }

    /// Every event is there, numbered without a gap, and an operation that succeeded has done each of its steps once.
    fn check_history(&self) -> Found {
        for operation in self.rows("select id, status, kind from operations") {
            let id = operation["id"].as_str().unwrap();
            let events = self.rows(&format!(
                "select sequence, step, outcome from operation_events where operation_id = '{id}' order by sequence"
            ));
            let numbered = events.iter().enumerate().all(|(index, event)| event["sequence"] == index + 1);
            ensure(numbered, || format!("the history has gaps: {events:?}"))?;
            let done = events
                .iter()
                .filter(|event| matches!(event["outcome"].as_str(), Some("succeeded" | "skipped")));
            let done: Vec<&str> = done.map(|event| event["step"].as_str().unwrap()).collect();
            let plan: &[&str] = match (operation["kind"].as_str(), operation["status"].as_str(), self.home) {
                (Some("provision"), Some("succeeded"), Home::Created) => &[
                    "reserve",
                    "database",
                    "create",
                    "migrate",
                    "attach",
                    "verify",
                    "seed",
                    "organization",
                    "activate",
                ],
                (Some("provision"), Some("succeeded"), Home::Pool) => {
                    &["reserve", "database", "migrate", "verify", "seed", "organization", "activate"]
                }
                (Some("provision"), Some("succeeded"), Home::Shared) => {
                    &["reserve", "migrate", "verify", "seed", "organization", "activate"]
                }
                (Some("delete"), Some("succeeded"), Home::Created) => {
                    &["close", "withdraw", "archive", "detach", "drop", "release"]
                }
                (Some("delete"), Some("succeeded"), _) => {
                    &["close", "withdraw", "archive", "wipe", "release"]
                }
                _ => continue,
            };
            // A tenant that was given up has no database any more when it is deleted.
            let without = ["close", "withdraw", "release"];
            ensure(done == plan || done == without, || format!("{done:?}"))?;
        }
        Ok(())
    }
}

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(why()) }
}

/// Makes a tenant while things go wrong, and deletes it when they do not any more.
///
/// # Errors
/// What is wrong.
pub fn make(home: Home, schedule: &Schedule, prepare: impl FnOnce(&Trial)) -> Found {
    let trial = Trial::new(home);
    prepare(&trial);
    trial.arm(schedule);
    let answered = trial.ask(Method::POST);
    trial.run_to_the_end(schedule)?;
    trial.disarm();
    let patient = schedule.strikes.len() + schedule.mishaps.len() <= 1 && schedule.outage.is_none();
    ensure(!patient || trial.status(TENANT).as_deref() != Some("failed"), || {
        format!(
            "given up after one mishap: {:?}",
            trial.rows("select step, outcome, detail from operation_events")
        )
    })?;
    ensure(answered != Some(201) || trial.status(TENANT).as_deref() == Some("active"), || {
        "201, and not active".to_owned()
    })?;
    trial.check()?;
    if trial.status(TENANT).is_none() {
        return Ok(());
    }
    let answered = trial.ask(Method::DELETE);
    ensure(matches!(answered, Some(204)), || format!("deleting it answered {answered:?}"))?;
    trial.run_to_the_end(&Schedule::default())?;
    ensure(trial.status(TENANT).as_deref() == Some("deleted"), || "it was not deleted".to_owned())?;
    trial.check()
}

/// Deletes a tenant while things go wrong.
///
/// # Errors
/// What is wrong.
pub fn unmake(home: Home, schedule: &Schedule) -> Found {
    let trial = Trial::new(home);
    trial.ask(Method::POST);
    trial.run_to_the_end(&Schedule::default())?;
    ensure(trial.status(TENANT).as_deref() == Some("active"), || "it was not made".to_owned())?;
    trial.arm(schedule);
    trial.ask(Method::DELETE);
    trial.run_to_the_end(schedule)?;
    trial.disarm();
    if trial.status(TENANT).as_deref() == Some("active") {
        return trial.check();
    }
    ensure(trial.status(TENANT).as_deref() == Some("deleted"), || "it was not deleted".to_owned())?;
    trial.check()
}

/// How many effects and calls of the API there are when nothing goes wrong: of making a tenant, and of deleting it.
pub fn dry(home: Home) -> [(usize, usize); 2] {
    let trial = Trial::new(home);
    [Method::POST, Method::DELETE].map(|method| {
        let calls = trial.cloudflare.calls();
        trial.arm(&Schedule::default());
        trial.ask(method);
        trial.run_to_the_end(&Schedule::default()).unwrap();
        (trial.effects(), trial.cloudflare.calls() - calls)
    })
}
