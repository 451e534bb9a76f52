//! One file per area: its one way in, and its one way to say no.

mod assertion;
pub mod authority;
pub mod bearer;
pub mod client;
pub mod giving;
mod live;
pub mod login;
pub mod management;
pub mod may_manage;
pub mod oauth;
pub mod operator;
pub mod preview;
mod refusal;
mod refused;
pub mod session;

pub use login::Login;
pub use management::{Management, Scope, scope};
pub use oauth::OAuth;
pub use operator::Operator;

use crate::{
    config::Config,
    db::{Meter, Scope as _},
    error::{Error, Fault, FaultKind},
    events::{self, Entry},
    http::{Malformed, Request, Response},
    id::LogId,
    limits::{Limits, turns::Turns},
    platform::{Level, Platform},
    resources::{
        attack_protection::store::sweep_attempts,
        snapshot::{Snapshot, Snapshots},
    },
    tenant::{Directory, InTenant, Tenant, TenantDb},
    time::Timestamp,
};
use serde_json::json;
use std::{fmt::Debug, rc::Rc};

/// What lives as long as the isolate.
pub struct Shared {
    /// The operator's settings.
    pub config: Rc<Config>,
    /// The outside world.
    pub platform: Rc<dyn Platform>,
    /// What stops a flood.
    pub limits: Limits,
    /// Whose turn it is to hash a password.
    pub hashing: Turns,
    /// The way to tenants.
    pub directory: Directory,
    /// What is remembered of each tenant.
    pub snapshots: Snapshots,
    /// Every scope that a row of the route table names: the permissions of the management API, sorted.
    pub scopes: Vec<&'static str>,
}

/// How many counts of attempts that have ended are removed at once, now and then.
const ATTEMPTS_SWEPT: i64 = 500;

/// One request of one tenant, at one instant.
#[derive(Clone)]
pub struct Call {
    /// What lives as long as the isolate.
    pub shared: Rc<Shared>,
    /// The tenant of the host.
    pub tenant: Rc<Tenant>,
    /// Its rows.
    pub db: TenantDb,
    /// The request.
    pub request: Rc<Request>,
    /// The instant of the whole request.
    pub now: Timestamp,
    /// Names the request in the log and in `x-request-id`.
    pub request_id: Rc<str>,
    /// Counts what the request costs.
    pub meter: Meter,
    /// Where a fault is left for `app`, which logs it.
    pub fault: Rc<std::cell::RefCell<Option<Fault>>>,
}

impl Call {
    /// The platform.
    pub fn platform(&self) -> &dyn Platform {
        self.shared.platform.as_ref()
    }

    /// What the tenant's configuration was at most five seconds ago: keys, settings, connections, APIs, clients.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn snapshot(&self) -> Result<Rc<Snapshot>, Fault> {
        self.shared.snapshots.of(&self.tenant, &self.db, self.platform(), &self.shared.config, self.now).await
    }

    /// Checks, before anybody is bothered, that the tenant may be changed at the moment.
    ///
    /// # Errors
    /// [`FaultKind::ReadOnly`] if not.
    pub fn check_writable(&self) -> Result<(), Fault> {
        self.db.scope().check_writable()
    }

    /// A statement that records an event in the tenant's log, to commit beside the change that caused it.
    pub fn record(&self, entry: Entry) -> crate::db::Statement<InTenant> {
        let id = LogId::new(crate::events::log_id(self.platform(), self.now));
        self.tidy_after(&id);
        let agent = self.request.agent();
        crate::events::store::insert(&id, self.now, &self.request.ip, agent, &entry)
    }

    /// Now and then, after an entry has been written, seals those that are due and removes more of what is too old or too much
    /// than was written since: not before the answer has been sent. When, the id of the entry says, which is as random as is wanted.
    fn tidy_after(&self, id: &LogId) {
        let letters = id.as_str().as_bytes();
        let (often, seldom) = (letters.last().copied(), letters.iter().rev().nth(1).copied());
        // Two of the 62 letters that there are: far fewer entries are written between two sweeps than one removes.
        if !matches!(often, Some(b'a' | b'b')) || self.tenant.is_read_only() {
            return;
        }
        let (db, now, tenant, shared) =
            (self.db.apart(), self.now, Rc::clone(&self.tenant), Rc::clone(&self.shared));
        let surplus = (seldom == Some(b'a')).then_some(self.shared.config.log_rows);
        self.platform().defer(Box::pin(async move {
            // What fails is done by a later one.
            let _ = events::blocks::seal(&db, shared.platform.as_ref(), tenant.id(), now).await;
            let sweeps = [events::store::sweep_old(now), sweep_attempts(now, ATTEMPTS_SWEPT)];
            let surplus = surplus.map(events::store::sweep_surplus);
            let sweeps = sweeps.into_iter().chain(surplus).chain([events::store::sweep_loose()]);
            let _ = db.commit(sweeps).await;
        }));
    }

    /// What is needed to report a fault after the call itself has been consumed.
    pub(crate) fn trace(&self) -> Trace {
        Trace { fault: Rc::clone(&self.fault), request_id: Rc::clone(&self.request_id) }
    }
}

/// Turns a fault into the area's opaque answer and leaves it for `app`.
pub(crate) struct Trace {
    fault: Rc<std::cell::RefCell<Option<Fault>>>,
    request_id: Rc<str>,
}

impl Trace {
    pub(crate) fn fault<R: Refuse>(&self, fault: Fault) -> Response {
        let response = with_retry(&fault, R::fault(&fault, &self.request_id).render());
        *self.fault.borrow_mut() = Some(fault);
        response
    }
}

/// Says when to come back, where coming back can help.
pub(crate) fn with_retry(fault: &Fault, response: Response) -> Response {
    match fault.kind {
        FaultKind::ReadOnly => response.with("retry-after", "30"),
        FaultKind::NotOpen => response.with("retry-after", "300"),
        FaultKind::Unavailable | FaultKind::Fenced(_) | FaultKind::Unprepared | FaultKind::Outrun => {
            response.with("retry-after", "1")
        }
        // Auth0 says how many there may be beside when to come back.
        FaultKind::Limited(limited) => response
            .with("retry-after", limited.retry_after.to_string())
            .with("x-ratelimit-limit", limited.limit.to_string())
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", limited.reset.to_string()),
        FaultKind::Internal
        | FaultKind::Unreadable
        | FaultKind::OverQuota(_)
        | FaultKind::TooLarge(_)
        | FaultKind::Conflict(_)
        | FaultKind::Overtaken => response,
    }
}

/// The part of the surface a route belongs to: who may come in, and how we say no.
pub trait Area: Sized + 'static {
    /// Its name, for the route table.
    const NAME: &'static str;
    /// What a route can require.
    type Need: Copy + Debug + Send + Sync + 'static;
    /// How it says no.
    type Refusal: Refuse + 'static;

    /// Proves that the caller satisfies `need`.
    fn admit(call: Call, need: Self::Need) -> impl Future<Output = Result<Self, Error<Self::Refusal>>>;

    /// The management scope that `need` asks for, if it is one.
    fn scope(need: Self::Need) -> Option<&'static str> {
        let _ = need;
        None
    }

    /// The call it was made from.
    fn call(&self) -> &Call;

    /// How it says that an input cannot be decoded.
    fn malformed(why: Malformed) -> Self::Refusal;

    /// Writes down, where the area keeps book of that, that the handler has refused the caller.
    fn note_refusal(&self, refusal: &Self::Refusal) {
        let _ = refusal;
    }
}

/// A way to say no, in one dialect.
pub trait Refuse: Debug {
    /// The response.
    fn render(self) -> Response;

    /// What is shown for a fault: nothing of its detail.
    fn fault(fault: &Fault, request_id: &str) -> Self;
}

/// The status and the words for a fault: the same in every dialect.
pub(crate) fn fault_words(fault: &Fault) -> (http::StatusCode, &str) {
    match &fault.kind {
        FaultKind::ReadOnly => (
            http::StatusCode::SERVICE_UNAVAILABLE,
            "This service is read-only right now. Please try again shortly.",
        ),
        FaultKind::NotOpen => (
            http::StatusCode::SERVICE_UNAVAILABLE,
            "This is not open yet. If you were sent a link to try it, please open that first.",
        ),
        FaultKind::Limited(_) => (
            http::StatusCode::TOO_MANY_REQUESTS,
            "There were too many requests. Please wait a moment and try again.",
        ),
        FaultKind::Unavailable | FaultKind::Fenced(_) | FaultKind::Unprepared | FaultKind::Outrun => {
            (http::StatusCode::SERVICE_UNAVAILABLE, "The service is busy. Please try again in a moment.")
        }
        FaultKind::OverQuota(words) => (http::StatusCode::FORBIDDEN, words),
        FaultKind::TooLarge(words) => (http::StatusCode::PAYLOAD_TOO_LARGE, words),
        FaultKind::Unreadable => (
            http::StatusCode::INTERNAL_SERVER_ERROR,
            "What is stored here cannot be read. Delete it, or change it: what cannot be read is replaced by what you send.",
        ),
        FaultKind::Internal | FaultKind::Conflict(_) | FaultKind::Overtaken => {
            (http::StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
        }
    }
}

/// Logs a stored row that cannot be read and was left out: which one, and never what it holds.
pub(crate) fn log_unreadable(
    platform: &dyn Platform,
    tenant: &str,
    (table, id): (&str, &str),
    fault: &Fault,
) {
    let fields = json!({ "tenant": tenant, "table": table, "id": id, "detail": fault.detail });
    platform.log(Level::Error, "a row that cannot be read was left out", fields);
}

/// Logs a fault: one line, with the request id, no secrets.
pub(crate) fn log_fault(platform: &dyn Platform, request_id: &str, tenant: &str, fault: &Fault) {
    if matches!(fault.kind, FaultKind::Limited(_)) {
        return;
    }
    let fields = json!({ "request_id": request_id, "tenant": tenant, "kind": format!("{:?}", fault.kind), "detail": fault.detail });
    // What an operator has asked for is nothing to look into.
    let is_meant = matches!(
        fault.kind,
        FaultKind::ReadOnly | FaultKind::NotOpen | FaultKind::OverQuota(_) | FaultKind::TooLarge(_)
    );
    let level = if is_meant { Level::Info } else { Level::Error };
    platform.log(level, "fault", fields);
}
