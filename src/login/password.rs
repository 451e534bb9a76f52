//! Proof by password: one round trip reads the account and counts the attempt, one more commits what came of it.

use super::{
    finish::{self, Proven},
    flow::{self, Verdict},
    store::{self, Account},
    visit::Visit,
};
use crate::{
    access::{Call, session},
    db::Statement,
    error::Fault,
    events::{Entry, Kind},
    http::Response,
    oauth::authorize::{
        checks::Terms,
        respond::{self, Denied},
        transaction::{CHALLENGE, Halfway},
    },
    resources::{
        authentication_methods::model::Demand,
        sessions::{self, model::Session},
        users::{
            self,
            password::{self, Match},
        },
    },
    secret::{Digest, Secret},
    tenant::InTenant,
};

/// What the page does next.
pub enum Next {
    /// Away from the page.
    Leave(Response),
    /// It is shown again, with a sentence.
    Again(Verdict),
}

/// Checks a password and ends the login if it is right.
///
/// The attempt is counted before the password is looked at, so this commits twice. It can be repeated as a whole all the
/// same: all that a repetition leaves is an attempt that counts twice, and signing in forgets them all.
///
/// # Errors
/// A fault of the database.
pub async fn check(
    call: &Call,
    visit: &Visit,
    terms: &Terms<'_>,
    identifier: &str,
    password: &Secret,
) -> Result<Next, Fault> {
    // Not looked at, and so not counted: nobody's password is as long.
    if password.expose().len() > password::MAX_BYTES {
        return Ok(Next::Again(Verdict::Wrong));
    }
    let key = key(terms, identifier, &call.request.ip);
    let found = read(call, visit, terms, identifier, &key).await?;
    if flow::is_locked(found.failures) {
        if found.failures == flow::MAX_FAILURES + 1 {
            let entry = Entry::new(Kind::LimitWrongCredentials, "Too many wrong passwords from this address");
            call.db.commit([call.record(of(visit, entry, found.account.as_ref()))]).await?;
        }
        return Ok(Next::Again(Verdict::Locked));
    }
    let stored = found.account.as_ref().and_then(|account| account.hash.as_deref());
    let comparison = password::compare(call.platform(), password, stored)?;
    let account = found.account.as_ref();
    let (blocked, member) = account.map_or((false, false), |account| (account.blocked, account.is_member));
    let mfa = &visit.snapshot.settings.mfa;
    let demand = account.map_or(Demand::Nothing, |account| account.factors.demand(mfa));
    let verdict = flow::verdict(comparison, blocked, member, demand);
    match (verdict, &found.account) {
        (Verdict::SignedIn, Some(account)) => {
            let proven = Proven { user: &account.user, at: call.now, amr: None };
            let mut finish = finish::prepare(call, visit, terms, &proven, found.session.as_ref())?;
            finish.batch.extend(settled(call, account, comparison, password, &key)?);
            finish.commit(call).await.map(Next::Leave)
        }
        // Nobody is signed in by this: there is no session, and who they are travels sealed to the next page.
        (Verdict::Halfway, Some(account)) => {
            call.db.commit(settled(call, account, comparison, password, &key)?).await?;
            let halfway = Halfway::new(account.user.clone(), call.now, call.now);
            let transaction = visit.transaction.clone().half_done(halfway);
            let next = transaction.url(call, &visit.snapshot, CHALLENGE)?;
            Ok(Next::Leave(respond::see(call, &next)))
        }
        (Verdict::OutOfReach, account) => {
            let words = "Not one of the user's second factors can be checked here";
            let entry = of(visit, Entry::new(Kind::RejectedSecondFactor, words), account.as_ref());
            call.db.commit([store::forget_attempts(&key), call.record(entry)]).await?;
            Ok(Next::Again(verdict))
        }
        (Verdict::Blocked | Verdict::Outsider, account) => {
            let why = if verdict == Verdict::Blocked { "The user is blocked" } else { NOT_A_MEMBER };
            let entry = of(visit, Entry::new(Kind::FailedLogin, why), account.as_ref());
            call.db.commit([store::forget_attempts(&key), call.record(entry)]).await?;
            if verdict == Verdict::Blocked {
                return Ok(Next::Again(verdict));
            }
            // Auth0: the application is told, since only it knows another organization to try.
            Ok(Next::Leave(respond::denied(call, &visit.caller, &Denied::new("access_denied", NOT_A_MEMBER))))
        }
        (_, account) => {
            let entry = match account {
                Some(_) => Entry::new(Kind::FailedLoginPassword, "Wrong password"),
                None => Entry::new(Kind::FailedLoginUnknownUser, "Unknown user"),
            };
            call.db.commit([call.record(of(visit, entry, account.as_ref()))]).await?;
            Ok(Next::Again(Verdict::Wrong))
        }
    }
}

/// What a right password settles: the failures before it are forgotten, and its hash is made as we make them.
fn settled(
    call: &Call,
    account: &Account,
    comparison: Match,
    password: &Secret,
    key: &Digest,
) -> Result<Vec<Statement<InTenant>>, Fault> {
    let mut batch = vec![store::forget_attempts(key)];
    if comparison == Match::Outdated {
        let hash = password::hash(call.platform(), password)?;
        batch.push(users::store::set_password(&account.identity, &hash, call.now));
    }
    Ok(batch)
}

/// Told to the application.
pub(super) const NOT_A_MEMBER: &str = "The user is not part of the organization";

/// What one round trip tells.
struct Found {
    failures: i64,
    account: Option<Account>,
    session: Option<Session>,
}

async fn read(
    call: &Call,
    visit: &Visit,
    terms: &Terms<'_>,
    identifier: &str,
    key: &Digest,
) -> Result<Found, Fault> {
    let organization = visit.transaction.organization.as_ref().map(|organization| &organization.id);
    let answers = call
        .db
        .commit([
            store::count_attempt(key, flow::MAX_FAILURES, call.now.plus(flow::LOCK), call.now),
            store::account(&terms.connection.name, identifier, organization).into(),
            sessions::store::by_digest(session::digest(call).as_ref()).into(),
        ])
        .await?;
    let [counted, accounts, sessions] = answers.as_slice() else {
        return Err(Fault::internal("a batch of three has three answers"));
    };
    let counted = counted.rows.first().ok_or_else(|| Fault::internal("the attempt was not counted"))?;
    Ok(Found {
        failures: counted.int("failures")?,
        account: accounts.rows.first().map(store::account_of).transpose()?,
        session: sessions.rows.first().map(sessions::store::session).transpose()?,
    })
}

/// What failures are counted for: an identifier, known or not, from an address.
fn key(terms: &Terms<'_>, identifier: &str, ip: &str) -> Digest {
    Secret::new(format!("{}\n{identifier}\n{}", terms.connection.name, flow::address(ip))).digest()
}

fn of(visit: &Visit, entry: Entry, account: Option<&Account>) -> Entry {
    let user = account.map_or("", |account| account.user.as_str());
    entry.user(user).client(visit.caller.client.client.client_id.as_str())
}
