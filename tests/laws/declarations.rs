//! A declaration of a plain resource says what the migrated table holds, and nothing else.

use crate::support::{World, block_on, sqlite::Sqlite};
use gatehouse::{
    access::Scope,
    db::{self, Meter, Row},
    error::FaultKind,
    http::{
        Method, Pairs,
        shape::{Kind, Member},
    },
    platform::Platform,
    resources::{
        RESOURCES,
        engine::{
            self, Place, Resource, Shape, Verb,
            list::Listing,
            model::{self, is_scalar},
            schema, store,
        },
    },
};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// A value of a kind, other than what a resource is likely to have.
pub(super) fn sample(kind: Kind) -> Json {
    match kind {
        Kind::Flag => json!(true),
        Kind::Integer(least, most) => json!((least + 7).min(most)),
        Kind::Number(least, most) => json!((least + 7.0).min(most)),
        Kind::Text(least, most) => {
            json!("Changed".repeat(1 + least / 7).chars().take(most).collect::<String>())
        }
        Kind::Like(rule) => json!(rule.example),
        Kind::Word(words) => json!(words.last()),
        Kind::Email => json!("changed@a.example"),
        Kind::Phone => json!("+14155550100"),
        Kind::Url => json!("https://changed.example/"),
        Kind::List(kind, _) => json!([sample(*kind)]),
        Kind::Object(members) => {
            members.iter().map(|Member { name, kind, .. }| ((*name).to_owned(), sample(*kind))).collect()
        }
        Kind::Flags => json!({ "changed": true }),
        Kind::Entries(_, kind) => json!({ "changed": sample(*kind) }),
        Kind::Either(one, _) => sample(*one),
        Kind::Document => json!({ "changed": "yes" }),
        Kind::Any => panic!("a member of any kind has no example"),
    }
}

fn migrated() -> Sqlite {
    let database = Sqlite::new("SHARED");
    block_on(db::schema::migrate(&database, db::schema::TENANT)).unwrap();
    database
}

fn texts(database: &Sqlite, sql: &str) -> Vec<String> {
    let rows = database.query(sql);
    rows.iter().map(|row| row.values().next().unwrap().as_str().unwrap().to_owned()).collect()
}

/// Whether a unique index has the tenant and this column, or the table's key is those two.
fn is_unique(database: &Sqlite, table: &str, column: &str) -> bool {
    let unique = format!("select name from pragma_index_list('{table}') where \"unique\" = 1");
    texts(database, &unique).iter().any(|index| {
        let columns =
            texts(database, &format!("select name from pragma_index_info('{index}') order by seqno"));
        columns.last().is_some_and(|last| last == column)
    })
}

/// In what a declaration differs from the table.
fn faults(database: &Sqlite, resource: &Resource) -> Vec<String> {
    let table = resource.table;
    let rows = database
        .query(&format!("select name, type, \"notnull\", dflt_value from pragma_table_info('{table}')"));
    if rows.is_empty() {
        return vec![format!("there is no table {table}")];
    }
    let column = |name: &str| -> Option<&Map<String, Json>> { rows.iter().find(|row| row["name"] == name) };
    let mut faults = Vec::new();
    let mut known: BTreeSet<&str> = resource.stamps().iter().copied().chain(["tenant_id"]).collect();
    known.extend(resource.among.map(|(column, _)| column));
    if resource.has_document() {
        known.insert("document");
    }
    if resource.system {
        known.insert("is_system");
    }
    if resource.shape == Shape::Collection {
        known.insert(resource.key.0);
        if resource.among.is_none() && !is_unique(database, table, resource.key.0) {
            faults.push(format!("{} names no single row", resource.key.0));
        }
    }
    for field in resource.fields {
        let name = field.member.name;
        let (at, is_integer) = match field.place {
            Place::Document | Place::Constant(_) => continue,
            Place::Moment(at) => (at, true),
            Place::Column(at) => (at, matches!(field.member.kind, Kind::Flag | Kind::Integer(..))),
        };
        known.insert(at);
        let Some(row) = column(at) else { continue };
        if (row["type"] == "INTEGER" || row["type"] == "integer") != is_integer {
            faults.push(format!("{name} is of another type: {}", row["type"]));
        }
        let must = row["notnull"] == 1;
        if must && field.member.nullable {
            faults.push(format!("{name} can be null, its column cannot"));
        }
        let filled = field.required || field.computed || field.default.is_some();
        if must && !filled && row["dflt_value"].is_null() {
            faults.push(format!("{name} can be absent, its column cannot"));
        }
        if field.unique && !is_unique(database, table, at) {
            faults.push(format!("{name} is unique, its column is not"));
        }
        if !is_scalar(field.member.kind) && !is_integer && field.unique {
            faults.push(format!("{name} is JSON and cannot be unique"));
        }
    }
    let named = resource.filters.iter().filter_map(|filter| match filter.place {
        Place::Document | Place::Constant(_) => None,
        Place::Column(column) | Place::Moment(column) => Some(column),
    });
    let named = named.chain(resource.sortable.iter().copied()).chain(resource.alias);
    for name in known.iter().copied().chain(named) {
        if column(name).is_none() {
            faults.push(format!("{table} has no column {name}"));
        }
    }
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        // A table that several kinds of things share has columns that some of them do without.
        let spared = resource.among.is_some() && row["notnull"] == 0;
        if !known.contains(name) && !spared {
            faults.push(format!("{table}.{name} is declared by nothing"));
        }
    }
    for hanging in resource.hangs {
        let table = hanging.table.split(' ').next().unwrap();
        let there = texts(database, &format!("select name from pragma_table_info('{table}')"));
        if !there.iter().any(|column| column == hanging.column) {
            faults.push(format!("nothing hangs by {table}.{}", hanging.column));
        }
    }
    faults
}

#[test]
fn every_declaration_says_what_the_migrated_table_holds() {
    let database = migrated();
    for resource in RESOURCES {
        let faults = faults(&database, resource);
        assert!(faults.is_empty(), "{}:\n{}", resource.path, faults.join("\n"));
    }
}

#[test]
fn a_declaration_that_says_something_else_is_found() {
    static WRONG: Resource = engine::collection("/api/v2/wrong", "/api/v2/wrong/{id}", "roles", "wrg")
        .fields(&[
            engine::integer("name", 1, 2).column().nullable(),
            engine::text("description", 0, 255).column().unique(),
            engine::text("colour", 1, 9).column(),
        ])
        .filters(&[engine::is("shape", "shape")])
        .hangs(&[engine::hanging("role_permissions", "rule_id")]);
    let found = faults(&migrated(), &WRONG).join("\n");
    for words in [
        "name is of another type",
        "name can be null",
        "name can be absent",
        "description is unique",
        "roles has no column colour",
        "roles has no column shape",
        "roles.is_system is declared by nothing",
        "nothing hangs by role_permissions.rule_id",
    ] {
        assert!(found.contains(words), "{words} is not among\n{found}");
    }
    static NOWHERE: Resource = engine::singleton("/api/v2/nowhere", "nowhere");
    assert_eq!(faults(&migrated(), &NOWHERE), ["there is no table nowhere"]);
}

/// Each is reached by its own paths, has words for the log, and asks for scopes that say what it is.
#[test]
fn every_declaration_is_whole() {
    let mut nouns = BTreeSet::new();
    for resource in RESOURCES {
        assert!(!resource.verbs.is_empty() && !resource.noun.is_empty(), "{}", resource.path);
        assert!(resource.phrase.len() >= resource.noun.len(), "{}: {}", resource.path, resource.phrase);
        let part = (resource.noun, resource.shape == Shape::Collection, resource.path);
        assert!(nouns.insert(part), "{} is there twice", resource.noun);
        let mut names = BTreeSet::new();
        for field in resource.fields {
            assert!(
                names.insert(field.member.name),
                "{}.{} is there twice",
                resource.noun,
                field.member.name
            );
        }
    }
}

/// How a resource is added, followed: a migration, a declaration, and nothing else. Not one line of SQL, and everything that
/// a resource does is there.
#[test]
fn a_resource_that_is_declared_is_checked_stored_listed_changed_and_removed() {
    const VERBS: [(Verb, Scope); 5] =
        engine::all("read:gadgets", "create:gadgets", "update:gadgets", "delete:gadgets");
    static GADGETS: Resource =
        engine::collection("/api/v2/gadgets", "/api/v2/gadgets/{id}", "gadgets", "gad")
            .called("gadget", "a gadget")
            .verbs(&VERBS)
            .fields(&[
                engine::text("name", 1, 50).column().required().unique(),
                engine::flag("loud").column().default(engine::Default::Flag(false)),
                engine::list_of("colours", &Kind::Text(1, 20), 3).nullable(),
                engine::document("notes").nullable(),
            ])
            .filters(&[engine::contains("part", "name"), engine::is_set("loud", "loud")])
            .by("name");
    const MIGRATION: &str =
        "create table gadgets (tenant_id text not null, id text not null, name text not null,
        loud integer not null default 0, document text not null, created_at integer not null,
        updated_at integer not null, primary key (tenant_id, id)) strict, without rowid;
        create unique index gadgets_name on gadgets (tenant_id, name);";
    let world = World::new();
    drop(world.admin(""));
    let database = world.database("SHARED");
    MIGRATION.split_inclusive(";\n").for_each(|statement| drop(database.query(statement)));
    assert_eq!(faults(&database, &GADGETS), Vec::<String>::new());

    let now = world.outside.now();
    let shared = world.app.shared();
    let (_, db) = block_on(shared.directory.main(now, &Meter::default())).unwrap();
    let object = |value: Json| value.as_object().unwrap().clone();
    let rows = |query| block_on(db.all(query)).unwrap();
    let shown = |row: &Row| Json::from(model::shown(&GADGETS, model::stored(&GADGETS, row).unwrap()));

    for (body, words) in [
        (json!({}), "Missing required property: name"),
        (json!({ "name": 7 }), "'name' must be text"),
        (json!({ "name": "a", "colours": ["red", 1] }), "'colours[1]' must be text"),
        (json!({ "name": "a", "size": 1 }), "Additional properties not allowed: size"),
    ] {
        assert!(model::check_new(&GADGETS, object(body)).unwrap_err().0.contains(words), "{words}");
    }
    for (id, name) in [("gad_1", "Whistle"), ("gad_2", "Bell"), ("gad_3", "Horn")] {
        let new = json!({ "name": name, "colours": ["red"], "notes": { "a": { "b": 1 } } });
        let new = model::check_new(&GADGETS, object(new)).unwrap();
        block_on(db.commit([store::insert(&GADGETS, id, &new, now)])).unwrap();
    }
    let twice =
        block_on(db.commit([store::insert(&GADGETS, "gad_4", &object(json!({ "name": "Bell" })), now)]));
    assert!(matches!(twice.unwrap_err().kind, FaultKind::Conflict(words) if words.contains("gadgets.name")));
    let first = &rows(store::find(&GADGETS, "gad_1"))[0];
    let expected = json!({ "id": "gad_1", "name": "Whistle", "loud": false, "colours": ["red"], "notes": { "a": { "b": 1 } } });
    assert_eq!(shown(first), expected);

    // What a change names is replaced as a whole, null clears, and the rest stays.
    let set = json!({ "loud": true, "colours": null, "notes": { "c": 2 } });
    let set = model::check_patch(&GADGETS, object(set)).unwrap();
    block_on(db.commit([store::patch(&GADGETS, "gad_1", &set, false, now)])).unwrap();
    let first = shown(&rows(store::find(&GADGETS, "gad_1"))[0]);
    assert_eq!(first, json!({ "id": "gad_1", "name": "Whistle", "loud": true, "notes": { "c": 2 } }));

    let listed = |query: &[(&str, &str)]| -> Vec<String> {
        let pairs = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let listing = Listing::parse(&GADGETS, Pairs(pairs.collect())).unwrap();
        let found = rows(store::list(&GADGETS, &listing));
        found.iter().map(|row| row.text("name").unwrap()).collect()
    };
    assert_eq!(listed(&[]), ["Bell", "Horn", "Whistle"]);
    assert_eq!(listed(&[("part", "HI")]), ["Whistle"]);
    assert_eq!(listed(&[("loud", "false"), ("per_page", "1"), ("page", "1")]), ["Horn"]);
    // One more than was asked for says that there are others.
    assert_eq!(listed(&[("from", "gad_1"), ("take", "1")]), ["Bell", "Horn"]);

    let description = schema::about(&GADGETS, &Method::POST, "/api/v2/gadgets").unwrap();
    assert_eq!(description.request.unwrap()["required"], json!(["name"]));
    block_on(db.commit(store::remove(&GADGETS, "gad_1", &Row::default()))).unwrap();
    assert!(rows(store::find(&GADGETS, "gad_1")).is_empty());
}
