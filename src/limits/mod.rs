//! What stops a flood before it costs anything: the platform's counters, asked in the order of a request. The exact limits,
//! those of accounts and of an address's wrong passwords, are rows of the tenant's database: see [`crate::login`].

pub mod model;
pub mod turns;

use crate::{
    error::{Fault, Limited},
    id::TenantId,
    platform::Platform,
    time::{Lifetime, Timestamp},
};
use model::{Class, FAILURES, Rate, STRANGERS, TENANTS, network};
use std::{cell::RefCell, collections::HashMap};

/// The counters of an isolate, and what they said no to. A key that was refused is remembered until its period is over, so
/// that a flood does not even cost the question. It holds nothing of a tenant but that, and forgetting it only means to
/// ask again.
pub struct Limits {
    is_on: bool,
    refused: RefCell<HashMap<String, Timestamp>>,
}

/// How many refused keys are remembered; when full, all are forgotten.
const CAPACITY: usize = 8192;

impl Limits {
    /// Counters that count, or (`RATE_LIMITS=off`) never refuse anything.
    pub fn new(is_on: bool) -> Self {
        Self { is_on, refused: RefCell::default() }
    }

    /// Counts a request that has come as far as its route: by its address, and by its tenant.
    ///
    /// # Errors
    /// [`crate::error::FaultKind::Limited`] if there were too many.
    pub async fn admit(
        &self,
        platform: &dyn Platform,
        class: Class,
        tenant: &TenantId,
        ip: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let Some(rate) = class.by_address() else { return Ok(()) };
        let key = format!("{} {tenant} {}", class.as_str(), network(ip));
        self.count(platform, &rate, &key, now).await?;
        self.count(platform, &TENANTS, &format!("{tenant}"), now).await
    }

    /// Counts a request of a caller who has proven who they are.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub async fn by_caller(
        &self,
        platform: &dyn Platform,
        rate: &Rate,
        tenant: &TenantId,
        caller: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.count(platform, rate, &format!("caller {tenant} {caller}"), now).await
    }

    /// Refuses a client at an address from which too much has been tried in its name, before anything is looked at.
    ///
    /// # Errors
    /// [`crate::error::FaultKind::Limited`].
    pub fn check_failures(
        &self,
        tenant: &TenantId,
        client: &str,
        ip: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.check(&FAILURES, &failures(tenant, client, ip), now)
    }

    /// Counts something that a client at an address was refused.
    ///
    /// # Errors
    /// As [`Self::admit`]: what is answered in place of that refusal, so that nobody learns what was wrong with it.
    pub async fn count_failure(
        &self,
        platform: &dyn Platform,
        tenant: &TenantId,
        client: &str,
        ip: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.count(platform, &FAILURES, &failures(tenant, client, ip), now).await
    }

    /// Refuses an address that has asked for too many hosts that are nobody's.
    ///
    /// # Errors
    /// [`crate::error::FaultKind::Limited`].
    pub fn check_stranger(&self, ip: &str, now: Timestamp) -> Result<(), Fault> {
        self.check(&STRANGERS, &stranger(ip), now)
    }

    /// Counts a host, or an issuer, that turned out to be nobody's.
    ///
    /// # Errors
    /// As [`Self::admit`].
    pub async fn count_stranger(
        &self,
        platform: &dyn Platform,
        ip: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.count(platform, &STRANGERS, &stranger(ip), now).await
    }

    fn check(&self, rate: &Rate, key: &str, now: Timestamp) -> Result<(), Fault> {
        let until = self.refused.borrow().get(&named(rate, key)).copied();
        match until.filter(|until| self.is_on && *until > now) {
            Some(until) => Err(Limited::until(rate.limit, until, now).fault()),
            None => Ok(()),
        }
    }

    async fn count(
        &self,
        platform: &dyn Platform,
        rate: &Rate,
        key: &str,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if !self.is_on {
            return Ok(());
        }
        self.check(rate, key, now)?;
        if platform.within(rate, key).await {
            return Ok(());
        }
        let until = now.plus(Lifetime::seconds(rate.period.into()));
        let mut refused = self.refused.borrow_mut();
        if refused.len() >= CAPACITY {
            refused.clear();
        }
        refused.insert(named(rate, key), until);
        Err(Limited::until(rate.limit, until, now).fault())
    }
}

fn named(rate: &Rate, key: &str) -> String {
    format!("{} {key}", rate.binding)
}

fn failures(tenant: &TenantId, client: &str, ip: &str) -> String {
    format!("{tenant} {client} {}", network(ip))
}

fn stranger(ip: &str) -> String {
    network(ip)
}
