//! What follows from a declaration without a database: what a body may say, what a row says, and what is shown.

use super::declaration::{Field, Place, Resource};
use crate::{
    db::{Row, Value},
    error::Fault,
    http::{
        Malformed,
        shape::{self, Kind},
    },
};
use serde_json::{Map, Value as Json, json};

/// Checks the body that makes one: all members known, each of its kind, none missing. Null counts as absent (Auth0).
///
/// # Errors
/// Words that name the member at fault.
pub fn check_new(resource: &Resource, body: Map<String, Json>) -> Result<Map<String, Json>, Malformed> {
    for field in resource.fields.iter().filter(|field| field.required) {
        shape::require(&body, &[field.member.name])?;
    }
    let mut new = Map::new();
    for (name, value) in body {
        let field = settable(resource, &name)?;
        if value.is_null() && !field.required {
            continue;
        }
        shape::check_member(&name, &value, &field.member)?;
        if !is_blank(field, &value) {
            new.insert(name, value);
        }
    }
    Ok(new)
}

/// A new one as it is stored: columns that cannot be empty hold what is the default.
pub fn completed(resource: &Resource, new: &Map<String, Json>) -> Map<String, Json> {
    let mut complete = new.clone();
    for field in resource.fields {
        if let (Place::Column(_), Some(default)) = (field.place, field.default)
            && !new.contains_key(field.member.name)
        {
            complete.insert(field.member.name.to_owned(), default.json(new));
        }
    }
    complete
}

/// Checks the body that changes one. Null clears what can be cleared.
///
/// # Errors
/// Words that name the member at fault.
pub fn check_patch(resource: &Resource, body: Map<String, Json>) -> Result<Map<String, Json>, Malformed> {
    let mut patch = Map::new();
    for (name, value) in body {
        let field = settable(resource, &name)?;
        if field.fixed {
            return Err(Malformed(format!("{name} cannot be set: it stays what it was made as")));
        }
        shape::check_member(&name, &value, &field.member)?;
        let value = if is_blank(field, &value) { Json::Null } else { value };
        patch.insert(name, value);
    }
    Ok(patch)
}

/// Checks what a record of an import says of one: the members that are known, each of its kind. What is unknown is kept as
/// it comes, as it is of what was stored by a release before.
///
/// # Errors
/// The member at fault, and words that name it.
pub fn check_record<'a>(
    resource: &'a Resource,
    record: &Map<String, Json>,
) -> Result<(), (&'a str, Malformed)> {
    for field in resource.fields.iter().filter(|field| !field.computed) {
        let name = field.member.name;
        match record.get(name).filter(|value| !value.is_null()) {
            Some(value) => shape::check_record(name, value, &field.member).map_err(|why| (name, why))?,
            None if field.required => {
                return Err((name, Malformed(format!("Missing required property: {name}"))));
            }
            None => {}
        }
    }
    Ok(())
}

/// The member of this name, if a body can have it.
fn settable(resource: &Resource, name: &str) -> Result<&'static Field, Malformed> {
    match resource.field(name) {
        Some(field) if !field.computed => Ok(field),
        // What is shown of it, and is not for others to say.
        found => Err(Malformed(
            if found.is_some() || name == resource.key.1 || resource.system && name == "is_system" {
                format!("{name} cannot be set")
            } else {
                format!("Additional properties not allowed: {name}")
            },
        )),
    }
}

/// Whether a value is no text for a column that can be empty: then there is none.
fn is_blank(field: &Field, value: &Json) -> bool {
    field.member.nullable && field.place != Place::Document && value.as_str() == Some("")
}

/// Reads a row: its members as they are stored.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn stored(resource: &Resource, row: &Row) -> Result<Map<String, Json>, Fault> {
    let mut members = if resource.has_document() { row.object("document")? } else { Map::new() };
    for field in resource.fields {
        let value = match field.place {
            Place::Document | Place::Constant(_) => continue,
            Place::Moment(column) => row.optional_time(column)?.map(|moment| json!(moment)),
            Place::Column(column) => column_value(row, column, field.member.kind)?,
        };
        // What a document says of a column does not count.
        match value {
            Some(value) => drop(members.insert(field.member.name.to_owned(), value)),
            None => drop(members.remove(field.member.name)),
        }
    }
    let (column, shown) = resource.key;
    members.insert(shown.to_owned(), Json::from(row.text(column)?));
    if resource.system {
        members.remove("is_system");
        if row.flag("is_system")? {
            members.insert("is_system".to_owned(), Json::Bool(true));
        }
    }
    Ok(members)
}

/// Reads a row that is about to be changed. What cannot be read of it counts as empty: the change replaces it. Whether all
/// of it could be read.
///
/// # Errors
/// As [`stored`].
pub fn mended(resource: &Resource, row: &Row) -> Result<(Map<String, Json>, bool), Fault> {
    let documents = resource.fields.iter().filter_map(|field| match (field.place, field.member.kind) {
        (Place::Column(column), Kind::List(..)) => Some((column, "[]")),
        (Place::Column(column), kind) if !is_scalar(kind) => Some((column, "{}")),
        _ => None,
    });
    let blank: Vec<_> = documents.chain([("document", "{}")]).collect();
    match stored(resource, row) {
        Ok(members) => Ok((members, true)),
        Err(_) => row.mended(&blank, |row| stored(resource, row)).map(|members| (members, false)),
    }
}

fn column_value(row: &Row, column: &str, kind: Kind) -> Result<Option<Json>, Fault> {
    Ok(match kind {
        Kind::Flag => row.optional_int(column)?.map(|flag| Json::Bool(flag != 0)),
        Kind::Integer(..) => row.optional_int(column)?.map(Json::from),
        kind if is_scalar(kind) => row.optional_text(column)?.map(Json::from),
        _ => match row.optional_text(column)? {
            Some(_) => Some(structure(column, kind, row.json(column)?)?),
            None => None,
        },
    })
}

/// JSON that is what its kind says: a list, or an object.
fn structure(column: &str, kind: Kind, value: Json) -> Result<Json, Fault> {
    let fits = match kind {
        Kind::List(..) => value.is_array(),
        _ => value.is_object(),
    };
    if fits { Ok(value) } else { Err(Fault::unreadable(format!("column {column} is JSON of another shape"))) }
}

/// Whether a column holds a value of this kind as it is, and not as JSON.
pub fn is_scalar(kind: Kind) -> bool {
    match kind {
        Kind::Flag
        | Kind::Integer(..)
        | Kind::Number(..)
        | Kind::Text(..)
        | Kind::Like(_)
        | Kind::Word(_)
        | Kind::Email
        | Kind::Phone
        | Kind::Url => true,
        Kind::List(..)
        | Kind::Object(_)
        | Kind::Flags
        | Kind::Entries(..)
        | Kind::Either(..)
        | Kind::Document
        | Kind::Any => false,
    }
}

/// What a column is given for a value.
pub fn cell(kind: Kind, value: Option<&Json>) -> Value {
    match (kind, value) {
        (_, None | Some(Json::Null)) => Value::Null,
        (Kind::Flag, Some(value)) => Value::from(value.as_bool() == Some(true)),
        (Kind::Integer(..), Some(value)) => Value::from(value.as_i64()),
        (kind, Some(Json::String(text))) if is_scalar(kind) => Value::from(text),
        (_, Some(value)) => Value::from(value),
    }
}

/// One of them as it is shown, but for what its own code makes of it: with its defaults, and without its secrets.
pub fn shown(resource: &Resource, mut members: Map<String, Json>) -> Map<String, Json> {
    for field in resource.fields {
        let name = field.member.name;
        if field.secret {
            members.remove(name);
        } else if let Some(default) = field.default
            && members.get(name).is_none_or(Json::is_null)
        {
            let default = default.json(&members);
            members.insert(name.to_owned(), default);
        }
    }
    members
}

/// A member that is stored in a column: what it is, the column, and its value.
pub type InColumn<'a> = (&'static Field, &'static str, &'a Json);

/// The members that are stored in columns, and those that are stored in the document.
pub fn parted<'a>(
    resource: &'static Resource,
    set: &'a Map<String, Json>,
) -> (Vec<InColumn<'a>>, Map<String, Json>) {
    let (mut columns, mut document) = (Vec::new(), Map::new());
    for (name, value) in set {
        match resource.field(name).map(|field| (field, field.place)) {
            Some((field, Place::Column(column) | Place::Moment(column))) => {
                columns.push((field, column, value))
            }
            Some((_, Place::Constant(_))) => {}
            _ => drop(document.insert(name.clone(), value.clone())),
        }
    }
    (columns, document)
}
