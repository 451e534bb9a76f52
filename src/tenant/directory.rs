//! The only way to a `Tenant` or a `TenantDb`.

use super::{
    Fleet, Host, InDirectory, InTenant, Issuer, Status, Tenant, TenantDb,
    cache::FRESH,
    scope::DirectoryDb,
    store::{self, Database, Route},
};
use crate::{
    cloudflare::RestDriver,
    config::Config,
    db::{Driver, Meter, schema},
    error::{Fault, FaultKind, Stale},
    id::TenantId,
    platform::Platform,
    time::{Lifetime, Timestamp},
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// What a host name led to.
pub enum Resolved {
    /// A tenant that serves, with the handle on its rows.
    Serving(Tenant, TenantDb),
    /// A tenant that is not ready yet: try again in a moment.
    NotReady,
    /// A tenant that has been switched off.
    Suspended,
    /// No such tenant; deleted ones answer the same.
    Unknown,
}

/// Finds tenants and opens their databases. One per isolate.
pub struct Directory {
    config: Rc<Config>,
    platform: Rc<dyn Platform>,
    routes: RefCell<HashMap<String, (Timestamp, Route)>>,
    /// Hosts that are nobody's. Apart from the others, so that whoever asks for very many of them pushes none of those out.
    nobodys: RefCell<HashMap<String, Timestamp>>,
}

/// How long a request waits for a tenant that is just changing its database, and how long between two looks. Longer than
/// it takes another worker to go on when the one that moves the tenant dies.
const PATIENCE: Lifetime = Lifetime::seconds(15);
const GLANCE: Lifetime = Lifetime::milliseconds(20);

/// How many hosts an isolate remembers that it has found, and how many that it has not; when full, all of a kind are
/// forgotten.
const CAPACITY: usize = 8192;
const NOBODYS: usize = 1024;

impl Directory {
    /// The directory behind the binding `DIRECTORY`.
    pub fn new(config: Rc<Config>, platform: Rc<dyn Platform>) -> Self {
        Self { config, platform, routes: RefCell::default(), nobodys: RefCell::default() }
    }

    /// A handle on the directory's own rows.
    ///
    /// # Errors
    /// A fault if the script has no binding `DIRECTORY`.
    pub fn db(&self, meter: &Meter) -> Result<DirectoryDb, Fault> {
        let driver = self.platform.database("DIRECTORY");
        let driver = driver.ok_or_else(|| Fault::internal("the D1 binding DIRECTORY is missing"))?;
        Ok(DirectoryDb::new(driver, InDirectory::new(), meter.clone()))
    }

    /// Finds the tenant of a host. The base domain is the main tenant, one label below it a tenant, and any other
    /// host a custom domain.
    ///
    /// # Errors
    /// A fault of the directory or of the tenant's database; [`FaultKind::Unprepared`] before the first start.
    pub async fn resolve(&self, host: &Host, now: Timestamp, meter: &Meter) -> Result<Resolved, Fault> {
        let base = self.config.base_domain.as_str();
        let id = if host.as_str() == base {
            Some(self.config.main_tenant.clone())
        } else if let Some(label) = host.as_str().strip_suffix(base).and_then(|rest| rest.strip_suffix('.')) {
            match TenantId::parse(label).filter(|id| *id != self.config.main_tenant) {
                Some(id) => Some(id),
                None => return Ok(Resolved::Unknown),
            }
        } else {
            None
        };
        let query = || id.as_ref().map_or_else(|| store::by_host(host.as_str()), store::by_id);
        let route = self.route(host.as_str(), query, now, meter).await?;
        self.open(route, Issuer::of(self.config.scheme(), host.as_str()), meter).await
    }

    /// Whether it is known without a look into the directory whose this host is, if anybody's.
    pub fn knows(&self, host: &Host, now: Timestamp) -> bool {
        let host = host.as_str();
        let is_fresh = |read_at: &Timestamp| now.since(*read_at) < FRESH;
        host == self.config.base_domain
            || self.routes.borrow().get(host).is_some_and(|(read_at, _)| is_fresh(read_at))
            || self.nobodys.borrow().get(host).is_some_and(is_fresh)
    }

    /// Finds a tenant by id, at its own subdomain.
    ///
    /// # Errors
    /// As [`Directory::resolve`].
    pub async fn by_id(&self, id: &TenantId, now: Timestamp, meter: &Meter) -> Result<Resolved, Fault> {
        let authority = self.authority(id);
        let route = self.route(&authority, || store::by_id(id), now, meter).await?;
        self.open(route, Issuer::of(self.config.scheme(), &authority), meter).await
    }

    /// The main tenant.
    ///
    /// # Errors
    /// As [`Directory::resolve`].
    pub async fn main(&self, now: Timestamp, meter: &Meter) -> Result<(Tenant, TenantDb), Fault> {
        match self.by_id(&self.config.main_tenant, now, meter).await? {
            Resolved::Serving(tenant, db) => Ok((tenant, db)),
            _ => Err(Fault::unavailable("the main tenant is not serving")),
        }
    }

    /// Opens a tenant for its own lifecycle, whatever its state: while being provisioned, suspended or deleted.
    /// Not cached; only `operations` and `importing` may call this.
    ///
    /// # Errors
    /// As [`Directory::resolve`].
    pub(crate) async fn open_for_lifecycle(
        &self,
        id: &TenantId,
        meter: &Meter,
    ) -> Result<Option<TenantDb>, Fault> {
        let row = self.db(meter)?.first(store::by_id(id)).await?;
        let Some(route) = row.as_ref().map(store::route).transpose()?.and_then(|(_, route)| route) else {
            return Ok(None);
        };
        let Some(database) = &route.database else { return Ok(None) };
        self.lifecycle_db(&route.tenant, route.epoch, database, meter).map(Some)
    }

    /// The same for a tenant whose whereabouts have just been read.
    ///
    /// # Errors
    /// A fault if the database cannot be reached.
    pub(crate) fn lifecycle_db(
        &self,
        tenant: &TenantId,
        epoch: i64,
        database: &Database,
        meter: &Meter,
    ) -> Result<TenantDb, Fault> {
        Ok(TenantDb::new(self.reach(database)?, InTenant::new(tenant.clone(), epoch, true), meter.clone()))
    }

    /// Drops what is remembered of a tenant, after it was changed here or its fence was met.
    pub fn forget(&self, id: &TenantId) {
        self.routes.borrow_mut().retain(|_, (_, route)| route.tenant != *id);
        self.nobodys.borrow_mut().clear();
    }

    /// Drops what is remembered of all tenants, after something was changed for all of them.
    pub fn forget_all(&self) {
        self.routes.borrow_mut().clear();
        self.nobodys.borrow_mut().clear();
    }

    /// Waits until the tenant has left an epoch whose handles its database refuses: it is moving, and will serve again in
    /// a moment. Answers whether it has.
    pub async fn outlive(&self, stale: &Stale, meter: &Meter) -> bool {
        let Stale { tenant: id, epoch } = stale;
        self.forget(id);
        let began = self.platform.now();
        while self.platform.now().since(began) < PATIENCE {
            let Ok(db) = self.db(meter) else { return false };
            let row = db.first(store::by_id(id)).await;
            if let Ok(Some(row)) = row
                && let Ok((_, Some(route))) = store::route(&row)
                && route.epoch > *epoch
            {
                return true;
            }
            self.platform.pause(GLANCE).await;
        }
        false
    }

    /// The authority of a tenant under the base domain.
    pub fn authority(&self, id: &TenantId) -> String {
        let base = &self.config.base_domain;
        if *id == self.config.main_tenant { base.clone() } else { format!("{id}.{base}") }
    }

    /// The issuer of a tenant under the base domain.
    pub fn issuer(&self, id: &TenantId) -> Issuer {
        Issuer::of(self.config.scheme(), &self.authority(id))
    }

    /// The driver of a database: through the binding if the running script has it, else through the HTTP API.
    ///
    /// # Errors
    /// A fault if neither way is open.
    pub fn reach(&self, database: &Database) -> Result<Rc<dyn Driver>, Fault> {
        if let Some(driver) = self.platform.database(&database.binding) {
            return Ok(driver);
        }
        match (&self.config.cloudflare, &database.uuid) {
            (Some(config), Some(uuid)) => {
                Ok(Rc::new(RestDriver::new(Rc::clone(&self.platform), config.clone(), uuid)))
            }
            _ => Err(Fault::unavailable(format!("this instance has no binding {} yet", database.binding))),
        }
    }

    async fn route(
        &self,
        key: &str,
        query: impl Fn() -> crate::db::Query<InDirectory>,
        now: Timestamp,
        meter: &Meter,
    ) -> Result<Option<Route>, Fault> {
        if let Some((read_at, route)) = self.routes.borrow().get(key)
            && now.since(*read_at) < FRESH
        {
            return Ok(Some(route.clone()));
        }
        if self.nobodys.borrow().get(key).is_some_and(|read_at| now.since(*read_at) < FRESH) {
            return Ok(None);
        }
        let row = self.db(meter)?.first(query()).await.map_err(unprepared)?;
        let row = row.ok_or_else(|| Fault::internal("the directory answered no row"))?;
        let (version, route) = store::route(&row)?;
        let unseeded = route.as_ref().is_none_or(|route| route.status == Status::Provisioning);
        let no_main = unseeded && key == self.config.base_domain;
        if version < schema::version(schema::DIRECTORY) || no_main {
            return Err(Fault {
                kind: FaultKind::Unprepared,
                detail: "the directory is not migrated or seeded".to_owned(),
            });
        }
        match &route {
            Some(route) => keep(&self.routes, CAPACITY, key, (now, route.clone())),
            None => keep(&self.nobodys, NOBODYS, key, now),
        }
        Ok(route)
    }

    async fn open(&self, route: Option<Route>, issuer: Issuer, meter: &Meter) -> Result<Resolved, Fault> {
        let Some(route) = route else { return Ok(Resolved::Unknown) };
        let main = route.tenant == self.config.main_tenant;
        let fleet = if main { Fleet::Active } else { route.fleet };
        let (status, writable) = fleet.limits(route.status);
        match status {
            Status::Active | Status::Staging | Status::ReadOnly => {}
            Status::Provisioning | Status::Failed => return Ok(Resolved::NotReady),
            Status::Suspended => return Ok(Resolved::Suspended),
            Status::Deleting | Status::Deleted => return Ok(Resolved::Unknown),
        }
        let Some(database) = &route.database else {
            return Err(Fault::internal(format!("tenant {} has no database", route.tenant)));
        };
        let driver = self.reach(database)?;
        self.bring_up_to_date(database, &driver, meter).await?;
        let db =
            TenantDb::new(driver, InTenant::new(route.tenant.clone(), route.epoch, writable), meter.clone());
        let tenant = Tenant {
            id: route.tenant,
            status,
            writable,
            placement: route.placement,
            epoch: route.epoch,
            issuer,
            main,
        };
        Ok(Resolved::Serving(tenant, db))
    }

    /// Tenant databases migrate at different moments: one that a newer release meets for the first time is migrated
    /// on the spot. Migrations only expand, so instances of the older release go on working.
    async fn bring_up_to_date(
        &self,
        database: &Database,
        driver: &Rc<dyn Driver>,
        meter: &Meter,
    ) -> Result<(), Fault> {
        let wanted = self.config.schema.version();
        if database.schema_version >= wanted {
            return Ok(());
        }
        self.config.schema.migrate(driver.as_ref()).await?;
        self.db(meter)?.commit([store::set_schema_version(&database.id, wanted)]).await?;
        self.routes.borrow_mut().clear();
        Ok(())
    }
}

/// Remembers something of a host.
fn keep<T>(memory: &RefCell<HashMap<String, T>>, capacity: usize, host: &str, value: T) {
    let mut memory = memory.borrow_mut();
    if memory.len() >= capacity && !memory.contains_key(host) {
        memory.clear();
    }
    memory.insert(host.to_owned(), value);
}

/// Before the first start the directory has no tables.
fn unprepared(fault: Fault) -> Fault {
    if fault.detail.contains("no such table") {
        Fault { kind: FaultKind::Unprepared, ..fault }
    } else {
        fault
    }
}
