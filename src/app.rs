//! The whole journey of a request on one page, and the only logger of faults.

use crate::{
    access::Refuse,
    access::{self, Call, Shared, fault_words, login, management, oauth},
    config::Config,
    db::Meter,
    error::{Fault, FaultKind},
    http::{Method, Request, Response, StatusCode, cors, route::Found, transport},
    id::{OperationId, random_text},
    limits::{Limits, model::Class, turns::Turns},
    operations::{self, tenants::bootstrap},
    platform::{DataPoint, Platform},
    resources::{logs::sealing, snapshot::Snapshots},
    routes::ROUTES,
    tenant::{Directory, Host, Resolved},
    time::Timestamp,
};
use serde_json::json;
use std::{cell::RefCell, rc::Rc};

/// The server: one per isolate.
pub struct App {
    shared: Rc<Shared>,
}

/// What became of a request besides its response: for the metrics.
#[derive(Default)]
struct Journey {
    tenant: String,
    route: String,
}

/// How often a request is taken up again that has met a fence: once is enough, unless the tenant moves on meanwhile.
const ATTEMPTS: usize = 3;

impl App {
    /// A server with these settings in this world.
    pub fn new(config: Config, platform: Rc<dyn Platform>) -> Self {
        let config = Rc::new(config);
        let directory = Directory::new(Rc::clone(&config), Rc::clone(&platform));
        let scopes = ROUTES.management_scopes();
        Self {
            shared: Rc::new(Shared {
                limits: Limits::new(config.rate_limits),
                hashing: Turns::default(),
                config,
                platform,
                directory,
                snapshots: Snapshots::default(),
                scopes,
            }),
        }
    }

    /// What lives as long as the isolate, for events that are not requests of a tenant.
    pub fn shared(&self) -> &Rc<Shared> {
        &self.shared
    }

    /// Answers a request.
    pub async fn handle(&self, request: Request) -> Response {
        let platform = self.shared.platform.as_ref();
        let now = platform.now();
        let (transport, base_domain) = (self.shared.config.transport, &self.shared.config.base_domain);
        let carried = transport.carries(&request);
        // From here on what is https and what is not, cookies among it, follows what the operator has set.
        let request = Rc::new(Request { scheme: transport.scheme().to_owned(), ..request });
        let request_id: Rc<str> = random_text(platform, 16).into();
        let meter = Meter::default();
        let mut journey = Journey::default();
        let response = if carried {
            self.answer(&request, now, &request_id, &meter, &mut journey).await
        } else {
            insecure(&request)
        };
        let cost = meter.cost();
        platform.measure(&DataPoint {
            tenant: journey.tenant,
            route: journey.route,
            status: response.status.as_u16(),
            duration_ms: platform.now().since(now).as_millis(),
            cost,
        });
        let response = match Dialect::of(&request.path) {
            // What depends on a cookie is for the eyes of its own origin.
            Dialect::Page => response,
            Dialect::Management | Dialect::OAuth => cors::readable(response),
        };
        let response = response.with("x-request-id", &*request_id);
        let authority = request.header("host").unwrap_or_default();
        let response = match transport.remembered(authority, base_domain).filter(|_| carried) {
            Some(remembered) => response.with("strict-transport-security", remembered),
            None => response,
        };
        let response = if self.shared.config.meter_header {
            response.with(
                "x-gatehouse-d1",
                format!("{};{};{}", cost.round_trips, cost.rows_read, cost.rows_written),
            )
        } else {
            response
        };
        if request.method == Method::HEAD { response.without_body() } else { response }
    }

    /// Goes on with an operation, and says when to be called again, if ever. Called by its alarm clock.
    ///
    /// # Errors
    /// A fault, already logged, after which the alarm clock tries again.
    pub async fn advance(&self, operation: &OperationId) -> Result<Option<Timestamp>, Fault> {
        let advanced = operations::advance(&self.shared, operation).await;
        if let Err(fault) = &advanced {
            access::log_fault(self.shared.platform.as_ref(), operation.as_str(), "", fault);
        }
        advanced
    }

    /// Periodic maintenance, run by the cron trigger: see [`operations::tick`].
    pub async fn tick(&self) {
        let platform = self.shared.platform.as_ref();
        let now = platform.now();
        let ticked = match self.shared.directory.main(now, &Meter::default()).await {
            Err(Fault { kind: FaultKind::Unprepared, .. }) => bootstrap::run(&self.shared, now).await,
            _ => match operations::tick(&self.shared).await {
                Ok(()) => sealing::tick(&self.shared).await,
                Err(fault) => Err(fault),
            },
        };
        if let Err(fault) = ticked {
            access::log_fault(platform, "tick", "", &fault);
        }
    }

    /// Host → tenant → route → area → handler. A fault that says "my route is old" or "nothing is seeded yet" is
    /// mended and the journey taken once more; nothing has been written by then, since a batch is all or nothing.
    async fn answer(
        &self,
        request: &Rc<Request>,
        now: Timestamp,
        request_id: &Rc<str>,
        meter: &Meter,
        journey: &mut Journey,
    ) -> Response {
        let (dialect, platform) = (Dialect::of(&request.path), self.shared.platform.as_ref());
        if request.path == "/healthz" {
            return Response::json(StatusCode::OK, &json!({ "status": "ok" }));
        }
        if request.is_too_large() {
            return dialect.refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "payload_too_large",
                "The request body is too large.",
            );
        }
        let host = match Host::of(request) {
            Ok(host) => host,
            Err(why) => return dialect.refuse(StatusCode::BAD_REQUEST, "invalid_host", why),
        };
        let (mut response, mut fault) = self.travel(&host, request, now, request_id, meter, journey).await;
        for _ in 0..ATTEMPTS {
            match &fault {
                Some(first) if self.mend(first, now, meter).await => {}
                _ => break,
            }
            (response, fault) = self.travel(&host, request, platform.now(), request_id, meter, journey).await;
        }
        if let Some(fault) = fault {
            access::log_fault(self.shared.platform.as_ref(), request_id, &journey.tenant, &fault);
        }
        response
    }

    /// Whether the journey is worth another try after this fault.
    async fn mend(&self, fault: &Fault, now: Timestamp, meter: &Meter) -> bool {
        match &fault.kind {
            // Its rows are elsewhere by now, or will be in a moment: nobody who asks meanwhile sees that they move.
            FaultKind::Fenced(Some(stale)) => {
                self.shared.snapshots.forget(&stale.tenant);
                self.shared.directory.outlive(stale, meter).await
            }
            FaultKind::Unprepared => match bootstrap::run(&self.shared, now).await {
                Ok(()) => true,
                Err(fault) => {
                    access::log_fault(self.shared.platform.as_ref(), "bootstrap", "", &fault);
                    false
                }
            },
            _ => false,
        }
    }

    /// One attempt: the response, and the fault behind it if there was one.
    async fn travel(
        &self,
        host: &Host,
        request: &Rc<Request>,
        now: Timestamp,
        request_id: &Rc<str>,
        meter: &Meter,
        journey: &mut Journey,
    ) -> (Response, Option<Fault>) {
        let dialect = Dialect::of(&request.path);
        let refuse = |status, code, message| (dialect.refuse(status, code, message), None);
        let fail = |fault: Fault| (dialect.fault(&fault, request_id), Some(fault));
        let (limits, platform, ip) = (&self.shared.limits, self.shared.platform.as_ref(), &request.ip);
        let is_new = !self.shared.directory.knows(host, now);
        if is_new && let Err(fault) = limits.check_stranger(ip, now) {
            return fail(fault);
        }
        let (tenant, db) = match self.shared.directory.resolve(host, now, meter).await {
            Ok(Resolved::Serving(tenant, db)) => (tenant, db),
            Ok(Resolved::Unknown) => {
                if is_new && let Err(fault) = limits.count_stranger(platform, ip, now).await {
                    return fail(fault);
                }
                return refuse(StatusCode::NOT_FOUND, "unknown_tenant", "There is no tenant here.");
            }
            Ok(Resolved::Suspended) => {
                return refuse(StatusCode::FORBIDDEN, "tenant_suspended", "This tenant is suspended.");
            }
            Ok(Resolved::NotReady) => {
                return fail(Fault::unavailable(format!("{} is not ready", host.as_str())));
            }
            Err(fault) => return fail(fault),
        };
        tenant.id().as_str().clone_into(&mut journey.tenant);
        if request.path == "/readyz" {
            return (Response::json(StatusCode::OK, &json!({ "status": "ready" })), None);
        }
        let (route, params) = match ROUTES.find(request) {
            Found::Route(route, params) => (route, params),
            Found::Methods(methods) => {
                let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
                if request.method == Method::OPTIONS {
                    return (cors::preflight(&allow), None);
                }
                let refusal = dialect.refuse(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "method_not_allowed",
                    "This method is not allowed here.",
                );
                return (refusal.with("allow", allow), None);
            }
            Found::None => {
                return refuse(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.");
            }
        };
        journey.route = format!("{} {}", route.method, route.path);
        let class = route.class.unwrap_or(Class::Credentials);
        if let Err(fault) = limits.admit(platform, class, tenant.id(), ip, now).await {
            return fail(fault);
        }
        let id = tenant.id().clone();
        self.shared.hashing.is_here(&id, now);
        let fault = Rc::new(RefCell::new(None));
        let call = Call {
            shared: Rc::clone(&self.shared),
            tenant: Rc::new(tenant),
            db,
            request: Rc::clone(request),
            now,
            request_id: Rc::clone(request_id),
            meter: meter.clone(),
            fault: Rc::clone(&fault),
        };
        let response = route.run(call, params).await;
        // What the token endpoint refuses may be a guess.
        if class == Class::Token && response.status.is_client_error() {
            let client = access::client::claimed(request);
            if let Err(fault) = limits.count_failure(platform, &id, &client, ip, now).await {
                return fail(fault);
            }
        }
        let fault = fault.take();
        (response, fault)
    }
}

/// The answer to a request over plain http where TLS is promised: a page is led to its address over TLS; everything else
/// is refused, since whoever sent a secret this way must hear of it rather than send it again (RFC 6749 §3.1 and §3.2 require TLS).
fn insecure(request: &Request) -> Response {
    let dialect = Dialect::of(&request.path);
    let navigates = matches!(dialect, Dialect::Page) && [Method::GET, Method::HEAD].contains(&request.method);
    match Host::of(request) {
        Err(why) => dialect.refuse(StatusCode::BAD_REQUEST, "invalid_host", why),
        Ok(host) if navigates => Response::empty(StatusCode::PERMANENT_REDIRECT)
            .with("location", transport::over_tls(host.as_str(), request)),
        Ok(_) => dialect.refuse(
            StatusCode::FORBIDDEN,
            "https_required",
            "This server is reached over https:// only. What was sent over http:// may have been read: change it.",
        ),
    }
}

/// The language in which a path is refused before an area has been reached.
#[derive(Clone, Copy)]
enum Dialect {
    Management,
    OAuth,
    Page,
}

impl Dialect {
    fn of(path: &str) -> Self {
        if ["/api/", "/management"].iter().any(|prefix| path.starts_with(prefix)) {
            Self::Management
        } else if ["/u/", "/authorize", "/oidc/logout", "/v2/logout"]
            .iter()
            .any(|prefix| path.starts_with(prefix))
            || path == "/"
        {
            Self::Page
        } else {
            Self::OAuth
        }
    }

    fn refuse(self, status: StatusCode, code: &'static str, message: &str) -> Response {
        match self {
            Self::Management => management::Refusal::with_status(status, code, message).render(),
            Self::OAuth => {
                oauth::Refusal { status, error: code, description: message.to_owned(), scheme: None }.render()
            }
            Self::Page => login::Refusal::with_status(status, "We couldn't continue", message).render(),
        }
    }

    fn fault(self, fault: &Fault, request_id: &str) -> Response {
        let (status, words) = fault_words(fault);
        let response = match self {
            Self::Management => management::Refusal::fault(fault, request_id).render(),
            Self::OAuth => oauth::Refusal::fault(fault, request_id).render(),
            Self::Page => login::Refusal::with_status(
                status,
                "Please try again",
                format!("{words} (request {request_id})"),
            )
            .render(),
        };
        access::with_retry(fault, response)
    }
}
