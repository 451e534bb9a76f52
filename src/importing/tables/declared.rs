//! The tables of plain resources: from their declarations.

use super::{Column, ID, Kind, Table, WORDS, column};
use crate::{
    http::shape,
    resources::engine::{Place, Resource},
};

/// The table of a resource. It is made once, and stays as long as the process does.
pub(super) fn declared(resource: &'static Resource) -> &'static Table {
    let key = column(resource.key.0, Kind::Text(ID));
    let mut columns = vec![key];
    for field in resource.fields {
        if let Place::Column(name) = field.place
            && name != resource.key.0
        {
            let required = field.required || field.default.is_some();
            columns.push(Column { name, kind: kind(field.member.kind), nullable: !required });
        }
    }
    columns.extend(resource.has_document().then(|| column("document", Kind::Object)));
    columns.extend(resource.stamps().iter().map(|name| column(name, Kind::Time)));
    let unique = resource.fields.iter().filter(|field| field.unique).filter_map(|field| match field.place {
        Place::Column(name) => Some(&*Box::leak(Box::new([name]))),
        _ => None,
    });
    let unique: Vec<&'static [&'static str]> = unique.map(|columns| columns.as_slice()).collect();
    Box::leak(Box::new(Table {
        name: resource.table,
        rows: resource.table,
        columns: columns.leak(),
        key: 1,
        unique: unique.leak(),
        refers: resource.refers,
        amends: false,
        born: resource.import.flatten(),
    }))
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
        | shape::Kind::Document
        | shape::Kind::Any => Kind::Object,
    }
}
