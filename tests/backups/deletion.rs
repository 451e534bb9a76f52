//! What outlives a tenant, and for how long.

use super::trial::{everything, furnished};
use crate::{
    moves::{
        furnish::rows,
        trial::{TENANT, Trial},
    },
    support::{Ask, World},
};
use gatehouse::{http::Method, time::Lifetime};
use serde_json::{Value as Json, json};

fn backups(trial: &Trial) -> Vec<Json> {
    let listed = trial.get(&format!("/management/tenants/{TENANT}/backups")).expect(200).json();
    listed["backups"].as_array().unwrap().clone()
}

#[test]
fn a_deleted_tenant_leaves_an_archive_of_everything_and_comes_back_from_it() {
    for placement in ["shared", "isolated"] {
        let trial = furnished(placement, 3);
        let before = rows(&trial.home(), TENANT);
        trial.delete();
        trial.get(&format!("/management/tenants/{TENANT}")).expect(404);
        let left = backups(&trial);
        assert_eq!(left.len(), 1);
        assert_eq!((&left[0]["reason"], &left[0]["status"]), (&json!("deletion"), &json!("whole")));
        // The name is on hold for everybody but the tenant itself.
        trial.post("/management/tenants", &json!({ "id": TENANT })).expect(409);
        let body = json!({ "backup": left[0]["id"], "placement": placement });
        assert_eq!(trial.restore(&body)["status"], "succeeded");
        assert_eq!(rows(&trial.home(), TENANT), before, "{placement}");
        trial.world.send(Ask::get(TENANT, "/readyz")).expect(200);
    }
}

#[test]
fn without_a_place_for_archives_a_tenant_is_deleted_all_the_same_and_nothing_else_is_promised() {
    let trial = Trial::new("shared");
    trial.world.outside.keeps_archives.set(false);
    for (path, body) in [("backups", json!({})), ("restores", json!({ "backup": "bak_none" }))] {
        let answer = trial.post(&format!("/management/tenants/{TENANT}/{path}"), &body);
        assert!(matches!(answer.status(), 404 | 409), "{path}: {}", answer.text());
    }
    let answer = trial.post(&format!("/management/tenants/{TENANT}/backups"), &json!({})).expect(409).json();
    assert_eq!(answer["errorCode"], "no_archive");
    trial.delete();
    trial.get(&format!("/management/tenants/{TENANT}")).expect(404);
    assert!(backups(&trial).is_empty());
}

#[test]
fn a_deleted_archive_is_gone_with_everything_that_was_kept() {
    let trial = furnished("shared", 3);
    let backup = trial.back_up(&everything());
    let path = format!("/management/tenants/{TENANT}/backups/{backup}");
    let delete =
        || trial.world.send(Ask::new(Method::DELETE, "", &path).bearer(&trial.world.machine_token("")));
    assert_eq!(delete().status(), 204);
    assert_eq!(delete().status(), 404);
    trial.get(&path).expect(404);
    assert!(trial.objects().is_empty() && backups(&trial).is_empty());
    trial.post(&format!("/management/tenants/{TENANT}/restores"), &json!({ "backup": backup })).expect(404);
}

#[test]
fn an_archive_that_is_being_restored_is_not_deleted() {
    let trial = furnished("shared", 3);
    let backup = trial.back_up(&everything());
    let body = json!({ "backup": backup });
    trial.post(&format!("/management/tenants/{TENANT}/restores"), &body).expect(202);
    let path = format!("/management/tenants/{TENANT}/backups/{backup}");
    let ask = Ask::new(Method::DELETE, "", &path).bearer(&trial.world.machine_token(""));
    assert_eq!(trial.world.send(ask).status(), 409);
    trial.run_to_the_end();
    assert_eq!(trial.shown(&backup)["status"], "whole");
}

#[test]
fn the_newest_archives_are_kept_and_none_for_too_long() {
    let world = World::with(&["DIRECTORY", "SHARED"], |name| match name {
        "BACKUP_KEEP" => Some("2".to_owned()),
        "BACKUP_DAYS" => Some("30".to_owned()),
        _ => None,
    });
    let trial = Trial { world };
    trial.post("/management/tenants", &json!({ "id": TENANT, "placement": "shared" })).expect(201);
    let made: Vec<String> = (0..4)
        .map(|_| {
            trial.world.advance(Lifetime::minutes(1));
            trial.back_up(&json!({}))
        })
        .collect();
    trial.world.tick();
    let left: Vec<_> =
        backups(&trial).iter().map(|backup| backup["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(left, [made[3].clone(), made[2].clone()]);
    assert!(trial.objects().iter().all(|name| left.iter().any(|id| name.contains(id))));
    trial.world.advance(Lifetime::days(31));
    trial.world.tick();
    assert!(backups(&trial).is_empty() && trial.objects().is_empty());
}
