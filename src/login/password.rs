//! Proof by password: one round trip reads the account and counts the attempt, one more commits what came of it.

use super::{
    counters::store as counters,
    finish::{self, Proven},
    flow::{self, Counts, Verdict},
    store::{self, Account},
    visit::Visit,
};
use crate::{
    access::{Call, session},
    db::{Row, Statement},
    error::Fault,
    events::{Entry, Kind},
    http::Response,
    limits::model::network,
    oauth::authorize::{
        checks::Terms,
        respond::{self, Denied},
        transaction::{CHALLENGE, Halfway},
    },
    resources::{
        attack_protection::{
            model::{Bucket, Mode},
            store::sweep_attempts,
        },
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
    // Nor is it where there is no time for it.
    call.shared.hashing.check(call.platform(), call.tenant.id()).await?;
    let attempt = Attempt::new(call, visit, terms, identifier);
    let found = attempt.read(call, visit).await?;
    let account = found.account.as_ref();
    let familiar = account.is_some_and(|account| {
        flow::is_familiar(&call.request.ip, &account.known)
            || found.session.as_ref().is_some_and(|session| session.user_id == account.user)
    });
    if let Some(verdict) = flow::stopped(&found.counts, familiar, call.now) {
        // Once for each count: a flood must not flood the log.
        if let Some(entry) = attempt.limit(&found.counts, verdict) {
            call.db.commit([call.record(of(visit, entry, account))]).await?;
        }
        return Ok(Next::Again(verdict));
    }
    let stored = found.account.as_ref().and_then(|account| account.hash.as_deref());
    let comparison = password::compare(&call.shared, call.tenant.id(), password, stored).await?;
    let account = found.account.as_ref();
    let (blocked, member) = account.map_or((false, false), |account| (account.blocked, account.is_member));
    let mfa = &visit.snapshot.settings.mfa;
    let is_asked = terms.claims.needs_second_factor();
    let demand = account.map_or(Demand::Nothing, |account| account.factors.demand(mfa, is_asked));
    let verdict = flow::verdict(comparison, blocked, member, demand);
    match (verdict, &found.account) {
        (Verdict::SignedIn, Some(account)) => {
            let proven = Proven { user: &account.user, at: call.now, amr: None };
            let mut finish = finish::prepare(call, visit, terms, &proven, found.session.as_ref())?;
            finish.batch.extend(settled(call, account, comparison, password, &attempt, &found).await);
            finish.commit(call).await.map(Next::Leave)
        }
        // Nobody is signed in by this: there is no session, and who they are travels sealed to the next page.
        (Verdict::Halfway, Some(account)) => {
            call.db.commit(settled(call, account, comparison, password, &attempt, &found).await).await?;
            let halfway = Halfway::new(account.user.clone(), call.now, call.now, account.signed_out_at);
            let transaction = visit.transaction.clone().half_done(halfway);
            let next = transaction.url(call, &visit.snapshot, CHALLENGE)?;
            Ok(Next::Leave(respond::see(call, &next)))
        }
        (Verdict::OutOfReach, account) => {
            let words = "Not one of the user's second factors can be checked here";
            let entry = of(visit, Entry::new(Kind::RejectedSecondFactor, words), account.as_ref());
            let forget = account.as_ref().map(|account| attempt.forget(account, &found)).unwrap_or_default();
            call.db.commit(forget.into_iter().chain([call.record(entry)])).await?;
            Ok(Next::Again(verdict))
        }
        (Verdict::Blocked | Verdict::Outsider, account) => {
            let why = if verdict == Verdict::Blocked { "The user is blocked" } else { NOT_A_MEMBER };
            let entry = of(visit, Entry::new(Kind::FailedLogin, why), account.as_ref());
            let forget = account.as_ref().map(|account| attempt.forget(account, &found)).unwrap_or_default();
            call.db.commit(forget.into_iter().chain([call.record(entry)])).await?;
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
async fn settled(
    call: &Call,
    account: &Account,
    comparison: Match,
    password: &Secret,
    attempt: &Attempt<'_>,
    found: &Found,
) -> Vec<Statement<InTenant>> {
    let mut batch = attempt.forget(account, found);
    batch.push(sweep_attempts(call.now, SWEPT));
    // If there is no time for it now, there is at the next login.
    if comparison == Match::Outdated
        && let Ok(hash) = password::hash(&call.shared, call.tenant.id(), password).await
    {
        batch.push(users::store::set_password(&account.identity, &hash, call.now));
    }
    batch
}

/// How many counts that have ended a login clears away: more than it leaves itself.
const SWEPT: i64 = 20;

/// Told to the application.
pub(super) const NOT_A_MEMBER: &str = "The user is not part of the organization";

/// What one round trip tells.
struct Found {
    counts: Counts,
    account: Option<Account>,
    session: Option<Session>,
}

/// An attempt, and what it is counted under.
struct Attempt<'a> {
    connection: &'a str,
    identifier: &'a str,
    unknown: Digest,
    /// The network it comes from, or nothing if failures count from wherever they come.
    from: String,
    /// How many failures there may be; none if nobody counts.
    most: Option<i64>,
    /// What its address may do.
    buckets: Vec<(Digest, Bucket)>,
}

impl<'a> Attempt<'a> {
    fn new(call: &Call, visit: &'a Visit, terms: &'a Terms<'_>, identifier: &'a str) -> Self {
        let (ip, protection) = (&call.request.ip, &visit.snapshot.attack_protection);
        let digest = |text: String| Secret::new(text).digest();
        let network = network(ip);
        let account = protection.account(ip).filter(|_| terms.connection.counts_failures());
        let from = match account {
            Some((Mode::CountPerIdentifier, _)) => " from anywhere".to_owned(),
            _ => format!(" from {}", digest(network.clone()).as_str()),
        };
        let key = |bucket: &Bucket| digest(format!("login\n{network}\n{}", bucket.every.as_millis()));
        let buckets = protection.logins(ip).into_iter().map(|bucket| (key(&bucket), bucket)).collect();
        Self {
            connection: &terms.connection.name,
            identifier,
            unknown: digest(format!("{}\n{identifier}", terms.connection.name)),
            from,
            most: account.map(|(_, most)| most),
            buckets,
        }
    }

    /// Counts the attempt and reads what there is to compare with, in one round trip.
    async fn read(&self, call: &Call, visit: &Visit) -> Result<Found, Fault> {
        let organization = visit.transaction.organization.as_ref().map(|organization| &organization.id);
        let mut batch = Vec::new();
        if let Some(most) = self.most {
            let of = counters::Attempt {
                connection: self.connection,
                identifier: self.identifier,
                unknown: &self.unknown,
                from: &self.from,
            };
            batch.push(counters::count_from(&of, most, call.now.plus(flow::LOCK), call.now));
            batch.push(counters::take_place(&of, most, flow::PATIENCE, call.now));
            batch.push(counters::count_anywhere(
                &of,
                most,
                flow::PATIENCE,
                call.now.plus(flow::DAY),
                call.now,
            ));
        }
        batch.extend(counters::take_each(&self.buckets, call.now));
        batch.push(store::account(self.connection, self.identifier, organization).into());
        batch.push(sessions::store::by_digest(session::digest(call).as_ref()).into());
        let mut answers = call.db.commit(batch).await?.into_iter();
        let mut next = || answers.next().map(|outcome| outcome.rows).unwrap_or_default();
        let count = |rows: Vec<Row>| rows.first().map(counters::count).transpose();
        let missing = || Fault::internal("the attempt was not counted");
        let mut counts = Counts::default();
        if let Some(most) = self.most {
            counts.own = Some((count(next())?.ok_or_else(missing)?, most));
            counts.place = count(next())?;
            next();
        }
        for (_, bucket) in &self.buckets {
            counts.address.extend(count(next())?.map(|count| (count, *bucket)));
        }
        Ok(Found {
            counts,
            account: next().first().map(store::account_of).transpose()?,
            session: next().first().map(sessions::store::session).transpose()?,
        })
    }

    /// What the log says when a limit is met for the first time.
    fn limit(&self, counts: &Counts, verdict: Verdict) -> Option<Entry> {
        let first = |failures: i64, most: i64| failures == most + 1;
        let words = match verdict {
            Verdict::Locked(_) => {
                let (own, most) = counts.own.as_ref()?;
                first(own.failures, *most).then_some("Too many wrong passwords from this address")
            }
            _ if counts.address.iter().any(|(count, _)| count.failures > 0) => {
                let words = "Too many wrong passwords from this address, for whichever account";
                let is_first = counts.address.iter().any(|(count, _)| count.failures == 1);
                return is_first.then(|| Entry::new(Kind::LimitSuspiciousIp, words));
            }
            _ => first(counts.place?.failures, 1).then_some("Wrong passwords from many addresses"),
        };
        words.map(|words| Entry::new(Kind::LimitWrongCredentials, words))
    }

    /// Forgets the failures of somebody who had the right password: they were their own.
    fn forget(&self, account: &Account, found: &Found) -> Vec<Statement<InTenant>> {
        let mut batch = Vec::new();
        if let Some((own, _)) = &found.counts.own {
            batch.extend(counters::forget_from(&account.identity, &self.from, own.failures));
        }
        batch.extend(self.buckets.iter().map(|(key, bucket)| counters::put_back(key, *bucket)));
        batch
    }
}

fn of(visit: &Visit, entry: Entry, account: Option<&Account>) -> Entry {
    let user = account.map_or("", |account| account.user.as_str());
    entry.user(user).client(visit.caller.client.client.client_id.as_str())
}
