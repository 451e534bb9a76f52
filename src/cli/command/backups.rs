//! `gatehouse backups`: the archives that there are.

use super::{
    super::{
        api::Api,
        exit::{Failure, Outcome},
    },
    backup::{archive, archives, listed},
    operations::check_id,
    tenants,
};
use clap::Subcommand;
use http::Method;
use serde_json::json;

/// What can be done to archives. The server removes those that `BACKUP_KEEP` and `BACKUP_DAYS` do not keep.
#[derive(Debug, Subcommand)]
pub enum Backups {
    /// Lists those of a tenant, newest first; of a deleted one too
    List {
        /// The tenant
        tenant: String,
    },
    /// Shows one; with --json also the rows of each table, and what they add up to
    Get {
        /// The tenant
        tenant: String,
        /// The archive (bak_…)
        backup: String,
    },
    /// Deletes one for good
    Delete {
        /// The tenant
        tenant: String,
        /// The archive (bak_…)
        backup: String,
    },
}

impl Backups {
    /// Does it.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn run(self, api: &Api<'_>) -> Result<Outcome, Failure> {
        match self {
            Self::List { tenant } => {
                let archives = archives(api, &tenant)?;
                let shown = match archives.as_slice() {
                    [] => format!("The tenant {tenant} has no archives: gatehouse backup {tenant}"),
                    archives => listed(archives),
                };
                Ok(Outcome::done(shown, json!({ "backups": archives })))
            }
            Self::Get { tenant, backup } => {
                let archive = archive(api, &tenant, &backup)?;
                Ok(Outcome::done(listed(std::slice::from_ref(&archive)), archive.into_document()))
            }
            Self::Delete { tenant, backup } => {
                let path = format!("{}/backups/{}", tenants::path(&tenant)?, check_id("bak_", &backup)?);
                match api.call(Method::DELETE, &path, None) {
                    // What was deleted by a request whose answer was lost is not there either.
                    Err(failure) if !failure.is_code("inexistent_backup") => return Err(failure),
                    _ => {}
                }
                let document = json!({"id": backup, "tenant_id": tenant, "deleted": true});
                Ok(Outcome::done(format!("The archive {backup} of {tenant} is deleted."), document))
            }
        }
    }
}
