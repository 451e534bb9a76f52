//! One thread hashes for all tenants: they take turns, and nobody waits without end.

use crate::support::{
    World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, BEGINNING},
};
use gatehouse::{
    error::FaultKind,
    id::TenantId,
    limits::turns::{AT_ONCE, LINE, LINES, PACE, Turns},
    platform::Platform,
    time::Lifetime,
};
use serde_json::json;
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
    /// When.
    times: Rc<RefCell<Vec<i64>>>,
    waiting: Vec<Waiting<'a>>,
}

impl<'a> Crowd<'a> {
    fn new(world: &'a World, turns: &'a Turns) -> Self {
        Self { world, turns, order: Rc::default(), times: Rc::default(), waiting: Vec::new() }
    }

    /// Somebody of this tenant asks for a turn.
    fn enters(&mut self, tenant: &str) {
        let (order, times, name) = (Rc::clone(&self.order), Rc::clone(&self.times), tenant.to_owned());
        let outside = &self.world.outside;
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
            times.borrow_mut().push(outside.now_millis());
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

    /// How often it was somebody's turn.
    fn turns_of(&self, tenant: &str) -> i64 {
        self.order.borrow().iter().filter(|name| *name == tenant).count().try_into().unwrap()
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
    for n in 0..100 {
        crowd.enters(&format!("tenant-{n}"));
    }
    assert_eq!(turns.waiting(), LINES);
    crowd.runs();
    assert_eq!((turns.waiting(), crowd.turns_of("not flooded")), (0, 5));
    crowd.enters("flooded");
    crowd.runs();
    assert_eq!(crowd.order().last().unwrap(), "flooded");
}

/// Who asks again as soon as there is an answer asks less often so; what they hold in memory meanwhile has an end as well.
#[test]
fn who_is_turned_away_hears_it_after_a_while() {
    let (world, turns) = (World::new(), Turns::default());
    let (mut line, mut late) = (Crowd::new(&world, &turns), Crowd::new(&world, &turns));
    for _ in 0..=LINE {
        line.enters("flooded");
    }
    for _ in 0..300 {
        late.enters("flooded");
    }
    assert_eq!(late.turns_of("not flooded"), 100, "so many more than can be kept waiting");
    late.runs();
    assert_eq!(late.turns_of("not flooded"), 300);
    world.advance(Lifetime::seconds(1));
    late.enters("flooded");
    assert_eq!(late.turns_of("not flooded"), 300);
    late.runs();
    line.runs();
    assert_eq!(line.turns_of("flooded"), i64::try_from(LINE).unwrap() + 1);
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

#[test]
fn a_tenant_that_goes_on_leaves_the_thread_to_others_for_most_of_the_time() {
    let (world, turns) = (World::new(), Turns::default());
    let is_here = |tenant: &str| turns.is_here(&TenantId::parse(tenant).unwrap(), world.outside.now());
    is_here("quiet");
    is_here("flooded");
    for flood in 0..2 {
        let mut crowd = Crowd::new(&world, &turns);
        let began = world.outside.now_millis();
        for _ in 0..=LINE {
            crowd.enters("flooded");
        }
        // Whoever else comes meanwhile waits for others to come first, and not for the flood.
        while crowd.times.borrow().len() < 10 {
            crowd.waiting.retain_mut(|future| poll(future).is_pending());
        }
        let mut other = Crowd::new(&world, &turns);
        other.enters("calm");
        while other.order().is_empty() {
            for each in [&mut crowd, &mut other] {
                each.waiting.retain_mut(|future| poll(future).is_pending());
            }
        }
        assert!(crowd.times.borrow().len() <= 11, "flood {flood}");
        crowd.runs();
        let times: Vec<i64> = crowd.times.borrow().iter().map(|time| time - began).collect();
        let pace = PACE.as_millis();
        let expected = (0..=LINE).map(|turn| (i64::try_from(turn).unwrap() - AT_ONCE + 1).max(0) * pace);
        assert_eq!(
            times,
            expected.collect::<Vec<_>>(),
            "a few at once, then one every so often: flood {flood}"
        );
        // What it has left to others meanwhile it may use at once again, and no more than that.
        world.advance(Lifetime::seconds(50));
    }
}

#[test]
fn a_tenant_that_is_alone_takes_its_turns_as_they_come() {
    let (world, turns) = (World::new(), Turns::default());
    let is_here = |tenant: &str| turns.is_here(&TenantId::parse(tenant).unwrap(), world.outside.now());
    is_here("quiet");
    world.advance(Lifetime::minutes(1));
    is_here("busy");
    let mut crowd = Crowd::new(&world, &turns);
    let began = world.outside.now_millis();
    for _ in 0..20 {
        crowd.enters("busy");
    }
    crowd.runs();
    assert_eq!((crowd.turns_of("busy"), world.outside.now_millis()), (20, began));
}

/// Refused as early as can be: not even the attempt is written down.
#[test]
fn who_would_be_turned_away_costs_no_round_trip() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let browser = world.browser();
    let page = browser.submit(&browser.open(&app.authorize(&[])), &[("username", ADMIN_EMAIL)]);
    let sign_up = browser.open(&app.authorize(&[("screen_hint", "signup")]));
    let turns = &world.app.shared().hashing;
    let mut crowd = Crowd::new(&world, turns);
    let everything = world.everything();
    for _ in 0..=LINE {
        crowd.enters("main");
    }
    let form = [("email", "new@example.com"), ("password", "an ordinary password")];
    for (page, form) in [(&page, &[("password", ADMIN_PASSWORD)][..]), (&sign_up, &form)] {
        let answer = browser.post(page.page().0, form).expect(429);
        assert_eq!((answer.round_trips(), answer.header("retry-after")), (0, Some("3")));
    }
    assert!(world.everything() == everything);
    crowd.runs();
    browser.submit(&page, &[("password", ADMIN_PASSWORD)]).away();
}
