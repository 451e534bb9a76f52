//! One file per command: its arguments, and what it does.

mod backup;
mod backups;
mod deploy;
mod doctor;
mod fleet;
mod import;
mod migrations;
mod moves;
mod operation;
mod operations;
mod plan;
mod restore;
mod status;
mod tenants;
mod verify;

use super::{
    api::Api,
    environment::Environment,
    exit::{Failure, Outcome},
    screen::Screen,
};
use clap::Subcommand;

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists, makes, shows, changes and deletes tenants
    #[command(subcommand)]
    Tenants(tenants::Tenants),
    /// Says what an import would do: rows, size, time, cost, and everything that would be lost or changed
    Plan(plan::Arguments),
    /// Imports the tenants of another install, as a plan says
    Import(import::Arguments),
    /// Moves tenants to a database of their own, or to the one they share, while they are in use
    Move(moves::Arguments),
    /// Moves many tenants as one piece of work, several at once
    Migrate(migrations::Arguments),
    /// Compares every row and column of a tenant: on both sides while it moves, else counts and hashes them
    Verify(verify::Arguments),
    /// Says how far something is: an operation (op_…), a migration (mig_…), a tenant, or everything
    Status {
        /// The operation, the migration or the tenant
        what: Option<String>,
    },
    /// Rolls a move back: the tenant returns to where it was, with everything that was written since
    Rollback {
        /// The operation, or the tenant whose move it is
        what: String,
    },
    /// Pauses, resumes, aborts, switches, rolls back or finishes a move
    Operation(operation::OperationCommand),
    /// Archives tenants, while they are in use
    Backup(backup::Arguments),
    /// Lists, shows and deletes archives
    #[command(subcommand)]
    Backups(backups::Backups),
    /// Brings a tenant back to what an archive shows, or makes another one of it; or takes its database back in time
    Restore(restore::Arguments),
    /// Shows or sets the state of all tenants together
    Fleet {
        /// The state
        to: Option<fleet::Fleet>,
    },
    /// Archives every tenant, deploys the code, upgrades every database, and rolls back by itself if a tenant does not
    /// answer as before
    Deploy(deploy::Arguments),
    /// Looks at the installation, a tenant or a token, and says what is wrong and what to do
    Doctor(doctor::Arguments),
}

/// Connects to the server, for those that need it.
pub type Connect<'a, 'e> = &'a dyn Fn() -> Result<Api<'e>, Failure>;

impl Command {
    /// Where the server is, if the command itself says so.
    pub fn url(&self, environment: &dyn Environment) -> Option<String> {
        match self {
            Self::Deploy(deploy) => deploy.url(environment),
            _ => None,
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Why it could not be done.
    pub fn run(
        self,
        url: &str,
        connect: Connect<'_, '_>,
        screen: &mut Screen<'_>,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Tenants(tenants) => tenants.run(&connect()?, screen),
            Self::Plan(plan) => plan.run(url, screen),
            Self::Import(import) => import.run(url, connect, screen),
            Self::Move(moves) => moves.run(&connect()?, screen),
            Self::Migrate(migrate) => migrate.run(&connect()?, screen),
            Self::Verify(verify) => verify.run(&connect()?, screen),
            Self::Status { what } => status::status(&connect()?, what.as_deref()),
            Self::Rollback { what } => operation::OperationCommand::rollback(what).run(&connect()?, screen),
            Self::Operation(operation) => operation.run(&connect()?, screen),
            Self::Backup(backup) => backup.run(&connect()?, screen),
            Self::Backups(backups) => backups.run(&connect()?),
            Self::Restore(restore) => restore.run(&connect()?, screen),
            Self::Fleet { to } => fleet::run(&connect()?, to),
            Self::Deploy(deploy) => deploy.run(connect, screen),
            Self::Doctor(doctor) => doctor.run(connect),
        }
    }
}
