//! The OpenAPI 3.1 description of every operation, made from the rows of the route table.

use super::{
    Method,
    route::{Route, Routes},
};
use crate::json;
use serde_json::{Map, Value as Json, json};

/// What is to be said of an operation besides what its row in the route table says.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// A note about its body, in words.
    pub note: Option<String>,
    /// The schema of its body.
    pub request: Option<Json>,
    /// The schema of its answer.
    pub response: Option<Json>,
    /// The parameters of its query.
    pub parameters: Vec<Json>,
}

/// The description, for clients that use `base` (a URL without a path, ending with `/`). `about` is what else is known of an
/// operation.
pub fn document(routes: &Routes, base: &str, about: impl Fn(&Route) -> About) -> Json {
    let mut paths: Map<String, Json> = Map::new();
    for route in routes.all() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(operations) = path.as_object_mut() {
            operations.insert(route.method.as_str().to_ascii_lowercase(), operation(route, about(route)));
        }
    }
    let scopes = routes.management_scopes().into_iter().map(|scope| (scope.to_owned(), words(scope).into()));
    let scopes: Map<String, Json> = json::gather(scopes);
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Gatehouse", "version": env!("CARGO_PKG_VERSION") },
        "servers": [{ "url": base.trim_end_matches('/') }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "management": {
                    "type": "oauth2",
                    "flows": { "clientCredentials": { "tokenUrl": format!("{base}oauth/token"), "scopes": scopes } },
                },
            },
        },
    })
}

fn operation(route: &Route, about: About) -> Json {
    let (method, tag) = (route.method.as_str().to_ascii_lowercase(), tag(route.path));
    let segments = route.path.split('/').filter(|segment| !segment.is_empty());
    let id = segments.clone().fold(method, |id, segment| {
        format!("{id}_{}", segment.replace(['{', '}'], "").replace(['-', '.'], "_"))
    });
    let names = segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let parameters = names
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let done = route.handler.rsplit("::").next().unwrap_or_default();
    let mut operation = json!({
        "operationId": id,
        "summary": format!("{}: {}", words(tag), done.replace('_', " ")),
        "tags": [tag],
        "parameters": parameters.chain(about.parameters).collect::<Vec<_>>(),
        "responses": { "2XX": done_with(about.response), "default": { "description": "Refused" } },
    });
    let Some(members) = operation.as_object_mut() else { return operation };
    if let Some(scope) = route.scope {
        members.insert("security".to_owned(), json!([{ "management": [scope] }]));
    }
    if [Method::POST, Method::PATCH, Method::PUT].contains(&route.method) {
        // Only the management API, which asks for scopes, takes nothing but JSON.
        let kind =
            if route.scope.is_some() { "application/json" } else { "application/x-www-form-urlencoded" };
        let schema = about.request.unwrap_or_else(|| json!({ "type": "object" }));
        let mut body = json!({ "content": { kind: { "schema": schema } } });
        if let (Some(note), Some(body)) = (about.note, body.as_object_mut()) {
            body.insert("description".to_owned(), json!(note));
        }
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

fn done_with(response: Option<Json>) -> Json {
    match response {
        Some(schema) => {
            json!({ "description": "Done", "content": { "application/json": { "schema": schema } } })
        }
        None => json!({ "description": "Done" }),
    }
}

/// The part of the surface that a path belongs to: its first segment, or the resource of the management API.
fn tag(path: &str) -> &str {
    let inner = path.strip_prefix("/api/v2").unwrap_or(path);
    inner.split('/').nth(1).filter(|segment| !segment.is_empty()).unwrap_or("root")
}

/// `read:client_keys` → `Read client keys`.
fn words(name: &str) -> String {
    let spaced = name.replace(['_', ':', '-', '.'], " ");
    let mut letters = spaced.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
