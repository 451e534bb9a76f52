//! Three stores in memory that do what the real ones are asked to do, and an oracle that knows what must be true of them.

use gatehouse::operations::moves::{
    model::{Cursor, Directory, Goal, Replica, ReplicaStatus, Role, Side},
    protocol::{Action, Reply},
    rows::{Changes, Chunk, Row, Tally},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a release knows of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// How many tables it has.
    pub tables: usize,
    /// How many migrations.
    pub schema: i64,
}

/// The release under which the move begins.
pub const OLD: Release = Release { tables: 2, schema: 3 };
/// One that comes in the middle of it: its migration adds a column to every table, and a table.
pub const NEW: Release = Release { tables: 3, schema: 4 };

/// Rows in a chunk.
const CHUNK: usize = 2;

type Key = (usize, String);

/// The columns of a row: what both releases know, and what only the newer one does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cells(String, String);

impl Cells {
    /// The row as a release reads it.
    fn text(&self, release: Release) -> String {
        if release == NEW { format!("{}|{}", self.0, self.1) } else { self.0.clone() }
    }

    /// The row as a release writes it: a column that it does not know takes its default.
    fn of(text: &str) -> Self {
        let (known, added) = text.split_once('|').unwrap_or((text, ""));
        Self(known.to_owned(), added.to_owned())
    }

    /// With something added by a client of a release.
    fn and(&self, value: &str, release: Release) -> Self {
        let added = if release == NEW { value } else { "" };
        Self(format!("{}{value}", self.0), format!("{}{added}", self.1))
    }
}

/// A defect that is planted to see whether it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The fence is reported and refuses nothing.
    NoFence,
    /// What is captured behind the fence is not brought any more.
    NoLastDrop,
    /// It is not compared before the flip.
    NoCheck,
    /// Late and doubled calls are not refused.
    NoVersion,
    /// The directory flips whatever its epoch.
    NoEpoch,
    /// Changes are captured only from the second chunk of the copy on.
    LateCapture,
    /// The home that is left still answers reads.
    NoClose,
    /// The one that has become home captures nothing, so a rollback loses what came since.
    NoReverse,
    /// Changes are brought, but what was deleted stays.
    NoDeletes,
    /// A newer release goes on with the copy that an older one has begun.
    NoRenewal,
    /// It goes on with the triggers of the older one, which know nothing of the new table.
    OldCapture,
    /// A release may change a database that has a newer schema.
    NoSchema,
}

impl Bug {
    /// Whether it shows only where a newer release comes in the middle.
    pub const fn is_of_a_rollout(self) -> bool {
        matches!(self, Self::NoRenewal | Self::OldCapture | Self::NoSchema)
    }
}

/// One database.
pub struct Store {
    pub rows: BTreeMap<Key, Cells>,
    /// How many migrations it has.
    pub schema: i64,
    pub fence: i64,
    pub closed: i64,
    pub record: Option<Replica>,
    /// Of how many tables it captures what changes.
    pub captures: usize,
    pub log: BTreeMap<i64, Key>,
    blind: bool,
}

/// The world of one schedule.
pub struct World {
    pub source: Store,
    pub target: Store,
    pub epoch: i64,
    pub home: Side,
    pub goal: Goal,
    /// What the rows are, according to the writes that were accepted, wherever that was.
    pub truth: BTreeMap<Key, Cells>,
    pub bug: Option<Bug>,
    /// The number of the write to a follower that goes wrong in one cell.
    pub corrupt: Option<usize>,
    writes: usize,
    pub violation: Option<String>,
    pub flips: usize,
}

impl World {
    pub fn new(bug: Option<Bug>) -> Self {
        Self {
            source: Store::new(1),
            target: Store::new(0),
            epoch: 1,
            home: Side::Source,
            goal: Goal { home: Side::Target, part: false, hold: false },
            truth: BTreeMap::new(),
            bug,
            corrupt: None,
            writes: 0,
            violation: None,
            flips: 0,
        }
    }

    fn store(&mut self, side: Side) -> &mut Store {
        match side {
            Side::Source => &mut self.source,
            Side::Target => &mut self.target,
        }
    }

    pub fn peek(&self, side: Side) -> &Store {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    fn wrong(&mut self, what: impl Into<String>) {
        self.violation.get_or_insert(what.into());
    }

    /// Brings a database to the schema of a release, if it has an older one.
    pub fn migrate(&mut self, side: Side, release: Release) {
        let store = self.store(side);
        store.schema = store.schema.max(release.schema);
    }

    /// Whether a database has the schema of the newer release.
    pub fn is_migrated(&self) -> bool {
        [&self.source, &self.target].iter().any(|store| store.schema == NEW.schema)
    }

    /// A client writes under a route it has: appends to a row, or deletes it. Answers whether it was let in. The database
    /// that it meets is migrated on the spot.
    pub fn client_writes(&mut self, by: (Side, i64, Release), key: &Key, value: Option<&str>) -> bool {
        let (side, epoch, release) = by;
        let home = self.home;
        self.migrate(side, release);
        let fenced = self.bug != Some(Bug::NoFence) && self.store(side).fence > epoch;
        if fenced {
            return false;
        }
        if side != home {
            self.wrong("a write was let into the database that is not home");
        }
        if self.peek(side).rows.get(key) != self.truth.get(key) {
            self.wrong("a write met a row that is not as it should be");
        }
        let before = self.truth.get(key).cloned().unwrap_or_default();
        let after = value.map(|value| before.and(value, release));
        set(&mut self.truth, key, after.clone());
        let store = self.store(side);
        set(&mut store.rows, key, after);
        if key.0 < store.captures && !store.blind {
            store.capture(key);
        }
        true
    }

    /// A client reads under a route it has. Answers whether it was let in.
    pub fn client_reads(&mut self, side: Side, epoch: i64, key: &Key) -> bool {
        if self.bug != Some(Bug::NoClose) && self.store(side).closed > epoch {
            return false;
        }
        if self.peek(side).rows.get(key) != self.truth.get(key) {
            self.wrong("a read saw a row that is not as it should be");
        }
        true
    }

    pub fn directory(&self) -> Directory {
        Directory { epoch: self.epoch, home: self.home, goal: self.goal }
    }

    /// What a worker with the planted defect does instead.
    pub fn bend(&self, call: Action) -> Action {
        match (self.bug, call) {
            (Some(Bug::NoLastDrop), Action::Changes { side, .. }) if self.peek(side).fence > self.epoch => {
                let away = side.other();
                let version = self.peek(away).record.as_ref().map_or(0, |record| record.version);
                Action::Promote { side: away, version, epoch: self.epoch + 1 }
            }
            (Some(Bug::NoCheck), Action::Check { side, .. }) => {
                let away = side.other();
                let record = self.peek(away).record.clone().unwrap_or_else(|| fresh(OLD));
                Action::Checked { side: away, version: record.version, next: None, tally: record.tally }
            }
            (_, call) => call,
        }
    }

    /// Does what a worker of a release asks.
    pub fn run(&mut self, call: &Action, release: Release) -> Reply {
        if let Action::Read { side, .. }
        | Action::Check { side, .. }
        | Action::ReadReplica { side, .. }
        | Action::Changes { side, .. } = call
            && self.peek(*side).schema < release.schema
        {
            // It has no such column.
            return Reply::Failed;
        }
        match call {
            Action::Directory => Reply::Directory(self.directory()),
            Action::Flip { epoch, to, home } => self.leave_epoch(*epoch, *to, *home),
            Action::Reopen { epoch, to } => self.leave_epoch(*epoch, *to, self.home),
            Action::ReadStatus(side) => Reply::Status(*side, self.store(*side).view()),
            Action::Read { side, cursor } => Reply::Rows(self.store(*side).chunk(cursor, release)),
            Action::Check { side, cursor, after } => {
                let store = self.store(*side);
                let named = store.log.range(after + 1..).filter(|(_, (table, _))| *table == cursor.table);
                let pending: BTreeSet<String> = named.map(|(_, (_, key))| key.clone()).collect();
                Reply::Checking(store.chunk(cursor, release), pending)
            }
            Action::ReadReplica { side, cursor, until } => {
                let store = self.store(*side);
                let rows =
                    store.from(cursor).filter(|(key, _)| until.as_ref().is_none_or(|until| key.1 <= *until));
                Reply::Recalled(*side, store.view(), rows.map(|found| row(found, release)).collect())
            }
            Action::Changes { side, after } => self.store(*side).changes(*after, release),
            effect => self.change(effect, release),
        }
    }

    fn leave_epoch(&mut self, epoch: i64, to: i64, home: Side) -> Reply {
        if self.epoch != epoch && self.bug != Some(Bug::NoEpoch) {
            return Reply::Failed;
        }
        let flips = home != self.home;
        (self.epoch, self.home) = (to, home);
        if flips {
            self.flips += 1;
            if self.peek(home).rows != self.truth {
                self.wrong("the new home does not have what it should");
            }
        }
        Reply::Directory(self.directory())
    }

    fn change(&mut self, call: &Action, release: Release) -> Reply {
        let (bug, writes, corrupt) = (self.bug, self.writes, self.corrupt);
        let (side, version) = side_of(call);
        let store = self.store(side);
        let seen = store.record.as_ref().map(|record| record.version);
        if seen != version && !(bug == Some(Bug::NoVersion) && seen.is_some() && version.is_some()) {
            return Reply::Failed;
        }
        if store.schema < release.schema || (store.schema > release.schema && bug != Some(Bug::NoSchema)) {
            return Reply::Failed;
        }
        let mut record = store.record.clone().unwrap_or_else(|| fresh(release));
        record.version += 1;
        let mut emptied = None;
        match call.clone() {
            Action::StartPrimary { epoch, .. } => {
                let renewed = seen.is_some() && bug == Some(Bug::OldCapture);
                store.captures = if renewed { store.captures } else { store.captures.max(release.tables) };
                store.blind = bug == Some(Bug::LateCapture);
                (record.role, record.schema) = (Role::Primary, release.schema);
                if seen.is_none() {
                    record.led_since = epoch;
                }
            }
            Action::StartReplica { .. } if seen.is_some() && bug == Some(Bug::NoRenewal) => {
                record.schema = release.schema;
            }
            Action::StartReplica { .. } => {
                record = Replica {
                    version: record.version,
                    captured: record.captured,
                    watermark: record.watermark,
                    ..fresh(release)
                };
            }
            Action::Clear { .. } => {
                let known = store.rows.keys().filter(|key| key.0 < release.tables);
                let keys: Vec<Key> = known.take(CHUNK).cloned().collect();
                keys.iter().for_each(|key| drop(store.rows.remove(key)));
                store.log.clear();
                emptied = Some(keys.len() < CHUNK);
            }
            Action::FinishClear { role, .. } => record.role = role,
            Action::Write { chunk, next, tally, .. } => {
                for (index, Row { key, text }) in chunk.rows.into_iter().enumerate() {
                    let spoilt = corrupt == Some(writes) && index == 0;
                    let text = if spoilt { format!("{text}?") } else { text };
                    store.rows.insert((chunk.table, key), Cells::of(&text));
                }
                (record.copy, record.tally) = (next, tally);
                if record.copy.is_none() {
                    record.role = Role::Following;
                }
                self.writes += 1;
                self.source.blind &= self.writes < 2;
                return self.done(side, record, emptied);
            }
            Action::Checked { next, tally, .. } => (record.check, record.tally) = (next, tally),
            Action::Apply { changes, tally, .. } => {
                for (key, text) in changes.rows {
                    if text.is_some() || bug != Some(Bug::NoDeletes) {
                        set(&mut store.rows, &key, text.as_deref().map(Cells::of));
                    }
                }
                (record.watermark, record.tally) = (changes.upto, tally);
            }
            Action::Fence { epoch, .. } => store.fence = store.fence.max(epoch),
            Action::Close { epoch, .. } => store.closed = store.closed.max(epoch),
            Action::Promote { epoch, .. } => {
                store.fence = store.fence.max(epoch);
                store.captures = if bug == Some(Bug::NoReverse) { 0 } else { release.tables };
                store.log.clear();
                (record.role, record.led_since, record.led_from) = (Role::Primary, epoch, record.captured);
            }
            Action::Demote { watermark, .. } => {
                store.captures = 0;
                (record.role, record.watermark, record.check) = (Role::Following, watermark, None);
            }
            Action::Detach { .. } => {
                store.captures = 0;
                record.role = Role::Detaching;
            }
            Action::Release { .. } => {
                store.captures = 0;
                store.log.clear();
                record.role = Role::Detached;
            }
            other => panic!("{other:?} changes nothing"),
        }
        self.done(side, record, emptied)
    }

    fn done(&mut self, side: Side, record: Replica, emptied: Option<bool>) -> Reply {
        let store = self.store(side);
        store.record = Some(record);
        let view = store.view();
        emptied.map_or_else(
            || Reply::Status(side, view.clone()),
            |emptied| Reply::Cleared(side, view.clone(), emptied),
        )
    }
}

fn fresh(release: Release) -> Replica {
    Replica {
        version: 0,
        role: Role::Clearing,
        led_since: 0,
        led_from: 0,
        captured: 0,
        watermark: 0,
        copy: Some(Cursor::default()),
        check: Some(Cursor::default()),
        tally: Tally::default(),
        schema: release.schema,
    }
}

fn side_of(call: &Action) -> (Side, Option<i64>) {
    match call {
        Action::StartPrimary { side, version, .. }
        | Action::StartReplica { side, version }
        | Action::Detach { side, version }
        | Action::Release { side, version } => (*side, *version),
        Action::Clear { side, version }
        | Action::FinishClear { side, version, .. }
        | Action::Write { side, version, .. }
        | Action::Checked { side, version, .. }
        | Action::Apply { side, version, .. }
        | Action::Fence { side, version, .. }
        | Action::Promote { side, version, .. }
        | Action::Close { side, version, .. }
        | Action::Demote { side, version, .. } => (*side, Some(*version)),
        other => panic!("{other:?} changes nothing"),
    }
}

fn set(rows: &mut BTreeMap<Key, Cells>, key: &Key, value: Option<Cells>) {
    match value {
        Some(value) => drop(rows.insert(key.clone(), value)),
        None => drop(rows.remove(key)),
    }
}

fn row((key, cells): (&Key, &Cells), release: Release) -> Row {
    Row { key: key.1.clone(), text: cells.text(release) }
}

impl Store {
    fn new(fence: i64) -> Self {
        Self {
            rows: BTreeMap::new(),
            schema: OLD.schema,
            fence,
            closed: 0,
            record: None,
            captures: 0,
            log: BTreeMap::new(),
            blind: false,
        }
    }

    fn view(&self) -> ReplicaStatus {
        ReplicaStatus { fence: self.fence, closed: self.closed, record: self.record.clone() }
    }

    fn capture(&mut self, key: &Key) {
        let Some(record) = &mut self.record else { return };
        record.captured += 1;
        self.log.insert(record.captured, key.clone());
    }

    fn from<'a>(&'a self, cursor: &Cursor) -> impl Iterator<Item = (&'a Key, &'a Cells)> {
        let (table, after) = (cursor.table, cursor.after.clone());
        self.rows
            .range((table, String::new())..(table + 1, String::new()))
            .filter(move |(key, _)| after.as_ref().is_none_or(|after| key.1 > *after))
    }

    fn chunk(&self, cursor: &Cursor, release: Release) -> Chunk {
        let rows: Vec<Row> = self.from(cursor).map(|found| row(found, release)).take(CHUNK + 1).collect();
        let last = rows.len() <= CHUNK;
        Chunk { table: cursor.table, rows: rows.into_iter().take(CHUNK).collect(), last }
    }

    fn changes(&mut self, after: i64, release: Release) -> Reply {
        self.log = self.log.split_off(&(after + 1));
        let captured = self.record.as_ref().map_or(0, |record| record.captured);
        let named: Vec<_> = self.log.iter().take(3).map(|(at, key)| (*at, key.clone())).collect();
        if named.iter().any(|(_, key)| key.0 >= release.tables) {
            // A table of a newer release: whoever works for that brings it.
            return Reply::Failed;
        }
        let upto = named.last().map_or(captured, |(at, _)| *at);
        let text = |key: &Key| self.rows.get(key).map(|cells| cells.text(release));
        let rows = named.into_iter().map(|(_, key)| (key.clone(), text(&key))).collect();
        Reply::Changes(Changes { upto, captured, rows })
    }
}
