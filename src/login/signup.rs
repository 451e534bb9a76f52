//! A new account: made and signed in to in one commit.

use super::{
    counters::store as counters,
    finish::{self, Proven},
    flow,
    visit::Visit,
};
use crate::{
    access::{Call, session},
    db::Row,
    error::{Fault, FaultKind, Limited},
    events::{Entry, Kind},
    http::Response,
    id::{UserId, random_text},
    limits::model::network,
    oauth::authorize::checks::Terms,
    resources::{
        attack_protection::model::{Bucket, Choosing},
        sessions::{self, model::Session},
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
    /// The same, and it says when to come back.
    Later(&'static str, Limited),
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
    if let Err(weakness) = Policy::at(terms.connection, call.tenant.id(), &visit.snapshot, Choosing::Account)
        .check(password, Some(&email), None)
    {
        return Ok(Next::Again(weakness.to_string()));
    }
    // Not counted where there is no time for it.
    call.shared.hashing.check(call.platform(), call.tenant.id()).await?;
    let attempt = Attempt::new(call, visit, terms, &email);
    let Found { refused, before } = attempt.read(call).await?;
    if let Some(limited) = refused {
        return Ok(Next::Later(TOO_MANY, limited));
    }

    let user = UserId::new(format!("auth0|{}", random_text(call.platform(), 24)));
    let new = NewUser { connection: terms.connection.name.clone(), email: Some(email), ..NewUser::default() };
    // Hashed before anyone knows whether the address is free, so that the clock does not tell.
    let hash = password::hash(&call.shared, call.tenant.id(), password).await?;
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
            let words = "The address is taken";
            call.db.commit([call.record(Entry::new(Kind::FailedSignup, words).client(client))]).await?;
            Ok(Next::Again(TAKEN.to_owned()))
        }
        Err(fault) => Err(fault),
    }
}

/// What a new account is counted under.
struct Attempt<'a> {
    connection: &'a str,
    email: &'a str,
    /// Who is told that an address is taken.
    probe: Digest,
    /// What the network address may do.
    buckets: Vec<(Digest, Bucket)>,
}

/// What one round trip tells.
struct Found {
    refused: Option<Limited>,
    before: Option<Session>,
}

impl<'a> Attempt<'a> {
    fn new(call: &Call, visit: &Visit, terms: &'a Terms<'_>, email: &'a str) -> Self {
        let network = network(&call.request.ip);
        let digest = |what: &str| Secret::new(format!("{what}\n{network}")).digest();
        let key = |bucket: &Bucket| digest(&format!("sign-up {}", bucket.every.as_millis()));
        let buckets = visit.snapshot.attack_protection.signups(&call.request.ip);
        Self {
            connection: &terms.connection.name,
            email,
            probe: digest("sign-up"),
            buckets: buckets.into_iter().map(|bucket| (key(&bucket), bucket)).collect(),
        }
    }

    /// Counts it before anything is looked at, so that attempts at the same time count as well: each one, and each that
    /// would be told that the address is taken. Whoever was told so too often is told nothing any more, of any address.
    async fn read(&self, call: &Call) -> Result<Found, Fault> {
        let (now, most) = (call.now, flow::MAX_FAILURES);
        let mut batch = counters::take_each(&self.buckets, now);
        batch.extend([
            counters::failures(&self.probe, now).into(),
            counters::count_probe(&self.probe, self.connection, self.email, most, now.plus(flow::LOCK), now),
            sessions::store::by_digest(session::digest(call).as_ref()).into(),
        ]);
        let mut answers = call.db.commit(batch).await?.into_iter();
        let mut next = || answers.next().map(|outcome| outcome.rows).unwrap_or_default();
        let count = |rows: Vec<Row>| rows.first().map(counters::count).transpose();
        let mut buckets = Vec::new();
        for (_, bucket) in &self.buckets {
            buckets.extend(count(next())?.map(|count| (count, *bucket)));
        }
        let told = count(next())?;
        next();
        let refused = flow::emptied(&buckets, now).or_else(|| {
            let told = told.filter(|told| told.failures >= most)?;
            Some(flow::limited(most, told.expires_at, now))
        });
        Ok(Found { refused, before: next().first().map(sessions::store::session).transpose()? })
    }
}
