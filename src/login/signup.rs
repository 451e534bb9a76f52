//! A new account: made and signed in to in one commit.

use super::{
    finish::{self, Proven},
    flow, store,
    visit::Visit,
};
use crate::{
    access::{Call, session},
    error::{Fault, FaultKind},
    events::{Entry, Kind},
    http::Response,
    id::{UserId, random_text},
    oauth::authorize::checks::Terms,
    resources::{
        sessions,
        users::{self, model::NewUser, password, policy::Policy},
    },
    secret::{Digest, Secret},
};

/// What the page does next.
pub enum Next {
    /// Away from the page.
    Leave(Response),
    /// It is shown again, with this sentence.
    Again(String),
}

/// Said whether or not there is such an account, as far as that is possible: without a message to the address, a person
/// who is not signed in after this knows that there is one. Auth0: says as much.
const TAKEN: &str = "We could not create this account. If you already have one, please sign in instead.";

/// What stops somebody from trying a list of addresses: refusals are counted per address of the network.
const TOO_MANY: &str = "There were too many attempts. Please try again later.";

/// Makes an account and ends the login. Of two people who ask for the same address at once, one gets it.
///
/// # Errors
/// A fault of the database.
pub async fn create(
    call: &Call,
    visit: &Visit,
    terms: &Terms<'_>,
    email: &str,
    password: &Secret,
) -> Result<Next, Fault> {
    let Some(email) = flow::email(email) else {
        return Ok(Next::Again("Please enter a valid email address.".to_owned()));
    };
    if let Err(weakness) = Policy::of(terms.connection).check(password, Some(&email), None) {
        return Ok(Next::Again(weakness.to_string()));
    }
    let key = Secret::new(format!("sign-up\n{}", flow::address(&call.request.ip))).digest();
    let cookie = session::digest(call);
    let [counted, sessions] =
        call.db.read([store::failures(&key, call.now), sessions::store::by_digest(cookie.as_ref())]).await?;
    let failures = counted.first().map_or(Ok(0), |row| row.int("failures"))?;
    if failures >= flow::MAX_FAILURES {
        return Ok(Next::Again(TOO_MANY.to_owned()));
    }
    let before = sessions.first().map(sessions::store::session).transpose()?;

    let user = UserId::new(format!("auth0|{}", random_text(call.platform(), 24)));
    let new = NewUser { connection: terms.connection.name.clone(), email: Some(email), ..NewUser::default() };
    // Hashed before anyone knows whether the address is free, so that the clock does not tell.
    let hash = password::hash(call.platform(), password)?;
    let client = visit.caller.client.client.client_id.as_str();
    let entry = Entry::new(Kind::SuccessSignup, "Signed up").user(user.as_str()).client(client);
    let proven = Proven { user: &user, at: call.now, amr: None };
    let mut finish = finish::prepare(call, visit, terms, &proven, before.as_ref())?;
    let account = [
        users::store::insert(&user, &new, call.now)?,
        users::store::set_password(&user, &hash, call.now),
        call.record(entry),
    ];
    finish.batch.splice(0..0, account);
    match finish.commit(call).await {
        Ok(response) => Ok(Next::Leave(response)),
        Err(Fault { kind: FaultKind::Conflict(constraint), .. }) if constraint.contains("users.email") => {
            refuse(call, &key, client).await?;
            Ok(Next::Again(TAKEN.to_owned()))
        }
        Err(fault) => Err(fault),
    }
}

async fn refuse(call: &Call, key: &Digest, client: &str) -> Result<(), Fault> {
    let count = store::count_attempt(key, flow::MAX_FAILURES, call.now.plus(flow::LOCK), call.now);
    let entry = Entry::new(Kind::FailedSignup, "The address is taken").client(client);
    call.db.commit([count, call.record(entry)]).await.map(drop)
}
