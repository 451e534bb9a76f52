//! Whatever is done to what is kept: it is found and named, and nothing is changed by it.

use super::trial::{everything, furnished, long};
use crate::moves::{
    furnish::rows,
    trial::{TENANT, Trial},
};
use serde_json::{Value as Json, json};

/// Restores and must be refused, at once or after the archive was read; nothing may have changed.
#[track_caller]
fn refused(trial: &Trial, backup: &str, words: &str) {
    let before = rows(&trial.home(), TENANT);
    let answer = trial.post(&format!("/management/tenants/{TENANT}/restores"), &json!({ "backup": backup }));
    let why = if answer.status() == 202 {
        let id = gatehouse::id::OperationId::new(answer.json()["id"].as_str().unwrap());
        let shown: Json = trial.until(&id, super::trial::is_over);
        assert_eq!(shown["status"], "failed", "{shown:#}");
        shown["error"].as_str().unwrap().to_owned()
    } else {
        assert_eq!(answer.status(), 409);
        answer.json()["message"].as_str().unwrap().to_owned()
    };
    assert!(why.contains(words), "{why}");
    assert_eq!(rows(&trial.home(), TENANT), before);
    assert_eq!(trial.get(&format!("/management/tenants/{TENANT}")).json()["status"], "active");
}

fn archived() -> (Trial, String, Vec<String>) {
    let trial = long("shared");
    let backup = trial.back_up(&everything());
    let parts: Vec<_> = trial.objects().into_iter().filter(|name| !name.contains("manifest")).collect();
    (trial, backup, parts)
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let (trial, backup, parts) = archived();
    let objects = || trial.world.outside.objects.borrow_mut();
    let length = objects()[&parts[0]].len();
    for at in [0, 12, length / 2, length - 1] {
        objects().get_mut(&parts[0]).unwrap()[at] ^= 1;
        refused(&trial, &backup, "part 0 of");
        objects().get_mut(&parts[0]).unwrap()[at] ^= 1;
    }
    let manifest = trial.objects().into_iter().find(|name| name.contains("manifest")).unwrap();
    let length = objects()[&manifest].len();
    // The manifest too. Base64 ends in bits that say nothing, so another letter there is still the same.
    for at in (0..length).step_by(length / 60) {
        let kept = objects()[&manifest][at];
        objects().get_mut(&manifest).unwrap()[at] = if kept == b'A' { b'B' } else { b'A' };
        let answer =
            trial.post(&format!("/management/tenants/{TENANT}/restores"), &json!({ "backup": backup }));
        assert_eq!(answer.status(), 409, "byte {at} of the manifest: {}", answer.text());
        objects().get_mut(&manifest).unwrap()[at] = kept;
    }
    assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded");
}

#[test]
fn a_part_that_is_missing_cut_longer_or_another_one_is_found() {
    let (trial, backup, parts) = archived();
    assert!(parts.len() > 1, "{parts:?}");
    let objects = || trial.world.outside.objects.borrow_mut();
    let kept: Vec<Vec<u8>> = parts.iter().map(|name| objects()[name].clone()).collect();
    objects().remove(&parts[1]);
    refused(&trial, &backup, "part 1 of");
    objects().insert(parts[1].clone(), kept[1][..kept[1].len() - 1].to_vec());
    refused(&trial, &backup, "part 1 of");
    objects().insert(parts[1].clone(), [kept[1].as_slice(), b"x"].concat());
    refused(&trial, &backup, "part 1 of");
    // Two parts that have changed places.
    objects().insert(parts[0].clone(), kept[1].clone());
    objects().insert(parts[1].clone(), kept[0].clone());
    refused(&trial, &backup, "part ");
    // The part of this number of another archive of the same tenant.
    objects().insert(parts[0].clone(), kept[0].clone());
    objects().insert(parts[1].clone(), kept[1].clone());
    let other = trial.back_up(&everything());
    let foreign = trial.objects().into_iter().find(|name| name.contains(&format!("{other}/000000"))).unwrap();
    let foreign = objects()[&foreign].clone();
    objects().insert(parts[0].clone(), foreign);
    refused(&trial, &backup, "part 0 of");
    objects().insert(parts[0].clone(), kept[0].clone());
    assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded");
}

#[test]
fn a_manifest_that_is_missing_or_of_another_archive_is_refused_at_once() {
    let (trial, backup, _) = archived();
    let other = trial.back_up(&everything());
    let of = |backup: &str| {
        let name = format!("{backup}/manifest");
        trial.objects().into_iter().find(|object| object.contains(&name)).unwrap()
    };
    let (own, foreign) = (of(&backup), of(&other));
    let kept = trial.world.outside.objects.borrow()[&own].clone();
    let stranger = trial.world.outside.objects.borrow()[&foreign].clone();
    trial.world.outside.objects.borrow_mut().insert(own.clone(), stranger);
    refused(&trial, &backup, "belongs to another archive");
    trial.world.outside.objects.borrow_mut().remove(&own);
    refused(&trial, &backup, "is missing");
    trial.world.outside.objects.borrow_mut().insert(own, kept);
    refused_nowhere_else(&trial, &backup);
}

/// An archive is its tenant's: under the name of another one it is not there.
fn refused_nowhere_else(trial: &Trial, backup: &str) {
    trial.post("/management/tenants", &json!({ "id": "globex", "placement": "shared" })).expect(201);
    let answer = trial.post("/management/tenants/globex/restores", &json!({ "backup": backup }));
    assert_eq!(answer.status(), 404);
}

#[test]
fn what_was_not_kept_as_it_was_written_is_found_before_it_is_called_whole() {
    use crate::support::gate::{Effect, Fate};
    use std::{cell::Cell, rc::Rc};
    let trial = furnished("shared", 3);
    // The store changes a byte of the first part that it is given.
    let (objects, done) = (Rc::clone(&trial.world.outside.objects), Rc::new(Cell::new(false)));
    *trial.world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        if effect == Effect::Store && happened && !done.replace(true) {
            let mut objects = objects.borrow_mut();
            let first = objects.values_mut().next().unwrap();
            first[40] ^= 1;
        }
        Fate::Go
    }));
    let backup = trial.back_up(&everything());
    *trial.world.outside.gate.rule.borrow_mut() = None;
    assert_eq!(trial.shown(&backup)["status"], "whole");
    let before = rows(&trial.home(), TENANT);
    assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded");
    assert_eq!(rows(&trial.home(), TENANT), before);
    let of_backup = trial.objects().into_iter().filter(|name| name.contains(&backup)).count() as u64;
    assert_eq!(of_backup, 1 + trial.shown(&backup)["parts"].as_u64().unwrap(), "no stray part is left");
}
