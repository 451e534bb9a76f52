//! Whether an authorization request is answered at once, needs a person, or must be refused. Pure.

use super::{request::Prompt, respond::Denied};
use crate::{
    resources::sessions::model::Session,
    time::{Lifetime, Timestamp},
};

/// What happens next.
#[derive(Debug)]
pub enum Decision {
    /// The session answers for the person.
    Issue(Session),
    /// They must sign in.
    Login,
    /// Nothing can be done without bothering them, and the client said not to.
    Refuse(Denied),
}

/// Decides. `is_member` says whether the person of the session is in the organization that was asked for, if one was.
pub fn decide(
    prompt: Prompt,
    max_age: Option<Lifetime>,
    session: Option<Session>,
    is_member: Option<bool>,
    now: Timestamp,
) -> Decision {
    let is_recent =
        |session: &Session| max_age.is_none_or(|max_age| now.since(session.authenticated_at) <= max_age);
    let session =
        session.filter(|session| prompt != Prompt::Login && session.is_live(now) && is_recent(session));
    match (session, prompt) {
        (Some(session), _) if is_member != Some(false) => Decision::Issue(session),
        // Auth0's words. Without `prompt=none` they may have another account that is a member.
        (Some(_), Prompt::None) => {
            Decision::Refuse(Denied::new("access_denied", "The user is not part of the organization"))
        }
        // OpenID Connect Core §3.1.2.6.
        (None, Prompt::None) => Decision::Refuse(Denied::new("login_required", "Login required")),
        _ => Decision::Login,
    }
}
