//! What can be said of a plain resource. [`super::builder`] says it.

use super::write::Write;
use crate::{
    access::{
        Management,
        management::{Refusal, Scope},
    },
    error::Error,
    http::shape::Member,
    platform::LocalBox,
    resources::snapshot::Snapshot,
};
use serde_json::{Map, Value as Json, json};

/// A plain resource: rows of one table, and what the management API does with them.
pub struct Resource {
    /// Whether there are many of it, or one.
    pub shape: Shape,
    /// The path of its list; of a single one its own.
    pub path: &'static str,
    /// The path of one of them, with one parameter.
    pub one: &'static str,
    /// Its table: `tenant_id`, the key, the columns of fields, and what [`Resource::stamps`] says.
    pub table: &'static str,
    /// The column that names a row, and the member that shows it.
    pub key: (&'static str, &'static str),
    /// What the ids that are made for it begin with; empty if the body says which it is.
    pub prefix: &'static str,
    /// The rows of the table that are of it: a column and its value.
    pub among: Option<(&'static str, &'static str)>,
    /// Auth0's noun in the singular: of its log entries, and of the codes of its errors.
    pub noun: &'static str,
    /// The same with an article, as log entries say it.
    pub phrase: &'static str,
    /// The member of an answer that holds a list of them.
    pub plural: &'static str,
    /// What can be asked of it, and the scope that it takes.
    pub verbs: &'static [(Verb, Scope)],
    /// Its members, but for the key.
    pub fields: &'static [Field],
    /// The columns by which it can be found besides its key.
    pub alias: Option<&'static str>,
    /// What a list can be asked for.
    pub filters: &'static [Filter],
    /// The column by which a list is in order, unless it is asked otherwise.
    pub order: &'static str,
    /// The index that a list goes along, if SQLite would not choose it by itself.
    pub index: Option<&'static str>,
    /// The columns by which a list can be put in order.
    pub sortable: &'static [&'static str],
    /// What goes with it when it is removed.
    pub hangs: &'static [Hanging],
    /// Whether some of its rows are ours, and cannot be changed: those with `is_system`.
    pub system: bool,
    /// The columns that name a row of its table, behind the tenant, if they are not its key.
    pub primary: &'static [&'static str],
    /// Whether it is about people rather than about configuration that every isolate remembers.
    pub of_people: bool,
    /// Whether it is only kept: nothing here goes by it yet, as its description says.
    pub kept: bool,
    /// Whether making one answers 200 rather than 201.
    pub quiet: bool,
    /// What a tenant without one has.
    pub inherited: Inherited,
    /// Whether an import brings it; then, a condition that holds for the rows that a tenant is born with.
    pub import: Option<Option<&'static str>>,
    /// The columns that it refers to others by.
    pub refers: &'static [Reference],
    /// What an isolate remembers of it, if it does: the only one of a tenant.
    pub remembered: Option<fn(&Snapshot) -> Json>,
    /// What is checked, and done beside it, before it is written.
    pub before_write: Hook,
    /// What is made of it before it is shown.
    pub view: View,
}

/// How many there are of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any number, each with an id.
    Collection,
    /// One, which is a document. A part of it, if the document is that of several resources.
    Singleton(Option<&'static str>),
}

/// What can be asked of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `GET` of the list.
    List,
    /// `POST` to the list.
    Create,
    /// `GET` of one.
    Get,
    /// `PATCH` of one.
    Patch,
    /// `PUT` of one: all of it.
    Replace,
    /// `DELETE` of one.
    Delete,
}

/// What a tenant has that has not set a resource of its own. So far this is only said here, and nothing goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherited {
    /// Nothing, or the defaults.
    None,
    /// What the main tenant has, read when it is asked for.
    Fallback,
    /// Copies of what the main tenant has, which are the system's.
    Copied,
}

/// A member of a resource.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name, its kind, and whether null clears it.
    pub member: Member,
    /// Where it is stored.
    pub place: Place,
    /// Whether a new one must have it.
    pub required: bool,
    /// Whether it stays what it was made as.
    pub fixed: bool,
    /// Whether nobody can set it.
    pub computed: bool,
    /// Whether no two of a tenant may have the same: a conflict of its column.
    pub unique: bool,
    /// Whether it is never shown.
    pub secret: bool,
    /// What the secrets in it are sealed for, if it holds some: by its own code, one by one.
    pub sealed: Option<&'static str>,
    /// What is shown where nothing is set.
    pub default: Option<Default>,
}

/// Where a member is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the column `document`, which is an object, under its name.
    Document,
    /// In a column: text and integers as they are, flags as 0 and 1, everything else as JSON.
    Column(&'static str),
    /// In a column of milliseconds; shown as ISO 8601.
    Moment(&'static str),
    /// Nowhere: it always is this.
    Constant(&'static str),
}

/// The value of a member that nobody has set.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// A flag.
    Flag(bool),
    /// An integer.
    Integer(i64),
    /// Text.
    Text(&'static str),
    /// An empty list.
    List,
    /// An empty object.
    Object,
    /// What another member is.
    Same(&'static str),
}

/// Something that a list can be asked for by a parameter of the query.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// The parameter.
    pub name: &'static str,
    /// Where it looks.
    pub place: Place,
    /// How it compares.
    pub test: Test,
    /// The words that it can be; any if there are none.
    pub words: &'static [&'static str],
}

/// How a parameter is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// The same text.
    Is,
    /// The same text as one of those that are given; at most 50 (Auth0).
    OneOf,
    /// Text that holds it, whatever the case.
    Contains,
    /// A flag; one that is not set is false.
    Flag,
}

/// Rows of another table that belong to a resource.
#[derive(Debug, Clone, Copy)]
pub struct Hanging {
    /// The table, with the index to use if SQLite would not find it.
    pub table: &'static str,
    /// The column there.
    pub column: &'static str,
    /// The column here.
    pub of: &'static str,
}

/// What rows of a table refer to.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// The column that refers; null and the empty text refer to nothing.
    pub column: &'static str,
    /// The table that it refers to.
    pub table: &'static str,
    /// The column there.
    pub target: &'static str,
}

/// What is done before a resource is made, changed or removed.
pub type Hook = for<'a> fn(&'a Management, &'a mut Write) -> LocalBox<'a, Result<(), Error<Refusal>>>;

/// What is done to a resource before it is shown.
pub type View = fn(&Management, &mut Map<String, Json>);

impl Resource {
    /// Whether its table has the column `document`: some member is stored there.
    pub fn has_document(&self) -> bool {
        let in_document = |field: &Field| field.place == Place::Document;
        self.shape != Shape::Collection || self.fields.iter().any(in_document)
    }

    /// The columns that say when a row was made and changed.
    pub fn stamps(&self) -> &'static [&'static str] {
        match self.shape {
            Shape::Collection => &["created_at", "updated_at"],
            Shape::Singleton(_) => &["updated_at"],
        }
    }

    /// The scope that a verb takes, if it can be asked for.
    pub fn scope(&self, verb: Verb) -> Option<Scope> {
        self.verbs.iter().find(|(of, _)| *of == verb).map(|(_, scope)| *scope)
    }

    /// The member of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.member.name == name)
    }
}

impl Default {
    /// As JSON, beside other members.
    pub fn json(self, members: &Map<String, Json>) -> Json {
        match self {
            Self::Same(name) => members.get(name).cloned().unwrap_or_default(),
            Self::Flag(flag) => json!(flag),
            Self::Integer(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::List => json!([]),
            Self::Object => json!({}),
        }
    }
}
