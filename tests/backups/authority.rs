//! Whoever brings back what a tenant had, there or elsewhere, has it: only who administers it may.

use super::trial::{everything, is_over};
use crate::{
    moves::trial::{TENANT, Trial},
    support::{Answer, Ask},
};
use gatehouse::id::OperationId;
use serde_json::{Value as Json, json};

fn post(trial: &Trial, token: &str, path: &str, body: &Json) -> Answer {
    trial.world.send(Ask::post("", path).bearer(token).json(body))
}

fn restores(tenant: &str) -> String {
    format!("/management/tenants/{tenant}/restores")
}

#[test]
fn who_does_not_administer_a_tenant_gets_no_copy_of_it_and_takes_it_nowhere() {
    let trial = Trial::new("isolated");
    let backup = trial.back_up(&everything());
    let scopes = ["read:tenants", "update:tenants", "create:tenants", "read:tenant_operations"];
    let person = trial.world.operator("op@example.com", &scopes);
    let machine = trial.world.signed(
        "main",
        &json!({ "sub": "m@clients", "azp": "m", "gty": "client-credentials", "scope": scopes.join(" ") }),
    );
    let before =
        (trial.world.database("DIRECTORY").everything(), trial.world.database("SHARED").but_for_logs("main"));
    let moment = json!({ "timestamp": "2027-01-15T07:00:00Z" });
    for token in [&person.token, &machine] {
        for body in [json!({ "backup": backup }), json!({ "backup": backup, "into": "copy" })] {
            let refused = post(&trial, token, &restores(TENANT), &body);
            if refused.status() != 401 {
                assert_eq!(refused.expect(403).json()["errorCode"], "wrong_tenant");
            }
        }
        let refused = post(&trial, token, &format!("/management/tenants/{TENANT}/time-travel"), &moment);
        assert!(matches!(refused.status(), 401 | 403), "{}", refused.text());
    }
    assert!(
        (trial.world.database("DIRECTORY").everything(), trial.world.database("SHARED").but_for_logs("main"))
            == before
    );
}

#[test]
fn who_administers_the_tenant_makes_a_copy_and_administers_that_too() {
    let trial = Trial::new("shared");
    let backup = trial.back_up(&everything());
    let person = trial.world.operator("ann@example.com", &["update:tenants"]);
    trial.world.appoint(&person, TENANT);
    // In its place that is all there is to it; another tenant is one that they must be able to make.
    let body = json!({ "backup": backup, "into": "copy", "placement": "shared" });
    let refused = post(&trial, &person.token, &restores(TENANT), &body).expect(403).json();
    assert!(refused["message"].as_str().unwrap().contains("create:tenants"), "{refused}");
    let maker = trial.world.operator("ben@example.com", &["update:tenants", "create:tenants"]);
    trial.world.appoint(&maker, TENANT);
    let begun = post(&trial, &maker.token, &restores(TENANT), &body).expect(202).json();
    let shown = trial.until(&OperationId::new(begun["id"].as_str().unwrap()), is_over);
    assert_eq!(shown["status"], "succeeded", "{shown:#}");
    let members = "select m.user_id from organization_members m join organizations o on o.id = m.organization_id where o.name = 'copy'";
    let members = trial.world.database("SHARED").query(members);
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["user_id"], maker.id.as_str());
    let begun =
        post(&trial, &person.token, &restores(TENANT), &json!({ "backup": backup })).expect(202).json();
    let shown = trial.until(&OperationId::new(begun["id"].as_str().unwrap()), is_over);
    assert_eq!(shown["status"], "succeeded", "{shown:#}");
}

#[test]
fn the_main_tenant_is_copied_by_nobody() {
    let trial = Trial::new("shared");
    let answer = trial.post("/management/tenants/main/backups", &json!({})).expect(202).json();
    trial.until(&OperationId::new(answer["id"].as_str().unwrap()), is_over);
    for body in [json!({ "backup": answer["backup"], "into": "copy" }), json!({ "backup": answer["backup"] })]
    {
        assert_eq!(trial.post(&restores("main"), &body).expect(403).json()["errorCode"], "main_tenant");
    }
}

#[test]
fn no_key_is_in_the_key_sets_of_two_issuers() {
    let trial = Trial::new("shared");
    let backup = trial.back_up(&json!({ "include": ["keys"] }));
    assert_eq!(trial.restore(&json!({ "backup": backup, "into": "copy" }))["status"], "succeeded");
    let kids = "select kid from signing_keys group by kid having count(distinct tenant_id) > 1";
    let both = trial.world.database("SHARED").query(
        "select count(distinct tenant_id) as tenants from signing_keys where tenant_id in ('acme', 'copy')",
    );
    assert_eq!(both[0]["tenants"], 2);
    assert!(trial.world.database("SHARED").query(kids).is_empty());
}
