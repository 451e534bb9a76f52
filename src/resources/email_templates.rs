//! E-mail templates: an operator's own words for what is sent.

use super::engine::{Inherited, Resource, Verb, collection, flag, integer, text, word};
use crate::access::Scope;

const VERBS: [(Verb, Scope); 5] = [
    (Verb::Create, Scope("create:email_templates")),
    (Verb::Get, Scope("read:email_templates")),
    (Verb::Patch, Scope("update:email_templates")),
    (Verb::Replace, Scope("update:email_templates")),
    // AuthHero: back to what is built in.
    (Verb::Delete, Scope("update:email_templates")),
];

/// E-mail templates, by the mail that they are for.
pub static EMAIL_TEMPLATES: Resource =
    collection("/api/v2/email-templates", "/api/v2/email-templates/{id}", "email_templates", "")
        .key("template", "template")
        .called("email_template", "an email template")
        .verbs(&VERBS)
        .fields(&[
            word("template", &NAMES).column().required().fixed().unique(),
            text("body", 0, 60_000).nullable(),
            text("from", 0, 320).nullable(),
            text("subject", 0, 998).nullable(),
            word("syntax", &["liquid"]).nullable(),
            text("resultUrl", 0, 2048).nullable(),
            integer("urlLifetimeInSeconds", 0, 31_536_000).nullable(),
            flag("includeEmailInRedirect").nullable(),
            flag("enabled").nullable(),
        ])
        .kept()
        .inherited(Inherited::Fallback)
        .imported();

/// The mails that there are (Auth0, AuthHero).
const NAMES: [&str; 15] = [
    "verify_email",
    "verify_email_by_code",
    "reset_email",
    "reset_email_by_code",
    "welcome_email",
    "blocked_account",
    "stolen_credentials",
    "enrollment_email",
    "mfa_oob_code",
    "change_password",
    "password_reset",
    "user_invitation",
    "async_approval",
    "passkey_enrollment",
    "mfa_enrollment",
];
