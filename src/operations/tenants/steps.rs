//! Steps that several procedures on tenants have in common.

use super::{
    databases::{bindings, steps as databases},
    rows, store,
};
use crate::{
    config::Placement,
    operations::engine::{
        model::Progress,
        procedure::{Situation, Step},
        subject::Origin,
    },
    tenant::Status,
};

/// The name is taken and the operation recorded.
pub const RESERVE: Step = Step::recorded("reserve").undone_by(&RELEASE);

/// A database of the pool is claimed, or the name of a new one is written down before it is made.
pub const DATABASE: Step = Step::new("database", |cx| Box::pin(databases::choose(cx))).when(is_isolated);

/// The database is made through the API.
pub const CREATE: Step =
    Step::new("create", |cx| Box::pin(databases::create(cx))).when(is_created).undone_by(&DROP);

/// Its tables are made.
pub const MIGRATE: Step = Step::new("migrate", |cx| Box::pin(databases::migrate(cx))).undone_by(&WIPE);

/// The script is bound to it.
pub const ATTACH: Step =
    Step::new("attach", |cx| Box::pin(bindings::attach(cx))).when(is_created).undone_by(&DETACH);

/// Something is written and read back on the way that requests will take.
pub const VERIFY: Step = Step::new("verify", |cx| Box::pin(rows::verify(cx)));

/// The tenant is opened.
pub const ACTIVATE: Step = Step::end("activate", |operation, now| {
    (Progress::Succeeded, vec![store::activate(&operation.tenant.id, now)])
})
.undone_by(&CLOSE);

/// The tenant is closed: from here on it answers nobody.
pub const CLOSE: Step = Step::recorded("close");

/// Its organization is removed, and with it every right to manage it.
pub const WITHDRAW: Step = Step::new("withdraw", |cx| Box::pin(rows::withdraw(cx)));

/// The script lets go of its database.
pub const DETACH: Step = Step::new("detach", |cx| Box::pin(bindings::detach(cx))).when(is_created);

/// Its database is deleted.
pub const DROP: Step = Step::new("drop", |cx| Box::pin(databases::drop_database(cx))).when(is_created);

/// Its rows are deleted from a database that stays.
pub const WIPE: Step = Step::new("wipe", |cx| Box::pin(rows::wipe(cx))).when(stays);

/// Its name is put on hold, or, after a failure, free to be tried again.
pub const RELEASE: Step = Step::end("release", |operation, now| {
    let status = if operation.failure.is_some() { Status::Failed } else { Status::Deleted };
    (Progress::Succeeded, store::release(&operation.tenant.id, status, now).into())
});

fn is_isolated(situation: Situation) -> bool {
    situation.placement == Placement::Isolated
}

/// Whether the database was made for this tenant alone, through the API.
pub fn is_created(situation: Situation) -> bool {
    situation.origin == Some(Origin::Created)
}

/// Whether the database outlives what this tenant had in it.
pub fn stays(situation: Situation) -> bool {
    matches!(situation.origin, Some(Origin::Shared | Origin::Pool))
}
