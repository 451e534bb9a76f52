//! Two tenants are made at once, and several isolates go on with the same operation; some are so slow that their lease has
//! long gone to another.

use super::{
    cloudflare::Mishap,
    simulation::{Chance, trials},
    trial::{Home, RIVAL, Schedule, TENANT, Trial},
};
use gatehouse::{http::Method, id::OperationId, time::Lifetime};
use std::task::{Context, Waker};

/// What can happen next, and how often it does.
enum Turn {
    /// One of those that are under way comes to its next effect.
    Step,
    /// Another isolate begins to go on with the operation.
    Join,
    /// Time passes: nobody is as fast as they think.
    Wait,
    /// One of them dies.
    Die,
}

fn turn(chance: &mut Chance) -> Turn {
    match chance.below(100) {
        0..86 => Turn::Step,
        86..92 => Turn::Join,
        92..98 => Turn::Wait,
        _ => Turn::Die,
    }
}

/// Everybody at once, until the operation is over.
fn contend(trial: &Trial, chance: &mut Chance, method: Method) {
    let mut running = vec![trial.asking(TENANT, method.clone()), trial.asking(RIVAL, method)];
    let mut context = Context::from_waker(Waker::noop());
    trial.pause_after_every_effect();
    for _ in 0..2_000 {
        let live = trial.live();
        match turn(chance) {
            Turn::Join if running.len() < 5 => {
                let isolate = trial.world.another_isolate();
                let one = chance.below(live.len() + 1);
                running.push(match live.get(one).map(OperationId::new) {
                    Some(id) => Box::pin(async move { drop(isolate.app.advance(&id).await) }),
                    None => Box::pin(async move { isolate.app.tick().await }),
                });
            }
            Turn::Wait => {
                let seconds = [1, 5, 31, 61, 150][chance.below(5)];
                trial.world.advance(Lifetime::seconds(seconds));
                trial.cloudflare.settle();
            }
            Turn::Die if !running.is_empty() => drop(running.swap_remove(chance.below(running.len()))),
            _ if running.is_empty() => {
                if live.is_empty() {
                    break;
                }
                trial.world.advance(Lifetime::seconds(61));
            }
            _ => {
                let one = chance.below(running.len());
                if running[one].as_mut().poll(&mut context).is_ready() {
                    drop(running.swap_remove(one));
                }
            }
        }
    }
    trial.disarm();
}

fn several_isolates(home: Home, base: u64) {
    for seed in base..base + trials() {
        let mut chance = Chance(seed);
        let trial = Trial::new(home);
        trial.world.outside.seed(seed);
        let mishaps =
            (0..chance.below(3)).map(|_| (chance.below(30), Mishap::ALL[chance.below(Mishap::ALL.len())]));
        trial.arm(&Schedule { mishaps: mishaps.collect(), ..Schedule::default() });
        let found = [Method::POST, Method::DELETE].into_iter().try_for_each(|method| {
            contend(&trial, &mut chance, method);
            trial.run_to_the_end(&Schedule::default())?;
            trial.check()
        });
        found.unwrap_or_else(|why| panic!("{why}: seed {seed}, {home:?}"));
    }
}

#[test]
fn several_isolates_make_and_delete_a_tenant_with_a_database_of_its_own() {
    several_isolates(Home::Created, 3_000_000);
}

#[test]
fn several_isolates_make_and_delete_a_tenant_of_the_pool() {
    several_isolates(Home::Pool, 4_000_000);
}

/// One isolate is stopped after any of its effects, another one does all of its work, and then the first one goes on.
fn overtaken(first: (&str, Method), second: (&str, Method), prepare: impl Fn(&Trial)) {
    for effects in 0.. {
        let trial = Trial::new(Home::Created);
        prepare(&trial);
        let mut slow = trial.asking(first.0, first.1.clone());
        trial.pause_after_every_effect();
        let mut context = Context::from_waker(Waker::noop());
        let over = (0..effects).any(|_| slow.as_mut().poll(&mut context).is_ready());
        let fast = trial.asking(second.0, second.1.clone());
        trial.world.outside.gate.survive(fast);
        if !over {
            trial.world.outside.gate.survive(slow);
        }
        let found = trial.run_to_the_end(&Schedule::default()).and_then(|()| trial.check());
        found
            .unwrap_or_else(|why| panic!("{why}: {first:?} overtaken by {second:?} after {effects} effects"));
        if over {
            return;
        }
    }
}

#[test]
fn who_is_overtaken_undoes_nothing() {
    let make = |tenants: &'static [&str]| {
        move |trial: &Trial| {
            for tenant in tenants {
                trial.world.outside.gate.survive(trial.asking(tenant, Method::POST));
            }
        }
    };
    overtaken((TENANT, Method::POST), (RIVAL, Method::POST), make(&[]));
    overtaken((TENANT, Method::POST), (TENANT, Method::POST), make(&[]));
    overtaken((TENANT, Method::POST), (RIVAL, Method::DELETE), make(&[RIVAL]));
    overtaken((TENANT, Method::DELETE), (RIVAL, Method::POST), make(&[TENANT]));
    overtaken((TENANT, Method::DELETE), (RIVAL, Method::DELETE), make(&[TENANT, RIVAL]));
    overtaken((TENANT, Method::DELETE), (TENANT, Method::DELETE), make(&[TENANT]));
}
