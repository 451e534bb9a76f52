//! What the description of the API says of a plain resource: JSON Schema (draft 2020-12, as OpenAPI 3.1 has it).

use super::declaration::{Field, Filter, Place, Resource, Shape, Test, Verb};
use crate::http::{
    Method,
    openapi::About,
    shape::{Kind, Member},
};
use serde_json::{Map, Value as Json, json};

/// What is said of the operation of a method at a path, if it is one of this resource.
pub fn about(resource: &Resource, method: &Method, path: &str) -> Option<About> {
    let verb = resource.verbs.iter().map(|(verb, _)| *verb).find(|verb| is(resource, *verb, method, path))?;
    let shown = object(resource.fields.iter(), resource, true);
    let (request, response, parameters) = match verb {
        Verb::List => (None, listed(resource, &shown), parameters(resource)),
        Verb::Get => (None, shown, Vec::new()),
        Verb::Create => (Some(object(resource.fields.iter(), resource, false)), shown, Vec::new()),
        Verb::Patch | Verb::Replace => {
            let changeable = resource.fields.iter().filter(|field| !field.fixed);
            let mut body = object(changeable, resource, false);
            if let Some(body) = body.as_object_mut() {
                body.remove("required");
            }
            (Some(body), shown, Vec::new())
        }
        Verb::Delete => return Some(About::default()),
    };
    Some(About { request, response: Some(response), parameters, ..About::default() })
}

fn is(resource: &Resource, verb: Verb, method: &Method, path: &str) -> bool {
    let (of, at) = match verb {
        Verb::List => (Method::GET, resource.path),
        Verb::Create => (Method::POST, resource.path),
        Verb::Get => (Method::GET, resource.one),
        Verb::Patch => (Method::PATCH, resource.one),
        Verb::Replace => (Method::PUT, resource.one),
        Verb::Delete => (Method::DELETE, resource.one),
    };
    *method == of && path == at
}

fn object<'a>(fields: impl Iterator<Item = &'a Field>, resource: &Resource, shown: bool) -> Json {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    if shown && resource.shape == Shape::Collection {
        properties.insert(resource.key.1.to_owned(), json!({ "type": "string", "readOnly": true }));
        required.push(resource.key.1);
    }
    for field in fields.filter(|field| if shown { !field.secret } else { !field.computed }) {
        let mut schema = of_field(field);
        if shown
            && let Some(members) = schema.as_object_mut()
            && let Some(default) = field.default
            && !matches!(default, super::Default::Same(_))
        {
            members.insert("default".to_owned(), default.json(&Map::new()));
        }
        properties.insert(field.member.name.to_owned(), schema);
        let there = field.required || shown && field.default.is_some();
        required.extend(there.then_some(field.member.name));
    }
    if shown && resource.system {
        properties.insert("is_system".to_owned(), json!({ "type": "boolean", "readOnly": true }));
    }
    let mut object = json!({ "type": "object", "properties": properties });
    if let Some(members) = object.as_object_mut() {
        if !required.is_empty() {
            members.insert("required".to_owned(), json!(required));
        }
        // What was stored by a release that knew more is shown as it is.
        members.insert("additionalProperties".to_owned(), json!(shown));
    }
    object
}

fn of_field(field: &Field) -> Json {
    match field.place {
        Place::Moment(_) => json!({ "type": "string", "format": "date-time", "readOnly": true }),
        _ => of_member(&field.member),
    }
}

/// The schema of a member of an object.
pub fn of_member(member: &Member) -> Json {
    let schema = of_kind(member.kind);
    if member.nullable { json!({ "anyOf": [schema, { "type": "null" }] }) } else { schema }
}

fn of_kind(kind: Kind) -> Json {
    match kind {
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Kind::Text(least, most) => json!({ "type": "string", "minLength": least, "maxLength": most }),
        Kind::Like(rule) => {
            json!({ "type": "string", "maxLength": rule.longest, "description": rule.words, "examples": [rule.example] })
        }
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Email => json!({ "type": "string", "format": "email" }),
        Kind::Phone => json!({ "type": "string", "pattern": "^\\+[1-9][0-9]{1,14}$" }),
        Kind::Url => json!({ "type": "string", "format": "uri", "maxLength": 2048 }),
        Kind::List(kind, most) => json!({ "type": "array", "maxItems": most, "items": of_kind(*kind) }),
        Kind::Object(members) => {
            let properties: Map<String, Json> =
                crate::json::gather(members.iter().map(|member| (member.name.to_owned(), of_member(member))));
            json!({ "type": "object", "properties": properties, "additionalProperties": false })
        }
        Kind::Flags => json!({ "type": "object", "additionalProperties": { "type": ["boolean", "null"] } }),
        Kind::Entries(most, kind) => {
            json!({ "type": "object", "maxProperties": most, "additionalProperties": of_kind(*kind) })
        }
        Kind::Either(one, other) => json!({ "anyOf": [of_kind(*one), of_kind(*other)] }),
        Kind::Document => json!({ "type": "object" }),
        Kind::Any => json!({}),
    }
}

/// A list as every parameter shapes it: bare, with totals, or behind a checkpoint.
fn listed(resource: &Resource, shown: &Json) -> Json {
    let items = json!({ "type": "array", "items": shown });
    let number = json!({ "type": "integer" });
    let properties = json!({ resource.plural: items, "start": number, "limit": number, "length": number,
        "total": number, "next": { "type": "string" } });
    json!({ "anyOf": [items, { "type": "object", "required": [resource.plural], "properties": properties }] })
}

fn parameters(resource: &Resource) -> Vec<Json> {
    let parameter = |name: &str, words: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" }, "description": words });
    let mut parameters = vec![
        parameter("page", "Which page, from 0"),
        parameter("per_page", "How many a page has, 1 to 100; 50 unless it is given"),
        parameter("include_totals", "true: an object with the total, rather than a list"),
        parameter("from", "The next of the answer before: what is behind it"),
        parameter("take", "How many at once, 1 to 100, to go through all with from"),
        parameter("fields", "The members to show, separated by commas"),
        parameter("include_fields", "false: all members but those"),
    ];
    for Filter { name, test, .. } in resource.filters {
        parameters.push(parameter(
            name,
            match test {
                Test::Is => "Those with this value",
                Test::OneOf => "Those with one of these values; can be given several times",
                Test::Contains => "Those that hold this text",
                Test::Flag => "true or false",
            },
        ));
    }
    if !resource.sortable.is_empty() {
        let words = format!("field:1 or field:-1, with one of: {}", resource.sortable.join(", "));
        parameters.push(parameter("sort", &words));
    }
    parameters
}
