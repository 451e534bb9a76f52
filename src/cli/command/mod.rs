//! One file per command: its arguments, and what it does.

mod tenants;

use super::{
    api::Api,
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
}

/// Connects to the server, for those that need it.
pub type Connect<'a, 'e> = &'a dyn Fn() -> Result<Api<'e>, Failure>;

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Why it could not be done.
    pub fn run(self, connect: Connect<'_, '_>, screen: &mut Screen<'_>) -> Result<Outcome, Failure> {
        match self {
            Self::Tenants(tenants) => tenants.run(&connect()?, screen),
        }
    }
}
