//! What keeps people signed in.

use super::{ID, Kind, Table, WORDS, column, flag, people::USER, table, text, time, to};

/// `digest` is that of the cookie, or `-` and the id: then no browser is recognized by it any more, but tokens that came of
/// the session end with it.
pub(super) static SESSIONS: Table = table(
    "sessions",
    1,
    &[
        text("id", ID),
        text("user_id", ID),
        text("digest", 128),
        column("clients", Kind::List),
        text("ip", 64).or_null(),
        text("user_agent", WORDS).or_null(),
        time("authenticated_at"),
        time("created_at"),
        time("used_at"),
        time("expires_at"),
        time("idle_expires_at"),
        time("revoked_at").or_null(),
    ],
)
.refers(&[USER]);

/// A token `rt_{lookup}.{secret}`, or one of another form: see `refresh_tokens::model::Wire`.
pub(super) static REFRESH_TOKENS: Table = table(
    "refresh_tokens",
    1,
    &[
        text("id", ID),
        text("lookup", 128),
        column("digest", Kind::Digest),
        text("family_id", ID),
        text("client_id", ID),
        text("user_id", ID),
        text("session_id", ID).or_null(),
        text("audience", 1024),
        text("scope", 65_536),
        text("organization_id", ID).or_null(),
        flag("rotating"),
        time("authenticated_at"),
        time("created_at"),
        time("expires_at").or_null(),
        time("idle_expires_at").or_null(),
        time("rotated_at").or_null(),
        time("revoked_at").or_null(),
    ],
)
.unique(&[&["lookup"]])
.refers(&[USER, to("client_id", "clients", "client_id")]);
