//! Whatever goes wrong, wherever: exactly one database and one tenant that serves, or none of either.

use super::{
    cloudflare::{Defect, Mishap},
    trial::{Home, Schedule, Strike, dry, make, unmake},
};
use gatehouse::time::Lifetime;

const HOMES: [Home; 3] = [Home::Created, Home::Pool, Home::Shared];

/// Every single mishap that can befall `effects` effects and `calls` calls.
fn each(effects: usize, calls: usize) -> Vec<Schedule> {
    let strikes = (0..effects).flat_map(|at| Strike::ALL.map(|strike| (at, strike)));
    let strikes = strikes.map(|strike| Schedule { strikes: vec![strike], ..Schedule::default() });
    let mishaps = (0..calls).flat_map(|at| Mishap::ALL.map(|mishap| (at, mishap)));
    strikes.chain(mishaps.map(|mishap| Schedule { mishaps: vec![mishap], ..Schedule::default() })).collect()
}

#[test]
fn nothing_goes_wrong() {
    for home in HOMES {
        make(home, &Schedule::default(), |_| ()).unwrap();
    }
}

#[test]
fn any_one_thing_goes_wrong_while_a_tenant_is_made() {
    for home in HOMES {
        let [(effects, calls), _] = dry(home);
        for schedule in each(effects, calls) {
            make(home, &schedule, |_| ()).unwrap_or_else(|why| panic!("{why}: {home:?} {schedule:?}"));
        }
    }
}

#[test]
fn any_one_thing_goes_wrong_while_a_tenant_is_deleted() {
    for home in HOMES {
        let [_, (effects, calls)] = dry(home);
        for schedule in each(effects, calls) {
            unmake(home, &schedule).unwrap_or_else(|why| panic!("{why}: {home:?} {schedule:?}"));
        }
    }
}

/// SplitMix64: the seed of a trial decides everything about it.
pub struct Chance(pub u64);

impl Chance {
    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit).unwrap()).unwrap()
    }

    /// Two to four mishaps among the first effects and calls, and some that only the retries reach.
    fn schedule(&mut self, effects: usize, calls: usize) -> Schedule {
        let mut schedule = Schedule { no_alarms: self.below(4) == 0, ..Schedule::default() };
        for _ in 0..2 + self.below(3) {
            if calls > 0 && self.below(2) == 0 {
                schedule.mishaps.push((self.below(calls + 6), Mishap::ALL[self.below(Mishap::ALL.len())]));
            } else {
                schedule.strikes.push((self.below(effects + 12), Strike::ALL[self.below(Strike::ALL.len())]));
            }
        }
        schedule
    }
}

/// How many trials each of the tests by seed makes: `TRIALS` says otherwise.
pub fn trials() -> u64 {
    std::env::var("TRIALS").map_or(100, |number| number.parse().unwrap())
}

fn several(home: Home, base: u64) {
    let [made, unmade] = dry(home);
    for seed in base..base + trials() {
        let mut chance = Chance(seed);
        let (deletes, (effects, calls)) = if chance.below(4) == 0 { (true, unmade) } else { (false, made) };
        let schedule = chance.schedule(effects, calls);
        let found = if deletes { unmake(home, &schedule) } else { make(home, &schedule, |_| ()) };
        found.unwrap_or_else(|why| panic!("{why}: seed {seed}, deletes {deletes}, {home:?} {schedule:?}"));
    }
}

#[test]
fn several_things_go_wrong_with_a_database_that_is_made() {
    several(Home::Created, 0);
}

#[test]
fn several_things_go_wrong_with_a_database_of_the_pool() {
    several(Home::Pool, 1_000_000);
}

#[test]
fn several_things_go_wrong_in_the_shared_database() {
    several(Home::Shared, 2_000_000);
}

#[test]
fn the_api_is_away_for_minutes_or_hours() {
    for minutes in [1, 2, 5, 30, 300] {
        let schedule = Schedule { outage: Some(Lifetime::minutes(minutes)), ..Schedule::default() };
        make(Home::Created, &schedule, |_| ()).unwrap_or_else(|why| panic!("{why}: {minutes} minutes"));
        unmake(Home::Created, &schedule).unwrap_or_else(|why| panic!("{why}: {minutes} minutes"));
    }
}

#[test]
fn an_api_with_a_defect_is_found_out() {
    for (defect, lost) in [
        (Defect::FindsNothing, Mishap::Lost),
        (Defect::DoublesNames, Mishap::Lost),
        (Defect::DropsInherited, Mishap::Swallowed),
    ] {
        let [(_, calls), _] = dry(Home::Created);
        let mut schedules =
            (0..calls).map(|call| Schedule { mishaps: vec![(call, lost)], ..Schedule::default() });
        let found = schedules
            .find(|schedule| make(Home::Created, schedule, |trial| trial.cloudflare.plant(defect)).is_err());
        assert!(found.is_some(), "{defect:?} passes unnoticed");
    }
}
