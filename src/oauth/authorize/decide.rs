//! Whether an authorization request is answered at once, needs a person, or must be refused. Pure.

use super::{checks::Terms, request::Prompt, respond::Denied};
use crate::{
    resources::{authentication_methods::model::Demand, sessions::model::Session, settings::model::Mfa},
    time::Timestamp,
};

/// What happens next.
#[derive(Debug)]
pub enum Decision {
    /// The session answers for the person.
    Issue(Session),
    /// The session would, if its person proves who they are by a second factor as well.
    Prove(Session),
    /// They must sign in.
    Login,
    /// Nothing can be done without bothering them, and the client said not to.
    Refuse(Denied),
}

/// Decides. `mfa` says when a second factor is asked for, and `is_member` whether the person of
/// the session is in the organization that was asked for, if one was.
pub fn decide(
    terms: &Terms<'_>,
    session: Option<Session>,
    is_member: Option<bool>,
    mfa: &Mfa,
    now: Timestamp,
) -> Decision {
    let (prompt, claims) = (terms.prompt, &terms.claims);
    let is_recent =
        |session: &Session| terms.max_age.is_none_or(|age| now.since(session.authenticated_at) <= age);
    let session = session
        .filter(|session| prompt != Prompt::Login && session.is_live(now) && is_recent(session))
        .filter(|session| claims.is_about(&session.user_id));
    match (session, prompt) {
        (Some(session), prompt) if is_member != Some(false) => {
            match (session.demand(mfa, claims.needs_second_factor()), prompt) {
                (Demand::Nothing, _) => Decision::Issue(session),
                // OpenID Connect Core §3.1.2.6; what the libraries of Auth0 take as a reason to ask with a page.
                (_, Prompt::None) => Decision::Refuse(Denied::new(
                    "interaction_required",
                    "Multifactor authentication required",
                )),
                (Demand::Code, _) => Decision::Prove(session),
                (Demand::Impossible, _) => Decision::Login,
            }
        }
        // Auth0's words. Without `prompt=none` they may have another account that is a member.
        (Some(_), Prompt::None) => {
            Decision::Refuse(Denied::new("access_denied", "The user is not part of the organization"))
        }
        // OpenID Connect Core §3.1.2.6.
        (None, Prompt::None) => Decision::Refuse(Denied::new("login_required", "Login required")),
        _ => Decision::Login,
    }
}
