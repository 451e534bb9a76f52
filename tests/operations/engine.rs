//! The engine by itself, with procedures of the tests' own.

use crate::support::{World, block_on};
use gatehouse::{
    db::{Meter, Statement, write},
    id::{OperationId, TenantId},
    operations::engine::{
        self, StepContext,
        model::{Order, Parameters, Progress},
        procedure::{Done, Procedure, Step},
        retry::StepError,
        store,
        view::OperationView,
    },
    platform::Platform,
    tenant::{InDirectory, Status},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    cell::RefCell,
    collections::VecDeque,
    task::{Context, Waker},
};

/// Builds a house and paints it. What was built of one that cannot be painted is torn down.
static HOUSE: Procedure = Procedure {
    name: "house",
    steps: &[
        Step::recorded("plan").undone_by(&SOLD),
        Step::new("build", |cx| Box::pin(act(cx, "build"))).undone_by(&TEAR_DOWN),
        Step::new("paint", |cx| Box::pin(act(cx, "paint"))),
        Step::end("sell", |_, _| (Progress::Succeeded, Vec::new())),
    ],
    ..Procedure::PLAIN
};

const TEAR_DOWN: Step = Step::new("tear_down", |cx| Box::pin(act(cx, "tear_down")));
const SOLD: Step = Step::end("sell", |_, _| (Progress::Succeeded, Vec::new()));

/// Has nothing to undo.
static GARDEN: Procedure = Procedure {
    name: "garden",
    steps: &[
        Step::recorded("plan"),
        Step::new("dig", |cx| Box::pin(act(cx, "dig"))),
        Step::end("sell", |_, _| (Progress::Succeeded, Vec::new())),
    ],
    at_once: true,
    ..Procedure::PLAIN
};

static TOYS: [&Procedure; 2] = [&HOUSE, &GARDEN];

#[derive(Serialize, Deserialize)]
struct House {
    color: String,
}

impl Parameters for House {
    fn procedure() -> &'static Procedure {
        &HOUSE
    }
}

#[derive(Serialize, Deserialize)]
struct Garden {}

impl Parameters for Garden {
    fn procedure() -> &'static Procedure {
        &GARDEN
    }
}

/// What becomes of an attempt.
enum Fate {
    Succeed,
    Fail(StepError),
    /// The worker dies, or takes very long: it goes on when it is polled again.
    Hang,
}

thread_local! {
    /// What was done, in order.
    static ACTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// What becomes of the attempts from here on; they succeed when nothing is said.
    static FATES: RefCell<VecDeque<Fate>> = const { RefCell::new(VecDeque::new()) };
}

async fn act(cx: &StepContext<'_>, what: &str) -> Result<Done, StepError> {
    ACTS.with_borrow_mut(|acts| acts.push(what.to_owned()));
    match FATES.with_borrow_mut(VecDeque::pop_front).unwrap_or(Fate::Succeed) {
        Fate::Fail(error) => return Err(error),
        Fate::Hang => cx.shared.platform.pause(Lifetime::milliseconds(0)).await,
        Fate::Succeed => {}
    }
    let color = cx.operation.parameters::<House>()?.map(|House { color }| color);
    Ok(Done::with([]).detail(color.unwrap_or_default()))
}

fn acts() -> Vec<String> {
    ACTS.take()
}

fn fates(fates: impl IntoIterator<Item = Fate>) {
    FATES.set(fates.into_iter().collect());
}

fn never() -> Fate {
    Fate::Fail(StepError::Never { why: "it rains".to_owned() })
}

fn retry() -> Fate {
    Fate::Fail(StepError::Retry { why: "no brush".to_owned(), not_before: None })
}

/// A tenant in a world, and work on it.
struct Site {
    world: World,
    id: OperationId,
}

impl Site {
    fn begin(parameters: &impl Parameters) -> Self {
        let site = Self { world: World::new(), id: OperationId::new("op_toy") };
        site.world.tenant("acme");
        site.world.outside.wakes.take();
        assert_eq!(site.order(&site.id, parameters), Some(site.id.clone()));
        site
    }

    fn order(&self, id: &OperationId, parameters: &impl Parameters) -> Option<OperationId> {
        let (shared, now) = (self.world.app.shared(), self.world.outside.now());
        let tenant = TenantId::parse("acme").unwrap();
        let placement = gatehouse::config::Placement::Shared;
        let order = Order::new(id.clone(), (&tenant, placement), parameters, "somebody").unwrap();
        let touched: Statement<InDirectory> =
            write("update tenants set updated_at = ?2 where id = ?1").bind(&tenant).bind(now);
        block_on(engine::begin(shared, &order, [touched], Status::Active, &Meter::default(), now)).unwrap()
    }

    /// What one worker does of it, and when the next is to come.
    fn work(&self) -> Option<Timestamp> {
        let world = self.world.another_isolate();
        block_on(engine::advance(world.app.shared(), &TOYS, &self.id)).unwrap()
    }

    fn view(&self) -> OperationView {
        let directory = self.world.app.shared().directory.db(&Meter::default()).unwrap();
        let [rows, events] =
            block_on(directory.read([store::operation(&self.id), store::events_of(&self.id)])).unwrap();
        let operation = store::read_operation(&rows[0], &TOYS).unwrap();
        OperationView::whole(&operation, &events, None).unwrap()
    }

    /// The history: step and outcome.
    fn history(&self) -> Vec<(String, String)> {
        self.view().events.unwrap().into_iter().map(|event| (event.step, event.outcome)).collect()
    }

    fn wait_until(&self, at: Timestamp) {
        self.world.advance(Lifetime::milliseconds(at.since(self.world.outside.now()).as_millis()));
    }
}

fn house() -> House {
    House { color: "red".to_owned() }
}

fn events(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(step, outcome)| ((*step).to_owned(), (*outcome).to_owned())).collect()
}

#[test]
fn a_procedure_runs_to_its_end_step_by_step() {
    let site = Site::begin(&house());
    let begun = site.view();
    assert_eq!((begun.status, begun.step.as_str(), begun.progress.step), (Progress::Running, "build", 2));
    assert_eq!(acts(), [""; 0], "what is not done at once is not done by whoever asks for it");
    assert_eq!(site.world.outside.wakes.take(), [(site.id.clone(), site.world.outside.now())]);

    assert_eq!(site.work(), None);
    assert_eq!(acts(), ["build", "paint"]);
    let expected =
        [("plan", "succeeded"), ("build", "succeeded"), ("paint", "succeeded"), ("sell", "succeeded")];
    assert_eq!(site.history(), events(&expected));
    let done = site.view();
    assert_eq!((done.kind.as_str(), done.status, done.progress.step), ("house", Progress::Succeeded, 4));
    assert_eq!(done.events.unwrap()[1].detail.as_deref(), Some("red"), "a step reads what was asked for");
    assert_eq!((site.work(), acts()), (None, vec![]), "what is over stays over");
}

#[test]
fn what_is_to_be_done_at_once_is_done_by_whoever_asks_for_it() {
    let site = Site::begin(&Garden {});
    assert_eq!((acts(), site.view().status), (vec!["dig".to_owned()], Progress::Succeeded));
    assert_eq!(site.world.outside.wakes.take(), []);
}

#[test]
fn a_tenant_has_one_operation_at_a_time() {
    let site = Site::begin(&house());
    assert_eq!(site.order(&OperationId::new("op_other"), &house()), None);
    site.work();
    assert!(site.order(&OperationId::new("op_other"), &house()).is_some());
}

#[test]
fn what_will_never_succeed_is_undone() {
    let site = Site::begin(&house());
    fates([Fate::Succeed, never()]);
    assert_eq!(site.work(), None);
    assert_eq!(acts(), ["build", "paint", "tear_down"]);
    let expected = [
        ("plan", "succeeded"),
        ("build", "succeeded"),
        ("paint", "failed"),
        ("tear_down", "succeeded"),
        ("sell", "succeeded"),
    ];
    assert_eq!(site.history(), events(&expected));
    let failed = site.view();
    assert_eq!((failed.status, failed.error.as_deref()), (Progress::Failed, Some("it rains")));
}

#[test]
fn what_fails_again_and_again_is_given_up_and_what_undoes_it_never() {
    let site = Site::begin(&house());
    fates((0..8).map(|_| retry()).chain((0..20).map(|_| never())));
    let mut attempts = 0;
    while let Some(at) = site.work() {
        assert!(at > site.world.outside.now(), "an attempt that failed is followed by a pause");
        site.wait_until(at);
        attempts += 1;
    }
    assert_eq!(attempts, 28);
    assert_eq!(acts(), [["build"; 8].as_slice(), &["tear_down"; 21]].concat());
    assert_eq!(site.view().status, Progress::Failed);
}

#[test]
fn a_procedure_with_nothing_to_undo_is_never_given_up() {
    fates((0..20).map(|_| never()));
    let site = Site::begin(&Garden {});
    while let Some(at) = site.work() {
        site.wait_until(at);
    }
    assert_eq!((acts().len(), site.view().status), (21, Progress::Succeeded));
}

#[test]
fn a_failed_step_is_tried_again_when_it_is_time_and_not_before() {
    let site = Site::begin(&house());
    fates([retry()]);
    let at = site.work().unwrap();
    assert_eq!((site.work(), acts()), (Some(at), vec!["build".to_owned()]));
    let waiting = site.view();
    assert_eq!((waiting.attempt, waiting.error.as_deref()), (1, Some("no brush")));
    site.wait_until(at);
    assert_eq!((site.work(), acts()), (None, vec!["build".to_owned(), "paint".to_owned()]));
    let expected = [("build", "retried"), ("build", "succeeded")];
    assert_eq!(site.history()[1..3], events(&expected));
}

#[test]
fn to_wait_is_no_failed_attempt() {
    let site = Site::begin(&house());
    let until = site.world.outside.now().plus(Lifetime::hours(1));
    fates((0..20).map(|_| Fate::Fail(StepError::Wait { until, why: "it dries".to_owned() })));
    for _ in 0..20 {
        assert_eq!(site.work(), Some(until));
        let waiting = site.view();
        assert_eq!((waiting.attempt, waiting.message.as_deref()), (0, Some("it dries")));
        site.wait_until(until);
    }
    assert_eq!((site.work(), site.view().status), (None, Progress::Succeeded));
}

#[test]
fn another_worker_goes_on_where_one_was_killed() {
    let site = Site::begin(&house());
    fates([Fate::Succeed, Fate::Hang]);
    {
        let mut killed = std::pin::pin!(engine::advance(site.world.app.shared(), &TOYS, &site.id));
        assert!(killed.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(acts(), ["build", "paint"]);
    let at = site.work().unwrap();
    assert_eq!(acts(), [""; 0], "while the lease of the killed one lasts nobody goes on");
    assert_eq!(at, site.world.outside.now().plus(store::LEASE));
    site.wait_until(at);
    assert_eq!(site.work(), None);
    assert_eq!(acts(), ["paint"], "what was done is not done again");
    assert_eq!(site.view().status, Progress::Succeeded);
}

#[test]
fn a_worker_that_was_overtaken_changes_nothing() {
    let site = Site::begin(&house());
    fates([Fate::Succeed, Fate::Hang]);
    let mut slow = std::pin::pin!(engine::advance(site.world.app.shared(), &TOYS, &site.id));
    assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    site.world.advance(store::LEASE);
    assert_eq!(site.work(), None);
    let history = site.history();
    let everything = site.world.everything();
    assert!(block_on(slow).unwrap().is_some());
    assert_eq!((site.history(), site.world.everything()), (history, everything));
}

#[test]
fn an_operation_of_a_newer_release_is_left_to_it() {
    let site = Site::begin(&house());
    let before = site.world.everything();
    let ignorant = block_on(engine::advance(site.world.app.shared(), &[&GARDEN], &site.id));
    assert!(ignorant.unwrap_err().detail.contains("unknown kind"));
    assert_eq!(acts(), [""; 0]);
    site.world.advance(store::LEASE);
    assert_eq!(site.work(), None, "{before}");
}

#[test]
fn names_of_parameters_are_the_stored_ones() {
    let site = Site::begin(&house());
    let row = &site.world.database("DIRECTORY").query("select input from operations where id = 'op_toy'")[0];
    assert_eq!(row["input"], json!(r#"{"color":"red"}"#));
}
