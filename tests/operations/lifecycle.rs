//! Tenants with databases of their own: made through the API, served before and after the script is bound to them,
//! given up, tried again, deleted.

use super::cloudflare::{Cloudflare, Mishap};
use crate::support::{Admin, Ask, World, block_on, sqlite::Sqlite};
use gatehouse::{
    db::schema,
    id::{OperationId, TenantId},
    operations::tenants::databases::steps::names,
    platform::Platform,
    tenant::reserved::{RESERVED, is_reserved},
    time::{Lifetime, Timestamp},
};
use serde_json::{Value as Json, json};
use std::rc::Rc;

fn world() -> (World, Rc<Cloudflare>) {
    let world = World::with(&["DIRECTORY", "SHARED"], Cloudflare::variable);
    let cloudflare = Cloudflare::serve(&world.outside);
    (world, cloudflare)
}

fn keys(world: &World, tenant: &str) -> Json {
    let keys = world.send(Ask::get(tenant, "/.well-known/jwks.json")).expect(200).json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    keys
}

/// Lets time pass, and the alarm clocks ring that are due meanwhile.
fn pass(world: &World, cloudflare: &Cloudflare, span: Lifetime) {
    let end = world.outside.now().plus(span);
    loop {
        let (due, later) = world.outside.wakes.take().into_iter().partition(|(_, at)| *at <= end);
        let mut due: Vec<(OperationId, Timestamp)> = due;
        *world.outside.wakes.borrow_mut() = later;
        due.sort_by_key(|(_, at)| *at);
        let Some((id, at)) = due.first().cloned() else { break };
        world.outside.wakes.borrow_mut().extend(due.drain(1..));
        world.advance(Lifetime::milliseconds(at.since(world.outside.now()).as_millis().max(1)));
        cloudflare.settle();
        let next = block_on(world.another_isolate().app.advance(&id)).unwrap();
        world.outside.wakes.borrow_mut().extend(next.map(|at| (id, at)));
    }
    world.advance(Lifetime::milliseconds(end.since(world.outside.now()).as_millis().max(0)));
}

fn isolated(admin: &Admin<'_>, id: &str) -> Json {
    admin.post("tenants", &json!({ "id": id, "placement": "isolated" })).expect(201).json()
}

#[test]
fn a_tenant_serves_over_rest_until_the_script_is_bound_to_its_database() {
    let (world, cloudflare) = world();
    let tenant = isolated(&world.admin(""), "acme");
    assert_eq!(tenant["operation"]["progress"], json!({ "step": 9, "of": 9 }));
    assert!(!world.outside.bindings().iter().any(|name| name.starts_with("TENANT_")));
    let calls = cloudflare.calls();
    let first = keys(&world, "acme");
    assert!(cloudflare.calls() > calls);

    world.advance(Lifetime::seconds(10));
    cloudflare.settle();
    assert_eq!(world.outside.bindings().iter().filter(|name| name.starts_with("TENANT_")).count(), 1);
    let calls = cloudflare.calls();
    assert_eq!(keys(&world.another_isolate(), "acme"), first);
    assert_eq!(cloudflare.calls(), calls);
    assert!(cloudflare.violations.borrow().is_empty());
}

#[test]
fn a_region_is_where_the_database_is_made_and_passes_the_pool_by() {
    let world = World::with(&["DIRECTORY", "SHARED", "POOL_01"], Cloudflare::variable);
    let cloudflare = Cloudflare::serve(&world.outside);
    let body = json!({ "id": "acme", "placement": "isolated", "region": "eu" });
    let tenant = world.admin("").post("tenants", &body).expect(201).json();
    assert_eq!(tenant["region"], "eu");
    assert_eq!(cloudflare.databases().len(), 1);
    isolated(&world.admin(""), "globex");
    assert_eq!(cloudflare.databases().len(), 1, "the pool was free for this one");
}

#[test]
fn what_cannot_be_finished_at_once_is_accepted_and_finished_by_the_alarm_clock() {
    let (world, cloudflare) = world();
    *cloudflare.mishaps.borrow_mut() = vec![(1, Mishap::Throttled)];
    let body = json!({ "id": "acme", "placement": "isolated" });
    let accepted = world.admin("").post("tenants", &body).expect(202);
    assert_eq!(accepted.header("location"), Some("/management/tenants/acme"));
    let tenant = accepted.json();
    assert_eq!(tenant["status"], "provisioning");
    let operation = &tenant["operation"];
    assert_eq!((&operation["step"], &operation["status"]), (&json!("create"), &json!("running")));
    assert!(operation["error"].as_str().unwrap().contains("971"));
    assert_eq!(operation["next_attempt_at"], "2027-01-15T08:00:07.000Z");
    assert_eq!(operation["progress"], json!({ "step": 3, "of": 9 }));
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(503);

    let refused = world.admin("").post("tenants", &body).expect(409).json();
    assert_eq!(refused["errorCode"], "tenant_conflict");
    assert_eq!(
        world.admin("").delete("tenants/acme").expect(409).json()["errorCode"],
        "operation_in_progress"
    );
    let refused = world.admin("").patch("tenants/acme", &json!({ "status": "active" })).expect(409).json();
    assert_eq!(refused["errorCode"], "illegal_transition");

    pass(&world, &cloudflare, Lifetime::seconds(7));
    assert!(world.outside.wakes.borrow().is_empty());
    assert_eq!(world.admin("").get("tenants/acme").expect(200).json()["status"], "active");
    keys(&world, "acme");
}

#[test]
fn a_tenant_that_cannot_be_made_leaves_nothing_and_can_be_tried_again_or_deleted() {
    let (world, cloudflare) = world();
    cloudflare.refuse_to_make(true);
    let body = json!({ "id": "acme", "placement": "isolated" });
    let tenant = world.admin("").post("tenants", &body).expect(202).json();
    assert_eq!((&tenant["status"], &tenant["operation"]["status"]), (&json!("failed"), &json!("failed")));
    assert!(tenant["operation"]["error"].as_str().unwrap().contains("7406"));
    assert!(world.database("DIRECTORY").query("select id from databases where kind = 'created'").is_empty());
    world.send(Ask::get("acme", "/.well-known/jwks.json")).expect(503);

    world.advance(Lifetime::seconds(1));
    cloudflare.refuse_to_make(false);
    isolated(&world.admin(""), "acme");
    keys(&world, "acme");

    cloudflare.refuse_to_make(true);
    let body = json!({ "id": "globex", "placement": "isolated" });
    world.admin("").post("tenants", &body).expect(202);
    world.admin("").delete("tenants/globex").expect(204);
    world.admin("").get("tenants/globex").expect(404);
    assert_eq!(cloudflare.databases().len(), 1);
}

#[test]
fn the_bindings_of_several_tenants_are_attached_by_one_change() {
    let (world, cloudflare) = world();
    isolated(&world.admin(""), "first");
    *cloudflare.mishaps.borrow_mut() =
        (0..400).map(|call| (cloudflare.calls() + call, Mishap::Throttled)).collect();
    let ids = ["acme", "globex", "initech"];
    for id in ids {
        world.admin("").post("tenants", &json!({ "id": id, "placement": "isolated" })).expect(202);
    }
    cloudflare.mishaps.borrow_mut().clear();
    cloudflare.refuse_to_bind(true);
    pass(&world, &cloudflare, Lifetime::seconds(60));
    cloudflare.refuse_to_bind(false);
    let changes = cloudflare.changes();
    pass(&world, &cloudflare, Lifetime::minutes(20));
    assert_eq!(cloudflare.changes(), changes + 1);
    assert_eq!(cloudflare.attached().len(), 4);
    for id in ids {
        keys(&world, id);
    }
}

#[test]
fn a_large_tenant_is_deleted_piece_by_piece() {
    let world = World::new();
    world.admin("").post("tenants", &json!({ "id": "acme" })).expect(201);
    world.database("SHARED").query(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 2500)
         insert into logs (tenant_id, id, type, date) select 'acme', 'log' || i, 's', i from n",
    );
    world.admin("").delete("tenants/acme").expect(204);
    assert!(world.database("SHARED").query("select id from logs where tenant_id = 'acme'").is_empty());
}

#[test]
fn a_late_write_of_a_deleted_tenant_is_refused() {
    let world = World::new();
    world.admin("").post("tenants", &json!({ "id": "acme" })).expect(201);
    let stale = world.another_isolate();
    keys(&stale, "acme");
    world.admin("").delete("tenants/acme").expect(204);
    let before = world.database("SHARED").contents("acme");
    // This isolate still believes in the tenant: its route is not five seconds old.
    let body = [("grant_type", "client_credentials"), ("client_id", "nobody"), ("client_secret", "x")];
    let answer = stale.send(Ask::post("acme", "/oauth/token").form(&body));
    assert!(answer.status() >= 400);
    assert_eq!(world.database("SHARED").contents("acme"), before);
}

#[test]
fn the_name_and_the_binding_of_a_database_follow_from_the_operation() {
    let tenant = TenantId::parse(&"a".repeat(63)).unwrap();
    let operation = OperationId::new("op_AbCdEfGh01234567");
    let (name, binding) = names(&"s".repeat(40), &tenant, &operation);
    assert_eq!(name, format!("{}-{}-abcdefgh01234567", "s".repeat(20), "a".repeat(20)));
    assert_eq!(binding, "TENANT_ABCDEFGH01234567");
    assert!(name.len() <= 60);
}

#[test]
fn the_tables_that_a_deletion_empties_are_those_that_the_migrations_make() {
    let database = Sqlite::new("SHARED");
    block_on(schema::migrate(&database, schema::TENANT)).unwrap();
    let made = database.query(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' and name <> 'd1_migrations'
         order by name",
    );
    let made: Vec<&str> = made.iter().map(|row| row["name"].as_str().unwrap()).collect();
    let mut tables = schema::tables(schema::TENANT);
    tables.sort_by_key(|table| table.name);
    assert_eq!(tables.iter().map(|table| table.name).collect::<Vec<_>>(), made);
    for table in tables {
        let key = database
            .query(&format!("select name from pragma_table_info('{}') where pk > 0 order by pk", table.name));
        let key: Vec<&str> = key.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(table.key, key, "{}", table.name);
    }
}

#[test]
fn reserved_names_are_sorted_and_are_names_that_a_tenant_could_have() {
    assert!(RESERVED.is_sorted());
    for name in RESERVED {
        assert!(is_reserved(&TenantId::parse(name).unwrap()), "{name}");
    }
    assert!(!is_reserved(&TenantId::parse("acme").unwrap()));
}
