//! The protocol of a move against any misfortune: calls that are lost, late, doubled or answered by nobody, workers that
//! die or were given up for dead too early, clients with old routes, people who change their minds, and a newer release
//! that comes in the middle, with a migration, while instances of the older one go on. However it goes, no accepted write
//! is lost or doubled, no read is old, and in the end one database has everything and the other nothing.
//!
//! `SCHEDULES=1000000 cargo test --release --test native -- moves::simulation` tries a million.

use super::store::{Bug, NEW, OLD, Release, World};
use crate::operations::simulation::Chance;
use gatehouse::operations::moves::{
    model::{Goal, Role, Side},
    protocol::{Action, MoveState, Next, Reply, Rest},
};

/// What schedules are made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odds {
    /// Of a hundred calls, how many meet a misfortune.
    pub misfortune: usize,
    /// Whether one cell goes wrong on its way to the follower.
    pub corruption: bool,
    /// Whether a newer release comes, some time.
    pub rollout: bool,
}

/// A way into a database that a client remembers.
#[derive(Debug, Clone, Copy)]
struct Route {
    epoch: i64,
    home: Side,
}

/// A request that was sent and is still somewhere.
enum Late {
    Call(Action, Release),
    Write((Side, i64, Release), (usize, String), Option<String>),
}

/// A worker, and the release that it is of.
struct Worker {
    mind: MoveState,
    release: Release,
}

impl Worker {
    /// One that knows nothing yet.
    const fn of(release: Release) -> Self {
        Self { mind: MoveState::new(release.tables, release.schema), release }
    }
}

struct Schedule {
    world: World,
    chance: Chance,
    odds: Odds,
    workers: [Worker; 2],
    routes: [Route; 3],
    late: Vec<Late>,
    written: usize,
    parted: bool,
    /// Whether the newer release is there.
    rolled_out: bool,
    /// Whether everybody is of the release that is there to stay.
    settled: bool,
}

/// Plays the schedule of a seed, and says what went wrong, if anything did.
///
/// # Errors
/// The promise that was broken.
pub fn play(seed: u64, odds: Odds, bug: Option<Bug>) -> Result<World, String> {
    let route = Route { epoch: 1, home: Side::Source };
    let mut schedule = Schedule {
        world: World::new(bug),
        chance: Chance(seed),
        odds,
        workers: [Worker::of(OLD), Worker::of(OLD)],
        routes: [route; 3],
        late: Vec::new(),
        written: 0,
        parted: false,
        rolled_out: false,
        settled: false,
    };
    schedule.furnish();
    let steps = 20 + schedule.chance.below(120);
    for _ in 0..steps {
        schedule.happen();
        if let Some(what) = &schedule.world.violation {
            return Err(what.clone());
        }
    }
    schedule.run_out()?;
    Ok(schedule.world)
}

impl Schedule {
    /// Rows from before the move.
    fn furnish(&mut self) {
        for number in 0..self.chance.below(8) {
            let key = self.key(OLD);
            let value = format!("[{number}]");
            self.world.client_writes((Side::Source, 1, OLD), &key, Some(&value));
        }
        if self.odds.corruption {
            self.world.corrupt = Some(self.chance.below(3));
        }
    }

    fn key(&mut self, release: Release) -> (usize, String) {
        (self.chance.below(release.tables), ["a", "b", "c", "d", "e"][self.chance.below(5)].to_owned())
    }

    fn happen(&mut self) {
        match self.chance.below(21) {
            0..=8 => self.work(0),
            9..=11 => self.work(1),
            12..=15 => self.client(),
            16 => self.read(),
            17 => self.arrive(),
            18 => self.look(),
            19 => self.rolled_out |= self.odds.rollout && self.chance.below(3) == 0,
            _ => self.somebody(),
        }
    }

    /// A worker makes its next call, and something becomes of it.
    fn work(&mut self, worker: usize) {
        let release = self.workers[worker].release;
        match self.workers[worker].mind.next_action() {
            Next::Act(call) => {
                let reply = self.send(self.world.bend(*call), release);
                if reply == Reply::Failed {
                    self.open(release);
                }
                self.workers[worker].mind.observe(reply);
            }
            Next::Rest(Rest::Newer) => {
                // What is closed is opened by whoever finds it, and has nothing else to do.
                let (home, epoch) = (self.world.home, self.world.epoch);
                let to = self.world.peek(home).fence;
                if to > epoch && self.chance.below(2) == 0 {
                    self.send(Action::Reopen { epoch, to }, release);
                }
                self.start(worker);
            }
            // It looks again the next time it is woken.
            Next::Rest(_) | Next::Over | Next::Again(_) => self.start(worker),
            Next::Differs(_) => {
                if self.world.corrupt.is_none() {
                    self.world.violation = Some("a difference was found where there is none".to_owned());
                }
                self.goal(Side::Source, true);
                self.start(worker);
            }
        }
    }

    /// A worker starts anew, of one of the releases that are there.
    fn start(&mut self, worker: usize) {
        let newer = if self.settled {
            // Where a newer release has been, it goes on: an older one would wait for it.
            self.world.is_migrated()
        } else {
            self.rolled_out && self.chance.below(3) > 0
        };
        let release = if newer { NEW } else { OLD };
        self.workers[worker] = Worker::of(release);
        self.open(release);
    }

    /// A worker has both databases migrated before anything else, and whenever something has failed.
    fn open(&mut self, release: Release) {
        for side in [Side::Source, Side::Target] {
            if self.chance.below(100) >= self.odds.misfortune {
                self.world.migrate(side, release);
            }
        }
    }

    fn send(&mut self, call: Action, release: Release) -> Reply {
        if self.chance.below(100) >= self.odds.misfortune {
            return self.world.run(&call, release);
        }
        match self.chance.below(5) {
            // It never arrives.
            0 => Reply::Failed,
            // Nobody hears the answer.
            1 => {
                self.world.run(&call, release);
                Reply::Failed
            }
            // It arrives when nobody waits for it any more.
            2 => {
                self.late.push(Late::Call(call, release));
                Reply::Failed
            }
            // It arrives twice.
            3 => {
                let reply = self.world.run(&call, release);
                self.late.push(Late::Call(call, release));
                reply
            }
            // The worker dies over it.
            _ => {
                if self.chance.below(2) == 0 {
                    self.world.run(&call, release);
                }
                Reply::Failed
            }
        }
    }

    /// The release of an instance: one of them stays behind.
    fn release(&self, instance: usize) -> Release {
        if self.rolled_out && instance > 0 { NEW } else { OLD }
    }

    /// A client writes. A fence sends it to the directory, and it tries again later.
    fn client(&mut self) {
        let instance = self.chance.below(3);
        let release = self.release(instance);
        let (key, route) = (self.key(release), self.routes[instance]);
        let by = (route.home, route.epoch, release);
        self.written += 1;
        let value = (self.chance.below(5) > 0).then(|| format!("({})", self.written));
        if self.chance.below(100) < self.odds.misfortune {
            self.late.push(Late::Write(by, key, value));
        } else if !self.world.client_writes(by, &key, value.as_deref()) {
            self.routes[instance] = Route { epoch: self.world.epoch, home: self.world.home };
        }
    }

    fn read(&mut self) {
        let instance = self.chance.below(3);
        let (key, route) = (self.key(self.release(instance)), self.routes[instance]);
        if !self.world.client_reads(route.home, route.epoch, &key) {
            self.routes[instance] = Route { epoch: self.world.epoch, home: self.world.home };
        }
    }

    /// An instance asks the directory.
    fn look(&mut self) {
        let instance = self.chance.below(3);
        self.routes[instance] = Route { epoch: self.world.epoch, home: self.world.home };
    }

    /// Something arrives that nobody waits for.
    fn arrive(&mut self) {
        if self.late.is_empty() {
            return;
        }
        let which = self.chance.below(self.late.len());
        match self.late.swap_remove(which) {
            Late::Call(call, release) => drop(self.world.run(&call, release)),
            Late::Write(by, key, value) => {
                self.world.client_writes(by, &key, value.as_deref());
            }
        }
    }

    /// Somebody holds the move, goes on with it, or changes their mind.
    fn somebody(&mut self) {
        match self.chance.below(12) {
            0 => self.world.goal.hold = true,
            1..=5 => self.world.goal.hold = false,
            // To part at the source is to abort, or to roll back; at the target to finish, which is for later.
            6 if self.chance.below(3) == 0 => self.goal(Side::Source, true),
            7 if self.world.home == Side::Target => self.goal(Side::Target, true),
            // Nobody wants the exchange yet; or now; or back, without parting.
            8 => self.goal(Side::Source, false),
            9..=11 => self.goal(Side::Target, false),
            _ => {}
        }
    }

    fn goal(&mut self, home: Side, part: bool) {
        if !self.parted {
            self.world.goal = Goal { home, part, hold: self.world.goal.hold };
            self.parted = part;
        }
    }

    /// Nothing goes wrong any more, but what is late arrives; the move comes to an end, and stays there.
    fn run_out(&mut self) -> Result<(), String> {
        self.odds.misfortune = 0;
        self.world.goal.hold = false;
        let end = if self.chance.below(2) == 0 { Side::Source } else { Side::Target };
        self.goal(end, end == Side::Source);
        self.settled = true;
        self.start(0);
        for _ in 0..600 {
            // It is finished only where it has arrived.
            if self.world.goal.home == Side::Target && self.world.home == Side::Target {
                self.goal(Side::Target, true);
            }
            if self.chance.below(4) == 0 {
                self.arrive();
            }
            match self.workers[0].mind.next_action() {
                Next::Over => {
                    self.ended()?;
                    let truth = self.world.truth.clone();
                    while !self.late.is_empty() {
                        self.arrive();
                    }
                    if self.world.violation.is_none() && self.world.truth == truth {
                        self.ended()?;
                    }
                    return self.world.violation.take().map_or(Ok(()), Err);
                }
                _ if self.world.is_migrated() && self.workers[0].release == OLD => self.start(0),
                _ => self.work(0),
            }
            if let Some(what) = &self.world.violation {
                return Err(what.clone());
            }
        }
        Err("it does not come to an end".to_owned())
    }

    /// What must be true when a move is over.
    fn ended(&self) -> Result<(), String> {
        let (world, home) = (&self.world, self.world.home);
        let (kept, left) = (world.peek(home), world.peek(home.other()));
        let promises = [
            (home == world.goal.home, "it ends elsewhere than wanted"),
            (kept.rows == world.truth, "home does not have what it should"),
            (left.rows.is_empty(), "rows were left behind"),
            (kept.captures == 0 && left.captures == 0, "triggers were left behind"),
            (kept.log.is_empty() && left.log.is_empty(), "captured keys were left behind"),
            (kept.fence <= world.epoch && kept.closed <= world.epoch, "home is closed"),
            (
                [kept, left]
                    .iter()
                    .all(|store| store.record.as_ref().is_some_and(|record| record.role == Role::Detached)),
                "somebody has not parted",
            ),
        ];
        promises.iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, what)| Err((*what).to_owned()))
    }
}

/// How many schedules a run tries.
pub fn schedules() -> u64 {
    std::env::var("SCHEDULES").map_or(100_000, |number| number.parse().unwrap())
}

#[test]
fn however_it_goes_nothing_is_lost_or_doubled() {
    let (mut flips, mut twice, mut stayed, mut migrated) = (0, 0, 0, 0);
    for seed in 0..schedules() {
        let odds = Odds {
            misfortune: [0, 5, 15, 40][usize::try_from(seed % 4).unwrap()],
            corruption: seed % 16 == 15,
            rollout: seed / 16 % 2 == 1,
        };
        let world = play(seed, odds, None).unwrap_or_else(|why| panic!("{why}: seed {seed}, {odds:?}"));
        flips += world.flips;
        twice += usize::from(world.flips > 1);
        stayed += usize::from(world.flips == 0);
        migrated += usize::from(world.is_migrated());
    }
    let tried = schedules();
    println!(
        "{tried} schedules: {flips} exchanges, {twice} schedules with more than one, {stayed} with none; {migrated} with a newer release in the middle"
    );
    assert!(twice > 0 && stayed > 0 && migrated > 0, "the schedules are too much alike");
}
