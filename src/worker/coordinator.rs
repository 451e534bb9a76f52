//! The Durable Object class. One object, named [`NAME`], keeps leases and the API budget; and every operation has one of
//! its own as alarm clock. Neither does any work: the stateless Worker does, which has the newest bindings.

use super::{
    bindings::{self, Bindings},
    edge, wire,
};
use crate::{
    error::Fault,
    http::Method,
    id::OperationId,
    json,
    operations::engine::{coordinator, wake},
    platform::{Ask, Level, Outgoing},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::{
    DurableObject, Env, Request, Response, ScheduledTime, State, Storage, durable_object, js_sys::Date,
    web_sys,
};

/// The object that everybody asks.
pub const NAME: &str = "coordinator";

/// What an object is told.
#[derive(Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Message {
    /// Something of the coordinator.
    Ask(Ask),
    /// To have this operation advanced at about this moment (milliseconds since 1970).
    Wake {
        /// Whose alarm clock the object is.
        operation: OperationId,
        /// When it rings.
        at: i64,
    },
}

/// Sends a message to the object of this name, and returns the body of its answer.
///
/// # Errors
/// A fault if the object cannot be reached or failed.
pub async fn tell(bindings: &Bindings, name: &str, message: &Message) -> Result<Vec<u8>, Fault> {
    let body = serde_json::to_vec(message).map_err(|error| Fault::internal(format!("message: {error}")))?;
    let url = format!("https://{NAME}/");
    let request = wire::outgoing(&Outgoing { method: Method::POST, url, headers: Vec::new(), body })?;
    let answer = bindings.coordinator(name)?.fetch_with_request(Request::from(request)).await;
    let answer = wire::incoming(web_sys::Response::from(answer.map_err(unreachable)?)).await?;
    if answer.status == 200 {
        Ok(answer.body)
    } else {
        Err(Fault::unavailable(format!("coordinator: {}", answer.status)))
    }
}

fn unreachable(error: worker::Error) -> Fault {
    Fault::unavailable(format!("durable object: {error}"))
}

/// The state of [`coordinator::Coordinator`], as JSON.
const LEASES: &str = "leases";
/// The operation whose alarm clock this is.
const OPERATION: &str = "operation";
/// How often in a row it could not be advanced.
const FAILURES: &str = "failures";

/// One object.
#[durable_object(alarm)]
pub struct Coordinator {
    storage: Storage,
    env: Env,
}

impl DurableObject for Coordinator {
    fn new(state: State, env: Env) -> Self {
        Self { storage: state.storage(), env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        match json::read(&request.text().await?)? {
            Message::Ask(ask) => self.answer(ask).await,
            Message::Wake { operation, at } => {
                self.storage.put(OPERATION, operation.as_str()).await?;
                self.arm(Timestamp::from_millis(at)).await?;
                Response::empty()
            }
        }
    }

    /// Rings. Only a failure of the object's own storage gets out of here, and then the platform rings again by itself.
    async fn alarm(&self) -> worker::Result<Response> {
        let Some(operation) = self.storage.get::<String>(OPERATION).await? else { return Response::empty() };
        match self.advance(&OperationId::new(operation)).await {
            Ok(Some(next)) => {
                self.storage.delete(FAILURES).await?;
                self.arm(next).await?;
            }
            // Unless it was wound up again meanwhile, nothing is left to remember.
            Ok(None) if self.storage.get_alarm().await?.is_none() => self.storage.delete_all().await?,
            Ok(None) => {}
            Err(fault) => {
                let failures = self.storage.get::<u32>(FAILURES).await?.unwrap_or_default().saturating_add(1);
                edge::log(
                    Level::Error,
                    "operation not advanced",
                    json!({ "failures": failures, "detail": fault.detail }),
                );
                self.storage.put(FAILURES, failures).await?;
                self.arm(edge::now().plus(wake::backoff(failures))).await?;
            }
        }
        Response::empty()
    }
}

impl Coordinator {
    /// Between reading and writing the state nothing else reaches the object: its storage closes the gate meanwhile.
    async fn answer(&self, ask: Ask) -> worker::Result<Response> {
        let stored = self.storage.get::<String>(LEASES).await?;
        let mut coordinator: coordinator::Coordinator =
            stored.map(|text| json::read(&text)).transpose()?.unwrap_or_default();
        let answer = coordinator.answer(ask, edge::now());
        self.storage.put(LEASES, serde_json::to_string(&coordinator)?).await?;
        Response::from_json(&answer)
    }

    /// Sets the alarm, unless it rings earlier anyway.
    async fn arm(&self, at: Timestamp) -> worker::Result<()> {
        if self.storage.get_alarm().await?.is_some_and(|set| set <= at.millis()) {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 need 41 bits")]
        let date = Date::new(&JsValue::from_f64(at.millis() as f64));
        self.storage.set_alarm(ScheduledTime::new(date)).await
    }

    /// Has the Worker go on with the operation; answers when to ring again.
    async fn advance(&self, operation: &OperationId) -> Result<Option<Timestamp>, Fault> {
        let app = super::app(self.env.clone())?;
        let shared = app.shared();
        let request = wire::outgoing(&wake::call(&shared.config, shared.platform.as_ref(), operation)?)?;
        let itself = bindings::itself(&self.env)?;
        let answer = itself.fetch_request(Request::from(request)).await.map_err(unreachable)?;
        wake::next(&wire::incoming(web_sys::Response::from(answer)).await?)
    }
}
