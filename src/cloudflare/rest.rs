//! D1 over the HTTP API: for the minute until the binding of a new database is there.

use crate::{
    config::CloudflareConfig,
    db::{Driver, Outcome, RawStatement},
    error::Fault,
    platform::{LocalBox, Platform},
};
use std::rc::Rc;

/// Runs statements on one database through `POST …/d1/database/{uuid}/query`.
pub struct RestDriver {
    platform: Rc<dyn Platform>,
    config: CloudflareConfig,
    uuid: String,
}

impl RestDriver {
    /// A driver for the database of this id.
    pub fn new(platform: Rc<dyn Platform>, config: CloudflareConfig, uuid: &str) -> Self {
        Self { platform, config, uuid: uuid.to_owned() }
    }
}

impl Driver for RestDriver {
    fn run(&self, _batch: Vec<RawStatement>) -> LocalBox<'_, Result<Vec<Outcome>, Fault>> {
        Box::pin(async move {
            let _ = (&self.platform, &self.config);
            Err(Fault::unavailable(format!("database {} is not reachable yet", self.uuid)))
        })
    }
}
