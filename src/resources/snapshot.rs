//! What an isolate remembers of a tenant for up to five seconds: the configuration that nearly every request needs.

use super::{
    attack_protection::{self, model::AttackProtection},
    clients::{self, model::ClientRecord},
    connections::{self, model::Connection},
    former_keys::{self, model::FormerKey},
    keys::{self, model::SigningKey},
    resource_servers::{self, model::ResourceServer},
    settings::{self, model::Settings},
    standing::{
        self,
        model::{Standing, Subject},
    },
};
use crate::{
    access::log_unreadable,
    config::Config,
    db::{Row, readable},
    error::Fault,
    id::{ClientId, OrganizationId, TenantId},
    jose::{Jwk, jwt::Unsigned},
    platform::{Platform, Signer},
    secret::{KeyRing, Sealed},
    tenant::{PerTenant, Tenant, TenantDb},
    time::{Lifetime, Timestamp},
};
use serde::Serialize;
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// The snapshots of all tenants that this isolate serves.
#[derive(Default)]
pub struct Snapshots(PerTenant<Snapshot>);

/// One tenant's configuration, as it was at one instant.
pub struct Snapshot {
    /// Seals and opens what is secret at rest in this tenant: the newest of its data keys seals.
    pub seal: KeyRing,
    /// Seals and opens what travels for an hour at the most: the state of a login, a sign-out to be confirmed, a code that is
    /// kept nowhere. Strangers have as much of it sealed as they like, so it has a key of its own for every day.
    pub passing: KeyRing,
    /// Its settings.
    pub settings: Settings,
    /// What it does about those who guess.
    pub attack_protection: AttackProtection,
    /// Its signing keys, newest first.
    pub keys: Vec<SigningKey>,
    /// Keys of the server that it came from.
    pub former_keys: Vec<FormerKey>,
    /// Its connections.
    pub connections: Vec<Connection>,
    /// Its APIs.
    pub resource_servers: Vec<ResourceServer>,
    clients: RefCell<HashMap<ClientId, Option<Rc<ClientRecord>>>>,
    organizations: RefCell<HashMap<String, (OrganizationId, String)>>,
    people: RefCell<HashMap<Subject, Rc<Standing>>>,
    signer: RefCell<Option<(String, Rc<dyn Signer>)>>,
    left_out: Vec<LeftOut>,
}

/// A row that could not be read, and is not in the snapshot.
#[derive(PartialEq, Eq)]
struct LeftOut {
    table: &'static str,
    id: String,
    fault: Fault,
}

/// Whom a token speaks for that is about to be verified: how they stand is read beside the keys, if those are read anyway.
#[derive(Debug)]
pub enum Bearer {
    /// A person, and the name under which the management API is registered.
    Person(Subject, String),
    /// A machine.
    Machine(ClientId),
}

/// How many clients of one tenant are remembered, and how many organizations.
const CLIENTS: usize = 1024;
const ORGANIZATIONS: usize = 1024;
/// And how many of the people whose tokens its management API has taken.
const PEOPLE: usize = 1024;

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

impl Snapshots {
    /// The tenant's snapshot, read in one round trip if there is no fresh one.
    ///
    /// # Errors
    /// A fault of the database, or of a key that cannot be unwrapped.
    pub async fn of(
        &self,
        tenant: &Tenant,
        db: &TenantDb,
        platform: &dyn Platform,
        config: &Config,
        now: Timestamp,
    ) -> Result<Rc<Snapshot>, Fault> {
        self.beside(tenant, db, platform, config, now, None).await
    }

    /// The same. If it has to be read, how `bearer` stands is read in the same round trip.
    ///
    /// # Errors
    /// As [`Snapshots::of`].
    pub async fn beside(
        &self,
        tenant: &Tenant,
        db: &TenantDb,
        platform: &dyn Platform,
        config: &Config,
        now: Timestamp,
        bearer: Option<&Bearer>,
    ) -> Result<Rc<Snapshot>, Fault> {
        if let Some(snapshot) = self.0.fresh(tenant, now) {
            return Ok(snapshot);
        }
        let snapshot = Snapshot::read(tenant.id(), db, config, bearer, now).await?;
        let previous = self.0.stale(tenant);
        // Importing a private key costs more than signing with it: a key that has not changed stays imported.
        if let Some(previous) = &previous {
            snapshot.signer.replace(previous.signer.borrow().clone());
        }
        // What was left out is told of once, not every five seconds.
        let told =
            |left: &LeftOut| previous.as_ref().is_some_and(|previous| previous.left_out.contains(left));
        for left in snapshot.left_out.iter().filter(|left| !told(left)) {
            log_unreadable(platform, tenant.id().as_str(), (left.table, &left.id), &left.fault);
        }
        let snapshot = Rc::new(snapshot);
        self.0.keep(tenant, now, Rc::clone(&snapshot));
        Ok(snapshot)
    }

    /// Forgets a tenant's snapshot: something in it has been changed here.
    pub fn forget(&self, tenant: &TenantId) {
        self.0.forget(tenant);
    }

    /// Forgets how the people of a tenant stand: they, or what they hold, have been changed here.
    pub fn forget_people(&self, tenant: &Tenant) {
        if let Some(snapshot) = self.0.stale(tenant) {
            snapshot.people.borrow_mut().clear();
        }
    }
}

impl Snapshot {
    async fn read(
        tenant: &TenantId,
        db: &TenantDb,
        config: &Config,
        bearer: Option<&Bearer>,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let queries = [
            keys::store::data_keys(),
            settings::store::read_all(),
            attack_protection::store::read_all(),
            keys::store::all(),
            former_keys::store::all(),
            connections::store::all(),
            resource_servers::store::all(),
        ];
        let riding = bearer.map(|bearer| match bearer {
            Bearer::Person(subject, audience) => standing::store::of_person(subject, audience),
            Bearer::Machine(client) => clients::store::and_grants(client),
        });
        let (rows, rode) = db.read_with(queries, riding.into_iter().flatten()).await?;
        let [data_keys, settings, attack_protection, keys, former_keys, connections, resource_servers] = rows;
        // Who cannot be read is read again when they are asked for, and fails there.
        let (mut people, mut machines) = (HashMap::new(), HashMap::new());
        match (bearer, rode.as_slice()) {
            (Some(Bearer::Person(subject, _)), [person, held]) => {
                let standing = standing::store::standing(subject, person, held);
                people.extend(standing.map(|standing| (subject.clone(), Rc::new(standing))));
            }
            (Some(Bearer::Machine(id)), [client, grants]) => {
                let record = clients::store::record(client, grants);
                machines.extend(record.map(|record| (id.clone(), record.map(Rc::new))));
            }
            _ => {}
        }
        let mut left_out = Vec::new();
        // Without its key nothing of a tenant opens, and without its settings nobody knows what it demands of those who sign
        // in: these two must be readable. Everything else fails alone.
        let seal = keys::store::unwrap(tenant, &data_keys, &config.encryption_keys)?;
        Ok(Self {
            passing: passing(&seal, now),
            seal,
            settings: settings::store::settings(settings.first())?,
            // What cannot be read protects as much as what was never set.
            attack_protection: attack_protection::store::attack_protection(attack_protection.first())
                .unwrap_or_default(),
            keys: known(("signing_keys", "kid"), &keys, keys::store::signing_key, &mut left_out),
            former_keys: known(
                ("former_keys", "kid"),
                &former_keys,
                former_keys::store::former_key,
                &mut left_out,
            ),
            connections: known(
                ("connections", "id"),
                &connections,
                connections::store::connection,
                &mut left_out,
            ),
            resource_servers: known(
                ("resource_servers", "id"),
                &resource_servers,
                resource_servers::store::resource_server,
                &mut left_out,
            ),
            clients: RefCell::new(machines),
            people: RefCell::new(people),
            organizations: RefCell::default(),
            signer: RefCell::default(),
            left_out,
        })
    }

    /// The public key that verifies a token of this `kid` at `now`.
    pub fn verifying_key(&self, kid: &str, now: Timestamp) -> Option<&Jwk> {
        self.keys.iter().find(|key| key.public.kid == kid && key.verifies(now)).map(|key| &key.public)
    }

    /// The key of the server before that verifies a token of this issuer and `kid` at `now`.
    pub fn former_key(&self, issuer: &str, kid: &str, now: Timestamp) -> Option<&FormerKey> {
        let is_it = |key: &&FormerKey| key.issuer == issuer && key.public.kid == kid && key.verifies(now);
        self.former_keys.iter().find(is_it)
    }

    /// A client with its grants, read in one round trip the first time.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn client(&self, db: &TenantDb, id: &ClientId) -> Result<Option<Rc<ClientRecord>>, Fault> {
        if let Some(known) = self.clients.borrow().get(id) {
            return Ok(known.clone());
        }
        let record = clients::store::with_grants(db, id).await?.map(Rc::new);
        let mut clients = self.clients.borrow_mut();
        if clients.len() >= CLIENTS {
            clients.clear();
        }
        clients.insert(id.clone(), record.clone());
        Ok(record)
    }

    /// How a person stands, read in one round trip the first time. `audience` is the name under which the management API is
    /// registered.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn standing(
        &self,
        db: &TenantDb,
        subject: &Subject,
        audience: &str,
    ) -> Result<Rc<Standing>, Fault> {
        if let Some(known) = self.people.borrow().get(subject) {
            return Ok(Rc::clone(known));
        }
        let [person, held] = db.read(standing::store::of_person(subject, audience)).await?;
        let standing = Rc::new(standing::store::standing(subject, &person, &held)?);
        let mut people = self.people.borrow_mut();
        if people.len() >= PEOPLE {
            people.clear();
        }
        people.insert(subject.clone(), Rc::clone(&standing));
        Ok(standing)
    }

    /// The id and the name of an organization, if it was found before under this id or name. Who is its member is never
    /// remembered.
    pub fn organization(&self, id_or_name: &str) -> Option<(OrganizationId, String)> {
        self.organizations.borrow().get(id_or_name).cloned()
    }

    /// Remembers an organization that was found under this id or name.
    pub fn keep_organization(&self, id_or_name: &str, id: OrganizationId, name: String) {
        let mut organizations = self.organizations.borrow_mut();
        if organizations.len() >= ORGANIZATIONS {
            organizations.clear();
        }
        organizations.insert(id_or_name.to_owned(), (id, name));
    }

    /// The name under which the tenant shows itself to people.
    pub fn brand<'a>(&'a self, tenant: &'a TenantId) -> &'a str {
        self.settings.friendly_name.as_deref().unwrap_or_else(|| tenant.as_str())
    }

    /// The API of this audience.
    pub fn resource_server(&self, audience: &str) -> Option<&ResourceServer> {
        self.resource_servers.iter().find(|server| server.identifier == audience)
    }

    /// The database connection that people sign in with unless a client says otherwise.
    pub fn database_connection(&self) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.is_database())
    }

    /// Signs claims with the tenant's current key. `kind` is the token's `typ`.
    ///
    /// # Errors
    /// A fault if the tenant has no current key, or of the platform.
    pub async fn sign(
        &self,
        platform: &dyn Platform,
        now: Timestamp,
        kind: &str,
        claims: &impl Serialize,
    ) -> Result<String, Fault> {
        let key = self.keys.iter().find(|key| key.signs(now));
        let key = key.ok_or_else(|| Fault::internal("the tenant has no current signing key"))?;
        let unsigned = Unsigned::new(key.algorithm, &key.public.kid, kind, claims)?;
        let signature = self.signer(platform, key).await?.sign(unsigned.message()).await?;
        Ok(unsigned.signed(&signature))
    }

    async fn signer(&self, platform: &dyn Platform, key: &SigningKey) -> Result<Rc<dyn Signer>, Fault> {
        if let Some((kid, signer)) = self.signer.borrow().as_ref()
            && *kid == key.public.kid
        {
            return Ok(Rc::clone(signer));
        }
        let sealed = key.private.as_ref().ok_or_else(|| Fault::internal("the key only verifies"))?;
        let private = self.open(&keys::store::purpose(&key.public.kid), sealed)?;
        let signer = platform.signer(key.algorithm, &private).await?;
        self.signer.replace(Some((key.public.kid.clone(), Rc::clone(&signer))));
        Ok(signer)
    }

    /// Opens a secret that was sealed for `purpose`.
    ///
    /// # Errors
    /// A fault if it cannot be opened: changed, or sealed by a key that is gone.
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<crate::secret::Secret, Fault> {
        self.seal.open(purpose, sealed).ok_or_else(|| Fault::internal(format!("cannot open {purpose}")))
    }
}

/// What can be read of a table; the rest goes to `left_out`.
fn known<T>(
    (table, key): (&'static str, &str),
    rows: &[Row],
    read: impl Fn(&Row) -> Result<T, Fault>,
    left_out: &mut Vec<LeftOut>,
) -> Vec<T> {
    readable(rows, key, read, |id, fault| left_out.push(LeftOut { table, id, fault }))
}

/// The keys of today, which seal, and those of yesterday; and the data keys themselves, with which releases before this one
/// have sealed logins that are still under way.
fn passing(seal: &KeyRing, now: Timestamp) -> KeyRing {
    let of = |moment: Timestamp| seal.derived(&format!("passing-{}", moment.millis() / DAY));
    of(now).and(&of(now.minus(Lifetime::days(1)))).and(seal)
}
