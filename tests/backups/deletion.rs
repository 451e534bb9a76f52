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
fn without_a_place_for_archives_a_tenant_is_suspended_for_as_long_before_it_is_deleted() {
    let trial = Trial::new("shared");
    trial.world.outside.keeps_archives.set(false);
    for (path, body) in [("backups", json!({})), ("restores", json!({ "backup": "bak_none" }))] {
        let answer = trial.post(&format!("/management/tenants/{TENANT}/{path}"), &body);
        assert!(matches!(answer.status(), 404 | 409), "{path}: {}", answer.text());
    }
    let answer = trial.post(&format!("/management/tenants/{TENANT}/backups"), &json!({})).expect(409).json();
    assert_eq!(answer["errorCode"], "no_archive");

    let path = format!("/management/tenants/{TENANT}");
    let everything = trial.world.machine_token("");
    let delete = |token: &str| trial.world.send(Ask::new(Method::DELETE, "", &path).bearer(token));
    let suspend = |status: &str| {
        let ask = Ask::new(Method::PATCH, "", &path).bearer(&trial.world.machine_token(""));
        trial.world.send(ask.json(&json!({ "status": status }))).expect(200);
    };
    let refused = delete(&everything).expect(409).json();
    assert!(refused["message"].as_str().unwrap().contains("suspend the tenant now"), "{refused}");
    suspend("suspended");
    trial.world.advance(Lifetime::days(29));
    let refused = delete(&trial.world.machine_token("")).expect(409).json();
    assert!(refused["message"].as_str().unwrap().contains("delete it after 2027-02-14T08:00"), "{refused}");
    // Until then it comes back as it was.
    suspend("active");
    trial.world.send(Ask::get(TENANT, "/readyz")).expect(200);
    suspend("suspended");
    trial.world.advance(Lifetime::days(30));
    let person = json!({ "scope": "delete:tenants", "exp": 2_000_000_000 });
    delete(&trial.world.signed("main", &person)).expect(403);
    trial.delete();
    trial.get(&path).expect(404);
    assert!(backups(&trial).is_empty());
}

#[test]
fn the_last_archive_of_a_deleted_tenant_stays_for_its_retention_whoever_wants_it_gone() {
    let trial = furnished("shared", 3);
    let before = rows(&trial.home(), TENANT);
    let asked = trial.back_up(&everything());
    trial.delete();
    let path = |backup: &str| format!("/management/tenants/{TENANT}/backups/{backup}");
    let delete = |backup: &str| {
        trial.world.send(Ask::new(Method::DELETE, "", &path(backup)).bearer(&trial.world.machine_token("")))
    };
    // What somebody asked for is theirs to delete; the last one is not.
    delete(&asked).expect(204);
    let last = backups(&trial)[0]["id"].as_str().unwrap().to_owned();
    let refused = delete(&last).expect(409).json();
    assert_eq!(refused["errorCode"], "backup_retained");
    assert!(refused["message"].as_str().unwrap().contains("2027-02-14T08:0"), "{refused}");
    // The clock does not remove it either, and the name is nobody else's meanwhile.
    trial.world.advance(Lifetime::days(29));
    trial.world.tick();
    delete(&last).expect(409);
    trial.post("/management/tenants", &json!({ "id": TENANT })).expect(409);
    let body = json!({ "backup": last, "placement": "shared" });
    assert_eq!(trial.restore(&body)["status"], "succeeded");
    assert_eq!(rows(&trial.home(), TENANT), before, "it comes back whole");
    trial.world.advance(Lifetime::days(2));
    delete(&last).expect(204);
}

#[test]
fn the_clock_keeps_the_way_back_longer_than_other_archives() {
    let world = World::with(&["DIRECTORY", "SHARED"], |name| match name {
        "BACKUP_KEEP" => Some("1".to_owned()),
        "BACKUP_DAYS" => Some("1".to_owned()),
        "RETENTION_DAYS" => Some("60".to_owned()),
        _ => None,
    });
    let trial = Trial { world };
    trial.post("/management/tenants", &json!({ "id": TENANT, "placement": "shared" })).expect(201);
    trial.back_up(&json!({}));
    trial.delete();
    for (days, left) in [(2, 1), (33, 1), (24, 1), (2, 0)] {
        trial.world.advance(Lifetime::days(days));
        trial.world.tick();
        assert_eq!(backups(&trial).len(), left, "{days} days later");
        // The name is kept for as long as the tenant can come back.
        let status = if left == 1 { 409 } else { 201 };
        trial.post("/management/tenants", &json!({ "id": TENANT, "placement": "shared" })).expect(status);
    }
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
