//! Forms, and the flows that they start: kept as they are configured.

use super::engine::{self, Resource, Verb, collection, contains, document, list_of, moment, text};
use crate::{access::Scope, http::shape::Kind};

const FORM_VERBS: [(Verb, Scope); 5] =
    engine::all("read:forms", "create:forms", "update:forms", "delete:forms");

/// Forms: pages of an operator's own, asked after a login.
pub static FORMS: Resource = collection("/api/v2/forms", "/api/v2/forms/{id}", "extensions", "ap")
    .among("kind", "form")
    .listed_as("forms")
    .called("form", "a form")
    .verbs(&FORM_VERBS)
    .fields(&[
        text("name", 1, 150).column().required(),
        document("messages").nullable(),
        document("languages").nullable(),
        document("translations").nullable(),
        list_of("nodes", &Kind::Document, 500).nullable(),
        document("start").nullable(),
        document("ending").nullable(),
        document("style").nullable(),
        list_of("social", &Kind::Document, 100).nullable(),
        moment("created_at"),
        moment("updated_at"),
    ])
    .filters(&[contains("name", "name")])
    .kept();

const FLOW_VERBS: [(Verb, Scope); 5] =
    engine::all("read:flows", "create:flows", "update:flows", "delete:flows");

/// Flows: what is done one after the other.
pub static FLOWS: Resource = collection("/api/v2/flows", "/api/v2/flows/{id}", "extensions", "af")
    .among("kind", "flow")
    .listed_as("flows")
    .called("flow", "a flow")
    .verbs(&FLOW_VERBS)
    .fields(&[
        text("name", 1, 150).column().required(),
        list_of("actions", &Kind::Document, 100).nullable(),
        moment("created_at"),
        moment("updated_at"),
    ])
    .filters(&[contains("name", "name")])
    .kept();
