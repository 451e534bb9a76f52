//! Whose turn it is with work that occupies the one thread: hashing a password takes about 30 ms, during which an isolate
//! answers nobody. Between two such pieces of work others come first, tenants take turns, and who would have to wait too
//! long is told so before anything is done.

use crate::{
    error::{Fault, Limited},
    id::TenantId,
    platform::Platform,
    time::{Lifetime, Timestamp},
};
use std::{cell::RefCell, collections::VecDeque};

/// How many may wait in one tenant's line: about a second of hashing.
pub const LINE: usize = 32;

/// How many may wait in all lines together: about three seconds.
pub const LINES: usize = 96;

/// When somebody who was turned away should come back.
const COME_BACK: Lifetime = Lifetime::seconds(3);

/// After this long since the last turn began the thread has had rest enough for whoever comes next. Longer than any piece of
/// work, since a clock that stands still meanwhile does not tell when that ended.
const RESTED: Lifetime = Lifetime::seconds(2);

/// Who has not asked for so long has gone away: their client hung up, and the platform has ended the request.
const GONE: Lifetime = Lifetime::seconds(5);

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
    /// [`crate::error::FaultKind::Limited`] at once, if too many wait already.
    pub async fn take(&self, platform: &dyn Platform, tenant: &TenantId) -> Result<(), Fault> {
        let entered = self.0.borrow_mut().enter(tenant, platform.now())?;
        let Some(ticket) = entered else { return Ok(()) };
        let _place = Place { turns: self, ticket };
        let mut rested = None;
        loop {
            let asked = self.0.borrow_mut().ask(ticket, rested, platform.now());
            let Some(Asked { ahead, taken }) = asked else { return Ok(()) };
            rested = Some(taken);
            platform.breathe(ahead).await;
        }
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

    fn begin(&mut self, now: Timestamp) {
        self.taken += 1;
        self.taken_at = Some(now);
    }

    /// A ticket, or none if it is the caller's turn at once.
    fn enter(&mut self, tenant: &TenantId, now: Timestamp) -> Result<Option<u64>, Fault> {
        self.forget_gone(now);
        if self.lines.is_empty() && self.is_rested(now) {
            self.begin(now);
            return Ok(None);
        }
        let line = self.lines.iter().position(|line| line.tenant == *tenant);
        let length = line.and_then(|at| self.lines.get(at)).map_or(0, |line| line.waiting.len());
        for (waiting, most) in [(length, LINE), (self.waiting(), LINES)] {
            if waiting >= most {
                let limit = u32::try_from(most).unwrap_or(u32::MAX);
                return Err(Limited::until(limit, now.plus(COME_BACK), now).fault());
            }
        }
        self.tickets += 1;
        let new = Waiting { ticket: self.tickets, asked_at: now };
        match line.and_then(|at| self.lines.get_mut(at)) {
            Some(line) => line.waiting.push_back(new),
            None => self.lines.push_back(Line { tenant: tenant.clone(), waiting: [new].into() }),
        }
        Ok(Some(self.tickets))
    }

    /// Whether it is this ticket's turn (`None`), or what is still to wait for. `rested` is how many turns had been taken
    /// when the caller last asked: if that has not changed, others have come first since.
    fn ask(&mut self, ticket: u64, rested: Option<u64>, now: Timestamp) -> Option<Asked> {
        self.forget_gone(now);
        let ahead = self.ahead(ticket, now);
        if ahead > 0 || rested != Some(self.taken) {
            return Some(Asked { ahead, taken: self.taken });
        }
        self.begin(now);
        // The next turn is another tenant's.
        if let Some(mut line) = self.lines.pop_front() {
            line.waiting.pop_front();
            if !line.waiting.is_empty() {
                self.lines.push_back(line);
            }
        }
        None
    }

    /// How many turns come before this ticket's: of each line as many as there are before it in its own, and one more of
    /// those that are ahead of its own.
    fn ahead(&mut self, ticket: u64, now: Timestamp) -> usize {
        let mut found = None;
        for (line, of) in self.lines.iter_mut().enumerate() {
            if let Some(place) = of.waiting.iter().position(|waiting| waiting.ticket == ticket) {
                if let Some(waiting) = of.waiting.get_mut(place) {
                    waiting.asked_at = now;
                }
                found = Some((line, place));
            }
        }
        let Some((own, place)) = found else { return 0 };
        let before = |(line, of): (usize, &Line)| of.waiting.len().min(place + usize::from(line < own));
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
