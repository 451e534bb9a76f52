//! The way back to the data, made before anything is deployed: an archive of every tenant, and D1's Time Travel.

use super::super::{
    super::{api::Api, exit::Failure, screen::Screen},
    backup::{Archive, EVERYTHING, Round},
};
use crate::time::Timestamp;
use serde_json::{Value as Json, json};

/// How many tenants are archived at once.
const PARALLELISM: usize = 4;

/// What there is to go back to.
#[derive(Debug)]
pub struct Rollback {
    /// The moment before the deployment.
    at: Timestamp,
    /// The archives of that time, or why there are none.
    archives: Result<Round, &'static str>,
}

impl Rollback {
    /// Time Travel to this moment, and nothing else.
    pub const fn at(at: Timestamp) -> Self {
        Self { at, archives: Err("Nobody was archived.") }
    }

    /// Archives every tenant, if that is `wanted` and there is a place for archives.
    ///
    /// # Errors
    /// A tenant could not be archived: nothing must be deployed.
    pub fn prepare(
        api: &Api<'_>,
        screen: &mut Screen<'_>,
        at: Timestamp,
        wanted: bool,
    ) -> Result<Self, Failure> {
        if !wanted {
            return Ok(Self::at(at));
        }
        let mut round = Round::of_all(api)?;
        match round.run(api, screen, &EVERYTHING, PARALLELISM, false) {
            Ok(()) => {}
            Err(failure) if failure.is_code("no_archive") => {
                let why = "Nobody was archived: no R2 bucket is bound as ARCHIVE.";
                return Ok(Self { at, archives: Err(why) });
            }
            Err(failure) if failure.is_status(404) || failure.is_status(405) => {
                let why = "Nobody was archived: the release that is running cannot do it.";
                return Ok(Self { at, archives: Err(why) });
            }
            Err(failure) => return Err(failure),
        }
        // Whose move can still be rolled back is busy for days: that is said, and no reason to wait for it.
        let (busy, failed): (Vec<_>, Vec<_>) =
            std::mem::take(&mut round.failed).into_iter().partition(|(_, failure)| failure.is_status(409));
        if !failed.is_empty() {
            let why = failed.iter().map(|(tenant, failure)| format!("\n  {tenant}: {failure}"));
            let words =
                "tenants could not be archived, so nothing was deployed (--no-backup deploys all the same):";
            return Err(Failure::Other(format!("{words}{}", why.collect::<String>())));
        }
        round.left_out.extend(busy.into_iter().map(|(tenant, failure)| (tenant, failure.to_string())));
        Ok(Self { at, archives: Ok(round) })
    }

    /// For people.
    pub fn words(&self) -> String {
        let travel = format!(
            "every minute of a database up to now can be restored: wrangler d1 time-travel restore NAME --timestamp {}",
            self.at.iso()
        );
        match &self.archives {
            Err(why) => format!("{why} The way back is Time Travel: {travel}"),
            Ok(round) => {
                let left_out =
                    round.left_out.iter().map(|(tenant, why)| format!("\n  {tenant} is not: {why}"));
                format!(
                    "{} tenants are archived (gatehouse restore TENANT --from newest).{}\nBesides, {travel}",
                    round.whole.len(),
                    left_out.collect::<String>()
                )
            }
        }
    }

    /// For programs.
    pub fn document(&self) -> Json {
        let of = |archive: &Archive| json!({"tenant_id": archive.tenant_id, "id": archive.id});
        let (kind, archives, left_out) = match &self.archives {
            Err(_) => ("time_travel", Vec::new(), Vec::new()),
            Ok(round) => {
                let left_out =
                    round.left_out.iter().map(|(tenant, why)| json!({"tenant_id": tenant, "why": why}));
                ("archives", round.whole.iter().map(of).collect(), left_out.collect())
            }
        };
        json!({"kind": kind, "timestamp": self.at.iso(), "archives": archives, "left_out": left_out})
    }
}
