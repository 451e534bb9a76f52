//! What a worker can do with a move, what comes of it, and what there is to do next.

use super::{
    model::{Cursor, Directory, ReplicaStatus, Role, Side},
    rows::{Changes, Chunk, Difference, Row, Tally},
};
use std::collections::BTreeSet;

/// An action on one of the three stores. `version` is that of the record as it was seen: if it is another one by now, nothing
/// happens. Whatever changes a database answers how it looks afterwards.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the words of the module")]
pub enum Action {
    /// Reads the directory.
    Directory,
    /// Reads what a database says of itself.
    ReadStatus(Side),
    /// Has it capture what changes, from now on, and enters it as home. Again: for tables that are new.
    StartPrimary { side: Side, version: Option<i64>, epoch: i64 },
    /// Enters it as a follower that has nothing yet. Again: for tables that are new.
    StartReplica { side: Side, version: Option<i64> },
    /// Deletes some of the tenant's rows.
    Clear { side: Side, version: i64 },
    /// Enters that none are left: it can be copied to, or has parted.
    FinishClear { side: Side, version: i64, role: Role },
    /// Reads rows from a cursor on.
    Read { side: Side, cursor: Cursor },
    /// Writes these rows.
    Write { side: Side, version: i64, chunk: Chunk, next: Option<Cursor>, tally: Tally },
    /// Reads rows of home from a cursor on, and which keys of that table its log names after a position.
    Check { side: Side, cursor: Cursor, after: i64 },
    /// Reads the follower's rows of the same stretch, which ends with `until`, or with the table.
    ReadReplica { side: Side, cursor: Cursor, until: Option<String> },
    /// Enters how far the comparison is.
    Checked { side: Side, version: i64, next: Option<Cursor>, tally: Tally },
    /// Reads what was captured after a position, and the rows as they are now.
    Changes { side: Side, after: i64 },
    /// Writes them, reads them back in the same transaction, and enters how far it has been brought.
    Apply { side: Side, version: i64, changes: Changes, tally: Tally },
    /// Raises the fence against writes.
    Fence { side: Side, version: i64, epoch: i64 },
    /// Has a follower capture what changes, and enters it as the home that it will be under this epoch.
    Promote { side: Side, version: i64, epoch: i64 },
    /// Raises the fence against reads.
    Close { side: Side, version: i64, epoch: i64 },
    /// Makes another database home, under the epoch `to`, if the directory is at `epoch`.
    Flip { epoch: i64, to: i64, home: Side },
    /// Leaves home where it is, under the epoch `to`, if the directory is at `epoch`.
    Reopen { epoch: i64, to: i64 },
    /// Makes a follower of it that has been brought to a position of the other one's log.
    Demote { side: Side, version: i64, watermark: i64 },
    /// Enters that it is wanted no more.
    Detach { side: Side, version: Option<i64> },
    /// Ends its part as home: it captures nothing any more.
    Release { side: Side, version: Option<i64> },
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The directory as it is, after whatever was asked.
    Directory(Directory),
    /// The database as it is, after whatever was asked.
    Status(Side, ReplicaStatus),
    /// The same, and whether no row was left to delete.
    Cleared(Side, ReplicaStatus, bool),
    /// The rows that were asked for.
    Rows(Chunk),
    /// Those, and the keys that the log names.
    Checking(Chunk, BTreeSet<String>),
    /// The follower's, and how it looks: if that has changed since, they are of no use.
    Recalled(Side, ReplicaStatus, Vec<Row>),
    /// What was captured.
    Changes(Changes),
    /// It was refused, or nobody knows what came of it.
    Failed,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// This action.
    Act(Box<Action>),
    /// Nothing for now.
    Rest(Rest),
    /// Nothing any more.
    Over,
    /// The two sides differ: somebody must look.
    Differs(Vec<Difference>),
    /// What was seen does not fit together, because it was not seen at the same moment: everything has to be looked at
    /// again. If that does not help, it is a defect.
    Again(&'static str),
}

/// Why nothing is done for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Somebody holds it.
    Held,
    /// The follower is level with home and compared, and nobody wants them to change places.
    Level,
    /// A newer release is at work on it.
    Newer,
}
