//! A Cloudflare API in memory, which does what the real one is known to do, and goes wrong on demand.

use crate::support::{sqlite::Sqlite, world::Outside};
use gatehouse::{
    db::{Driver, Outcome, RawStatement, Value},
    error::Fault,
    platform::{Incoming, Outgoing, Platform},
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

pub const BASE: &str = "https://api.cloudflare.test/client/v4";
pub const ACCOUNT: &str = "0123456789abcdef";
pub const TOKEN: &str = "token-of-the-tests";

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It never arrives.
    Swallowed,
    /// It is done, and the answer is lost.
    Lost,
    /// It is done twice, and the second answer comes back.
    Doubled,
    /// No answer; it is done 29 seconds later.
    Delayed,
    /// 429, and when to come back.
    Throttled,
    /// 429 without a word.
    ThrottledSilently,
    /// 500, not done.
    BrokenBefore,
    /// 500, done.
    BrokenAfter,
}

impl Mishap {
    pub const ALL: [Self; 8] = [
        Self::Swallowed,
        Self::Lost,
        Self::Doubled,
        Self::Delayed,
        Self::Throttled,
        Self::ThrottledSilently,
        Self::BrokenBefore,
        Self::BrokenAfter,
    ];
}

/// A defect that the API does not have: the simulation must notice each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A database is never found by its name.
    FindsNothing,
    /// A name can be given twice.
    DoublesNames,
    /// A binding that is inherited is dropped.
    DropsInherited,
}

/// A call takes effect within 30 s or never.
const DELAY: Lifetime = Lifetime::seconds(29);
/// A change of the bindings reaches the running script a little later.
const PROPAGATION: Lifetime = Lifetime::seconds(10);

pub struct Cloudflare {
    outside: Rc<Outside>,
    databases: RefCell<BTreeMap<String, (String, Rc<Sqlite>)>>,
    bindings: RefCell<Vec<Json>>,
    past: RefCell<BTreeMap<String, rusqlite::Connection>>,
    delayed: RefCell<Vec<(Timestamp, Outgoing)>>,
    changed_at: Cell<Option<Timestamp>>,
    calls: Cell<usize>,
    made: Cell<usize>,
    defect: Cell<Option<Defect>>,
    makes_nothing: Cell<bool>,
    binds_nothing: Cell<bool>,
    changes: Cell<usize>,
    /// What goes wrong: with which call, counted from 0.
    pub mishaps: RefCell<Vec<(usize, Mishap)>>,
    /// Nothing is answered before this moment.
    pub down_until: Cell<Option<Timestamp>>,
    /// What must never happen, and did.
    pub violations: RefCell<Vec<String>>,
}

/// The bindings that the script has from `wrangler.toml`.
fn declared() -> Vec<Json> {
    vec![
        json!({ "type": "d1", "name": "DIRECTORY", "database_id": "directory" }),
        json!({ "type": "d1", "name": "SHARED", "database_id": "shared" }),
        json!({ "type": "durable_object_namespace", "name": "COORDINATOR", "class_name": "Coordinator", "namespace_id": "n1" }),
        json!({ "type": "secret_text", "name": "ENCRYPTION_KEY", "text": "the-secret-text" }),
        json!({ "type": "plain_text", "name": "BASE_DOMAIN", "text": "localhost:8787" }),
    ]
}

type Served = Result<Json, (u16, i64, String)>;

impl Cloudflare {
    /// Answers the network of this world from now on.
    pub fn serve(outside: &Rc<Outside>) -> Rc<Self> {
        let cloudflare = Rc::new(Self {
            outside: Rc::clone(outside),
            databases: RefCell::default(),
            bindings: RefCell::new(declared()),
            past: RefCell::default(),
            delayed: RefCell::default(),
            changed_at: Cell::default(),
            calls: Cell::default(),
            made: Cell::default(),
            defect: Cell::default(),
            makes_nothing: Cell::default(),
            binds_nothing: Cell::default(),
            changes: Cell::default(),
            mishaps: RefCell::default(),
            down_until: Cell::default(),
            violations: RefCell::default(),
        });
        let network = Rc::clone(&cloudflare);
        *outside.network.borrow_mut() = Some(Box::new(move |request| network.receive(request)));
        cloudflare
    }

    /// The settings of a server that uses it.
    pub fn variable(name: &str) -> Option<String> {
        let value = match name {
            "CF_ACCOUNT_ID" => ACCOUNT,
            "CF_API_TOKEN" => TOKEN,
            "CF_API_BASE" => BASE,
            "POOL_FREE" => "0",
            _ => return None,
        };
        Some(value.to_owned())
    }

    /// Has it work wrongly from now on.
    pub fn plant(&self, defect: Defect) {
        self.defect.set(Some(defect));
    }

    /// Whether the account has as many databases as it may have.
    pub fn refuse_to_make(&self, refuses: bool) {
        self.makes_nothing.set(refuses);
    }

    /// Whether no change of the bindings is accepted.
    pub fn refuse_to_bind(&self, refuses: bool) {
        self.binds_nothing.set(refuses);
    }

    /// A deploy that knows only what `wrangler.toml` declares.
    pub fn deploy(&self) {
        *self.bindings.borrow_mut() = declared();
        self.propagate();
    }

    /// How often the bindings were changed.
    pub fn changes(&self) -> usize {
        self.changes.get()
    }

    /// How many calls have arrived.
    pub fn calls(&self) -> usize {
        self.calls.get()
    }

    /// The databases: id and name.
    pub fn databases(&self) -> Vec<(String, String)> {
        let databases = self.databases.borrow();
        databases.iter().map(|(uuid, (name, _))| (uuid.clone(), name.clone())).collect()
    }

    /// The bindings that were attached: name and database.
    pub fn attached(&self) -> Vec<(String, String)> {
        let text = |binding: &Json, member: &str| binding[member].as_str().unwrap().to_owned();
        let bindings = self.bindings.borrow();
        let ours = bindings.iter().filter(|binding| text(binding, "name").starts_with("TENANT_"));
        ours.map(|binding| (text(binding, "name"), text(binding, "database_id"))).collect()
    }

    /// Lets happen what is due by now.
    pub fn settle(&self) {
        let now = self.outside.now();
        let (due, rest) = self.delayed.take().into_iter().partition(|(at, _)| *at <= now);
        *self.delayed.borrow_mut() = rest;
        let due: Vec<(Timestamp, Outgoing)> = due;
        for (_, request) in due {
            let _ = self.answer(&request);
        }
        if self.changed_at.get().is_some_and(|changed| now.since(changed) >= PROPAGATION) {
            self.propagate();
        }
    }

    fn propagate(&self) {
        self.changed_at.set(None);
        let mut bound = self.outside.databases.borrow_mut();
        bound.retain(|name, _| !name.starts_with("TENANT_"));
        for (name, uuid) in self.attached() {
            match self.databases.borrow().get(&uuid) {
                Some((_, database)) => drop(bound.insert(name, Rc::clone(database))),
                None => self.violate(format!("{name} is bound to a database that is gone")),
            }
        }
    }

    fn violate(&self, what: String) {
        self.violations.borrow_mut().push(what);
    }

    fn receive(&self, request: Outgoing) -> Result<Incoming, Fault> {
        self.settle();
        let call = self.calls.replace(self.calls.get() + 1);
        let now = self.outside.now();
        let lost = || Err(Fault::unavailable("no answer"));
        if self.down_until.get().is_some_and(|until| now < until) {
            return lost();
        }
        let mishap = self.mishaps.borrow().iter().find(|(at, _)| *at == call).map(|(_, mishap)| *mishap);
        match mishap {
            None => Ok(shown(self.answer(&request))),
            Some(Mishap::Swallowed) => lost(),
            Some(Mishap::Lost) => {
                let _ = self.answer(&request);
                lost()
            }
            Some(Mishap::Doubled) => {
                let _ = self.answer(&request);
                Ok(shown(self.answer(&request)))
            }
            Some(Mishap::Delayed) => {
                self.delayed.borrow_mut().push((now.plus(DELAY), request));
                lost()
            }
            Some(Mishap::Throttled | Mishap::ThrottledSilently) => {
                let mut answer =
                    shown(Err((429, 971, "Please wait and consider throttling your request speed".into())));
                if mishap == Some(Mishap::Throttled) {
                    answer.headers.push(("retry-after".to_owned(), "7".to_owned()));
                }
                Ok(answer)
            }
            Some(Mishap::BrokenBefore) => Ok(shown(Err((500, 7500, "internal error".into())))),
            Some(Mishap::BrokenAfter) => {
                let _ = self.answer(&request);
                Ok(shown(Err((500, 7500, "internal error".into()))))
            }
        }
    }

    fn answer(&self, request: &Outgoing) -> Served {
        let authorization =
            request.headers.iter().find(|(name, _)| name == "authorization").map(|(_, value)| value);
        if authorization != Some(&format!("Bearer {TOKEN}")) {
            return Err((401, 10000, "Authentication error".into()));
        }
        let below = request.url.strip_prefix(&format!("{BASE}/accounts/{ACCOUNT}")).unwrap_or_default();
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["d1", "database"]) => self.create(&serde_json::from_slice(&request.body).unwrap()),
            ("GET", ["d1", "database"]) => Ok(self.list(query)),
            ("DELETE", ["d1", "database", uuid]) => self.delete(uuid),
            ("POST", ["d1", "database", uuid, "raw"]) => {
                self.raw(uuid, &serde_json::from_slice(&request.body).unwrap())
            }
            ("GET", ["d1", "database", uuid, "time_travel", "bookmark"]) => self.bookmark(uuid),
            ("POST", ["d1", "database", uuid, "time_travel", "restore"]) => self.travel(uuid, query),
            ("GET", ["workers", "scripts", "gatehouse", "settings"]) => Ok(self.settings()),
            ("PATCH", ["workers", "scripts", "gatehouse", "settings"]) => self.bind(request),
            _ => Err((404, 7003, format!("Could not route to {path}"))),
        }
    }

    fn create(&self, body: &Json) -> Served {
        let name = body["name"].as_str().unwrap().to_owned();
        let taken = self.databases.borrow().values().any(|(other, _)| *other == name);
        if taken && self.defect.get() != Some(Defect::DoublesNames) {
            return Err((400, 7502, format!("Database with name '{name}' already exists")));
        }
        if self.makes_nothing.get() {
            return Err((400, 7406, "The account has reached its limit of databases".into()));
        }
        self.made.set(self.made.get() + 1);
        let uuid = format!("uuid-{}", self.made.get());
        self.databases.borrow_mut().insert(uuid.clone(), (name.clone(), Rc::new(Sqlite::new(&name))));
        Ok(json!({ "uuid": uuid, "name": name, "version": "production" }))
    }

    /// The filter is a search: it also finds what only begins like that.
    fn list(&self, query: &str) -> Json {
        let name =
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "name").unwrap().1.into_owned();
        let found = self.databases.borrow();
        let found = found.iter().filter(|(_, (other, _))| other.starts_with(&name));
        let found =
            found.filter(|_| !matches!(self.defect.get(), Some(Defect::FindsNothing | Defect::DoublesNames)));
        Json::Array(found.map(|(uuid, (name, _))| json!({ "uuid": uuid, "name": name })).collect())
    }

    fn delete(&self, uuid: &str) -> Served {
        if self.attached().iter().any(|(_, bound)| bound == uuid) {
            self.violate(format!("{uuid} was deleted while the script was bound to it"));
        }
        match self.databases.borrow_mut().remove(uuid) {
            Some(_) => Ok(Json::Null),
            None => Err((404, 7404, "The database could not be found".into())),
        }
    }

    /// Has the database of the one tenant be as it is now, whenever it is taken back to this moment.
    pub fn remember(&self, moment: Timestamp) -> Timestamp {
        let (_, database) = self.databases.borrow().values().next().unwrap().clone();
        self.past.borrow_mut().insert(moment.iso(), database.copy());
        moment
    }

    /// The same, of a database in which nothing was at that moment.
    pub fn remember_nothing(&self, moment: Timestamp) -> Timestamp {
        self.past.borrow_mut().insert(moment.iso(), Sqlite::new("empty").copy());
        moment
    }

    fn bookmark(&self, uuid: &str) -> Served {
        let databases = self.databases.borrow();
        let (_, database) =
            databases.get(uuid).ok_or((404, 7404, "The database could not be found".to_owned()))?;
        self.past.borrow_mut().insert("00000001-now".to_owned(), database.copy());
        Ok(json!({ "bookmark": "00000001-now" }))
    }

    fn travel(&self, uuid: &str, query: &str) -> Served {
        let (_, wanted) = query.split_once('=').unwrap();
        let databases = self.databases.borrow();
        let (_, database) =
            databases.get(uuid).ok_or((404, 7404, "The database could not be found".to_owned()))?;
        let past = self.past.borrow();
        let past = past.get(wanted).ok_or((400, 7500, format!("no such past: {wanted}")))?;
        database.become_copy(past);
        Ok(json!({ "bookmark": wanted, "previous_bookmark": "00000001-now", "message": "" }))
    }

    fn raw(&self, uuid: &str, body: &Json) -> Served {
        let database = self.databases.borrow().get(uuid).map(|(_, database)| Rc::clone(database));
        let database = database.ok_or((404, 7404, "The database could not be found".to_owned()))?;
        let statement = |statement: &Json| RawStatement {
            sql: statement["sql"].as_str().unwrap().to_owned().into(),
            params: statement["params"].as_array().unwrap().iter().map(value).collect(),
        };
        let batch = body["batch"].as_array().unwrap().iter().map(statement).collect();
        let outcomes = crate::support::world::block_on(database.run(batch));
        let outcomes = outcomes.map_err(|fault| (400, 7500, fault.detail.replace("D1_ERROR: ", "")))?;
        Ok(Json::Array(outcomes.iter().map(columnar).collect()))
    }

    /// A secret is never shown.
    fn settings(&self) -> Json {
        let mut bindings = self.bindings.borrow().clone();
        for binding in bindings.iter_mut().filter(|binding| binding["type"] == "secret_text") {
            binding.as_object_mut().unwrap().remove("text");
        }
        json!({ "bindings": bindings })
    }

    /// The whole list: what it does not name is dropped, and what cannot be inherited is dropped in silence.
    fn bind(&self, request: &Outgoing) -> Served {
        if self.binds_nothing.get() {
            return Err((400, 10214, "The latest version is not deployed".into()));
        }
        let body = String::from_utf8(request.body.clone()).unwrap();
        let part = body.split_once("name=\"settings\"").and_then(|(_, rest)| rest.split_once("\r\n\r\n"));
        let part = part.and_then(|(_, rest)| rest.split_once("\r\n--")).ok_or((
            400,
            10201,
            "no settings".to_owned(),
        ))?;
        let sent: Json = serde_json::from_str(part.0).unwrap();
        let before = self.bindings.borrow().clone();
        let mut after = Vec::new();
        for wanted in sent["bindings"].as_array().unwrap() {
            if wanted["type"] == "inherit" {
                let inherited = before.iter().find(|binding| binding["name"] == wanted["name"]);
                let dropped =
                    self.defect.get() == Some(Defect::DropsInherited) && wanted["name"] == "ENCRYPTION_KEY";
                after.extend(inherited.filter(|_| !dropped).cloned());
            } else if self.databases.borrow().contains_key(wanted["database_id"].as_str().unwrap()) {
                after.push(wanted.clone());
            } else {
                return Err((
                    400,
                    10181,
                    format!("D1 binding {} references a database that was not found", wanted["name"]),
                ));
            }
        }
        for binding in declared().iter().filter(|binding| !after.contains(binding)) {
            self.violate(format!("{} was not left alone", binding["name"]));
        }
        *self.bindings.borrow_mut() = after;
        self.changes.set(self.changes.get() + 1);
        self.changed_at.set(Some(self.outside.now()));
        Ok(self.settings())
    }
}

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Number(number) => Value::Int(number.as_i64().unwrap()),
        Json::String(text) => Value::Text(text.clone()),
        other => panic!("D1 does not take {other}"),
    }
}

fn columnar(outcome: &Outcome) -> Json {
    let columns: Vec<&String> = outcome.rows.first().map(|row| row.0.keys().collect()).unwrap_or_default();
    let rows: Vec<Vec<&Json>> = outcome.rows.iter().map(|row| row.0.values().collect()).collect();
    let meta = json!({ "changes": outcome.changes, "rows_read": outcome.rows_read, "rows_written": outcome.rows_written });
    json!({ "success": true, "results": { "columns": columns, "rows": rows }, "meta": meta })
}

fn shown(served: Served) -> Incoming {
    let (status, body) = match served {
        Ok(result) => (200, json!({ "success": true, "errors": [], "messages": [], "result": result })),
        Err((status, code, message)) => (
            status,
            json!({ "success": false, "errors": [{ "code": code, "message": message }], "messages": [], "result": null }),
        ),
    };
    Incoming { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}
