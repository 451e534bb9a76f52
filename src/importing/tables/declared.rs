//! The tables of plain resources: from their declarations.

use super::{Column, ID, Kind, Table, WORDS, column};
use crate::{
    http::shape,
    resources::engine::{Place, Resource, Shape},
};

/// The table of a resource. It is made once, and stays as long as the process does.
pub(super) fn declared(resource: &'static Resource) -> &'static Table {
    let single = resource.shape != Shape::Collection;
    let mut columns = Vec::new();
    for field in resource.fields {
        if let Place::Column(name) = field.place
            && name != resource.key.0
        {
            let required = field.required || field.default.is_some() || resource.primary.contains(&name);
            columns.push(Column { name, kind: kind(field.member.kind), nullable: !required });
        }
    }
    // What names a row comes first.
    let (first, rest): (Vec<_>, Vec<_>) =
        columns.into_iter().partition(|column| resource.primary.contains(&column.name));
    let mut columns = first;
    columns.extend((!single).then(|| column(resource.key.0, Kind::Text(ID))));
    columns.extend(rest);
    columns.extend(resource.has_document().then(|| column("document", in_document(resource))));
    columns.extend(resource.stamps().iter().map(|name| column(name, Kind::Time)));
    let unique = resource.fields.iter().filter(|field| field.unique).filter_map(|field| match field.place {
        Place::Column(name) => Some(&*Box::leak(Box::new([name]))),
        _ => None,
    });
    let mut unique: Vec<&'static [&'static str]> = unique.map(|columns| columns.as_slice()).collect();
    let by_columns = !resource.primary.is_empty();
    if by_columns {
        // The members that are unique together are what names the row.
        unique = vec![&*Box::leak(Box::new([resource.key.0]))];
    }
    Box::leak(Box::new(Table {
        name: resource.table,
        rows: resource.table,
        columns: columns.leak(),
        key: if single { 0 } else { resource.primary.len().max(1) },
        unique: unique.leak(),
        refers: resource.refers,
        amends: false,
        born: resource.import.flatten(),
    }))
}

/// What the document may hold: secrets, if a member of it does.
fn in_document(resource: &Resource) -> Kind {
    let purpose = resource.fields.iter().find_map(|field| field.sealed);
    purpose.map_or(Kind::Object, |purpose| Kind::Options { purpose })
}

/// The bytes that a letter has at the most.
const LETTER: usize = 4;

fn kind(kind: shape::Kind) -> Kind {
    match kind {
        shape::Kind::Flag => Kind::Flag,
        shape::Kind::Integer(..) | shape::Kind::Number(..) => Kind::Integer,
        shape::Kind::Word(words) => Kind::Word(words),
        shape::Kind::Text(_, most) => Kind::Text(most * LETTER),
        shape::Kind::Like(rule) => Kind::Text(rule.longest * LETTER),
        shape::Kind::Email | shape::Kind::Phone | shape::Kind::Url => Kind::Text(WORDS),
        shape::Kind::List(..) => Kind::List,
        shape::Kind::Object(_)
        | shape::Kind::Flags
        | shape::Kind::Entries(..)
        | shape::Kind::Either(..)
        | shape::Kind::Document
        | shape::Kind::Any => Kind::Object,
    }
}
