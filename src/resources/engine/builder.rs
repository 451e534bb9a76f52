//! The constant functions that a declaration is made of.

use super::{
    declaration::{
        Default, Field, Filter, Hanging, Hook, Inherited, Place, Reference, Resource, Shape, Test, Verb, View,
    },
    write::Write,
};
use crate::{
    access::{
        Management,
        management::{Refusal, Scope},
    },
    error::Error,
    http::shape::{Kind, Like, Member},
    platform::LocalBox,
    resources::snapshot::Snapshot,
};
use serde_json::{Map, Value as Json};

fn nothing<'a>(_: &'a Management, _: &'a mut Write) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(std::future::ready(Ok(())))
}

fn unchanged(_: &Management, _: &mut Map<String, Json>) {}

const BLANK: Resource = Resource {
    shape: Shape::Collection,
    path: "",
    one: "",
    table: "",
    key: ("id", "id"),
    prefix: "",
    among: None,
    noun: "",
    phrase: "",
    plural: "",
    verbs: &[],
    fields: &[],
    alias: None,
    filters: &[],
    order: "id",
    index: None,
    sortable: &[],
    hangs: &[],
    system: false,
    primary: &[],
    of_people: false,
    kept: false,
    quiet: false,
    inherited: Inherited::None,
    import: None,
    refers: &[],
    remembered: None,
    before_write: nothing,
    view: unchanged,
};

/// A resource of which there are many: the path of its list, that of one, its table, and what its ids begin with.
pub const fn collection(
    path: &'static str,
    one: &'static str,
    table: &'static str,
    prefix: &'static str,
) -> Resource {
    Resource { path, one, table, prefix, plural: table, ..BLANK }
}

/// A resource of which there is one: its path and its table.
pub const fn singleton(path: &'static str, table: &'static str) -> Resource {
    Resource { shape: Shape::Singleton(None), path, one: path, table, ..BLANK }
}

impl Resource {
    /// The part of the document that it is.
    pub const fn part(self, name: &'static str) -> Self {
        Self { shape: Shape::Singleton(Some(name)), ..self }
    }

    /// Its noun and, with its article, what log entries call it.
    pub const fn called(self, noun: &'static str, phrase: &'static str) -> Self {
        Self { noun, phrase, ..self }
    }

    /// The member of an answer that holds its list, if it is not called as the table is.
    pub const fn listed_as(self, plural: &'static str) -> Self {
        Self { plural, ..self }
    }

    /// The column that names a row, and the member that shows it, if they are not `id`.
    pub const fn key(self, column: &'static str, shown: &'static str) -> Self {
        Self { key: (column, shown), order: column, ..self }
    }

    /// Those rows of its table that have this value in this column.
    pub const fn among(self, column: &'static str, value: &'static str) -> Self {
        Self { among: Some((column, value)), ..self }
    }

    /// What can be asked of it.
    pub const fn verbs(self, verbs: &'static [(Verb, Scope)]) -> Self {
        Self { verbs, ..self }
    }

    /// Its members, but for the key.
    pub const fn fields(self, fields: &'static [Field]) -> Self {
        Self { fields, ..self }
    }

    /// Another column that it can be found by, in place of its key.
    pub const fn or_by(self, column: &'static str) -> Self {
        Self { alias: Some(column), ..self }
    }

    /// What its list can be asked for.
    pub const fn filters(self, filters: &'static [Filter]) -> Self {
        Self { filters, ..self }
    }

    /// The column that its list is in order of.
    pub const fn by(self, order: &'static str) -> Self {
        Self { order, ..self }
    }

    /// The index that its list goes along.
    pub const fn along(self, index: &'static str) -> Self {
        Self { index: Some(index), ..self }
    }

    /// The columns that its list can be put in order of.
    pub const fn sortable(self, sortable: &'static [&'static str]) -> Self {
        Self { sortable, ..self }
    }

    /// What goes with it when it is removed.
    pub const fn hangs(self, hangs: &'static [Hanging]) -> Self {
        Self { hangs, ..self }
    }

    /// Rows of it can be the system's.
    pub const fn system(self) -> Self {
        Self { system: true, ..self }
    }

    /// The columns that name a row of its table, behind the tenant, where they are not its key.
    pub const fn primary(self, columns: &'static [&'static str]) -> Self {
        Self { primary: columns, ..self }
    }

    /// It is about people: no isolate remembers it.
    pub const fn of_people(self) -> Self {
        Self { of_people: true, ..self }
    }

    /// It is kept, and nothing goes by it yet.
    pub const fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    /// Making one answers 200 (Auth0, of some).
    pub const fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// What a tenant has that has none of its own.
    pub const fn inherited(self, inherited: Inherited) -> Self {
        Self { inherited, ..self }
    }

    /// An import brings it.
    pub const fn imported(self) -> Self {
        Self { import: Some(None), ..self }
    }

    /// The same; a tenant is born with the rows for which a condition holds.
    pub const fn imported_beside(self, born: &'static str) -> Self {
        Self { import: Some(Some(born)), ..self }
    }

    /// What it refers to.
    pub const fn refers(self, refers: &'static [Reference]) -> Self {
        Self { refers, ..self }
    }

    /// What an isolate remembers of it.
    pub const fn remembered(self, remembered: fn(&Snapshot) -> Json) -> Self {
        Self { remembered: Some(remembered), ..self }
    }

    /// What is done before it is written.
    pub const fn before_write(self, before_write: Hook) -> Self {
        Self { before_write, ..self }
    }

    /// What is done before it is shown.
    pub const fn view(self, view: View) -> Self {
        Self { view, ..self }
    }
}

/// A member of this kind, in the document.
pub const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        member: Member::new(name, kind),
        place: Place::Document,
        required: false,
        fixed: false,
        computed: false,
        unique: false,
        secret: false,
        sealed: None,
        default: None,
    }
}

/// Text of so many characters.
pub const fn text(name: &'static str, least: usize, most: usize) -> Field {
    field(name, Kind::Text(least, most))
}

/// Text that follows a rule of its own.
pub const fn like(name: &'static str, rule: &'static Like) -> Field {
    field(name, Kind::Like(rule))
}

/// One of these words.
pub const fn word(name: &'static str, words: &'static [&'static str]) -> Field {
    field(name, Kind::Word(words))
}

/// A flag.
pub const fn flag(name: &'static str) -> Field {
    field(name, Kind::Flag)
}

/// An integer of a range.
pub const fn integer(name: &'static str, least: i64, most: i64) -> Field {
    field(name, Kind::Integer(least, most))
}

/// A list of at most so many.
pub const fn list(name: &'static str, kind: &'static Kind, most: usize) -> Field {
    field(name, Kind::List(kind, most))
}

/// An object with these members.
pub const fn object(name: &'static str, members: &'static [Member]) -> Field {
    field(name, Kind::Object(members))
}

/// Any object.
pub const fn document(name: &'static str) -> Field {
    field(name, Kind::Document)
}

/// A moment that nobody can set, in a column of the same name.
pub const fn moment(name: &'static str) -> Field {
    Field { place: Place::Moment(name), computed: true, ..field(name, Kind::Any) }
}

impl Field {
    /// Stored in a column of the same name.
    pub const fn column(self) -> Self {
        self.column_named(self.member.name)
    }

    /// Stored in a column of another name.
    pub const fn column_named(self, column: &'static str) -> Self {
        Self { place: Place::Column(column), ..self }
    }

    /// A new one must have it.
    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    /// It stays what it was made as.
    pub const fn fixed(self) -> Self {
        Self { fixed: true, ..self }
    }

    /// Nobody can set it.
    pub const fn computed(self) -> Self {
        Self { computed: true, ..self }
    }

    /// No two of a tenant have the same.
    pub const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    /// It is never shown.
    pub const fn secret(self) -> Self {
        Self { secret: true, ..self }
    }

    /// It holds secrets, which its own code seals for this purpose.
    pub const fn sealed(self, purpose: &'static str) -> Self {
        Self { sealed: Some(purpose), ..self }
    }

    /// It is not stored, and always this word.
    pub const fn constant(self, word: &'static str) -> Self {
        Self { place: Place::Constant(word), default: Some(Default::Text(word)), ..self }
    }

    /// Null clears it.
    pub const fn nullable(self) -> Self {
        Self { member: self.member.or_null(), ..self }
    }

    /// What is shown where nothing is set.
    pub const fn default(self, default: Default) -> Self {
        Self { default: Some(default), ..self }
    }
}

/// A parameter that is the text of a column.
pub const fn is(name: &'static str, column: &'static str) -> Filter {
    Filter { name, place: Place::Column(column), test: Test::Is, words: &[] }
}

/// A parameter that stands anywhere in the text of a column.
pub const fn contains(name: &'static str, column: &'static str) -> Filter {
    Filter { name, place: Place::Column(column), test: Test::Contains, words: &[] }
}

/// A parameter that can be given several times: one of them is the text of a column.
pub const fn one_of(name: &'static str, column: &'static str) -> Filter {
    Filter { name, place: Place::Column(column), test: Test::OneOf, words: &[] }
}

/// A parameter that says whether a flag of a column is set.
pub const fn is_set(name: &'static str, column: &'static str) -> Filter {
    Filter { name, place: Place::Column(column), test: Test::Flag, words: &[] }
}

impl Filter {
    /// The same of a member that always is the first of the words that it could be.
    pub const fn of_constant(self, word: &'static str, words: &'static [&'static str]) -> Self {
        Self { place: Place::Constant(word), words, ..self }
    }

    /// The same of a member of the document.
    pub const fn of_document(self) -> Self {
        Self { place: Place::Document, ..self }
    }
}

/// Rows of `table` whose `column` is the key of the resource.
pub const fn hanging(table: &'static str, column: &'static str) -> Hanging {
    Hanging { table, column, of: "id" }
}

impl Hanging {
    /// The same by another column of the resource.
    pub const fn by(self, of: &'static str) -> Self {
        Self { of, ..self }
    }
}

/// A column that refers to one of another table.
pub const fn to(column: &'static str, table: &'static str, target: &'static str) -> Reference {
    Reference { column, table, target }
}
