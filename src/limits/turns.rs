//! Whose turn it is with work that occupies the one thread: hashing a password takes about 30 ms, during which an isolate
//! answers nobody. Between two such pieces of work others come first, tenants take turns, a tenant that goes on and on leaves
//! the thread to the others for most of the time, and who would have to wait too long is told so before anything is done.

use crate::{
    error::{Fault, Limited},
    id::TenantId,
    platform::Platform,
    time::{Lifetime, Timestamp},
};
use std::{cell::RefCell, collections::VecDeque};

/// How many may wait in one tenant's line: for a second and a half, or for four and a half while other tenants are there.
pub const LINE: usize = 32;

/// How many may wait in all lines together: about three seconds.
pub const LINES: usize = 96;

/// When somebody who was turned away should come back.
const COME_BACK: Lifetime = Lifetime::seconds(3);

/// How many may linger at a time to hear that, and for how long they do at the most: more are told at once, since each keeps its
/// request in memory.
const LINGERING: usize = 200;
const LINGER: Lifetime = Lifetime::seconds(1);

/// After this long since the last turn began the thread has had rest enough for whoever comes next. Longer than any piece of
/// work, since a clock that stands still meanwhile does not tell when that ended.
const RESTED: Lifetime = Lifetime::seconds(2);

/// Who has not asked for so long has gone away: their client hung up, and the platform has ended the request.
const GONE: Lifetime = Lifetime::seconds(5);

/// How many turns a tenant may take one after the other, before it has to leave the thread to others in between: those of a
/// few people who sign in at once.
pub const AT_ONCE: i64 = 5;

/// From then on it takes one every so often: for three times as long as a hash usually takes, the thread is there for others.
/// More than half of what they ask for finds it free then, also where a hash takes twice as long.
pub const PACE: Lifetime = Lifetime::milliseconds(4 * 35);

/// How far the turns that a tenant takes may be ahead of that pace.
const LEAD: Lifetime = Lifetime::milliseconds(PACE.as_millis() * (AT_ONCE - 1));

/// Another tenant that has asked for something so recently is here still. A tenant that is alone on its isolate takes its
/// turns as fast as they come.
const HERE: Lifetime = Lifetime::minutes(1);

/// Lines of those who wait, one for each tenant: of the work in flight, and nothing else. An isolate that forgets it loses
/// only who waited in it. One per isolate.
#[derive(Default)]
pub struct Turns(RefCell<State>);

#[derive(Default)]
struct State {
    /// The lines that are not empty, the next one first.
    lines: VecDeque<Line>,
    /// How many tickets have been given out.
    tickets: u64,
    /// How many turns have been taken, and when the last one was.
    taken: u64,
    taken_at: Option<Timestamp>,
    /// Until when the turns that each tenant has taken are paid for with time that was left to others. What is over is forgotten.
    debts: Vec<(TenantId, Timestamp)>,
    /// When those came who are about to hear that they are turned away.
    turned_away: VecDeque<Timestamp>,
    /// The two tenants that have last asked for anything, the last one first, and when.
    here: VecDeque<(TenantId, Timestamp)>,
}

struct Line {
    tenant: TenantId,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    ticket: u64,
    asked_at: Timestamp,
}

impl Turns {
    /// Waits for a turn, which lasts until the caller next awaits something.
    ///
    /// Waiting is asking again every few milliseconds, from within the waiting request: a platform that ties every
    /// operation to the request it began in (Cloudflare Workers) lets no request wake another.
    ///
    /// # Errors
    /// [`crate::error::FaultKind::Limited`] if too many wait already.
    pub async fn take(&self, platform: &dyn Platform, tenant: &TenantId) -> Result<(), Fault> {
        let entered = self.0.borrow_mut().enter(tenant, platform.now());
        let Some(ticket) = self.told_slowly(platform, entered).await? else { return Ok(()) };
        let _place = Place { turns: self, ticket };
        let mut rested = None;
        loop {
            let asked = self.0.borrow_mut().ask(ticket, rested, platform.now());
            let Some(Asked { ahead, owes, taken }) = asked else { return Ok(()) };
            rested = Some(taken);
            if owes.as_millis() > 0 {
                platform.pause(owes).await;
            } else {
                platform.breathe(ahead).await;
            }
        }
    }

    /// Refuses somebody who would be turned away, before anything is read or counted for them.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn check(&self, platform: &dyn Platform, tenant: &TenantId) -> Result<(), Fault> {
        let checked = self.0.borrow_mut().check(tenant, platform.now());
        self.told_slowly(platform, checked).await
    }

    /// Tells a refusal after about a second. Waiting costs the thread nothing, and whoever does not keep to `Retry-After` but asks
    /// again as soon as there is an answer would keep it busy with all that comes before a hash.
    async fn told_slowly<T>(&self, platform: &dyn Platform, heard: Result<T, Fault>) -> Result<T, Fault> {
        if heard.is_err() && self.0.borrow_mut().lingers(platform.now()) {
            for _ in 0..3 {
                platform.breathe(LINES).await;
            }
        }
        heard
    }

    /// Notes that a tenant asks for something, whatever it is.
    pub fn is_here(&self, tenant: &TenantId, now: Timestamp) {
        let here = &mut self.0.borrow_mut().here;
        here.retain(|(known, _)| known != tenant);
        here.push_front((tenant.clone(), now));
        here.truncate(2);
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.0.borrow().waiting()
    }
}

/// A place in a line: given up when the request ends, however it ends.
struct Place<'a> {
    turns: &'a Turns,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turns.0.borrow_mut().leave(self.ticket);
    }
}

/// What somebody hears who has to go on waiting.
struct Asked {
    /// How many come before.
    ahead: usize,
    /// How long the first in line has to leave the thread to others.
    owes: Lifetime,
    /// How many turns had been taken.
    taken: u64,
}

impl State {
    fn waiting(&self) -> usize {
        self.lines.iter().map(|line| line.waiting.len()).sum()
    }

    fn is_rested(&self, now: Timestamp) -> bool {
        self.taken_at.is_none_or(|at| now.since(at) >= RESTED)
    }

    fn begin(&mut self, tenant: &TenantId, now: Timestamp) {
        self.taken += 1;
        self.taken_at = Some(now);
        self.debts.retain(|(_, until)| *until > now);
        match self.debts.iter_mut().find(|(of, _)| of == tenant) {
            Some((_, until)) => *until = (*until).max(now).plus(PACE),
            None => self.debts.push((tenant.clone(), now.plus(PACE))),
        }
    }

    /// How long a tenant still has to leave the thread to others before its next turn: not at all while it is alone.
    fn owes(&self, tenant: &TenantId, now: Timestamp) -> Lifetime {
        let free = Lifetime::default();
        if !self.here.iter().any(|(other, at)| other != tenant && now.since(*at) < HERE) {
            return free;
        }
        let until = self.debts.iter().find(|(of, _)| of == tenant).map_or(now, |(_, until)| *until);
        until.minus(LEAD).since(now).max(free)
    }

    fn line(&self, tenant: &TenantId) -> Option<usize> {
        self.lines.iter().position(|line| line.tenant == *tenant)
    }

    fn check(&mut self, tenant: &TenantId, now: Timestamp) -> Result<(), Fault> {
        self.forget_gone(now);
        let length = self.line(tenant).and_then(|at| self.lines.get(at)).map_or(0, |line| line.waiting.len());
        for (waiting, most) in [(length, LINE), (self.waiting(), LINES)] {
            if waiting >= most {
                let limit = u32::try_from(most).unwrap_or(u32::MAX);
                return Err(Limited::until(limit, now.plus(COME_BACK), now).fault());
            }
        }
        Ok(())
    }

    /// Whether one more may wait to be told that they are turned away.
    fn lingers(&mut self, now: Timestamp) -> bool {
        self.turned_away.retain(|came| now.since(*came) < LINGER);
        let has_room = self.turned_away.len() < LINGERING;
        if has_room {
            self.turned_away.push_back(now);
        }
        has_room
    }

    /// A ticket, or none if it is the caller's turn at once.
    fn enter(&mut self, tenant: &TenantId, now: Timestamp) -> Result<Option<u64>, Fault> {
        self.check(tenant, now)?;
        if self.lines.is_empty() && self.is_rested(now) && self.owes(tenant, now).as_millis() == 0 {
            self.begin(tenant, now);
            return Ok(None);
        }
        self.tickets += 1;
        let new = Waiting { ticket: self.tickets, asked_at: now };
        match self.line(tenant).and_then(|at| self.lines.get_mut(at)) {
            Some(line) => line.waiting.push_back(new),
            None => self.lines.push_back(Line { tenant: tenant.clone(), waiting: [new].into() }),
        }
        Ok(Some(self.tickets))
    }

    /// Whether it is this ticket's turn (`None`), or what is still to wait for. `rested` is how many turns had been taken
    /// when the caller last asked: if that has not changed, others have come first since.
    fn ask(&mut self, ticket: u64, rested: Option<u64>, now: Timestamp) -> Option<Asked> {
        self.forget_gone(now);
        let Some((own, place)) = self.place(ticket, now) else {
            // It was taken for gone, and asks after all.
            self.taken += 1;
            self.taken_at = Some(now);
            return None;
        };
        let owes = self.lines.get(own).map_or(Lifetime::default(), |line| self.owes(&line.tenant, now));
        let ahead = self.ahead(own, place, now);
        if place == 0 && owes.as_millis() > 0 {
            return Some(Asked { ahead, owes, taken: self.taken });
        }
        if ahead > 0 || rested != Some(self.taken) {
            return Some(Asked { ahead, owes: Lifetime::default(), taken: self.taken });
        }
        // The next turn is another tenant's.
        if let Some(mut line) = self.lines.remove(own) {
            line.waiting.pop_front();
            self.begin(&line.tenant, now);
            if !line.waiting.is_empty() {
                self.lines.push_back(line);
            }
        }
        None
    }

    /// Where a ticket is: its line, and its place there.
    fn place(&mut self, ticket: u64, now: Timestamp) -> Option<(usize, usize)> {
        self.lines.iter_mut().enumerate().find_map(|(line, of)| {
            let place = of.waiting.iter().position(|waiting| waiting.ticket == ticket)?;
            of.waiting.get_mut(place)?.asked_at = now;
            Some((line, place))
        })
    }

    /// How many turns come before this one: of each line that need not leave the thread to others as many as there are before it
    /// in its own, and one more of those that are ahead of its own.
    fn ahead(&self, own: usize, place: usize, now: Timestamp) -> usize {
        let before = |(at, of): (usize, &Line)| {
            if at == own {
                place
            } else if self.owes(&of.tenant, now).as_millis() > 0 {
                0
            } else {
                of.waiting.len().min(place + usize::from(at < own))
            }
        };
        self.lines.iter().enumerate().map(before).sum()
    }

    fn leave(&mut self, ticket: u64) {
        for line in &mut self.lines {
            line.waiting.retain(|waiting| waiting.ticket != ticket);
        }
        self.lines.retain(|line| !line.waiting.is_empty());
    }

    fn forget_gone(&mut self, now: Timestamp) {
        for line in &mut self.lines {
            line.waiting.retain(|waiting| now.since(waiting.asked_at) < GONE);
        }
        self.lines.retain(|line| !line.waiting.is_empty());
    }
}
