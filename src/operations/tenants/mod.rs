//! How a tenant begins, what an operator changes of it, and what it lives in.

pub mod api;
pub mod bootstrap;
pub mod databases;
pub mod model;
pub mod rows;
pub mod seed;
pub mod spare_keys;
pub mod steps;
pub mod store;
pub mod view;

use super::engine::{
    model::Parameters,
    procedure::{Procedure, Step},
};
use crate::id::UserId;
use serde::{Deserialize, Serialize};
use steps::{ACTIVATE, ATTACH, CREATE, DATABASE, MIGRATE, RESERVE, VERIFY, WITHDRAW};

/// Makes a tenant. Nothing of it can be reached before the last step. What there is of one that cannot be made is removed,
/// in this order: a database that is deleted while the script is bound to it makes the script undeployable.
pub static PROVISION: Procedure = Procedure {
    name: "provision",
    steps: &[
        RESERVE,
        DATABASE,
        CREATE,
        MIGRATE,
        ATTACH,
        VERIFY,
        Step::new("seed", |cx| Box::pin(rows::seed(cx))),
        Step::new("organization", |cx| Box::pin(rows::organize(cx))).undone_by(&WITHDRAW),
        ACTIVATE,
    ],
    at_once: true,
    on_failure: |operation, now| {
        let tenant = &operation.tenant.id;
        vec![store::abandon(tenant, now), databases::store::retire(tenant, now)]
    },
    ..Procedure::PLAIN
};

/// What a tenant is made for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provision {
    /// The user of the main tenant who becomes the tenant's first administrator; none when a machine asked.
    pub administrator: Option<UserId>,
}

impl Parameters for Provision {
    fn procedure() -> &'static Procedure {
        &PROVISION
    }
}
