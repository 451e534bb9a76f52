//! How a tenant moves from one database to another while people use it.
//!
//! Two databases take part, called `source` and `target` for good, after where the tenant was in the beginning. At any
//! moment one of them is the *primary*, the tenant's home: the one that the directory names, which serves. The other one is
//! the *replica*: it gets a copy of everything, then every change that the triggers at the primary have captured, until the
//! two change places. To switch, and to roll back, is the same exchange; to abort, and to finish, is the same detaching, and
//! the primary stays where it is. So there are few states, and each works in either direction.
//!
//! # The protocol
//!
//! Each database keeps a *record* of its role in the move, beside the tenant's rows. Every effect on a database is one
//! transaction that begins by comparing the version of that record and ends by counting it up. Whoever has seen an older
//! version is refused whole: a request that is late, doubled, or sent by a worker that was given up for dead changes
//! nothing. The directory is guarded in the same way by the tenant's epoch. Leases and clocks only save work; nothing
//! that is said here depends on them.
//!
//! [`protocol::MoveState`] is what one worker knows, and decides which action comes next; it does no I/O, so that a
//! simulation can run it against any misfortune.
//!
//! # Invariants
//!
//! 1. *One writer.* A database refuses writes of handles that are older than its fence. The primary's fence is not above the
//!    directory's epoch, except during an exchange, when nobody can write at all.
//! 2. *Nothing is missed.* The primary captures the keys of all changes from before the first row is copied. A replica that
//!    has been brought to a position of that log holds, of every row that is not named after that position, exactly what
//!    the primary held there.
//! 3. *The last drop.* A replica is promoted only after the primary's fence stands, at the position that the log had then,
//!    and only if every row of it has been compared. Its promotion carries the epoch that the directory will flip to.
//! 4. *One decision.* The directory leaves an epoch once: by the flip to the promoted replica, or by staying under the next
//!    epoch. A promoted replica is given another role only when the directory has reached its epoch without naming it, and
//!    then that flip cannot happen any more.
//! 5. *No old reads.* Before the flip, the primary refuses reads of older handles as well, so what was read before a change
//!    in the new primary cannot be read again after it.
//! 6. *No way back in.* Whoever has detached stays detached: the record remains as a tombstone, and only a later move, which
//!    has a higher generation, replaces it.
//! 7. *One schema.* Who changes a database is of the release whose migrations it has, to the last one: where a newer release
//!    has been, an older one changes nothing. A role that was given under an older schema is given again: the primary captures
//!    the new tables as well, and only after that the replica begins anew, since what an older release has copied lacks what
//!    it does not know. An exchange begins, and one is promoted, only when both roles are of the same schema.

pub mod action;
pub mod api;
pub mod begin;
pub mod goal;
pub mod model;
pub mod mover;
pub mod progress;
pub mod protocol;
pub mod rows;
pub mod store;
pub mod target;
pub mod verify;

use self::{
    goal::Move,
    progress::MoveView,
    target::{ATTACH, CREATE, DATABASE, DETACH, DROP, MIGRATE, WIPE},
};
use super::{
    engine::{
        model::{Operation, Progress},
        procedure::{Procedure, Step},
    },
    tenants::steps::VERIFY,
};
use serde_json::{Map, json};

/// Moves a tenant. Up to `verify` the steps are about the database that it is moved to; after `move` about the one that it
/// has no more. A move that has begun is never given up by itself: the tenant is served, and an operator can abort it.
pub static MOVE: Procedure = Procedure {
    name: "move",
    steps: &[
        Step::recorded("reserve").undone_by(&FINISH),
        DATABASE,
        CREATE,
        MIGRATE,
        ATTACH,
        VERIFY,
        Step::new("move", |cx| Box::pin(mover::run(cx))).until_done(),
        DETACH,
        DROP,
        WIPE,
        FINISH,
    ],
    changes_database: true,
    on_failure: |operation, now| {
        let target = operation.target.is_some();
        target.then(|| store::directory::retire_target(&operation.id, now)).into_iter().collect()
    },
    details: |operation, progress| {
        let mut details = Map::new();
        if let (Some(Move { terms }), Some(row)) = (operation.parameters()?, progress) {
            let view = MoveView::read(&terms, operation.has_arrived(), row)?;
            details.insert("move".to_owned(), json!(view));
        }
        Ok(details)
    },
    ..Procedure::PLAIN
};

/// The move is over: where it was to go, or where it began.
const FINISH: Step = Step::end("finish", |operation, _| (ending(operation), Vec::new()));

fn ending(operation: &Operation) -> Progress {
    let rehearses = || matches!(operation.parameters(), Ok(Some(Move { terms })) if terms.rehearse);
    if operation.has_arrived() || rehearses() { Progress::Succeeded } else { Progress::Cancelled }
}
