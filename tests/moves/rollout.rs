//! A newer release comes in the middle of a move, with a migration that adds a column and a table, while workers and
//! clients of the older one go on. What its clients write arrives as well, wherever the tenant is in the end.
//!
//! `TRIALS=1000 cargo test --test native -- moves::rollout` tries more.

use super::{
    rivals::{Scene, trials},
    trial::TENANT,
};
use crate::support::{Ask, World, sqlite::Sqlite};
use gatehouse::{
    db::{
        RawStatement, Value,
        schema::{self, Migration, Schema},
    },
    http::Method,
    platform::{LocalBox, Platform},
    time::Lifetime,
};
use serde_json::json;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// What the newer release brings.
const MIGRATION: Migration = (
    "9999_keepsakes.sql",
    "alter table users add column motto text;

-- moves: with the tenant
create table keepsakes (
  tenant_id text not null,
  id text not null,
  note text,
  primary key (tenant_id, id)
) strict, without rowid;
",
);

thread_local! {
    static NEWER: Schema = Schema([schema::TENANT, &[MIGRATION]].concat().leak());
}

/// The newer release, and what its client has been told.
#[derive(Default)]
struct Newer {
    is_there: Cell<bool>,
    keepsakes: RefCell<Vec<String>>,
    motto: RefCell<Option<String>>,
}

/// The tenant's database, as the directory knows it, and its epoch.
fn route(world: &World) -> (String, i64) {
    let rows = world.database("DIRECTORY").query(&format!(
        "select d.binding, t.epoch from tenants t join databases d on d.id = t.database_id where t.id = '{TENANT}'"
    ));
    (rows[0]["binding"].as_str().unwrap().to_owned(), rows[0]["epoch"].as_i64().unwrap())
}

impl Newer {
    /// A client of the newer release: what it knows alone, it writes in every way that a client can.
    fn client(self: Rc<Self>, scene: &Scene, number: u64) -> LocalBox<'static, ()> {
        let isolate = scene.trial.world.isolate_of(NEWER.with(|schema| *schema));
        let person = scene.person.clone();
        let patch = scene.ask(Ask::new(Method::PATCH, "", &scene.path()));
        let patch = patch.json(&json!({ "app_metadata": { "client": number } }));
        let account = Rc::clone(&scene.account);
        Box::pin(async move {
            let mut known = route(&isolate);
            for time in 0..3 {
                let (keepsake, motto) = (format!("keepsake{number}x{time}"), format!("motto{number}x{time}"));
                for attempt in 0.. {
                    let (binding, epoch) = &known;
                    let database = isolate.outside.database(binding).unwrap();
                    let statement = |sql: &'static str, params: Vec<Value>| RawStatement {
                        sql: sql.into(),
                        params: [vec![Value::from(TENANT)], params].concat(),
                    };
                    let batch = vec![
                        statement(
                            "insert into write_guard (tenant_id, epoch) values (?1, ?2)",
                            vec![Value::Int(*epoch)],
                        ),
                        statement(
                            "insert into keepsakes (tenant_id, id, note) values (?1, ?2, 'kept')",
                            vec![Value::from(keepsake.as_str())],
                        ),
                        statement(
                            "update users set motto = ?3 where tenant_id = ?1 and user_id = ?2",
                            vec![Value::from(person.as_str()), Value::from(motto.as_str())],
                        ),
                    ];
                    if database.run(batch).await.is_ok() {
                        self.keepsakes.borrow_mut().push(keepsake);
                        *self.motto.borrow_mut() = Some(motto);
                        break;
                    }
                    // Fenced, or not migrated yet: any request sees to that.
                    assert!(attempt < 200, "it is never let in");
                    isolate.outside.pause(Lifetime::milliseconds(20)).await;
                    let response = isolate.app.handle(patch.clone().into_request()).await;
                    if response.status.as_u16() != 200 {
                        account.failures.borrow_mut().push(format!("newer client: {}", response.status));
                    }
                    known = route(&isolate);
                }
            }
        })
    }

    /// Everything that its clients were told is there.
    fn check(&self, home: &Sqlite, left: Option<&Sqlite>, person: &str, seed: u64) {
        let rows = home.query(&format!("select id from keepsakes where tenant_id = '{TENANT}'"));
        assert_eq!(rows.len(), self.keepsakes.borrow().len(), "seed {seed}: keepsakes");
        let rows = home.query(&format!("select motto from users where user_id = '{person}'"));
        assert_eq!(rows[0]["motto"].as_str(), self.motto.borrow().as_deref(), "seed {seed}: the motto");
        for left in left.into_iter().filter(|left| has_keepsakes(left)) {
            assert_eq!(left.query("select id from keepsakes").len(), 0, "seed {seed}: left behind");
        }
    }
}

fn has_keepsakes(database: &Sqlite) -> bool {
    !database.query("select 1 from sqlite_schema where name = 'keepsakes'").is_empty()
}

/// When the newer release comes.
#[derive(Clone, Copy, PartialEq)]
enum Moment {
    Any,
    /// When the follower has this part.
    Part(&'static str),
}

/// Whether a database has this part in the move.
fn has_part(world: &World, part: &str) -> bool {
    let query = format!("select 1 from moves where role = '{part}'");
    ["SHARED", "POOL_01"].iter().any(|name| {
        let database = world.database(name);
        !database.query("select 1 from sqlite_schema where name = 'moves'").is_empty()
            && !database.query(&query).is_empty()
    })
}

/// Moves a tenant; meanwhile the newer release comes. From then on `plant` is asked before each turn.
fn try_one((from, to): (&str, &str), seed: u64, moment: Moment, plant: impl Fn(&World)) {
    let (scene, newer) = (Scene::new(from), Rc::<Newer>::default());
    let (home, left) = scene.play(to, seed, &mut |chance, clients| {
        let world = &scene.trial.world;
        if !newer.is_there.get() {
            let is_time = match moment {
                Moment::Any => chance.below(60) == 0,
                Moment::Part(part) => has_part(world, part) && chance.below(4) == 0,
            };
            if is_time || clients.len() < 2 {
                newer.is_there.set(true);
                clients.push(Rc::clone(&newer).client(&scene, seed));
            }
            return;
        }
        plant(world);
        // Clients have it before the first worker does.
        if chance.below(40) == 0 || clients.is_empty() {
            world.roll_out(NEWER.with(|schema| *schema));
        }
    });
    newer.check(&home, left.as_deref(), &scene.person, seed);
}

const WAYS: [(&str, &str); 2] = [("shared", "isolated"), ("isolated", "shared")];

#[test]
fn a_migration_in_the_middle_of_a_move_loses_nothing() {
    for way in WAYS {
        for moment in [Moment::Any, Moment::Part("copying"), Moment::Part("following")] {
            (0..trials().div_ceil(5)).for_each(|seed| try_one(way, seed, moment, |_| ()));
        }
    }
}

/// The test of the test: a follower that passes for one of the newer release, while its copy is of the older one.
#[test]
fn a_copy_that_is_not_begun_anew_is_found_out() {
    let version = NEWER.with(|schema| schema.version());
    let pretend = |world: &World| {
        for database in ["SHARED", "POOL_01"].map(|name| world.database(name)) {
            if has_keepsakes(&database) {
                database.query(&format!(
                    "update moves set schema_version = {version} where role in ('copying', 'following')"
                ));
            }
        }
    };
    // Few schedules show it; the first that does is not far from here.
    let found = (40..400).find_map(|seed| {
        let following = Moment::Part("following");
        let why = std::panic::catch_unwind(|| try_one(WAYS[0], seed, following, pretend)).err()?;
        Some((seed, why.downcast_ref::<String>().cloned().unwrap_or_default()))
    });
    let (seed, why) = found.expect("it passes unnoticed");
    println!("found by trial {seed}: {why}");
    // Either it is lost, or the comparison finds it, and the move is held.
    assert!(why.contains("keepsakes") || why.contains("it is paused"), "{why}");
}
