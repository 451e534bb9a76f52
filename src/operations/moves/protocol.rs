//! What one worker knows of a move, and which call comes next. Pure: see [the module](super) for what it promises.

pub use super::action::{Action, Next, Reply, Rest};

use super::{
    model::{Cursor, Directory, Goal, Replica, ReplicaStatus, Role, Side},
    rows::{Changes, Chunk, Row, compare},
};
use std::collections::BTreeSet;

/// What has been read and not yet been used.
#[derive(Debug, Clone, PartialEq)]
enum Pending {
    Empty,
    Copy(Chunk),
    Check(Chunk, BTreeSet<String>),
    Compare(Chunk, BTreeSet<String>, Vec<Row>),
    Changes(Changes),
    Emptied,
}

/// A follower this little behind is brought level behind the fence: one read and one write.
const SMALL_BACKLOG: usize = 64;

/// What one worker knows of one move.
#[derive(Debug, Clone)]
pub struct MoveState {
    tables: usize,
    schema: i64,
    directory: Option<Directory>,
    source: Option<ReplicaStatus>,
    target: Option<ReplicaStatus>,
    pending: Pending,
    /// Whether the log has just been read and held little.
    level: bool,
}

impl MoveState {
    /// A worker that knows nothing yet of a move of so many tables, and whose release has `schema` migrations.
    pub const fn new(tables: usize, schema: i64) -> Self {
        Self {
            tables,
            schema,
            directory: None,
            source: None,
            target: None,
            pending: Pending::Empty,
            level: false,
        }
    }

    /// What was last seen of a database.
    pub const fn status(&self, side: Side) -> Option<&ReplicaStatus> {
        match side {
            Side::Source => self.source.as_ref(),
            Side::Target => self.target.as_ref(),
        }
    }

    /// What was last seen of the directory.
    pub const fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// Learns what came of the last call.
    pub fn observe(&mut self, reply: Reply) {
        let pending = std::mem::replace(&mut self.pending, Pending::Empty);
        match reply {
            Reply::Directory(directory) => self.directory = Some(directory),
            Reply::Status(side, view) => self.see(side, view),
            Reply::Cleared(side, view, emptied) => {
                self.see(side, view);
                if emptied {
                    self.pending = Pending::Emptied;
                }
            }
            Reply::Rows(chunk) => self.pending = Pending::Copy(chunk),
            Reply::Checking(chunk, pending) => self.pending = Pending::Check(chunk, pending),
            Reply::Recalled(side, view, rows) => {
                if let Pending::Check(chunk, pending) = pending
                    && self.status(side) == Some(&view)
                {
                    self.pending = Pending::Compare(chunk, pending, rows);
                }
                self.see(side, view);
            }
            Reply::Changes(changes) => {
                self.level = changes.rows.len() <= SMALL_BACKLOG && changes.upto == changes.captured;
                if changes.rows.is_empty() {
                    self.pending = Pending::Empty;
                } else {
                    self.pending = Pending::Changes(changes);
                }
            }
            // What was known may be old: look again.
            Reply::Failed => *self = Self::new(self.tables, self.schema),
        }
    }

    fn see(&mut self, side: Side, view: ReplicaStatus) {
        match side {
            Side::Source => self.source = Some(view),
            Side::Target => self.target = Some(view),
        }
    }

    /// What comes next, as far as is known.
    pub fn next_action(&self) -> Next {
        let Some(directory) = self.directory else { return act(Action::Directory) };
        let (home, away) = (directory.home, directory.home.other());
        let Some(at_home) = self.status(home) else { return act(Action::ReadStatus(home)) };
        let Some(elsewhere) = self.status(away) else { return act(Action::ReadStatus(away)) };
        let Goal { home: wanted, part, hold } = directory.goal;
        let records = [&at_home.record, &elsewhere.record];
        if records.iter().any(|record| record.as_ref().is_some_and(|record| record.schema > self.schema)) {
            return Next::Rest(Rest::Newer);
        }
        // What has begun behind the fence is finished there, unless something came in between that takes long.
        let ready = records.iter().all(|record| record.as_ref().is_some_and(|record| self.is_ready(record)));
        let exchanging = wanted != home && !hold;
        if at_home.fence > directory.epoch && !(exchanging && ready) {
            return act(Action::Reopen { epoch: directory.epoch, to: at_home.fence });
        }
        if hold {
            return Next::Rest(Rest::Held);
        }
        if part && wanted == home {
            return self.part(&directory, at_home, elsewhere);
        }
        let leader = match &at_home.record {
            Some(record) if record.role == Role::Primary && record.schema == self.schema => record,
            Some(record) if record.role != Role::Primary => return Next::Again("home does not lead"),
            other => {
                let version = other.as_ref().map(|record| record.version);
                return act(Action::StartPrimary { side: home, version, epoch: directory.epoch });
            }
        };
        match &elsewhere.record {
            Some(record) if record.schema == self.schema => {
                self.follow(&directory, at_home, leader, away, record, exchanging)
            }
            // One that has been promoted for an older release is a follower again first.
            Some(record) if record.role == Role::Primary => {
                self.follow(&directory, at_home, leader, away, record, exchanging)
            }
            Some(Replica { role: Role::Detaching | Role::Detached, .. }) => {
                Next::Again("who has left is wanted again")
            }
            other => {
                let version = other.as_ref().map(|record| record.version);
                act(Action::StartReplica { side: away, version })
            }
        }
    }

    /// Whether nothing that takes long is left to do to it before an exchange.
    fn is_ready(&self, record: &Replica) -> bool {
        let compared = record.role == Role::Following && record.check.is_none();
        record.schema == self.schema && (compared || record.role == Role::Primary)
    }

    /// Brings the follower level, compares it, and makes it home if that is what is wanted.
    fn follow(
        &self,
        directory: &Directory,
        at_home: &ReplicaStatus,
        leader: &Replica,
        side: Side,
        follower: &Replica,
        exchanging: bool,
    ) -> Next {
        let (home, version) = (directory.home, follower.version);
        match follower.role {
            Role::Clearing if self.pending == Pending::Emptied => {
                act(Action::FinishClear { side, version, role: Role::Copying })
            }
            Role::Clearing => act(Action::Clear { side, version }),
            Role::Copying => match (&self.pending, &follower.copy) {
                (Pending::Copy(chunk), Some(cursor)) => {
                    let next = self.after(cursor, chunk);
                    let tally = follower.tally.copied(&chunk.rows);
                    act(Action::Write { side, version, chunk: chunk.clone(), next, tally })
                }
                (_, Some(cursor)) => act(Action::Read { side: home, cursor: cursor.clone() }),
                (_, None) => Next::Again("a copy has no cursor"),
            },
            Role::Following => match &self.pending {
                Pending::Changes(changes) => {
                    let tally = follower.tally.applied(changes);
                    act(Action::Apply { side, version, changes: changes.clone(), tally })
                }
                Pending::Check(chunk, _) => Self::recall(side, follower, chunk),
                Pending::Compare(chunk, pending, rows) => self.compared(side, follower, chunk, pending, rows),
                _ if leader.captured > follower.watermark => {
                    act(Action::Changes { side: home, after: follower.watermark })
                }
                _ => self.level(directory, at_home, leader, side, follower, exchanging),
            },
            Role::Primary => self.promoted(directory, at_home, leader, side, follower),
            Role::Detaching | Role::Detached => Next::Again("who has left is wanted again"),
        }
    }

    /// The follower has everything that home was known to have captured.
    fn level(
        &self,
        directory: &Directory,
        at_home: &ReplicaStatus,
        leader: &Replica,
        side: Side,
        follower: &Replica,
        exchanging: bool,
    ) -> Next {
        let home = directory.home;
        if let Some(cursor) = &follower.check {
            return act(Action::Check { side: home, cursor: cursor.clone(), after: follower.watermark });
        }
        if !exchanging {
            return Next::Rest(Rest::Level);
        }
        if at_home.fence > directory.epoch {
            // The log was read behind the fence: this was the last drop.
            return act(Action::Promote { side, version: follower.version, epoch: at_home.fence });
        }
        if !self.level {
            return act(Action::Changes { side: home, after: follower.watermark });
        }
        act(Action::Fence { side: home, version: leader.version, epoch: directory.epoch + 1 })
    }

    /// One has been promoted and is not home: either it becomes that now, or it cannot any more.
    fn promoted(
        &self,
        directory: &Directory,
        at_home: &ReplicaStatus,
        leader: &Replica,
        side: Side,
        promoted: &Replica,
    ) -> Next {
        if promoted.led_since > directory.epoch {
            // Only behind home's fence: if that does not stand, it was promoted for an exchange that was given up.
            if at_home.fence < promoted.led_since {
                return Next::Again("one was promoted without a fence");
            }
            return if at_home.closed < promoted.led_since {
                let (version, epoch) = (leader.version, promoted.led_since);
                act(Action::Close { side: directory.home, version, epoch })
            } else {
                act(Action::Flip { epoch: directory.epoch, to: promoted.led_since, home: side })
            };
        }
        // Promoted after home was: it has what home had before it opened again. Else it was home itself, and has what
        // home had when it began to lead.
        let watermark =
            if promoted.led_since > leader.led_since { promoted.watermark } else { leader.led_from };
        act(Action::Demote { side, version: promoted.version, watermark })
    }

    /// Lets the follower go, then home, in this order: while home leads, nothing is lost that somebody may still want.
    fn part(&self, directory: &Directory, at_home: &ReplicaStatus, elsewhere: &ReplicaStatus) -> Next {
        let (home, away) = (directory.home, directory.home.other());
        match &elsewhere.record {
            Some(Replica { role: Role::Detached, .. }) => {}
            Some(record) if record.role == Role::Detaching => {
                let version = record.version;
                return if self.pending == Pending::Emptied {
                    act(Action::FinishClear { side: away, version, role: Role::Detached })
                } else {
                    act(Action::Clear { side: away, version })
                };
            }
            // It may still become home: only the directory can decide that it does not.
            Some(record) if record.role == Role::Primary && record.led_since > directory.epoch => {
                return Next::Again("one was promoted without a fence");
            }
            other => {
                let version = other.as_ref().map(|record| record.version);
                return act(Action::Detach { side: away, version });
            }
        }
        match &at_home.record {
            Some(Replica { role: Role::Detached, .. }) => Next::Over,
            other => {
                let version = other.as_ref().map(|record| record.version);
                act(Action::Release { side: home, version })
            }
        }
    }

    fn recall(side: Side, follower: &Replica, chunk: &Chunk) -> Next {
        let Some(cursor) = &follower.check else { return Next::Again("a comparison has no cursor") };
        let until = if chunk.last { None } else { chunk.rows.last().map(|row| row.key.clone()) };
        act(Action::ReadReplica { side, cursor: cursor.clone(), until })
    }

    fn compared(
        &self,
        side: Side,
        follower: &Replica,
        chunk: &Chunk,
        pending: &BTreeSet<String>,
        theirs: &[Row],
    ) -> Next {
        let Some(cursor) = &follower.check else { return Next::Again("a comparison has no cursor") };
        let (differences, equal) = compare(chunk.table, &chunk.rows, theirs, pending);
        if !differences.is_empty() {
            return Next::Differs(differences);
        }
        let tally = follower.tally.checked(chunk.table, &equal);
        let next = self.after(cursor, chunk);
        act(Action::Checked { side, version: follower.version, next, tally })
    }

    /// The cursor behind a chunk that was read from `cursor` on; none behind the last table.
    fn after(&self, cursor: &Cursor, chunk: &Chunk) -> Option<Cursor> {
        match chunk.rows.last() {
            Some(row) if !chunk.last => Some(Cursor { table: cursor.table, after: Some(row.key.clone()) }),
            _ if cursor.table + 1 < self.tables => Some(Cursor { table: cursor.table + 1, after: None }),
            _ => None,
        }
    }
}

fn act(action: Action) -> Next {
    Next::Act(Box::new(action))
}
