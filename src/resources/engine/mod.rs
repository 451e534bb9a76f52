//! Plain resources. One [`Resource`] says what a resource is: its paths, its table, its members with their kinds, what is
//! unique, what it refers to, the scopes, what hangs on it. From that comes what would else be written by hand for each:
//! the check of bodies, the SQL, every shape of a list, the entry of the log, the description of the API, the table of an
//! import, and the inputs of the laws. What is special about a resource is code beside it: a hook before a write, a view,
//! routes of its own. Users, tokens, sessions, and whatever a login waits for, are written by hand.
//!
//! ```text
//! declaration  what can be said            list    what a list is asked for     api     handlers of collections
//! builder      how it is said              store   the SQL                      single  handlers of single documents
//! model        what follows from it        schema  the description of the API   write   a change on its way
//! ```

pub mod api;
pub mod builder;
pub mod declaration;
pub mod list;
pub mod model;
pub mod schema;
pub mod single;
pub mod store;
pub mod write;

pub use builder::{
    collection, contains, document, field, flag, hanging, integer, is, is_set, like, list as list_of, moment,
    object, one_of, singleton, text, to, word,
};
pub use declaration::{Default, Field, Inherited, Place, Resource, Shape, Verb};
pub use write::{Act, Write};

use crate::access::Scope;

/// All five verbs of a collection, with the scopes that they take: to read, to create, to update, to delete.
pub const fn all(
    read: &'static str,
    create: &'static str,
    update: &'static str,
    delete: &'static str,
) -> [(Verb, Scope); 5] {
    [
        (Verb::List, Scope(read)),
        (Verb::Create, Scope(create)),
        (Verb::Get, Scope(read)),
        (Verb::Patch, Scope(update)),
        (Verb::Delete, Scope(delete)),
    ]
}

/// The verbs of a single document: to read and to update.
pub const fn read_and_update(read: &'static str, update: &'static str) -> [(Verb, Scope); 2] {
    [(Verb::Get, Scope(read)), (Verb::Patch, Scope(update))]
}
