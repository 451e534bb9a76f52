//! A person on a page of a login under way.

use crate::{
    access::{Call, login::Refusal},
    error::{Error, Fault},
    http::{Response, StatusCode},
    oauth::authorize::{
        self,
        checks::{self, Caller, Terms},
        respond,
        transaction::Transaction,
    },
    resources::snapshot::Snapshot,
};
use serde::Deserialize;
use std::rc::Rc;

/// The query of every page.
#[derive(Deserialize)]
pub struct Query {
    /// The sealed login.
    #[serde(default)]
    pub state: String,
}

/// A login under way, with the client that it is for: checked again on every page, since a client may have been changed.
pub struct Visit {
    /// The tenant's configuration.
    pub snapshot: Rc<Snapshot>,
    /// The login.
    pub transaction: Transaction,
    /// Where its answer goes.
    pub caller: Caller,
    state: String,
}

impl Visit {
    /// Opens the state of a page.
    ///
    /// # Errors
    /// A page that asks to begin again, or one that says to come back if the tenant is read-only; or a fault of the database.
    pub async fn open(call: &Call, query: Query) -> Result<Self, Error<Refusal>> {
        call.check_writable()?;
        let snapshot = call.snapshot().await?;
        let transaction = Transaction::open(call, &snapshot, &query.state)?;
        let caller = authorize::caller(call, &snapshot, &transaction.request, &[]).await?;
        Ok(Self { snapshot, transaction, caller, state: query.state })
    }

    /// What the client asked for.
    ///
    /// # Errors
    /// A page, if the client has been changed so that it may not ask for this any more.
    pub fn terms<'a>(&'a self, call: &'a Call) -> Result<Terms<'a>, Refusal> {
        checks::terms(call, &self.snapshot, &self.caller, &self.transaction.request, &[]).map_err(|denied| {
            Refusal::with_status(StatusCode::BAD_REQUEST, "We couldn't continue", denied.description)
        })
    }

    /// Whether a new account can be made here: only where the connection allows it, not inside an organization, whose members
    /// are chosen by others, and not where somebody is asked for by name.
    pub fn may_sign_up(&self, terms: &Terms<'_>) -> bool {
        let is_open = self.transaction.organization.is_none() && !terms.claims.names_somebody();
        is_open && terms.connection.allows_signup()
    }

    /// A link to another page of the same login.
    pub fn link(&self, page: &str) -> String {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("state", &self.state).finish();
        format!("{page}?{query}")
    }

    /// Sends the person to another page of the login as it is now.
    ///
    /// # Errors
    /// A fault of the seal.
    pub fn go(&self, call: &Call, page: &str) -> Result<Response, Fault> {
        Ok(respond::see(call, &self.transaction.url(call, &self.snapshot, page)?))
    }
}
