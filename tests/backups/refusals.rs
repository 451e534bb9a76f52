//! What is asked wrongly is refused, with words, and nothing is changed.

use super::trial::{everything, furnished};
use crate::moves::{furnish::rows, trial::TENANT};
use gatehouse::db::schema;
use serde_json::json;

#[test]
fn what_cannot_be_is_refused_by_name() {
    let trial = furnished("shared", 3);
    let backup = trial.back_up(&everything());
    let directory = || trial.world.database("DIRECTORY").everything();
    let before = (directory(), trial.objects(), trial.home().but_for_logs(TENANT));
    let restores = format!("/management/tenants/{TENANT}/restores");
    for (path, body, status, words) in [
        ("/management/tenants/nobody/backups", json!({}), 404, "does not exist"),
        ("/management/tenants/acme/backups", json!({ "include": ["everything"] }), 400, "include"),
        (&restores, json!({}), 400, "backup"),
        (&restores, json!({ "backup": "bak_none" }), 404, "no such backup"),
        (&restores, json!({ "backup": backup, "into": "acme" }), 400, "into"),
        (&restores, json!({ "backup": backup, "into": "NOT A LABEL" }), 400, "DNS label"),
        (&restores, json!({ "backup": backup, "into": "www" }), 400, "reserved"),
        (&restores, json!({ "backup": backup, "into": "main" }), 400, "reserved"),
        (&restores, json!({ "backup": backup, "placement": "isolated" }), 400, "placement"),
    ] {
        let answer = trial.post(path, &body);
        assert_eq!(answer.status(), status, "{path} {body}: {}", answer.text());
        assert!(answer.text().contains(words), "{path} {body}: {}", answer.text());
    }
    assert!(
        (directory(), trial.objects(), trial.home().but_for_logs(TENANT)) == before,
        "something was changed"
    );
    trial.post("/management/tenants", &json!({ "id": "globex" })).expect(201);
    let taken = trial.post(&restores, &json!({ "backup": backup, "into": "globex" }));
    assert_eq!(taken.status(), 409, "{}", taken.text());
}

#[test]
fn the_main_tenant_is_archived_and_not_restored_in_place() {
    let trial = furnished("shared", 3);
    let answer = trial.post("/management/tenants/main/backups", &json!({})).expect(202).json();
    let id = gatehouse::id::OperationId::new(answer["id"].as_str().unwrap());
    assert_eq!(trial.until(&id, super::trial::is_over)["status"], "succeeded");
    let body = json!({ "backup": answer["backup"] });
    trial.post("/management/tenants/main/restores", &body).expect(403);
}

#[test]
fn one_thing_at_a_time() {
    let trial = furnished("shared", 3);
    trial.ask_for_backup(&everything());
    for (what, body) in [("backups", json!({})), ("moves", json!({ "placement": "isolated" }))] {
        let answer = trial.post(&format!("/management/tenants/{TENANT}/{what}"), &body);
        assert_eq!(answer.status(), 409, "{}", answer.text());
    }
}

#[test]
fn a_read_only_or_suspended_tenant_is_archived_and_is_in_the_same_state_after_a_restore() {
    for status in ["read_only", "suspended"] {
        let trial = furnished("shared", 3);
        let path = format!("/management/tenants/{TENANT}");
        let token = trial.world.machine_token("");
        let ask = crate::support::Ask::new(gatehouse::http::Method::PATCH, "", &path).bearer(&token);
        trial.world.send(ask.json(&json!({ "status": status }))).expect(200);
        let before = rows(&trial.home(), TENANT);
        let backup = trial.back_up(&everything());
        assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded");
        assert_eq!(trial.get(&path).expect(200).json()["status"], status);
        assert_eq!(rows(&trial.home(), TENANT), before);
    }
}

/// An archive of an older schema has fewer tables and columns; one of a newer has what this release does not know.
#[test]
fn older_archives_fit_and_newer_ones_are_refused_by_name() {
    use gatehouse::operations::backups::model::Manifest;
    let known = schema::CURRENT.moved();
    let columns =
        |table: &schema::Table| table.columns.iter().skip(1).map(|name| (*name).to_owned()).collect();
    let mut manifest = Manifest {
        backup: "bak_1".to_owned(),
        tenant: TENANT.to_owned(),
        issuer: "http://acme.localhost:8787/".to_owned(),
        schema_version: 1,
        include: vec![],
        taken_at: 0,
        columns: known.iter().map(|table| (table.name.to_owned(), columns(table))).collect(),
        sums: Default::default(),
        parts: vec![],
    };
    assert_eq!(manifest.tables(&known).unwrap().len(), known.len());
    manifest.columns.remove("users");
    manifest.columns.get_mut("roles").unwrap().pop();
    let tables = manifest.tables(&known).unwrap();
    let roles =
        |tables: &[schema::Table]| tables.iter().find(|table| table.name == "roles").unwrap().columns.len();
    assert_eq!((tables.len(), roles(&tables)), (known.len() - 1, roles(&known) - 1));
    manifest.columns.get_mut("roles").unwrap().push("colour".to_owned());
    assert!(manifest.tables(&known).unwrap_err().contains("colour"));
    manifest.columns.get_mut("roles").unwrap().pop();
    manifest.columns.insert("gadgets".to_owned(), vec!["id".to_owned()]);
    assert!(manifest.tables(&known).unwrap_err().contains("gadgets"));
}
