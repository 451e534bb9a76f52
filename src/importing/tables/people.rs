//! People, and what is theirs.

use super::{ID, Kind, Reference, Table, WORDS, column, flag, object, table, text, time, to};
use crate::resources::authentication_methods;

/// The user that a row belongs to, an identity that is linked to an account included.
pub(super) const USER: Reference = to("user_id", "users", "user_id");

const ORGANIZATION: Reference = to("organization_id", "organizations", "id");

pub(super) static USERS: Table = table(
    "users",
    1,
    &[
        text("user_id", ID),
        text("provider", ID),
        text("connection", ID),
        text("email", 320).or_null(),
        flag("email_verified"),
        text("username", ID).or_null(),
        text("phone_number", 32).or_null(),
        flag("phone_verified"),
        text("name", WORDS).or_null(),
        text("given_name", WORDS).or_null(),
        text("family_name", WORDS).or_null(),
        text("nickname", WORDS).or_null(),
        text("picture", 65_536).or_null(),
        object("profile"),
        object("user_metadata"),
        object("app_metadata"),
        object("profile_data").or_null(),
        flag("blocked"),
        text("linked_to", ID).or_null(),
        time("created_at"),
        time("updated_at"),
    ],
)
.unique(&[&["connection", "email"], &["connection", "username"]])
.refers(&[to("linked_to", "users", "user_id")]);

/// When a user signed in last, and how often.
pub(super) static USER_ACTIVITY: Table = table(
    "user_activity",
    1,
    &[
        text("user_id", ID),
        time("last_login").or_null(),
        text("last_ip", 64).or_null(),
        column("logins_count", Kind::Integer),
    ],
)
.amends("users");

pub(super) static PASSWORDS: Table =
    table("passwords", 1, &[text("user_id", ID), text("hash", 1024), time("changed_at")]).refers(&[USER]);

pub(super) static PASSWORD_HISTORY: Table = table(
    "password_history",
    2,
    &[text("user_id", ID), text("id", ID), text("hash", 1024), time("created_at")],
)
.refers(&[USER]);

/// Second factors and passkeys.
pub(super) static AUTHENTICATION_METHODS: Table = table(
    "authentication_methods",
    1,
    &[
        text("id", ID),
        text("user_id", ID),
        column("type", Kind::Word(&METHOD_TYPES)),
        text("name", WORDS).or_null(),
        flag("confirmed"),
        column(
            "secret",
            Kind::Sealed { sealed: "sealed_secret", purpose: authentication_methods::store::SECRET },
        )
        .or_null(),
        text("phone_number", 32).or_null(),
        text("credential_id", 2048).or_null(),
        text("public_key", 8192).or_null(),
        column("sign_count", Kind::Integer).or_null(),
        flag("backed_up").or_null(),
        column("transports", Kind::List).or_null(),
        time("created_at"),
        time("updated_at"),
    ],
)
.unique(&[&["credential_id"]])
.refers(&[USER]);

/// What an authentication method can be (Auth0's names).
pub(super) const METHOD_TYPES: [&str; 8] =
    ["totp", "phone", "email", "push", "passkey", "webauthn-platform", "webauthn-roaming", "recovery-code"];

pub(super) static ORGANIZATION_MEMBERS: Table =
    table("organization_members", 2, &[text("organization_id", ID), text("user_id", ID), time("created_at")])
        .refers(&[ORGANIZATION, USER]);

/// `organization_id` is empty for everywhere.
pub(super) static USER_ROLES: Table = table(
    "user_roles",
    3,
    &[text("user_id", ID), text("organization_id", ID), text("role_id", ID), time("created_at")],
)
.refers(&[USER, ORGANIZATION, to("role_id", "roles", "id")]);

/// `organization_id` is empty for everywhere.
pub(super) static USER_PERMISSIONS: Table = table(
    "user_permissions",
    4,
    &[
        text("user_id", ID),
        text("organization_id", ID),
        text("resource_server_identifier", 1024),
        text("permission_name", ID),
        time("created_at"),
    ],
)
.refers(&[USER, ORGANIZATION, to("resource_server_identifier", "resource_servers", "identifier")]);

/// What a directory that provisions users (SCIM) calls them.
pub(super) static EXTERNAL_IDS: Table = table(
    "external_ids",
    2,
    &[text("connection_id", ID), text("user_id", ID), text("external_id", WORDS), time("created_at")],
)
.unique(&[&["connection_id", "external_id"]])
.refers(&[to("connection_id", "connections", "id"), USER]);

/// The ticket is what the invited person's link holds.
pub(super) static ORGANIZATION_INVITATIONS: Table = table(
    "organization_invitations",
    1,
    &[
        text("id", ID),
        text("organization_id", ID),
        text("client_id", ID),
        object("document"),
        column(
            "ticket",
            Kind::Secret {
                digest: "ticket_digest",
                sealed: None,
                purpose: "organization_invitations.ticket",
            },
        )
        .or_null(),
        time("created_at"),
        time("expires_at"),
    ],
)
.refers(&[ORGANIZATION, to("client_id", "clients", "client_id")]);

/// What happened.
pub(super) static LOGS: Table = table(
    "logs",
    1,
    &[
        text("id", ID),
        text("type", 64),
        time("date"),
        text("user_id", ID).or_null(),
        text("client_id", ID).or_null(),
        text("ip", 255).or_null(),
        text("user_agent", WORDS).or_null(),
        text("description", 65_536).or_null(),
        object("details").or_null(),
    ],
);
