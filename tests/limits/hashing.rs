//! One thread hashes for all tenants: they take turns, and nobody waits without end.

use crate::support::{World, world::BEGINNING};
use gatehouse::{
    error::FaultKind,
    id::TenantId,
    limits::turns::{LINE, LINES, Turns},
    platform::Platform,
    time::Lifetime,
};
use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

type Waiting<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Those who wait for a turn, and in which order they get it.
struct Crowd<'a> {
    world: &'a World,
    turns: &'a Turns,
    order: Rc<RefCell<Vec<String>>>,
    waiting: Vec<Waiting<'a>>,
}

impl<'a> Crowd<'a> {
    fn new(world: &'a World, turns: &'a Turns) -> Self {
        Self { world, turns, order: Rc::default(), waiting: Vec::new() }
    }

    /// Somebody of this tenant asks for a turn.
    fn enters(&mut self, tenant: &str) {
        let (order, name) = (Rc::clone(&self.order), tenant.to_owned());
        let tenant = TenantId::parse(tenant).unwrap();
        let (turns, platform) = (self.turns, self.world.outside.as_ref() as &dyn Platform);
        let mut future: Waiting<'a> = Box::pin(async move {
            let heard = match turns.take(platform, &tenant).await {
                Ok(()) => name,
                Err(fault) => {
                    let FaultKind::Limited(limited) = fault.kind else { panic!("{fault}") };
                    assert!(limited.retry_after >= 1);
                    format!("not {name}")
                }
            };
            order.borrow_mut().push(heard);
        });
        if poll(&mut future).is_pending() {
            self.waiting.push(future);
        }
    }

    /// Everybody asks again, until nobody waits any more.
    fn runs(&mut self) {
        for _ in 0..1000 {
            self.waiting.retain_mut(|future| poll(future).is_pending());
        }
        assert!(self.waiting.is_empty(), "{} wait for ever", self.waiting.len());
    }

    fn order(&self) -> Vec<String> {
        self.order.borrow().clone()
    }
}

fn poll(future: &mut Waiting<'_>) -> Poll<()> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn who_comes_first_to_a_rested_thread_does_not_wait() {
    let (world, turns) = (World::new(), Turns::default());
    let mut crowd = Crowd::new(&world, &turns);
    crowd.enters("acme");
    assert_eq!(crowd.order(), ["acme"]);
    assert_eq!(world.outside.now_millis(), BEGINNING, "no time has passed");
}

#[test]
fn others_come_first_between_two_hashes() {
    let (world, turns) = (World::new(), Turns::default());
    let mut crowd = Crowd::new(&world, &turns);
    crowd.enters("acme");
    crowd.enters("acme");
    assert_eq!(crowd.order(), ["acme"], "the second one lets others come first");
    assert_eq!(turns.waiting(), 1);
    crowd.runs();
    assert_eq!(crowd.order(), ["acme", "acme"]);
    world.advance(Lifetime::seconds(1));
    crowd.enters("acme");
    assert_eq!(crowd.order().len(), 2, "a piece of work may take as long as that");
    crowd.runs();
    world.advance(Lifetime::seconds(2));
    crowd.enters("acme");
    assert_eq!(crowd.order().len(), 4, "a rested thread needs no rest");
}

#[test]
fn tenants_take_turns_however_many_wait_at_one() {
    let (world, turns) = (World::new(), Turns::default());
    let mut crowd = Crowd::new(&world, &turns);
    crowd.enters("flooded");
    for _ in 0..10 {
        crowd.enters("flooded");
    }
    crowd.enters("calm");
    crowd.enters("quiet");
    crowd.enters("calm");
    crowd.runs();
    let order = crowd.order();
    assert_eq!(order[..6], ["flooded", "flooded", "calm", "quiet", "flooded", "calm"]);
    assert_eq!(order.len(), 14);
}

#[test]
fn a_line_has_an_end_and_so_have_all_of_them() {
    let (world, turns) = (World::new(), Turns::default());
    let mut crowd = Crowd::new(&world, &turns);
    for _ in 0..=LINE + 5 {
        crowd.enters("flooded");
    }
    assert_eq!(turns.waiting(), LINE);
    assert_eq!(crowd.order().iter().filter(|who| *who == "not flooded").count(), 5);
    for n in 0..100 {
        crowd.enters(&format!("tenant-{n}"));
    }
    assert_eq!(turns.waiting(), LINES);
    crowd.runs();
    assert_eq!(turns.waiting(), 0);
    crowd.enters("flooded");
    crowd.runs();
    assert_eq!(crowd.order().last().unwrap(), "flooded");
}

#[test]
fn who_goes_away_is_not_waited_for() {
    let (world, turns) = (World::new(), Turns::default());
    let mut crowd = Crowd::new(&world, &turns);
    for tenant in ["acme", "acme", "acme"] {
        crowd.enters(tenant);
    }
    // One ends, the other is never asked again and never ended: a platform may do either.
    drop(crowd.waiting.pop());
    assert_eq!(turns.waiting(), 1);
    std::mem::forget(crowd.waiting.pop());
    world.advance(Lifetime::seconds(5));
    crowd.enters("other");
    crowd.runs();
    assert_eq!(crowd.order(), ["acme", "other"]);
}
