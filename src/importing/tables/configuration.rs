//! What an operator configures.

use super::{ID, Kind, Table, WORDS, column, flag, object, table, text, time, to};

/// Keys of the server before: see `former_keys`.
pub(super) static FORMER_KEYS: Table = table(
    "former_keys",
    2,
    &[
        text("issuer", 2048),
        text("kid", ID),
        column("algorithm", Kind::Word(&["RS256", "ES256"])),
        object("public_jwk"),
        text("tenant", ID),
        flag("shared"),
        time("trusted_until"),
        time("created_at"),
    ],
);

pub(super) static CLIENTS: Table = table(
    "clients",
    1,
    &[
        text("client_id", ID),
        text("name", WORDS),
        object("document"),
        column(
            "client_secret",
            Kind::Secret {
                digest: "secret_digest",
                sealed: Some("sealed_secret"),
                purpose: "clients.sealed_secret",
            },
        )
        .or_null(),
        time("created_at"),
        time("updated_at"),
    ],
);

pub(super) static ROLE_PERMISSIONS: Table = table(
    "role_permissions",
    3,
    &[
        text("role_id", ID),
        text("resource_server_identifier", 1024),
        text("permission_name", ID),
        time("created_at"),
    ],
)
.refers(&[to("role_id", "roles", "id"), to("resource_server_identifier", "resource_servers", "identifier")]);

pub(super) static ORGANIZATION_CONNECTIONS: Table = table(
    "organization_connections",
    2,
    &[
        text("organization_id", ID),
        text("connection_id", ID),
        flag("assign_membership_on_login"),
        flag("show_as_button"),
        flag("is_signup_enabled"),
        time("created_at"),
        time("updated_at"),
    ],
)
.refers(&[to("organization_id", "organizations", "id"), to("connection_id", "connections", "id")]);

/// Code, hooks, flows, streams, and settings of the tenant that have no place of their own: kept, not in effect yet.
pub(super) static EXTENSIONS: Table = table(
    "extensions",
    2,
    &[
        column("kind", Kind::Word(&EXTENSION_KINDS)),
        text("id", ID),
        text("name", WORDS).or_null(),
        object("document"),
        column("secrets", Kind::Sealed { sealed: "sealed_secrets", purpose: "extensions.sealed_secrets" })
            .or_null(),
        time("created_at"),
        time("updated_at"),
    ],
);

/// What an extension can be.
pub(super) const EXTENSION_KINDS: [&str; 13] = [
    "action",
    "action_version",
    "client_registration_token",
    "flow",
    "form",
    "hook",
    "hook_code",
    "log_stream",
    "migration_source",
    "proxy_route",
    "scim_configuration",
    "scim_token",
    "tenant_setting",
];

pub(super) static PAGE_TEMPLATES: Table =
    table("page_templates", 0, &[text("body", 500_000), time("created_at"), time("updated_at")]);

pub(super) static PROMPT_SETTINGS: Table =
    table("prompt_settings", 0, &[object("document"), time("updated_at")]);

pub(super) static CUSTOM_TEXTS: Table = table(
    "custom_texts",
    2,
    &[text("prompt", 64), text("language", 35), object("texts"), time("created_at"), time("updated_at")],
);

pub(super) static EMAIL_PROVIDERS: Table = table(
    "email_providers",
    0,
    &[
        text("name", 64),
        flag("enabled"),
        text("default_from_address", 320).or_null(),
        object("settings"),
        column(
            "credentials",
            Kind::Sealed { sealed: "sealed_credentials", purpose: "email_providers.sealed_credentials" },
        )
        .or_null(),
        time("created_at"),
        time("updated_at"),
    ],
);

/// `pending` until its owner has proven it here; `ready` if the operator vouches for it: then it is served from the finish on.
pub(super) static CUSTOM_DOMAINS: Table = table(
    "custom_domains",
    1,
    &[
        text("id", ID),
        text("domain", 253),
        flag("is_primary"),
        column("status", Kind::Word(&["pending", "ready"])),
        object("document"),
        time("created_at"),
        time("updated_at"),
    ],
)
.unique(&[&["domain"]]);
