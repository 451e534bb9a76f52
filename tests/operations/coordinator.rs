//! Leases exclude, end and are given back; the budget is never exceeded in any five minutes.

use gatehouse::{
    operations::engine::coordinator::Coordinator,
    platform::{Answer, Ask},
    time::Timestamp,
};
use proptest::prelude::*;

const GRANTED: Answer = Answer::Granted;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + ms)
}

fn acquire(holder: &str, for_ms: i64) -> Ask {
    Ask::Acquire { name: "bindings".to_owned(), holder: holder.to_owned(), for_ms }
}

fn release(holder: &str) -> Ask {
    Ask::Release { name: "bindings".to_owned(), holder: holder.to_owned() }
}

#[test]
fn a_lease_excludes_others_until_it_is_released() {
    let mut coordinator = Coordinator::default();
    assert_eq!(coordinator.answer(acquire("a", 10_000), at(0)), GRANTED);
    assert_eq!(coordinator.answer(acquire("b", 10_000), at(1)), Answer::Wait { ms: 1000 });
    assert_eq!(coordinator.answer(release("b"), at(2)), GRANTED);
    assert_eq!(coordinator.answer(acquire("b", 10_000), at(3)), Answer::Wait { ms: 1000 });
    assert_eq!(coordinator.answer(release("a"), at(4)), GRANTED);
    assert_eq!(coordinator.answer(acquire("b", 10_000), at(5)), GRANTED);
}

#[test]
fn a_lease_ends_by_itself_and_not_before() {
    let mut coordinator = Coordinator::default();
    assert_eq!(coordinator.answer(acquire("a", 500), at(0)), GRANTED);
    assert_eq!(coordinator.answer(acquire("b", 500), at(499)), Answer::Wait { ms: 1 });
    assert_eq!(coordinator.answer(acquire("b", 500), at(500)), GRANTED);
    assert_eq!(coordinator.answer(release("a"), at(501)), GRANTED);
    assert_eq!(coordinator.answer(acquire("a", 500), at(502)), Answer::Wait { ms: 498 });
}

#[test]
fn the_holder_extends_its_lease_by_asking_again_but_never_beyond_five_minutes() {
    let mut coordinator = Coordinator::default();
    assert_eq!(coordinator.answer(acquire("a", 500), at(0)), GRANTED);
    assert_eq!(coordinator.answer(acquire("a", i64::MAX), at(400)), GRANTED);
    assert_eq!(coordinator.answer(acquire("b", 500), at(300_399)), Answer::Wait { ms: 1 });
    assert_eq!(coordinator.answer(acquire("b", 500), at(300_400)), GRANTED);
}

#[test]
fn leases_of_different_names_do_not_meet() {
    let mut coordinator = Coordinator::default();
    assert_eq!(coordinator.answer(acquire("a", 500), at(0)), GRANTED);
    let other = Ask::Acquire { name: "deploy".to_owned(), holder: "b".to_owned(), for_ms: 500 };
    assert_eq!(coordinator.answer(other, at(0)), GRANTED);
}

#[test]
fn the_state_survives_being_stored_and_remembers_nothing_that_is_over() {
    let mut coordinator = Coordinator::default();
    coordinator.answer(acquire("a", 500), at(0));
    coordinator.answer(Ask::Spend { calls: 200 }, at(0));
    let stored = serde_json::to_string(&coordinator).unwrap();
    let mut restored: Coordinator = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored, coordinator);
    assert_eq!(restored.answer(Ask::Spend { calls: 1 }, at(0)), Answer::Wait { ms: 375 });
    assert_eq!(restored.answer(acquire("b", 500), at(1)), Answer::Wait { ms: 499 });
    restored.answer(release("nobody"), at(500));
    assert!(!serde_json::to_string(&restored).unwrap().contains("bindings"));
}

#[test]
fn a_question_for_more_than_the_whole_budget_is_answered_some_day() {
    let mut coordinator = Coordinator::default();
    assert_eq!(coordinator.answer(Ask::Spend { calls: u32::MAX }, at(0)), GRANTED);
    assert_eq!(coordinator.answer(Ask::Spend { calls: 1 }, at(0)), Answer::Wait { ms: 375 });
}

proptest! {
    #![proptest_config(crate::support::properties())]

    #[test]
    fn never_more_than_a_thousand_calls_in_any_five_minutes(
        asks in prop::collection::vec((0..20_000_i64, 1..50_u32), 1..400)
    ) {
        let mut coordinator = Coordinator::default();
        let (mut now, mut granted) = (0, Vec::new());
        for (pause, calls) in asks {
            now += pause % 3_000;
            match coordinator.answer(Ask::Spend { calls }, at(now)) {
                Answer::Granted => granted.push((now, calls)),
                Answer::Wait { ms } => {
                    prop_assert!(ms > 0);
                    now += ms;
                    prop_assert_eq!(coordinator.answer(Ask::Spend { calls }, at(now)), GRANTED);
                    granted.push((now, calls));
                }
            }
        }
        for (start, _) in &granted {
            let window = granted.iter().filter(|(at, _)| at >= start && *at < start + 300_000);
            prop_assert!(window.map(|(_, calls)| calls).sum::<u32>() <= 1_000);
        }
    }
}
