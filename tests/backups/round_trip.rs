//! What was archived comes back: every value of every table, also when it was changed meanwhile.

use super::trial::{everything, furnished, is_over, long, rows_without};
use crate::{
    moves::{
        furnish::{count, rows, traces},
        trial::{TENANT, Trial},
    },
    support::{Ask, browser::parameter},
};
use serde_json::json;

const KEYS: [&str; 2] = ["signing_keys", "former_keys"];
const SESSIONS: [&str; 4] = ["sessions", "codes", "refresh_tokens", "login_attempts"];

#[test]
fn every_value_of_every_table_comes_back_in_place() {
    for placement in ["shared", "isolated"] {
        let trial = furnished(placement, 12);
        let (before, rows_before) = (rows(&trial.home(), TENANT), count(&trial.home(), TENANT));
        let backup = trial.back_up(&everything());
        assert_eq!(rows(&trial.home(), TENANT), before, "a backup changes nothing");
        assert_eq!(traces(&trial.home()), 0, "and leaves nothing behind");
        let shown = trial.shown(&backup);
        assert_eq!((&shown["status"], &shown["rows"]), (&json!("whole"), &json!(rows_before)));
        assert_eq!(trial.objects().len(), 1 + shown["parts"].as_u64().unwrap() as usize);
        // Everything is lost, changed, or has been added to.
        trial.home().query(&format!("delete from users where tenant_id = '{TENANT}'"));
        trial.home().query(&format!("update roles set name = 'r' || id where tenant_id = '{TENANT}'"));
        trial.home().query(&format!("insert into roles (tenant_id, id, name, created_at, updated_at) values ('{TENANT}', 'new', 'new', 1, 1)"));
        let restored = trial.restore(&json!({ "backup": backup }));
        assert_eq!(restored["status"], "succeeded", "{restored:#}");
        assert_eq!(rows(&trial.home(), TENANT), before, "{placement}");
        assert_eq!(traces(&trial.home()), 0);
        assert_eq!(trial.get(&format!("/management/tenants/{TENANT}")).json()["status"], "active");
        // What was there before the restore is an archive too.
        let listed = trial.get(&format!("/management/tenants/{TENANT}/backups")).expect(200).json();
        let reasons: Vec<_> =
            listed["backups"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
        assert_eq!(reasons, ["restore", "asked"]);
    }
}

#[test]
fn a_restored_tenant_serves_with_its_keys_and_people_stay_signed_in() {
    let trial = Trial::new("shared");
    let (world, person) = (&trial.world, ("ada@example.com", "analytical-engine-1843"));
    let app = world.application(TENANT, &json!({}));
    let offline: &[(&str, &str)] = &[("scope", "openid profile email offline_access")];
    let browser = world.browser();
    let back = browser.sign_up(&app.authorize(offline), person.0, person.1);
    let tokens = app.redeem(world, &back).expect(200).json();
    let keys = world.send(Ask::get(TENANT, "/.well-known/jwks.json")).expect(200).text();
    let backup = trial.back_up(&everything());
    trial.home().query(&format!("delete from users where tenant_id = '{TENANT}'"));
    assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded");
    assert_eq!(world.send(Ask::get(TENANT, "/.well-known/jwks.json")).expect(200).text(), keys);
    let userinfo = Ask::get(TENANT, "/userinfo").bearer(tokens["access_token"].as_str().unwrap());
    assert_eq!(world.send(userinfo).expect(200).json()["email"], person.0);
    app.refresh(world, tokens["refresh_token"].as_str().unwrap()).expect(200);
    let silent = browser.open(&app.authorize(&[("prompt", "none")])).away();
    assert!(parameter(&silent, "code").is_some(), "{silent}");
}

#[test]
fn an_archive_becomes_another_tenant_with_an_issuer_and_a_management_api_of_its_own() {
    for placement in ["shared", "isolated"] {
        let trial = Trial::new("shared");
        let world = &trial.world;
        let client =
            json!({ "name": "m", "app_type": "non_interactive", "grant_types": ["client_credentials"] });
        let made = trial.manage(TENANT, "clients", Some(&client));
        let made = made.expect(201).json();
        let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
        let audience = |tenant: &str| format!("http://{tenant}.localhost:8787/api/v2/");
        let grant = json!({ "client_id": id, "audience": audience(TENANT), "scope": ["read:users"] });
        trial.manage(TENANT, "client-grants", Some(&grant)).expect(201);
        let keys = world.send(Ask::get(TENANT, "/.well-known/jwks.json")).expect(200).text();
        let backup = trial.back_up(&everything());
        let before = rows(&trial.home(), TENANT);
        let restored = trial.restore(&json!({ "backup": backup, "into": "twin", "placement": placement }));
        assert_eq!(restored["status"], "succeeded", "{restored:#}");
        assert_eq!(rows(&trial.home(), TENANT), before, "the first one is as it was");
        // The same secrets, under its own name, and with a key of its own: who holds that of one speaks for no other.
        let own = world.send(Ask::get("twin", "/.well-known/jwks.json")).expect(200).json();
        assert_eq!(own["keys"].as_array().unwrap().len(), 1);
        assert!(!keys.contains(own["keys"][0]["kid"].as_str().unwrap()), "{own} {keys}");
        let ask = Ask::post("twin", "/oauth/token").form(&[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
            ("audience", &audience("twin")),
        ]);
        let token = world.send(ask).expect(200).json();
        let users = Ask::get("twin", "/api/v2/users").bearer(token["access_token"].as_str().unwrap());
        world.send(users).expect(200);
        // What is sealed opens: the secret is shown to who may see it.
        let shown = trial.manage("twin", &format!("clients/{id}"), None).expect(200).json();
        assert_eq!(shown["client_secret"], secret, "{shown:#}");
        // A token of one is none of the other.
        let users = Ask::get(TENANT, "/api/v2/users").bearer(token["access_token"].as_str().unwrap());
        assert_eq!(world.send(users).status(), 403);
        let organization = trial.manage("main", "organizations/name/twin", None).expect(200).json();
        assert_eq!(organization["name"], "twin");
    }
}

#[test]
fn every_value_comes_back_in_a_new_tenant_too() {
    let trial = furnished("isolated", 12);
    // The furniture has data keys that never were any.
    let made_up =
        format!("delete from data_keys where tenant_id = '{TENANT}' and wrapped like '%:wrapped:%'");
    trial.home().query(&made_up);
    let backup = trial.back_up(&everything());
    let restored = trial.restore(&json!({ "backup": backup, "into": "twin", "placement": "shared" }));
    assert_eq!(restored["status"], "succeeded", "{restored:#}");
    let different = ["data_keys", "resource_servers", "signing_keys", "former_keys"];
    assert_eq!(rows_without(&trial, "twin", &different), rows_without(&trial, TENANT, &different));
}

#[test]
fn nothing_that_was_not_asked_for_is_in_it() {
    let trial = furnished("shared", 3);
    let plain = trial.shown(&trial.back_up(&json!({})));
    for table in KEYS.iter().chain(&SESSIONS).chain(&["logs"]) {
        assert!(plain["tables"].get(table).is_none(), "{table}");
    }
    let with_keys = trial.shown(&trial.back_up(&json!({ "include": ["keys"] })));
    assert!(KEYS.iter().all(|table| with_keys["tables"].get(table).is_some()));
    assert!(SESSIONS.iter().all(|table| with_keys["tables"].get(table).is_none()));
    // Restored in place, the tenant keeps its keys and what has happened; nobody is signed in.
    let before = rows_without(&trial, TENANT, &SESSIONS);
    let plain = plain["id"].as_str().unwrap();
    assert_eq!(trial.restore(&json!({ "backup": plain }))["status"], "succeeded");
    assert_eq!(rows_without(&trial, TENANT, &SESSIONS), before);
    for table in SESSIONS {
        assert!(
            trial.home().query(&format!("select 1 from {table} where tenant_id = '{TENANT}'")).is_empty()
        );
    }
}

#[test]
fn without_keys_a_new_tenant_gets_one_of_its_own() {
    let trial = Trial::new("shared");
    let backup = trial.back_up(&json!({}));
    assert_eq!(trial.restore(&json!({ "backup": backup, "into": "twin" }))["status"], "succeeded");
    let keys = |tenant: &str| trial.world.send(Ask::get(tenant, "/.well-known/jwks.json")).expect(200).json();
    assert_eq!(keys("twin")["keys"].as_array().unwrap().len(), 1);
    assert_ne!(keys("twin")["keys"][0]["kid"], keys(TENANT)["keys"][0]["kid"]);
}

#[test]
fn it_shows_one_instant_although_the_tenant_is_changed_while_it_is_made() {
    use crate::support::gate::{Effect, Fate};
    use std::{cell::Cell, rc::Rc};
    let trial = long("shared");
    let home = trial.home();
    let (counter, writer) = (Rc::new(Cell::new(0)), Rc::clone(&home));
    let puts = Rc::clone(&counter);
    let directory = trial.world.database("DIRECTORY");
    *trial.world.outside.gate.rule.borrow_mut() = Some(Box::new(move |effect, happened| {
        // The last parts hold what changed before them: only while rows are copied does somebody write.
        let copying =
            directory.query("select 1 from backups where status = 'writing' and cursor like '%copying%'");
        if effect == Effect::Store && !happened && !copying.is_empty() {
            let n = puts.replace(puts.get() + 1);
            writer.query(&format!("update users set name = 'renamed {n}', email = null where tenant_id = '{TENANT}' and user_id like '{n}%'"));
            writer.query(&format!(
                "delete from organization_members where tenant_id = '{TENANT}' and user_id like '{}%'",
                n + 3
            ));
            writer.query(&format!("insert or ignore into roles (tenant_id, id, name, created_at, updated_at) values ('{TENANT}', 'late{n}', 'late{n}', 1, 1)"));
            writer.query(&format!(
                "update roles set id = 'moved' || id where tenant_id = '{TENANT}' and id = 'late{}'",
                n - 2
            ));
        }
        Fate::Go
    }));
    let (id, backup) = trial.ask_for_backup(&everything());
    let shown = trial.until(&id, is_over);
    assert_eq!(shown["status"], "succeeded", "{shown:#}");
    *trial.world.outside.gate.rule.borrow_mut() = None;
    assert!(counter.get() >= 2, "nothing was changed meanwhile");
    // The last writes are not behind the instant: they came before the part that was put away last.
    let at_the_end = rows(&home, TENANT);
    assert_eq!(trial.restore(&json!({ "backup": backup }))["status"], "succeeded");
    assert_eq!(rows(&trial.home(), TENANT), at_the_end);
}
