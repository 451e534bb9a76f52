//! A database goes back in time, and the tenant in it; nobody else does.

use super::trial::furnished;
use crate::{
    moves::trial::{TENANT, Trial},
    operations::cloudflare::Cloudflare,
    support::{Ask, World},
};
use gatehouse::{
    id::OperationId,
    platform::Platform,
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};
use std::rc::Rc;

/// A tenant with a database that was made through the API, and bound.
fn made() -> (Trial, Rc<Cloudflare>) {
    let world = World::with(&["DIRECTORY", "SHARED"], Cloudflare::variable);
    let cloudflare = Cloudflare::serve(&world.outside);
    let trial = Trial { world };
    trial.post("/management/tenants", &json!({ "id": TENANT, "placement": "isolated" }));
    trial.run_to_the_end();
    trial.world.advance(Lifetime::minutes(1));
    cloudflare.settle();
    (trial, cloudflare)
}

fn names(trial: &Trial) -> Vec<Json> {
    let clients = trial.manage(TENANT, "clients", None).expect(200).json();
    clients.as_array().unwrap().iter().map(|client| client["name"].clone()).collect()
}

fn add(trial: &Trial, name: &str) {
    trial.manage(TENANT, "clients", Some(&json!({ "name": name }))).expect(201);
}

fn travel(trial: &Trial, to: &str) -> crate::support::Answer {
    trial.post(&format!("/management/tenants/{TENANT}/time-travel"), &json!({ "timestamp": to }))
}

#[test]
fn what_came_after_that_moment_is_gone_and_the_tenant_serves_again() {
    let (trial, cloudflare) = made();
    add(&trial, "before");
    let moment = cloudflare.remember(trial.world.outside.now());
    trial.world.advance(Lifetime::minutes(5));
    add(&trial, "after");
    assert_eq!(names(&trial).len(), 2);
    let stale = trial.world.another_isolate();
    stale.send(Ask::get(TENANT, "/.well-known/jwks.json")).expect(200);
    let answer = travel(&trial, &moment.iso()).expect(202).json();
    assert_eq!(answer["kind"], "time_travel");
    trial.run_to_the_end();
    let shown = trial.look(&OperationId::new(answer["id"].as_str().unwrap()));
    assert_eq!(shown["status"], "succeeded", "{shown:#}");
    trial.world.advance(Lifetime::seconds(10));
    assert_eq!(names(&trial), ["before"]);
    add(&trial, "anew");
    let epoch =
        trial.world.database("DIRECTORY").query(&format!("select epoch from tenants where id = '{TENANT}'"));
    let fence = trial.home().query(&format!("select epoch from fences where tenant_id = '{TENANT}'"));
    assert_eq!(epoch[0]["epoch"], fence[0]["epoch"], "an old route finds a closed door");
}

#[test]
fn a_moment_at_which_the_tenant_was_not_there_leaves_it_as_it_was() {
    let (trial, cloudflare) = made();
    add(&trial, "before");
    // The API answers with a database that was empty then.
    let moment = cloudflare.remember_nothing(trial.world.outside.now());
    trial.world.advance(Lifetime::minutes(5));
    let answer = travel(&trial, &moment.iso()).expect(202).json();
    trial.run_to_the_end();
    let shown = trial.look(&OperationId::new(answer["id"].as_str().unwrap()));
    assert_eq!(shown["status"], "failed", "{shown:#}");
    trial.world.advance(Lifetime::seconds(10));
    assert_eq!(names(&trial), ["before"]);
    assert_eq!(trial.get(&format!("/management/tenants/{TENANT}")).json()["status"], "active");
}

#[test]
fn who_shares_a_database_stays_in_the_present() {
    let trial = furnished("shared", 3);
    trial.world.advance(Lifetime::hours(1));
    let before = trial.home().contents(TENANT);
    let an_hour_ago = trial.world.outside.now().minus(Lifetime::minutes(30)).iso();
    let answer = travel(&trial, &an_hour_ago).expect(409);
    assert!(answer.text().contains("all the other tenants"), "{}", answer.text());
    assert!(trial.home().contents(TENANT) == before);
    // One of the pool has no name that the API knows.
    let trial = furnished("isolated", 3);
    trial.world.advance(Lifetime::hours(1));
    travel(&trial, &an_hour_ago).expect(409);
}

#[test]
fn only_moments_at_which_the_tenant_was_there_can_be_named() {
    let (trial, _) = made();
    let now = trial.world.outside.now();
    let moments = [
        now.plus(Lifetime::minutes(1)).iso(),
        now.minus(Lifetime::days(31)).iso(),
        now.minus(Lifetime::days(1)).iso(),
        Timestamp::from_millis(0).iso(),
        "yesterday".to_owned(),
        String::new(),
    ];
    for moment in moments {
        let answer = travel(&trial, &moment).expect(400);
        assert!(answer.text().contains("timestamp"), "{}", answer.text());
    }
}
