//! Which effect belongs to which step.

use super::{Done, Work, archiving, bindings, databases, moving, restoring, rows, travelling};
use crate::{
    error::Fault,
    operations::{
        model::{Held, Kind},
        plan::{Step, Trouble},
    },
};

/// Does the operation's step.
pub(super) async fn run(work: &Work<'_>) -> Result<Done, Trouble> {
    let operation = work.operation;
    let removes = matches!(operation.step, Step::Detach | Step::Drop | Step::Wipe);
    if removes && operation.kind == Kind::Move && operation.home.as_ref() == Some(&work.held()?.database.id) {
        // Never, whatever else is wrong.
        return Err(Fault::internal("a move would remove the tenant's home").into());
    }
    match operation.step {
        Step::Database => databases::choose(work).await,
        Step::Create => databases::create(work).await,
        Step::Migrate => databases::migrate(work).await,
        Step::Attach => bindings::attach(work).await,
        Step::Verify => rows::verify(work).await,
        Step::Seed => rows::seed(work).await,
        Step::Organization => rows::organize(work).await,
        Step::Withdraw => rows::withdraw(work).await,
        Step::Detach => bindings::detach(work).await,
        Step::Drop => databases::drop_database(work).await,
        Step::Wipe => rows::wipe(work).await,
        Step::Move => moving::run(work).await,
        Step::Archive => archiving::run(work).await,
        Step::Discard => archiving::discard(work).await,
        Step::Check => restoring::check(work).await,
        Step::Load => restoring::load(work).await,
        Step::Bookmark => travelling::bookmark(work).await,
        Step::Travel => travelling::travel(work).await,
        // These happen in the directory alone, together with the step before them.
        step @ (Step::Reserve | Step::Activate | Step::Close | Step::Release | Step::Finish) => {
            Err(Fault::internal(format!("{} is no step of its own", step.as_str())).into())
        }
    }
}

impl Work<'_> {
    pub(super) fn held(&self) -> Result<&Held, Fault> {
        let held = self.operation.tenant.database.as_ref();
        held.ok_or_else(|| Fault::internal("the tenant has no database at a step that needs one"))
    }
}
