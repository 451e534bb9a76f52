//! The platform in memory: everything that happens is a function of the seed.

use super::{
    Answer, Ask, audit,
    gate::{Effect, Gate, Gated, GatedObjects},
    headers,
    sqlite::{Sqlite, but_for_logs},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::{
    app::App,
    config::Config,
    db::{
        Driver,
        schema::{self, Schema},
    },
    error::Fault,
    http::Response,
    id::OperationId,
    jose::{Algorithm, Jwk},
    limits::model::Rate,
    operations::engine::coordinator::Coordinator,
    platform::{
        self, DataPoint, Incoming, KeyPair, Level, LocalBox, ObjectStore, Outgoing, Platform, Signer,
    },
    secret::Secret,
    time::{Lifetime, Timestamp},
};
use ring::{rand::SystemRandom, signature};
use serde_json::Value as Json;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// Answers outgoing requests: the Cloudflare API of a test.
pub type Network = Box<dyn Fn(Outgoing) -> Result<Incoming, Fault>>;

/// Everything outside the server.
pub struct Outside {
    now: Cell<i64>,
    chance: Cell<u64>,
    keys: Cell<usize>,
    /// Databases by binding.
    pub databases: RefCell<BTreeMap<String, Rc<Sqlite>>>,
    /// The network; none answers until a test sets one.
    pub network: RefCell<Option<Network>>,
    /// What was logged, as lines of JSON.
    pub log: RefCell<Vec<String>>,
    /// What was measured.
    pub points: RefCell<Vec<DataPoint>>,
    /// Wake-up calls that were asked for.
    pub wakes: RefCell<Vec<(OperationId, Timestamp)>>,
    /// Archives by name.
    pub objects: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    /// Whether the script is bound to where they are kept.
    pub keeps_archives: Cell<bool>,
    /// Where every effect passes.
    pub gate: Rc<Gate>,
    /// Memory (KiB) and passes of a password hash: next to nothing, unless a test says otherwise.
    pub password_cost: Cell<(u32, u32)>,
    /// Whether the platform's counters count, and another limit for all of them, if a test wants one.
    pub counts: Cell<Option<Option<u32>>>,
    counters: RefCell<BTreeMap<String, u32>>,
    /// Readings of secrets that went to the log of the Worker.
    noted: RefCell<Vec<(String, Json)>>,
    deferred: RefCell<Vec<LocalBox<'static, ()>>>,
    coordinator: RefCell<Coordinator>,
}

/// What the operator has set, by name.
type Variables = Rc<dyn Fn(&str) -> Option<String>>;

/// A server in a world of its own.
pub struct World {
    /// The server.
    pub app: App,
    /// Everything outside it.
    pub outside: Rc<Outside>,
    variable: Variables,
    /// Which schema isolates that start now work with.
    schema: Cell<Schema>,
}

/// 2027-01-15T08:00:00Z: the instant at which every world begins.
pub const BEGINNING: i64 = 1_800_000_000_000;

/// What the first start is told.
pub const ADMIN_EMAIL: &str = "admin@example.com";
/// The administrator's password.
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";
/// The machine client's id.
pub const MACHINE_ID: &str = "management-machine";
/// The machine client's secret.
pub const MACHINE_SECRET: &str = "a-secret-of-the-management-machine";

/// The audience of every management token.
pub const MANAGEMENT_AUDIENCE: &str = "http://localhost:8787/api/v2/";

impl World {
    /// A world with these bindings, nothing migrated or seeded yet.
    pub fn with(bindings: &[&str], variable: impl Fn(&str) -> Option<String> + 'static) -> Self {
        let databases = bindings.iter().map(|name| ((*name).to_owned(), Rc::new(Sqlite::new(name))));
        let outside = Rc::new(Outside {
            now: Cell::new(BEGINNING),
            chance: Cell::new(7),
            keys: Cell::new(0),
            databases: RefCell::new(databases.collect()),
            network: RefCell::default(),
            log: RefCell::default(),
            points: RefCell::default(),
            wakes: RefCell::default(),
            objects: Rc::default(),
            keeps_archives: Cell::new(true),
            gate: Rc::default(),
            password_cost: Cell::new((8, 1)),
            counts: Cell::default(),
            counters: RefCell::default(),
            noted: RefCell::default(),
            deferred: RefCell::default(),
            coordinator: RefCell::default(),
        });
        Self::isolate(outside, Rc::new(variable), schema::CURRENT)
    }

    fn isolate(outside: Rc<Outside>, variable: Variables, schema: Schema) -> Self {
        let config = Config::read(|name| variable(name).or_else(|| default_variable(name))).unwrap();
        let app = App::new(Config { schema, ..config }, Rc::clone(&outside) as Rc<dyn Platform>);
        Self { app, outside, variable, schema: Cell::new(schema) }
    }

    /// The usual world: a directory, a shared database, and a pool of four.
    pub fn new() -> Self {
        Self::with(&["DIRECTORY", "SHARED", "POOL_01", "POOL_02", "POOL_03", "POOL_04"], |_| None)
    }

    /// A second isolate of the same installation: same databases, nothing remembered.
    pub fn another_isolate(&self) -> Self {
        self.isolate_of(self.schema.get())
    }

    /// One of the release that has this schema.
    pub fn isolate_of(&self, schema: Schema) -> Self {
        Self::isolate(Rc::clone(&self.outside), Rc::clone(&self.variable), schema)
    }

    /// From now on isolates that start are of the release that has this schema; those that are there stay as they are.
    pub fn roll_out(&self, schema: Schema) {
        self.schema.set(schema);
    }

    /// Sends a request and waits for the answer and for the work that was put off. The headers of the answer must be in
    /// order, and the log must tell of it, whatever the test is about.
    #[track_caller]
    pub fn send(&self, ask: Ask) -> Answer {
        let request = ask.over_if_unsaid(self.app.shared().config.scheme()).into_request();
        self.noted();
        let response = block_on(self.app.handle(request.clone()));
        self.outside.settle();
        let mut faults = headers::faults(&request, response.headers());
        faults.extend(audit::faults(&request, response.status.as_u16(), &response.body, &self.noted()));
        assert!(faults.is_empty(), "{} {}: {faults:?}", request.method, request.path);
        Answer(response)
    }

    /// Does the work that was put off.
    pub fn settle(&self) {
        self.outside.settle();
    }

    /// What has been written since this was asked before: of the logs type and details of each entry, and whether anything
    /// else. What a tenant that is read-only cannot hold is in the log of the Worker.
    pub fn noted(&self) -> (Vec<(String, Json)>, bool) {
        let mut noted = (self.outside.noted.take(), false);
        for database in self.outside.databases.borrow().values() {
            let (entries, changed) = database.take_noted();
            noted.0.extend(entries);
            noted.1 |= changed;
        }
        noted
    }

    /// Sends requests at the same time: each goes on whenever another has to wait.
    pub fn send_at_once(&self, asks: Vec<Ask>) -> Vec<Answer> {
        let mut running: Vec<Pin<Box<dyn Future<Output = Response> + '_>>> = Vec::new();
        for ask in asks {
            running.push(Box::pin(self.app.handle(ask.into_request())));
        }
        let mut answers: Vec<Option<Answer>> = running.iter().map(|_| None).collect();
        let mut context = Context::from_waker(Waker::noop());
        while answers.iter().any(Option::is_none) {
            for (future, answer) in running.iter_mut().zip(&mut answers) {
                if answer.is_none()
                    && let Poll::Ready(response) = future.as_mut().poll(&mut context)
                {
                    *answer = Some(Answer(response));
                }
            }
        }
        self.outside.settle();
        answers.into_iter().flatten().collect()
    }

    /// An access token of the seeded machine client for the management API; no scope means all it was granted.
    pub fn machine_token(&self, scope: &str) -> String {
        let ask = Ask::post("", "/oauth/token").form(&[
            ("grant_type", "client_credentials"),
            ("client_id", MACHINE_ID),
            ("client_secret", MACHINE_SECRET),
            ("audience", MANAGEMENT_AUDIENCE),
            ("scope", scope),
        ]);
        self.send(ask).expect(200).json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Makes a tenant through the API.
    pub fn tenant(&self, id: &str) {
        let ask = Ask::post("", "/management/tenants").bearer(&self.machine_token("create:tenants"));
        let status = self.send(ask.json(&serde_json::json!({ "id": id }))).status();
        assert!(matches!(status, 201 | 202), "{status}");
        self.send(Ask::get(id, "/readyz")).expect(200);
    }

    /// Has the clock do its work.
    pub fn tick(&self) {
        block_on(self.app.tick());
    }

    /// Binds the script to one more database.
    pub fn add_database(&self, binding: &str) {
        let database = Rc::new(Sqlite::new(binding));
        self.outside.databases.borrow_mut().insert(binding.to_owned(), database);
    }

    /// Lets time pass.
    pub fn advance(&self, span: Lifetime) {
        self.outside.now.set(self.outside.now.get() + span.as_millis());
    }

    /// Everything in every database: equal before and after means that nothing was changed.
    pub fn everything(&self) -> String {
        let databases = self.outside.databases.borrow();
        databases.iter().map(|(name, database)| format!("{name}\n{}", database.everything())).collect()
    }

    /// The same but for the logs of the tenants: a refusal leaves nothing but an entry there.
    pub fn but_for_logs(&self) -> String {
        but_for_logs(&self.everything())
    }

    /// The database of a binding.
    pub fn database(&self, binding: &str) -> Rc<Sqlite> {
        Rc::clone(&self.outside.databases.borrow()[binding])
    }
}

fn default_variable(name: &str) -> Option<String> {
    let value = match name {
        "BASE_DOMAIN" => "localhost:8787",
        "ENCRYPTION_KEY" => "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "ADMIN_EMAIL" => ADMIN_EMAIL,
        "ADMIN_PASSWORD" => ADMIN_PASSWORD,
        "MANAGEMENT_CLIENT_ID" => MACHINE_ID,
        "MANAGEMENT_CLIENT_SECRET" => MACHINE_SECRET,
        "METER_HEADER" => "1",
        _ => return None,
    };
    Some(value.to_owned())
}

/// Runs a future of the in-memory world, where nothing ever has to wait.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("a future waits for something that is not in this world");
}

/// Lets others have their turn once.
async fn yielded() {
    let mut paused = false;
    std::future::poll_fn(
        |_| {
            if std::mem::replace(&mut paused, true) { Poll::Ready(()) } else { Poll::Pending }
        },
    )
    .await;
}

impl Outside {
    fn settle(&self) {
        while let Some(work) = { self.deferred.borrow_mut().pop() } {
            // An isolate that dies takes it along.
            self.gate.survive(work);
        }
    }

    /// SplitMix64: small, well distributed, and the same on every machine. Never used outside tests.
    fn chance(&self) -> u64 {
        let state = self.chance.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.chance.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The present moment, in milliseconds.
    pub fn now_millis(&self) -> i64 {
        self.now.get()
    }

    /// Sets the seed that everything random follows from.
    pub fn seed(&self, seed: u64) {
        self.chance.set(seed);
    }
}

/// Two dozen RSA-2048 keys that were made for these tests: generating one takes too long natively and is never the point.
fn fixtures() -> Vec<Fixture> {
    serde_json::from_str(include_str!("keys.json")).unwrap()
}

#[derive(serde::Deserialize, serde::Serialize, Clone)]
struct Fixture {
    pkcs8: String,
    public: Jwk,
}

struct RingSigner(signature::RsaKeyPair);

impl Signer for RingSigner {
    fn sign<'a>(&'a self, message: &'a [u8]) -> LocalBox<'a, Result<Vec<u8>, Fault>> {
        let mut out = vec![0; self.0.public().modulus_len()];
        self.0.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut out).unwrap();
        Box::pin(async move { Ok(out) })
    }
}

impl Platform for Outside {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.get())
    }

    fn random(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.chance().to_le_bytes()[..chunk.len()]);
        }
    }

    fn database(&self, binding: &str) -> Option<Rc<dyn Driver>> {
        let database = Rc::clone(self.databases.borrow().get(binding)?);
        Some(Rc::new(Gated::new(&self.gate, database)))
    }

    fn bindings(&self) -> Vec<String> {
        self.databases.borrow().keys().cloned().collect()
    }

    fn archive(&self) -> Option<Rc<dyn ObjectStore>> {
        let store = || Rc::new(GatedObjects::new(&self.gate, &self.objects)) as Rc<dyn ObjectStore>;
        self.keeps_archives.get().then(store)
    }

    fn fetch<'a>(&'a self, request: Outgoing) -> LocalBox<'a, Result<Incoming, Fault>> {
        Box::pin(async move {
            self.gate.pass(Effect::Fetch, false).await?;
            let answer = match self.network.borrow().as_ref() {
                Some(network) => network(request),
                None => Err(Fault::unavailable("this world has no network")),
            };
            self.gate.pass(Effect::Fetch, true).await?;
            answer
        })
    }

    fn generate_key(&self, _: Algorithm) -> LocalBox<'_, Result<KeyPair, Fault>> {
        let fixtures = fixtures();
        let fixture = fixtures[self.keys.get() % fixtures.len()].clone();
        self.keys.set(self.keys.get() + 1);
        let private = Secret::new(fixture.pkcs8.clone());
        Box::pin(async move { Ok(KeyPair { private, public: fixture.public }) })
    }

    fn signer<'a>(
        &'a self,
        _: Algorithm,
        private: &'a Secret,
    ) -> LocalBox<'a, Result<Rc<dyn Signer>, Fault>> {
        let der = Base64UrlUnpadded::decode_vec(private.expose()).unwrap();
        let pair = signature::RsaKeyPair::from_pkcs8(&der).unwrap();
        Box::pin(async move { Ok(Rc::new(RingSigner(pair)) as Rc<dyn Signer>) })
    }

    fn verify<'a>(
        &'a self,
        key: &'a Jwk,
        message: &'a [u8],
        sig: &'a [u8],
    ) -> LocalBox<'a, Result<bool, Fault>> {
        let part = |value: &Option<String>| Base64UrlUnpadded::decode_vec(value.as_deref().unwrap()).unwrap();
        if key.kty == "EC" {
            let point = [vec![4], part(&key.x), part(&key.y)].concat();
            let key = signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point);
            let holds = key.verify(message, sig).is_ok();
            return Box::pin(async move { Ok(holds) });
        }
        let components = signature::RsaPublicKeyComponents { n: part(&key.n), e: part(&key.e) };
        let holds = components.verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, sig).is_ok();
        Box::pin(async move { Ok(holds) })
    }

    fn password_cost(&self) -> (u32, u32) {
        self.password_cost.get()
    }

    /// The same, and no time passes.
    fn breathe(&self, _: usize) -> LocalBox<'_, ()> {
        Box::pin(yielded())
    }

    /// Whoever else has something to do comes first.
    fn pause(&self, span: Lifetime) -> LocalBox<'_, ()> {
        Box::pin(async move {
            self.now.set(self.now.get() + span.as_millis());
            yielded().await;
        })
    }

    fn defer(&self, work: LocalBox<'static, ()>) {
        self.deferred.borrow_mut().push(work);
    }

    /// Fixed windows, as the platform's own: nothing is counted unless a test asks for it.
    fn within<'a>(&'a self, rate: &'a Rate, key: &'a str) -> LocalBox<'a, bool> {
        Box::pin(async move {
            let Some(limit) = self.counts.get() else { return true };
            let window = self.now.get() / (i64::from(rate.period) * 1000);
            let mut counters = self.counters.borrow_mut();
            let count = counters.entry(format!("{} {key} {window}", rate.binding)).or_default();
            *count += 1;
            *count <= limit.unwrap_or(rate.limit)
        })
    }

    fn coordinate<'a>(&'a self, ask: platform::Ask) -> LocalBox<'a, Result<platform::Answer, Fault>> {
        Box::pin(async move {
            self.gate.pass(Effect::Coordinate, false).await?;
            let answer = self.coordinator.borrow_mut().answer(ask, self.now());
            self.gate.pass(Effect::Coordinate, true).await?;
            Ok(answer)
        })
    }

    fn wake<'a>(&'a self, operation: &'a OperationId, at: Timestamp) -> LocalBox<'a, Result<(), Fault>> {
        Box::pin(async move {
            self.gate.pass(Effect::Wake, false).await?;
            self.wakes.borrow_mut().push((operation.clone(), at));
            self.gate.pass(Effect::Wake, true).await
        })
    }

    fn measure(&self, point: &DataPoint) {
        self.points.borrow_mut().push(point.clone());
    }

    fn log(&self, level: Level, message: &str, fields: Json) {
        if message == "secrets were shown" {
            self.noted.borrow_mut().push(("mgmt_api_read".to_owned(), fields["details"].clone()));
        }
        self.log.borrow_mut().push(format!("{level:?} {message} {fields}"));
    }
}
