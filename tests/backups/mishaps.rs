//! Killed at any effect, or told that one failed: a backup is whole or not there, a restore is done or has not begun.

use super::trial::{everything, furnished};
use crate::{
    moves::{
        furnish::{rows, traces},
        trial::{TENANT, Trial},
    },
    support::{
        block_on,
        gate::{Effect, Fate},
    },
};
use gatehouse::{error::Fault, id::OperationId};
use serde_json::{Value as Json, json};
use std::{cell::Cell, rc::Rc};

/// What befalls one effect.
#[derive(Debug, Clone, Copy)]
enum Strike {
    DieBefore,
    DieAfter,
    FailBefore,
    FailAfter,
}

const STRIKES: [Strike; 4] = [Strike::DieAfter, Strike::FailAfter, Strike::DieBefore, Strike::FailBefore];

/// From now on the effect of this number is struck; answers how many there have been.
fn arm(trial: &Trial, struck: Option<(usize, Strike)>) -> Rc<Cell<usize>> {
    let effects = Rc::new(Cell::new(0));
    let counted = Rc::clone(&effects);
    *trial.world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        // An alarm clock that does not ring is another story: here each is rung by hand.
        if effect == Effect::Wake {
            return Fate::Go;
        }
        if !happened {
            counted.set(counted.get() + 1);
        }
        let Some((_, strike)) = struck.filter(|(at, _)| at + 1 == counted.get()) else { return Fate::Go };
        match (strike, happened) {
            (Strike::DieBefore, false) | (Strike::DieAfter, true) => Fate::Die,
            (Strike::FailBefore, false) | (Strike::FailAfter, true) => {
                Fate::Fail(Fault::unavailable("Network connection lost"))
            }
            _ => Fate::Go,
        }
    }));
    effects
}

/// `EVERY_WAY=1` strikes each effect in each way.
fn every_way() -> bool {
    std::env::var("EVERY_WAY").is_ok_and(|value| value == "1")
}

fn disarm(trial: &Trial) {
    *trial.world.outside.gate.rule.borrow_mut() = None;
}

fn operation(trial: &Trial, id: &OperationId) -> Json {
    trial.look(id)
}

#[test]
fn a_backup_is_whole_or_not_there_wherever_it_is_struck() {
    let run = |struck| {
        let trial = furnished("shared", 4);
        let (id, backup) = trial.ask_for_backup(&everything());
        let effects = arm(&trial, struck);
        trial.run_to_the_end();
        disarm(&trial);
        let shown = operation(&trial, &id);
        assert_eq!(shown["status"], "succeeded", "{struck:?}: {shown:#}");
        let parts = trial.shown(&backup)["parts"].as_u64().unwrap();
        assert_eq!(trial.objects().len() as u64, 1 + parts, "{struck:?}: something is left over");
        assert_eq!(traces(&trial.home()), 0, "{struck:?}");
        let before = rows(&trial.home(), TENANT);
        trial.home().query(&format!("delete from users where tenant_id = '{TENANT}'"));
        assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded", "{struck:?}");
        assert_eq!(rows(&trial.home(), TENANT), before, "{struck:?}");
        effects.get()
    };
    let effects = run(None);
    println!("{effects} effects");
    assert!(effects >= 8, "{effects}");
    for at in 0..effects {
        // Each effect is struck; how, goes round, unless every way is asked for.
        for (number, strike) in STRIKES.into_iter().enumerate() {
            if every_way() || number == at % STRIKES.len() {
                run(Some((at, strike)));
            }
        }
    }
}

#[test]
fn a_restore_ends_with_what_was_archived_wherever_it_is_struck() {
    let run = |struck, into: Option<&str>| {
        let trial = furnished("shared", 3);
        trial.home().query(&format!(
            "delete from data_keys where tenant_id = '{TENANT}' and wrapped like '%:wrapped:%'"
        ));
        let backup = trial.back_up(&everything());
        let before = rows(&trial.home(), TENANT);
        trial.home().query(&format!("delete from users where tenant_id = '{TENANT}'"));
        let body = into.map_or_else(
            || json!({ "backup": backup }),
            |into| json!({ "backup": backup, "into": into, "placement": "isolated" }),
        );
        let answer = trial.post(&format!("/management/tenants/{TENANT}/restores"), &body).expect(202).json();
        let effects = arm(&trial, struck);
        trial.run_to_the_end();
        disarm(&trial);
        let shown = operation(&trial, &OperationId::new(answer["id"].as_str().unwrap()));
        assert_eq!(shown["status"], "succeeded", "{struck:?} {into:?}: {shown:#}");
        let tenant = into.unwrap_or(TENANT);
        let count = |tenant: &str| {
            let users = format!("select count(*) as n from users where tenant_id = '{tenant}'");
            trial.world.home(tenant).query(&users)[0]["n"].as_i64().unwrap()
        };
        assert_eq!(count(tenant), 3, "{struck:?} {into:?}");
        if into.is_none() {
            assert_eq!(rows(&trial.home(), TENANT), before, "{struck:?}");
        }
        assert_eq!(traces(&trial.world.home(tenant)), 0);
        effects.get()
    };
    for into in [None, Some("twin")] {
        let effects = run(None, into);
        println!("{effects} effects");
        for at in 0..effects {
            for (number, strike) in STRIKES.into_iter().enumerate() {
                if every_way() || number == at % STRIKES.len() {
                    run(Some((at, strike)), into);
                }
            }
        }
    }
}

#[test]
fn a_backup_that_cannot_be_kept_is_given_up_and_leaves_nothing() {
    let trial = furnished("shared", 4);
    let before = rows(&trial.home(), TENANT);
    let (id, backup) = trial.ask_for_backup(&everything());
    let puts = Rc::new(Cell::new(0));
    let counted = Rc::clone(&puts);
    *trial.world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        if effect == Effect::Store && !happened && counted.get() < 100 {
            counted.set(counted.get() + 1);
            return Fate::Fail(Fault::unavailable("R2 put: internal error"));
        }
        Fate::Go
    }));
    trial.run_to_the_end();
    disarm(&trial);
    let shown = operation(&trial, &id);
    assert_eq!(shown["status"], "failed", "{shown:#}");
    assert_eq!(puts.get(), 8, "it was tried that often");
    let path = format!("/management/tenants/{TENANT}/backups/{backup}");
    trial.get(&path).expect(404);
    assert_eq!((trial.objects().len(), traces(&trial.home())), (0, 0));
    assert_eq!(rows(&trial.home(), TENANT), before);
    // Nothing is in the way of the next one.
    trial.back_up(&everything());
}

#[test]
fn a_late_worker_does_not_spoil_what_another_one_has_gone_on_with() {
    // The first worker stops between reading rows and putting them away; another one finishes; then the first goes on.
    let trial = furnished("shared", 4);
    let (_, backup) = trial.ask_for_backup(&everything());
    let id = OperationId::new(format!("op_{}", backup.trim_start_matches("bak_")));
    let stopped = Rc::new(Cell::new(false));
    let stop = Rc::clone(&stopped);
    *trial.world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        let first = effect == Effect::Store && !happened && !stop.replace(true);
        if first { Fate::Pause } else { Fate::Go }
    }));
    let slow = trial.world.another_isolate();
    let mut late = std::pin::pin!(slow.app.advance(&id));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::future::Future::poll(late.as_mut(), &mut context).is_pending());
    assert!(stopped.get());
    trial.run_to_the_end();
    assert_eq!(trial.shown(&backup)["status"], "whole");
    drop(block_on(late));
    disarm(&trial);
    let before = rows(&trial.home(), TENANT);
    trial.home().query(&format!("delete from users where tenant_id = '{TENANT}'"));
    assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded");
    assert_eq!(rows(&trial.home(), TENANT), before);
}
