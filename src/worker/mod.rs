//! The thin shell around [`App`]: the events of a Worker in, and the world outside as a [`crate::platform::Platform`].
//! Compiled for WASM only, and the only code that names the `worker` crate.

mod bindings;
mod coordinator;
mod crypto;
mod d1;
mod edge;
mod r2;
mod wire;

use crate::{
    app::App,
    error::Fault,
    http::{Response, StatusCode},
    operations::engine::wake,
    platform::Level,
};
use bindings::Bindings;
use edge::Edge;
use serde_json::json;
use std::{cell::OnceCell, rc::Rc};
use worker::{Context, Env, ScheduleContext, ScheduledEvent, event, web_sys};

thread_local! {
    /// Built at the first event of the isolate: a new set of bindings is a new version, and so a new isolate.
    static APP: OnceCell<Rc<App>> = const { OnceCell::new() };
}

/// The server of this isolate.
fn app(env: Env) -> Result<Rc<App>, Fault> {
    APP.with(|cell| {
        if let Some(app) = cell.get() {
            return Ok(Rc::clone(app));
        }
        let bindings = Bindings::check(env)?;
        let app = Rc::new(App::new(bindings.config()?, Rc::new(Edge::new(bindings))));
        Ok(Rc::clone(cell.get_or_init(|| app)))
    })
}

#[event(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[event(fetch)]
async fn fetch(raw: web_sys::Request, env: Env, _: Context) -> worker::Result<web_sys::Response> {
    let response = match app(env) {
        Ok(app) => respond(&app, raw).await,
        Err(fault) => misconfigured(&fault),
    };
    wire::response(response).map_err(|fault| worker::Error::RustError(fault.to_string()))
}

#[event(scheduled)]
async fn scheduled(_: ScheduledEvent, env: Env, _: ScheduleContext) {
    match app(env) {
        Ok(app) => app.tick().await,
        Err(fault) => drop(misconfigured(&fault)),
    }
}

/// A request is a client's, or the alarm clock's of an operation, which proves it with its ticket.
async fn respond(app: &App, raw: web_sys::Request) -> Response {
    let request = match wire::request(raw).await {
        Ok(request) => request,
        // The client hung up, or sent what is not HTTP: there is nobody to give details to.
        Err(_) => return Response::empty(StatusCode::BAD_REQUEST),
    };
    let shared = app.shared();
    match wake::admit(&shared.config.encryption_keys, &request, shared.platform.now()) {
        Some(operation) => wake::answer(app.advance(&operation).await),
        None => app.handle(request).await,
    }
}

/// Nothing can be served: the log says what is missing, the client only where to look.
fn misconfigured(fault: &Fault) -> Response {
    edge::log(Level::Error, "misconfigured", json!({ "detail": fault.detail }));
    let body = json!({ "error": "misconfigured", "message": "This server is not configured yet: its log says what is missing." });
    Response::json(StatusCode::INTERNAL_SERVER_ERROR, &body)
}
