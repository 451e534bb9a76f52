//! SQL of what ends, as the table says it.

use super::model::{Bearer, Cause, Reach};
use crate::{
    db::{Statement, write},
    id::{SessionId, UserId},
    resources::{refresh_tokens, sessions},
    tenant::InTenant,
    time::Timestamp,
};

/// What `cause` ends of a person, and of one session of theirs.
pub fn end(
    cause: Cause,
    user: &UserId,
    session: Option<&SessionId>,
    now: Timestamp,
) -> Vec<Statement<InTenant>> {
    let statement = |bearer: Bearer| {
        match (bearer, cause.ends(bearer), session) {
        (Bearer::Session, Reach::All, _) => Some(
            write("update sessions indexed by sessions_by_user set revoked_at = ?3 where tenant_id = ?1 and user_id = ?2 and revoked_at is null")
                .bind(user)
                .bind(now),
        ),
        (Bearer::Session, Reach::OfSession, Some(session)) => Some(sessions::store::end(session, now)),
        (Bearer::RefreshToken, Reach::All, _) => Some(
            write("update refresh_tokens indexed by refresh_tokens_by_user set revoked_at = ?3 where tenant_id = ?1 and user_id = ?2 and revoked_at is null")
                .bind(user)
                .bind(now),
        ),
        (Bearer::RefreshToken, Reach::OfSession, Some(session)) => {
            Some(refresh_tokens::store::revoke_session(user, session, now))
        }
        (Bearer::Code, Reach::All, _) => Some(
            write("delete from codes indexed by codes_by_user where tenant_id = ?1 and user_id = ?2 and expires_at > ?3")
                .bind(user)
                .bind(now),
        ),
        (Bearer::Code, Reach::OfSession, Some(session)) => Some(
            write("delete from codes indexed by codes_by_user where tenant_id = ?1 and user_id = ?2 and session_id = ?3 and used_at is null")
                .bind(user)
                .bind(session),
        ),
        // Both are told apart from later ones by this moment, which never stands still.
        (Bearer::Halfway, Reach::All, _) => Some(
            write("update users set signed_out_at = max(coalesce(signed_out_at, 0) + 1, ?3) where tenant_id = ?1 and user_id = ?2")
                .bind(user)
                .bind(now),
        ),
        // An access token ends with its session, or by that moment.
        (Bearer::AccessToken, _, _) | (_, Reach::Nothing, _) | (_, Reach::OfSession, _) => None,
    }
    };
    Bearer::ALL.into_iter().filter_map(statement).collect()
}
