//! Proof by a code: of an authenticator app, or a recovery code. One round trip counts the attempt and reads what there is to
//! compare with, one more commits what came of it.

use super::{
    counters::store as counters,
    finish::{self, Proven},
    flow::{self, Verdict},
    password::{NOT_A_MEMBER, Next},
    store, totp,
    visit::Visit,
};
use crate::{
    access::{Call, session},
    error::{Fault, FaultKind},
    events::{Entry, Kind},
    oauth::authorize::{
        checks::Terms,
        respond::{self, Denied},
        transaction::{Halfway, IDENTIFIER},
    },
    resources::{
        authentication_methods::{
            self as methods,
            model::{AMR_OTP, AMR_RECOVERY, Method, TOTP, recovery_code},
        },
        sessions::{self, model::Session},
        snapshot::Snapshot,
    },
    secret::Secret,
    time::Timestamp,
};

/// The longest text that is looked at: recovery codes are shorter.
const MAX_LENGTH: usize = 64;

/// Checks a code and ends the login if it is right.
///
/// Attempts are counted for the person, whatever their address: whoever gets here has the password, and addresses are
/// cheaper than a million codes. The code is spent in the batch that signs in, so of two requests with it one fails whole.
///
/// # Errors
/// A fault of the database.
pub async fn check(
    call: &Call,
    visit: &Visit,
    terms: &Terms<'_>,
    halfway: &Halfway,
    typed: &str,
) -> Result<Next, Fault> {
    if typed.len() > MAX_LENGTH {
        return Ok(Next::Again(Verdict::Wrong));
    }
    let user = &halfway.user;
    let key = Secret::new(format!("second factor\n{}", user.as_str())).digest();
    let organization = visit.transaction.organization.as_ref().map(|organization| &organization.id);
    let answers = call
        .db
        .commit([
            counters::count_attempt(&key, flow::MAX_FAILURES, call.now.plus(flow::LOCK), call.now),
            store::person(user, organization).into(),
            methods::store::with_secret(user).into(),
            sessions::store::by_digest(session::digest(call).as_ref()).into(),
        ])
        .await?;
    let [counted, people, found, sessions] = answers.as_slice() else {
        return Err(Fault::internal("a batch of four has four answers"));
    };
    let counted = counted.rows.first().ok_or_else(|| Fault::internal("the attempt was not counted"))?;
    let count = counters::count(counted)?;
    let client = visit.caller.client.client.client_id.as_str();
    let say = |kind, words: &str| call.record(Entry::new(kind, words).user(user.as_str()).client(client));
    if count.failures > flow::MAX_FAILURES {
        if count.failures == flow::MAX_FAILURES + 1 {
            call.db.commit([say(Kind::LimitSecondFactor, "Too many wrong codes")]).await?;
        }
        let limited = flow::limited(flow::MAX_FAILURES, count.expires_at, call.now);
        return Ok(Next::Again(Verdict::Locked(limited)));
    }
    // They may have been blocked, or left the organization, since they typed the password.
    let Some(person) = people.rows.first() else { return Ok(Next::Again(Verdict::Wrong)) };
    if person.flag("blocked")? {
        return Ok(Next::Again(Verdict::Blocked));
    }
    if !person.flag("is_member")? {
        return Ok(Next::Leave(respond::denied(
            call,
            &visit.caller,
            &Denied::new("access_denied", NOT_A_MEMBER),
        )));
    }
    // Or what they proved then has been taken from them: a password that was changed since is worth nothing.
    if person.optional_time("signed_out_at")?.map(Timestamp::millis) != halfway.credentials {
        call.db.commit([say(Kind::FailedSecondFactor, "What was proven before has ended")]).await?;
        let again = visit.transaction.clone().begun_again();
        return Ok(Next::Leave(respond::see(call, &again.url(call, &visit.snapshot, IDENTIFIER)?)));
    }
    let found = found.rows.iter().map(methods::store::method).collect::<Result<Vec<_>, _>>()?;
    let Some(accepted) = accepted(&visit.snapshot, &found, typed, call.now)? else {
        call.db.commit([say(Kind::FailedSecondFactor, "Wrong code")]).await?;
        return Ok(Next::Again(Verdict::Wrong));
    };
    let before: Option<Session> = sessions.rows.first().map(sessions::store::session).transpose()?;
    let (amr, kind) = match accepted.step {
        Some(_) => (AMR_OTP, Kind::SuccessSecondFactor),
        None => (AMR_RECOVERY, Kind::SuccessRecovery),
    };
    let proven = Proven { user, at: Timestamp::from_millis(halfway.authenticated_at), amr: Some(amr) };
    let mut finish = finish::prepare(call, visit, terms, &proven, before.as_ref())?;
    finish.batch.extend(match accepted.step {
        Some(step) => {
            Vec::from(methods::store::spend_step(user, &accepted.method.id, step, totp::step(call.now) - 1))
        }
        None => Vec::from(methods::store::spend_recovery_code(user, &accepted.method.id)),
    });
    finish.batch.push(counters::forget_attempts(&key));
    finish.batch.push(say(kind, "Second factor"));
    match finish.commit(call).await {
        Ok(response) => Ok(Next::Leave(response)),
        Err(Fault { kind: FaultKind::Conflict(constraint), .. }) if constraint.contains("spent_factors") => {
            call.db.commit([say(Kind::FailedSecondFactor, "The code has been used before")]).await?;
            Ok(Next::Again(Verdict::Wrong))
        }
        Err(fault) => Err(fault),
    }
}

/// What a code was accepted for.
struct Accepted<'a> {
    method: &'a Method,
    /// The time step; none for a recovery code.
    step: Option<i64>,
}

/// Compares with every method, whichever comes first.
fn accepted<'a>(
    snapshot: &Snapshot,
    methods: &'a [Method],
    typed: &str,
    now: Timestamp,
) -> Result<Option<Accepted<'a>>, Fault> {
    let digits: String = typed.chars().filter(|letter| !letter.is_whitespace()).collect();
    let recovery = recovery_code(typed);
    let mut accepted = None;
    for method in methods {
        let secret = snapshot.open(&format!("{} {}", methods::store::SECRET, method.id), &method.sealed)?;
        if method.kind == TOTP {
            if let Some(step) = totp::accepted(secret.expose(), &digits, now) {
                accepted = Some(Accepted { method, step: Some(step) });
            }
        } else if !recovery.expose().is_empty() && recovery_code(secret.expose()).digest().matches(&recovery)
        {
            accepted = Some(Accepted { method, step: None });
        }
    }
    Ok(accepted)
}
