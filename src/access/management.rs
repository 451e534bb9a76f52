//! The management API: a bearer token with the scope that the route names.

use super::{
    Area, Call,
    bearer::{self, Unacceptable, Verified},
    live, log_unreadable,
    may_manage::{Bearer, may_manage},
};
use crate::{
    db::{Outcome, Row, Scope as _, Statement, quota, readable},
    error::{Error, Fault, FaultKind},
    events::{Change, Entry, store::short},
    http::Malformed,
    id::{OrganizationId, TenantId, UserId},
    jose::Claims,
    limits::model::MANAGEMENT,
    platform::Level,
    resources::{organizations, snapshot::Snapshot, standing},
    tenant::{InTenant, Resolved, Tenant, TenantDb},
};
use serde_json::json;
use std::rc::Rc;

/// The scope that a route requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope(pub &'static str);

/// The requirement of a management route.
pub const fn scope(name: &'static str) -> Scope {
    Scope(name)
}

/// The scope that lets a machine client of the main tenant manage every tenant. Never granted to a person.
pub const ALL_TENANTS: &str = "tenants:all";

pub use super::refusal::Refusal;
pub use crate::resources::standing::model::TENANT_ADMIN;

/// How often a change is made anew because somebody else came first.
const ATTEMPTS: usize = 8;

/// A caller who may do what the route does to the tenant it names.
pub struct Management {
    call: Call,
    tenant: Rc<Tenant>,
    db: TenantDb,
    claims: Claims,
    bearer: Bearer,
}

/// Verifies the token for the management API: `401` for a token that is not acceptable, `403` for another API's.
pub(super) async fn authenticate(call: &Call) -> Result<Verified, Error<Refusal>> {
    let verified = verify(call).await;
    if let Err(Error::Refused(refusal)) = &verified {
        refusal.note(call, &call.db, None);
    }
    verified
}

/// What became of a caller whose token is good, with a refusal written down.
pub(super) fn noted<T>(
    call: &Call,
    claims: &Claims,
    admitted: Result<T, Error<Refusal>>,
) -> Result<T, Error<Refusal>> {
    if let Err(Error::Refused(refusal)) = &admitted {
        refusal.note(call, &call.db, Some(claims));
    }
    admitted
}

async fn verify(call: &Call) -> Result<Verified, Error<Refusal>> {
    let verified = bearer::examine(call, bearer::token(&call.request), |token, issuer| {
        live::bearer(call, token, issuer)
    })
    .await?;
    let verified = verified.map_err(refuse)?;
    let directory = &call.shared.directory;
    let everyone = directory.issuer(&call.shared.config.main_tenant).management_audience();
    let own = verified.issuer.issuer().management_audience();
    if !verified.claims.aud.contains(&everyone) && !verified.claims.aud.contains(&own) {
        return Err(Refusal::forbidden("invalid_audience", "The token is not for the management API").into());
    }
    let caller = verified.claims.azp.as_deref().unwrap_or(&verified.claims.sub);
    let limits = &call.shared.limits;
    limits.by_caller(call.platform(), &MANAGEMENT, call.tenant.id(), caller, call.now).await?;
    Ok(live::narrowed(call, verified).await?.map_err(refuse)?)
}

fn refuse(why: Unacceptable) -> Refusal {
    Refusal::unauthorized(match why {
        Unacceptable::Missing => "Missing authentication",
        Unacceptable::Invalid => "Invalid token",
        Unacceptable::Expired => "Expired token received for JSON Web Token validation",
        Unacceptable::Revoked => {
            "The token has been revoked: its user or its application is gone, blocked or signed out"
        }
    })
}

/// An entry with who asked for what it tells of, as Auth0 shapes it: the entry itself is about somebody, or nobody.
/// Of whoever has no good token nothing is known.
pub(super) fn asked_by(call: &Call, claims: Option<&Claims>, mut entry: Entry) -> Entry {
    let request = &call.request;
    let mut asked = json!({ "method": request.method.as_str(), "path": short(&request.path, PATH) });
    if let (Some(claims), Some(members)) = (claims, asked.as_object_mut()) {
        members.insert("auth".to_owned(), auth(claims));
    }
    entry.details.insert("request".to_owned(), asked);
    entry.client(claims.and_then(|claims| claims.azp.as_deref()).unwrap_or_default())
}

/// How long the path of an entry may be, in characters.
const PATH: usize = 1024;

/// Who a token speaks for, as Auth0's log shapes it.
fn auth(claims: &Claims) -> serde_json::Value {
    let credentials = json!({ "jti": claims.jti });
    let mut auth = json!({ "strategy": "jwt", "credentials": credentials, "issuer": claims.iss });
    if let Some(members) = auth.as_object_mut() {
        let (name, id) = if claims.gty.is_some() { ("client", "client_id") } else { ("user", "user_id") };
        members.insert(name.to_owned(), json!({ id: claims.sub }));
        if let Some(organization) = &claims.org_id {
            members.insert("organization".to_owned(), json!({ "id": organization }));
        }
    }
    auth
}

pub(super) fn check_scope(claims: &Claims, need: Scope) -> Result<(), Refusal> {
    if claims.has_scope(need.0) {
        return Ok(());
    }
    Err(Refusal::forbidden("insufficient_scope", format!("Insufficient scope, expected any of: {}", need.0)))
}

/// What the token says about its bearer. For an organization token, membership and permission are looked up at every use:
/// they may have been taken away since it was issued.
async fn bearer_of(call: &Call, verified: &Verified) -> Result<Bearer, Error<Refusal>> {
    let claims = &verified.claims;
    if !verified.issuer.is_main() {
        return Ok(Bearer::Own(verified.issuer.id().clone()));
    }
    let Some(organization) = &claims.org_id else {
        let machine = claims.gty.as_deref() == Some("client-credentials");
        return Ok(Bearer::Main { all_tenants: machine && claims.has_scope(ALL_TENANTS) });
    };
    let audience = call.shared.directory.issuer(&call.shared.config.main_tenant).management_audience();
    let query = organizations::store::administers(
        &OrganizationId::new(organization.as_str()),
        &UserId::new(claims.sub.as_str()),
        &audience,
        TENANT_ADMIN,
    );
    let subject = live::subject(claims);
    let [organizations, person] = verified.issuer_db.read([query, standing::store::person(&subject)]).await?;
    let standing = standing::store::standing(&subject, &person, &[])?;
    let name = organizations.first().map(|row| row.text("name")).transpose()?;
    if name.is_some() && !standing.speaks(claims.iat) {
        return Err(refuse(Unacceptable::Revoked).into());
    }
    name.and_then(|name| TenantId::parse(&name)).map(Bearer::Organization).ok_or_else(|| {
        Refusal::forbidden(
            "not_a_tenant_admin",
            "The organization of the token does not let you manage a tenant",
        )
        .into()
    })
}

/// The tenant named by the `tenant-id` (or `x-tenant-id`) header, else the tenant of the host. The header counts on
/// the base domain only; elsewhere it may repeat the host's tenant but name no other.
fn target_of(call: &Call) -> Result<TenantId, Refusal> {
    let values = ["tenant-id", "x-tenant-id"].into_iter().flat_map(|name| call.request.headers.get_all(name));
    // A value that is not even text names a tenant too: none that there is.
    let mut named = values.map(|value| value.to_str().unwrap_or_default());
    let Some(first) = named.next() else { return Ok(call.tenant.id().clone()) };
    if named.any(|second| second != first) {
        return Err(Refusal::bad_request(
            "invalid_tenant",
            "tenant-id and x-tenant-id name different tenants",
        ));
    }
    let target = TenantId::parse(first).ok_or_else(|| {
        Refusal::bad_request("invalid_tenant", "The tenant-id header is not a valid tenant id")
    })?;
    if target != *call.tenant.id() && !call.tenant.is_main() {
        return Err(Refusal::forbidden("wrong_tenant", "This host manages its own tenant only"));
    }
    Ok(target)
}

/// The tenant that a verified token lets its bearer manage here, with its rows, and what the token says about the bearer.
async fn examine(
    call: &Call,
    verified: &Verified,
    need: Scope,
) -> Result<(Rc<Tenant>, TenantDb, Bearer), Error<Refusal>> {
    let target = target_of(call)?;
    let bearer = bearer_of(call, verified).await?;
    if !may_manage(&bearer, &target, &call.shared.config.main_tenant) {
        return Err(
            Refusal::forbidden("wrong_tenant", "The token does not let you manage this tenant").into()
        );
    }
    check_scope(&verified.claims, need)?;
    let (tenant, db) = if target == *call.tenant.id() {
        (Rc::clone(&call.tenant), call.db.clone())
    } else {
        match call.shared.directory.by_id(&target, call.now, &call.meter).await? {
            Resolved::Serving(tenant, db) => (Rc::new(tenant), db),
            Resolved::NotReady => return Err(Fault::unavailable(format!("{target} is not ready")).into()),
            Resolved::Suspended => {
                return Err(Refusal::forbidden("tenant_suspended", "This tenant is suspended").into());
            }
            Resolved::Unknown => {
                return Err(Refusal::not_found("inexistent_tenant", "The tenant does not exist").into());
            }
        }
    };
    Ok((tenant, db, bearer))
}

impl Area for Management {
    const NAME: &'static str = "Management";
    type Need = Scope;
    type Refusal = Refusal;

    async fn admit(call: Call, need: Scope) -> Result<Self, Error<Refusal>> {
        let verified = authenticate(&call).await?;
        let examined = examine(&call, &verified, need).await;
        let (tenant, db, bearer) = noted(&call, &verified.claims, examined)?;
        Ok(Self { call, tenant, db, claims: verified.claims, bearer })
    }

    fn scope(need: Scope) -> Option<&'static str> {
        Some(need.0)
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn malformed(why: Malformed) -> Refusal {
        Refusal::invalid_body(why.0)
    }

    fn note_refusal(&self, refusal: &Refusal) {
        refusal.note(&self.call, &self.db, Some(&self.claims));
    }
}

impl Management {
    /// The tenant that is being managed.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Its rows.
    pub fn db(&self) -> &TenantDb {
        &self.db
    }

    /// Who asks: the `sub` of the token.
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// Whether the token also has this scope, for what is shown only to those who may see it.
    pub fn has_scope(&self, scope: Scope) -> bool {
        self.claims.has_scope(scope.0)
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }

    pub(super) fn bearer(&self) -> &Bearer {
        &self.bearer
    }

    /// The audience under which its management API is registered: that of its own subdomain, whatever host was used.
    pub fn audience(&self) -> String {
        self.call.shared.directory.issuer(self.tenant.id()).management_audience()
    }

    /// The permissions that its management API defines: the scopes of the route table and, on the main tenant, what
    /// lets a machine or a member of a tenant's organization manage other tenants.
    pub fn permissions(&self) -> Vec<&'static str> {
        let of_main = [ALL_TENANTS, TENANT_ADMIN].into_iter().filter(|_| self.tenant.is_main());
        self.call.shared.scopes.iter().copied().chain(of_main).collect()
    }

    /// The configuration of the tenant that is being managed.
    ///
    /// # Errors
    /// A fault of the database.
    pub async fn snapshot(&self) -> Result<Rc<Snapshot>, Fault> {
        let call = &self.call;
        call.shared.snapshots.of(&self.tenant, &self.db, call.platform(), &call.shared.config, call.now).await
    }

    /// The items of a list, each read for itself: one that cannot be read is left out and logged by its `key`, and takes
    /// nothing else along.
    pub fn readable<T>(
        &self,
        (table, key): (&str, &str),
        rows: &[Row],
        read: impl Fn(&Row) -> Result<T, Fault>,
    ) -> Vec<T> {
        let (platform, tenant) = (self.call.platform(), self.tenant.id().as_str());
        readable(rows, key, read, |id, fault| log_unreadable(platform, tenant, (table, &id), &fault))
    }

    /// Makes a change that begins from what is stored, and makes it again from what is there by then if somebody else
    /// came first ([`crate::db::unchanged`]): of two changes at once none is lost.
    ///
    /// # Errors
    /// What the attempt answers; [`FaultKind::Outrun`] if others come first again and again.
    pub async fn retry<T>(
        &self,
        attempt: impl AsyncFn() -> Result<T, Error<Refusal>>,
    ) -> Result<T, Error<Refusal>> {
        for _ in 1..ATTEMPTS {
            match attempt().await {
                Err(Error::Fault(Fault { kind: FaultKind::Outrun, .. })) => {}
                other => return other,
            }
        }
        attempt().await
    }

    /// Writes down that the secrets of these objects (of one kind, Auth0's noun in the singular) are about to be shown to the
    /// caller. In a tenant that is read-only that goes to the log of the Worker.
    ///
    /// # Errors
    /// A fault of the database: then they are not shown.
    pub async fn note_reading(
        &self,
        description: &str,
        kind: &'static str,
        ids: &[String],
    ) -> Result<(), Fault> {
        if ids.is_empty() {
            return Ok(());
        }
        let entry = asked_by(&self.call, Some(&self.claims), Entry::of_reading(description, kind, ids));
        if self.db.scope().check_writable().is_err() {
            let fields =
                json!({ "tenant": self.tenant.id(), "description": description, "details": entry.details });
            self.call.platform().log(Level::Info, "secrets were shown", fields);
            return Ok(());
        }
        self.db.commit([self.call.record(entry)]).await.map(drop)
    }

    /// Commits a change of the tenant's configuration together with its entry in the log, and forgets what this isolate
    /// remembers of the tenant.
    ///
    /// # Errors
    /// As `Db::commit`.
    pub async fn commit(
        &self,
        change: &Change,
        batch: impl IntoIterator<Item = Statement<InTenant>>,
    ) -> Result<Vec<Outcome>, Fault> {
        let outcomes = self.commit_people(change, batch).await;
        self.call.shared.snapshots.forget(self.tenant.id());
        outcomes
    }

    /// Commits a change of people, or of what they hold, together with its entry in the log. All that this isolate forgets
    /// is how people stand whose tokens it has taken.
    ///
    /// # Errors
    /// As `Db::commit`.
    pub async fn commit_people(
        &self,
        change: &Change,
        batch: impl IntoIterator<Item = Statement<InTenant>>,
    ) -> Result<Vec<Outcome>, Fault> {
        let mut batch: Vec<_> = batch.into_iter().collect();
        let (guards, words) = self.call.shared.config.quotas.guard(&batch)?.split();
        batch.extend(guards);
        let entry = asked_by(&self.call, Some(&self.claims), Entry::of(change));
        batch.push(self.call.record(entry));
        let outcomes = self.db.commit(batch).await.map_err(|fault| quota::explain(&words, fault));
        self.call.shared.snapshots.forget_people(&self.tenant);
        outcomes
    }
}
