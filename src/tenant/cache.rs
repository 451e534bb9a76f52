//! Isolate memory that cannot be read without the tenant it belongs to.

use super::Tenant;
use crate::{
    id::TenantId,
    time::{Lifetime, Timestamp},
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// How long an isolate may believe what it has read (design: routes, keys, clients and settings at most 5 s).
pub const FRESH: Lifetime = Lifetime::seconds(5);

/// How many tenants an isolate remembers; when full, all is forgotten, which costs one read each.
const CAPACITY: usize = 4096;

/// One value per tenant, kept for [`FRESH`] and dropped when the tenant's epoch changes.
pub struct PerTenant<T>(RefCell<HashMap<TenantId, Entry<T>>>);

struct Entry<T> {
    epoch: i64,
    read_at: Timestamp,
    value: Rc<T>,
}

impl<T> Default for PerTenant<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> PerTenant<T> {
    /// The tenant's value if it is fresh.
    pub fn fresh(&self, tenant: &Tenant, now: Timestamp) -> Option<Rc<T>> {
        let entries = self.0.borrow();
        let entry = entries.get(tenant.id()).filter(|entry| entry.epoch == tenant.epoch())?;
        (now.since(entry.read_at) < FRESH).then(|| Rc::clone(&entry.value))
    }

    /// The tenant's last value however old: for keeping what is dear to make and has not changed.
    pub fn stale(&self, tenant: &Tenant) -> Option<Rc<T>> {
        self.0.borrow().get(tenant.id()).map(|entry| Rc::clone(&entry.value))
    }

    /// Remembers a value read at `now`.
    pub fn keep(&self, tenant: &Tenant, now: Timestamp, value: Rc<T>) {
        let mut entries = self.0.borrow_mut();
        if entries.len() >= CAPACITY && !entries.contains_key(tenant.id()) {
            entries.clear();
        }
        entries.insert(tenant.id().clone(), Entry { epoch: tenant.epoch(), read_at: now, value });
    }

    /// Forgets the tenant's value: something it holds has been changed here.
    pub fn forget(&self, tenant: &TenantId) {
        self.0.borrow_mut().remove(tenant);
    }
}
