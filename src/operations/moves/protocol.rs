//! What one worker knows of a move, and which call comes next. Pure: see [the module](super) for what it promises.

use super::{
    model::{Directory, Place, Record, Role, Side, View, Wish},
    rows::{Changes, Chunk, Difference, Row, Tally, compare},
};
use std::collections::BTreeSet;

/// A call of one of the three stores. `version` is that of the record as it was seen: if it is another one by now, nothing
/// happens. Whatever changes a database answers how it looks afterwards.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the words of the module")]
pub enum Call {
    /// Reads the directory.
    Directory,
    /// Reads what a database says of itself.
    Look(Side),
    /// Has it capture what changes, from now on, and enters it as home. Again: for tables that are new.
    Lead { side: Side, version: Option<i64>, epoch: i64 },
    /// Enters it as a follower that has nothing yet. Again: for tables that are new.
    Enlist { side: Side, version: Option<i64> },
    /// Deletes some of the tenant's rows.
    Clear { side: Side, version: i64 },
    /// Enters that none are left: it can be copied to, or has parted.
    Cleared { side: Side, version: i64, role: Role },
    /// Reads rows from a place on.
    Read { side: Side, place: Place },
    /// Writes these rows.
    Write { side: Side, version: i64, chunk: Chunk, next: Option<Place>, tally: Tally },
    /// Reads rows of home from a place on, and which keys of that table its log names after a position.
    Check { side: Side, place: Place, after: i64 },
    /// Reads the follower's rows of the same stretch, which ends with `until`, or with the table.
    Recall { side: Side, place: Place, until: Option<String> },
    /// Enters how far the comparison is.
    Checked { side: Side, version: i64, next: Option<Place>, tally: Tally },
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
    Leave { side: Side, version: Option<i64> },
    /// Ends its part as home: it captures nothing any more.
    Release { side: Side, version: Option<i64> },
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The directory as it is, after whatever was asked.
    Directory(Directory),
    /// The database as it is, after whatever was asked.
    View(Side, View),
    /// The same, and whether no row was left to delete.
    Cleared(Side, View, bool),
    /// The rows that were asked for.
    Rows(Chunk),
    /// Those, and the keys that the log names.
    Checking(Chunk, BTreeSet<String>),
    /// The follower's, and how it looks: if that has changed since, they are of no use.
    Recalled(Side, View, Vec<Row>),
    /// What was captured.
    Changes(Changes),
    /// It was refused, or nobody knows what came of it.
    Failed,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// This call.
    Call(Box<Call>),
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

/// What has been read and not yet been used.
#[derive(Debug, Clone, PartialEq)]
enum Hand {
    Empty,
    Copy(Chunk),
    Check(Chunk, BTreeSet<String>),
    Compare(Chunk, BTreeSet<String>, Vec<Row>),
    Changes(Changes),
    Emptied,
}

/// A follower this little behind is brought level behind the fence: one read and one write.
const LITTLE: usize = 64;

/// What one worker knows of one move.
#[derive(Debug, Clone)]
pub struct Mind {
    tables: usize,
    schema: i64,
    directory: Option<Directory>,
    source: Option<View>,
    target: Option<View>,
    hand: Hand,
    /// Whether the log has just been read and held little.
    level: bool,
}

impl Mind {
    /// A worker that knows nothing yet of a move of so many tables, and whose release has `schema` migrations.
    pub const fn new(tables: usize, schema: i64) -> Self {
        Self { tables, schema, directory: None, source: None, target: None, hand: Hand::Empty, level: false }
    }

    /// What was last seen of a database.
    pub const fn view(&self, side: Side) -> Option<&View> {
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
    pub fn learn(&mut self, reply: Reply) {
        let hand = std::mem::replace(&mut self.hand, Hand::Empty);
        match reply {
            Reply::Directory(directory) => self.directory = Some(directory),
            Reply::View(side, view) => self.see(side, view),
            Reply::Cleared(side, view, emptied) => {
                self.see(side, view);
                if emptied {
                    self.hand = Hand::Emptied;
                }
            }
            Reply::Rows(chunk) => self.hand = Hand::Copy(chunk),
            Reply::Checking(chunk, pending) => self.hand = Hand::Check(chunk, pending),
            Reply::Recalled(side, view, rows) => {
                if let Hand::Check(chunk, pending) = hand
                    && self.view(side) == Some(&view)
                {
                    self.hand = Hand::Compare(chunk, pending, rows);
                }
                self.see(side, view);
            }
            Reply::Changes(changes) => {
                self.level = changes.rows.len() <= LITTLE && changes.upto == changes.captured;
                if changes.rows.is_empty() {
                    self.hand = Hand::Empty;
                } else {
                    self.hand = Hand::Changes(changes);
                }
            }
            // What was known may be old: look again.
            Reply::Failed => *self = Self::new(self.tables, self.schema),
        }
    }

    fn see(&mut self, side: Side, view: View) {
        match side {
            Side::Source => self.source = Some(view),
            Side::Target => self.target = Some(view),
        }
    }

    /// What comes next, as far as is known.
    pub fn next(&self) -> Next {
        let Some(directory) = self.directory else { return call(Call::Directory) };
        let (home, away) = (directory.home, directory.home.other());
        let Some(at_home) = self.view(home) else { return call(Call::Look(home)) };
        let Some(elsewhere) = self.view(away) else { return call(Call::Look(away)) };
        let Wish { home: wanted, part, hold } = directory.wish;
        let records = [&at_home.record, &elsewhere.record];
        if records.iter().any(|record| record.as_ref().is_some_and(|record| record.schema > self.schema)) {
            return Next::Rest(Rest::Newer);
        }
        // What has begun behind the fence is finished there, unless something came in between that takes long.
        let ready = records.iter().all(|record| record.as_ref().is_some_and(|record| self.is_ready(record)));
        let exchanging = wanted != home && !hold;
        if at_home.fence > directory.epoch && !(exchanging && ready) {
            return call(Call::Reopen { epoch: directory.epoch, to: at_home.fence });
        }
        if hold {
            return Next::Rest(Rest::Held);
        }
        if part && wanted == home {
            return self.part(&directory, at_home, elsewhere);
        }
        let leader = match &at_home.record {
            Some(record) if record.role == Role::Leading && record.schema == self.schema => record,
            Some(record) if record.role != Role::Leading => return Next::Again("home does not lead"),
            other => {
                let version = other.as_ref().map(|record| record.version);
                return call(Call::Lead { side: home, version, epoch: directory.epoch });
            }
        };
        match &elsewhere.record {
            Some(record) if record.schema == self.schema => {
                self.follow(&directory, at_home, leader, away, record, exchanging)
            }
            // One that has been promoted for an older release is a follower again first.
            Some(record) if record.role == Role::Leading => {
                self.follow(&directory, at_home, leader, away, record, exchanging)
            }
            Some(Record { role: Role::Leaving | Role::Over, .. }) => {
                Next::Again("who has left is wanted again")
            }
            other => {
                let version = other.as_ref().map(|record| record.version);
                call(Call::Enlist { side: away, version })
            }
        }
    }

    /// Whether nothing that takes long is left to do to it before an exchange.
    fn is_ready(&self, record: &Record) -> bool {
        let compared = record.role == Role::Following && record.check.is_none();
        record.schema == self.schema && (compared || record.role == Role::Leading)
    }

    /// Brings the follower level, compares it, and makes it home if that is what is wanted.
    fn follow(
        &self,
        directory: &Directory,
        at_home: &View,
        leader: &Record,
        side: Side,
        follower: &Record,
        exchanging: bool,
    ) -> Next {
        let (home, version) = (directory.home, follower.version);
        match follower.role {
            Role::Clearing if self.hand == Hand::Emptied => {
                call(Call::Cleared { side, version, role: Role::Copying })
            }
            Role::Clearing => call(Call::Clear { side, version }),
            Role::Copying => match (&self.hand, &follower.copy) {
                (Hand::Copy(chunk), Some(place)) => {
                    let next = self.after(place, chunk);
                    let tally = follower.tally.copied(&chunk.rows);
                    call(Call::Write { side, version, chunk: chunk.clone(), next, tally })
                }
                (_, Some(place)) => call(Call::Read { side: home, place: place.clone() }),
                (_, None) => Next::Again("a copy has no place"),
            },
            Role::Following => match &self.hand {
                Hand::Changes(changes) => {
                    let tally = follower.tally.applied(changes);
                    call(Call::Apply { side, version, changes: changes.clone(), tally })
                }
                Hand::Check(chunk, _) => Self::recall(side, follower, chunk),
                Hand::Compare(chunk, pending, rows) => self.compared(side, follower, chunk, pending, rows),
                _ if leader.captured > follower.watermark => {
                    call(Call::Changes { side: home, after: follower.watermark })
                }
                _ => self.level(directory, at_home, leader, side, follower, exchanging),
            },
            Role::Leading => self.promoted(directory, at_home, leader, side, follower),
            Role::Leaving | Role::Over => Next::Again("who has left is wanted again"),
        }
    }

    /// The follower has everything that home was known to have captured.
    fn level(
        &self,
        directory: &Directory,
        at_home: &View,
        leader: &Record,
        side: Side,
        follower: &Record,
        exchanging: bool,
    ) -> Next {
        let home = directory.home;
        if let Some(place) = &follower.check {
            return call(Call::Check { side: home, place: place.clone(), after: follower.watermark });
        }
        if !exchanging {
            return Next::Rest(Rest::Level);
        }
        if at_home.fence > directory.epoch {
            // The log was read behind the fence: this was the last drop.
            return call(Call::Promote { side, version: follower.version, epoch: at_home.fence });
        }
        if !self.level {
            return call(Call::Changes { side: home, after: follower.watermark });
        }
        call(Call::Fence { side: home, version: leader.version, epoch: directory.epoch + 1 })
    }

    /// One has been promoted and is not home: either it becomes that now, or it cannot any more.
    fn promoted(
        &self,
        directory: &Directory,
        at_home: &View,
        leader: &Record,
        side: Side,
        promoted: &Record,
    ) -> Next {
        if promoted.led_since > directory.epoch {
            // Only behind home's fence: if that does not stand, it was promoted for an exchange that was given up.
            if at_home.fence < promoted.led_since {
                return Next::Again("one was promoted without a fence");
            }
            return if at_home.closed < promoted.led_since {
                let (version, epoch) = (leader.version, promoted.led_since);
                call(Call::Close { side: directory.home, version, epoch })
            } else {
                call(Call::Flip { epoch: directory.epoch, to: promoted.led_since, home: side })
            };
        }
        // Promoted after home was: it has what home had before it opened again. Else it was home itself, and has what
        // home had when it began to lead.
        let watermark =
            if promoted.led_since > leader.led_since { promoted.watermark } else { leader.led_from };
        call(Call::Demote { side, version: promoted.version, watermark })
    }

    /// Lets the follower go, then home, in this order: while home leads, nothing is lost that somebody may still want.
    fn part(&self, directory: &Directory, at_home: &View, elsewhere: &View) -> Next {
        let (home, away) = (directory.home, directory.home.other());
        match &elsewhere.record {
            Some(Record { role: Role::Over, .. }) => {}
            Some(record) if record.role == Role::Leaving => {
                let version = record.version;
                return if self.hand == Hand::Emptied {
                    call(Call::Cleared { side: away, version, role: Role::Over })
                } else {
                    call(Call::Clear { side: away, version })
                };
            }
            // It may still become home: only the directory can decide that it does not.
            Some(record) if record.role == Role::Leading && record.led_since > directory.epoch => {
                return Next::Again("one was promoted without a fence");
            }
            other => {
                let version = other.as_ref().map(|record| record.version);
                return call(Call::Leave { side: away, version });
            }
        }
        match &at_home.record {
            Some(Record { role: Role::Over, .. }) => Next::Over,
            other => {
                let version = other.as_ref().map(|record| record.version);
                call(Call::Release { side: home, version })
            }
        }
    }

    fn recall(side: Side, follower: &Record, chunk: &Chunk) -> Next {
        let Some(place) = &follower.check else { return Next::Again("a comparison has no place") };
        let until = if chunk.last { None } else { chunk.rows.last().map(|row| row.key.clone()) };
        call(Call::Recall { side, place: place.clone(), until })
    }

    fn compared(
        &self,
        side: Side,
        follower: &Record,
        chunk: &Chunk,
        pending: &BTreeSet<String>,
        theirs: &[Row],
    ) -> Next {
        let Some(place) = &follower.check else { return Next::Again("a comparison has no place") };
        let (differences, equal) = compare(chunk.table, &chunk.rows, theirs, pending);
        if !differences.is_empty() {
            return Next::Differs(differences);
        }
        let tally = follower.tally.checked(chunk.table, &equal);
        let next = self.after(place, chunk);
        call(Call::Checked { side, version: follower.version, next, tally })
    }

    /// The place behind a chunk that was read from `place` on; none behind the last table.
    fn after(&self, place: &Place, chunk: &Chunk) -> Option<Place> {
        match chunk.rows.last() {
            Some(row) if !chunk.last => Some(Place { table: place.table, after: Some(row.key.clone()) }),
            _ if place.table + 1 < self.tables => Some(Place { table: place.table + 1, after: None }),
            _ => None,
        }
    }
}

fn call(call: Call) -> Next {
    Next::Call(Box::new(call))
}
