//! What the directory of an older release holds of operations is understood: kinds, steps, and what was asked for.

use crate::support::{Ask, World};
use gatehouse::{
    db::Meter,
    error::Fault,
    id::OperationId,
    operations::{
        PROCEDURES,
        engine::{
            model::Operation,
            retry::{RetryDecision, StepError, decide},
            store,
        },
    },
    platform::Platform,
};
use serde_json::{Value as Json, json};

/// What becomes of an operation whose step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// It is given up.
    GivenUp,
    /// The same, but only if it will never succeed.
    GivenUpIfHopeless,
    /// It is tried again.
    TriedAgain,
}
use Failure::{GivenUp, GivenUpIfHopeless, TriedAgain};

/// A kind as it is stored: its name, its steps and what follows from their failure, the steps that undo it, and what was
/// asked for.
type Stored = (&'static str, &'static [(&'static str, Failure)], &'static [&'static str], &'static str);

/// The names that a directory can hold. One that is missing here or there cannot be changed: operations are on their way
/// when a release comes.
const STORED: [Stored; 7] = [
    (
        "provision",
        &[
            ("reserve", GivenUp),
            ("database", GivenUp),
            ("create", GivenUp),
            ("migrate", GivenUp),
            ("attach", GivenUp),
            ("verify", GivenUp),
            ("seed", GivenUp),
            ("organization", GivenUp),
            ("activate", GivenUp),
        ],
        &["close", "withdraw", "detach", "wipe", "drop", "release"],
        r#"{"administrator":"auth0|1"}"#,
    ),
    (
        "delete",
        &[
            ("close", TriedAgain),
            ("withdraw", TriedAgain),
            ("archive", TriedAgain),
            ("detach", TriedAgain),
            ("drop", TriedAgain),
            ("wipe", TriedAgain),
            ("release", TriedAgain),
        ],
        &[],
        r#"{"administrator":null}"#,
    ),
    (
        "move",
        &[
            ("reserve", GivenUp),
            ("database", GivenUp),
            ("create", GivenUp),
            ("migrate", GivenUp),
            ("attach", GivenUp),
            ("verify", GivenUp),
            ("move", TriedAgain),
            ("detach", TriedAgain),
            ("drop", TriedAgain),
            ("wipe", TriedAgain),
            ("finish", GivenUp),
        ],
        &["detach", "wipe", "drop", "finish"],
        r#"{"administrator":null,"move":{"placement":"isolated","region":"weur","switch":"manual","window_ms":604800000,"rehearse":false,"generation":2}}"#,
    ),
    (
        "backup",
        &[("reserve", GivenUp), ("archive", GivenUp), ("finish", GivenUp)],
        &["discard", "finish"],
        r#"{"administrator":null,"backup":{"include":["keys","logs"]}}"#,
    ),
    (
        "restore",
        &[
            ("reserve", GivenUp),
            ("check", GivenUp),
            ("archive", GivenUp),
            ("load", TriedAgain),
            ("seed", TriedAgain),
            ("activate", GivenUp),
        ],
        &["discard", "finish"],
        r#"{"administrator":null,"restore":{"backup":"bak_1","of":"acme","hash":"00","status":"active"}}"#,
    ),
    (
        "restore_new",
        &[
            ("reserve", GivenUp),
            ("check", GivenUp),
            ("database", GivenUp),
            ("create", GivenUp),
            ("migrate", GivenUp),
            ("attach", GivenUp),
            ("verify", GivenUp),
            ("load", GivenUp),
            ("seed", GivenUp),
            ("organization", GivenUp),
            ("activate", GivenUp),
        ],
        &["close", "withdraw", "detach", "wipe", "drop", "release"],
        r#"{"administrator":"auth0|1","restore":{"backup":"bak_1","of":"globex","hash":"00"}}"#,
    ),
    (
        "time_travel",
        &[("reserve", GivenUp), ("bookmark", GivenUp), ("travel", GivenUpIfHopeless), ("activate", GivenUp)],
        &["discard", "finish"],
        r#"{"administrator":null,"travel":{"to":1799999999000,"status":"staging"}}"#,
    ),
];

/// A world with a tenant, whose directory holds this operation of it.
fn holding(world: &World, kind: &str, step: &str, state: &str, input: &str) -> OperationId {
    let directory = world.database("DIRECTORY");
    directory.query("delete from operation_events");
    directory.query("delete from operations");
    directory.query(&format!(
        "insert into operations (id, tenant_id, kind, status, step, attempt, input, state, initiated_by, run_at, created_at,
                                 updated_at)
         values ('op_1', 'acme', '{kind}', 'running', '{step}', 7, '{input}', '{state}', 'somebody', 1, 1, 1)"
    ));
    OperationId::new("op_1")
}

fn read(world: &World, id: &OperationId) -> Operation {
    let directory = world.app.shared().directory.db(&Meter::default()).unwrap();
    let row = crate::support::block_on(directory.first(store::operation(id))).unwrap().unwrap();
    store::read_operation(&row, &PROCEDURES).unwrap()
}

#[test]
fn every_kind_and_every_step_is_stored_under_the_name_that_it_had() {
    let names = |steps: Vec<&'static gatehouse::operations::engine::procedure::Step>| {
        steps.into_iter().map(|step| step.name).collect::<Vec<_>>()
    };
    let known: Vec<_> = PROCEDURES
        .iter()
        .map(|procedure| {
            (procedure.name, names(procedure.steps.iter().collect()), names(procedure.undo().collect()))
        })
        .collect();
    for (kind, steps, undo, _) in STORED {
        let steps: Vec<_> = steps.iter().map(|(step, _)| *step).collect();
        assert!(known.contains(&(kind, steps, undo.to_vec())), "{kind}: {known:?}");
    }
    assert_eq!(known.len(), STORED.len());
}

#[test]
fn a_row_of_every_kind_at_every_step_is_read_and_shown() {
    let world = World::new();
    world.tenant("acme");
    let token = world.machine_token("read:tenant_operations");
    for (kind, steps, undo, input) in STORED {
        let forward = steps.iter().map(|(step, _)| (*step, "{}"));
        let undoing = undo.iter().map(|step| (*step, r#"{"gave_up":"it had to be"}"#));
        for (step, state) in forward.chain(undoing) {
            let id = holding(&world, kind, step, state, input);
            let shown = world
                .send(Ask::get("", &format!("/management/operations/{id}")).bearer(&token))
                .expect(200)
                .json();
            assert_eq!((&shown["kind"], &shown["step"]), (&json!(kind), &json!(step)));
            let operation = read(&world, &id);
            assert_eq!(operation.failure.is_some(), state.contains("gave_up"), "{kind} {step}");
        }
    }
}

#[test]
fn what_was_asked_for_is_shown_as_it_was_stored() {
    let world = World::new();
    world.tenant("acme");
    let token = world.machine_token("read:tenant_operations");
    let shown = |kind: &str| -> Json {
        let (_, steps, _, input) = STORED.into_iter().find(|(name, ..)| *name == kind).unwrap();
        let id = holding(&world, kind, steps[1].0, "{}", input);
        world.send(Ask::get("", &format!("/management/operations/{id}")).bearer(&token)).expect(200).json()
    };
    assert_eq!(shown("move")["move"]["to"], json!({ "placement": "isolated", "region": "weur" }));
    assert_eq!(shown("move")["move"]["switch"], "manual");
    assert_eq!(shown("backup")["backup"], "bak_1");
    assert_eq!(shown("restore")["backup"], "bak_1");
    assert_eq!(shown("restore_new")["backup"], "bak_1");
    assert_eq!(shown("time_travel")["timestamp"], "2027-01-15T07:59:59.000Z");
}

#[test]
fn what_is_given_up_and_what_is_tried_until_it_succeeds_is_as_it_was() {
    let world = World::new();
    world.tenant("acme");
    let now = world.outside.now();
    let gives_up = |operation: &Operation, error: &StepError| {
        matches!(decide(operation, error, now), RetryDecision::GiveUp(_))
    };
    let never = StepError::Never { why: String::new() };
    let retry = StepError::Retry { why: String::new(), not_before: None };
    let fault = StepError::Fault(Fault::unavailable("busy"));
    for (kind, steps, undo, input) in STORED {
        for (step, failure) in steps {
            // The eighth attempt is the last.
            let operation = read(&world, &holding(&world, kind, step, "{}", input));
            let hopeless = gives_up(&operation, &never);
            let (tired, failed) = (gives_up(&operation, &retry), gives_up(&operation, &fault));
            let expected = match failure {
                GivenUp => (true, true, true),
                GivenUpIfHopeless => (true, false, false),
                TriedAgain => (false, false, false),
            };
            assert_eq!((hopeless, tired, failed), expected, "{kind} {step}");
        }
        for step in undo {
            let operation = read(&world, &holding(&world, kind, step, r#"{"gave_up":"so"}"#, input));
            assert!(!gives_up(&operation, &never) && !gives_up(&operation, &retry), "{kind} {step}");
        }
    }
}
