//! `gatehouse deploy`: code that breaks a tenant is taken back by itself.

use super::session::{Fate, Session};
use crate::support::World;
use serde_json::json;
use std::{collections::BTreeSet, rc::Rc};

const DEPLOY: &[&str] =
    &["--url", "http://localhost:8787", "deploy", "--domain", "localhost:8787", "--", "--tag", "v2"];

fn scene() -> World {
    let world = World::new();
    let session = Session::new(&world);
    for tenant in ["acme", "globex"] {
        session.run(&["tenants", "create", tenant, "--placement", "isolated"]).expect(0);
    }
    world
}

#[test]
fn good_code_stays() {
    let world = scene();
    let session = Session::new(&world);
    let said = session.run(DEPLOY).expect(0);
    assert!(said.out.contains("3 tenants answer as before"), "{}", said.out);
    assert!(said.err.contains("3 tenants are archived"), "{}", said.err);
    assert!(said.err.contains("time-travel restore"), "{}", said.err);
    assert_eq!(*session.programs.borrow(), ["node .scripts/deploy.mjs --tag v2"]);
    let kept = session.type_in("backups list acme --json").expect(0).json();
    assert_eq!(kept["backups"][0]["include"], json!(["keys", "sessions", "logs"]));
}

#[test]
fn what_cannot_be_archived_is_said_or_nothing_is_deployed() {
    let world = scene();
    let session = Session::new(&world);
    let deploy = |more: &[&str]| session.run(&[&DEPLOY[..5], more].concat());
    // Nowhere to keep archives: Time Travel is what there is, and it is said.
    world.outside.keeps_archives.set(false);
    let said = deploy(&["--json"]).expect(0);
    assert_eq!(said.json()["backup"]["kind"], "time_travel");
    let said = deploy(&[]).expect(0).err;
    assert!(
        said.contains("Nobody was archived: no R2 bucket is bound as ARCHIVE. The way back is Time Travel"),
        "{said}"
    );
    world.outside.keeps_archives.set(true);
    // Somebody does not want it.
    let said = deploy(&["--no-backup"]).expect(0).err;
    assert!(said.contains("Nobody was archived. The way back is Time Travel"), "{said}");
    assert_eq!(session.type_in("backups list acme --json").expect(0).json()["backups"], json!([]));
    // A move that can still be rolled back is in the way of an archive for days, and not of a deployment.
    session.type_in("move acme --to shared").expect(0);
    let said = deploy(&["--json"]).expect(0).json();
    let ids = |name: &str| {
        let list = said["backup"][name].as_array().unwrap().iter();
        list.map(|one| one["tenant_id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids("archives"), BTreeSet::from(["globex".to_owned(), "main".to_owned()]));
    assert_eq!(ids("left_out"), BTreeSet::from(["acme".to_owned()]));
    session.type_in("rollback acme").expect(0);
    // An archive that fails is in its way: its rows can be read no more.
    let programs = session.programs.borrow().len();
    world.database("POOL_02").query("drop table themes");
    let said = deploy(&[]).expect(1);
    assert!(said.err.contains("so nothing was deployed") && said.err.contains("globex"), "{}", said.err);
    assert_eq!(session.programs.borrow().len(), programs);
}

#[test]
fn code_that_breaks_a_tenant_is_rolled_back() {
    let world = scene();
    let session = Session::new(&world);
    // The new code has lost the binding of a database; the old version has it.
    let outside = Rc::clone(&world.outside);
    let lost = world.database("POOL_02");
    *session.when_run.borrow_mut() = Box::new(move |program| {
        let mut databases = outside.databases.borrow_mut();
        if program.starts_with("node") {
            databases.remove("POOL_02");
        } else {
            databases.insert("POOL_02".to_owned(), Rc::clone(&lost));
        }
        true
    });
    let said = session.run(DEPLOY).expect(1);
    assert!(
        said.out.contains("globex does not answer") && said.out.contains("answers as before again"),
        "{}",
        said.out
    );
    assert!(!said.out.contains("acme does not answer"), "{}", said.out);
    assert!(session.programs.borrow()[1].starts_with("npx wrangler rollback --yes"));
    // The version that was live is named, where that is known.
    *session.when_asked.borrow_mut() = Box::new(|line| {
        assert_eq!(line, "npx wrangler deployments status --json");
        Some(json!({"versions": [{"version_id": "before", "percentage": 100}]}).to_string())
    });
    session.run(&[&DEPLOY[..5], &["--no-backup", "--patience", "10"]].concat()).expect(1);
    let rollback = session.programs.borrow().last().unwrap().clone();
    assert!(rollback.starts_with("npx wrangler rollback before --yes"), "{rollback}");
    let kept = session
        .run(&[
            "--url",
            "http://localhost:8787",
            "deploy",
            "--domain",
            "localhost:8787",
            "--no-rollback",
            "--patience",
            "10",
        ])
        .expect(1);
    assert!(kept.err.contains("the new code is in place, and wrong"), "{}", kept.err);
}

#[test]
fn a_deployment_that_fails_changes_nothing_and_the_first_one_has_nothing_to_keep() {
    let world = scene();
    let session = Session::new(&world);
    *session.when_run.borrow_mut() = Box::new(|_| false);
    let said = session.run(DEPLOY).expect(1);
    assert!(said.err.contains("the deployment failed"), "{}", said.err);
    assert_eq!(session.programs.borrow().len(), 1, "nothing is rolled back");
    *session.when_run.borrow_mut() = Box::new(|_| true);
    let first = session.requests.borrow().len();
    *session.fate.borrow_mut() =
        Box::new(move |number| if number == first { Fate::Lost } else { Fate::Arrives });
    let said = session.run(DEPLOY).expect(0);
    assert!(said.err.contains("this is the first deployment"), "{}", said.err);
    session.type_in("deploy").expect(2);
}
