//! The test of the test: with a defect planted in what the simulation rests on, it must find it.

use super::{
    simulation::{Odds, play},
    store::Bug,
};

/// Whether a defect is found within so many schedules.
fn is_found(bug: Bug, corruption: bool) {
    let found = (0..20_000).find(|seed| {
        let misfortune = [5, 15, 40][usize::try_from(seed % 3).unwrap()];
        let odds = Odds { misfortune, corruption, rollout: bug.is_of_a_rollout() };
        play(*seed, odds, Some(bug)).is_err()
    });
    let seed = found.unwrap_or_else(|| panic!("{bug:?} passes unnoticed"));
    println!("{bug:?}: found by schedule {seed}");
}

#[test]
fn a_fence_that_refuses_nothing_is_found() {
    is_found(Bug::NoFence, false);
}

#[test]
fn the_last_drop_left_out_is_found() {
    is_found(Bug::NoLastDrop, false);
}

#[test]
fn a_flip_without_comparison_is_found() {
    is_found(Bug::NoCheck, true);
}

#[test]
fn late_calls_that_are_let_in_are_found() {
    is_found(Bug::NoVersion, false);
}

#[test]
fn a_directory_that_decides_twice_is_found() {
    is_found(Bug::NoEpoch, false);
}

#[test]
fn a_capture_that_begins_too_late_is_found() {
    is_found(Bug::LateCapture, false);
}

#[test]
fn old_reads_are_found() {
    is_found(Bug::NoClose, false);
}

#[test]
fn a_new_home_that_captures_nothing_is_found() {
    is_found(Bug::NoReverse, false);
}

#[test]
fn deletions_that_are_not_brought_are_found() {
    is_found(Bug::NoDeletes, false);
}

#[test]
fn a_copy_of_an_older_release_that_is_gone_on_with_is_found() {
    is_found(Bug::NoRenewal, false);
}

#[test]
fn triggers_that_do_not_know_a_new_table_are_found() {
    is_found(Bug::OldCapture, false);
}

#[test]
fn an_older_release_that_changes_a_newer_database_is_found() {
    is_found(Bug::NoSchema, false);
}
