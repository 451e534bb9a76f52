//! The tenants API: tokens of the main tenant only, at the base domain.

use super::{
    Area, Call,
    authority::Authority,
    bearer::Verified,
    management::{ALL_TENANTS, Refusal, Scope, TENANT_ADMIN, asked_by, authenticate, check_scope, noted},
    may_manage::Bearer,
};
use crate::{
    db::Outcome,
    error::{Error, Fault},
    events::{Change, Entry},
    http::Malformed,
    id::{OrganizationId, UserId},
    resources::organizations,
    tenant::{DirectoryDb, InDirectory},
};

/// Someone who may manage the installation: a token of the main tenant, without an organization, with the route's scope.
pub struct Operator {
    call: Call,
    directory: DirectoryDb,
    claims: crate::jose::Claims,
    bearer: Bearer,
}

/// The directory, if a verified token lets its bearer manage the installation, and what the token says about the bearer.
fn examine(call: &Call, verified: &Verified, need: Scope) -> Result<(DirectoryDb, Bearer), Error<Refusal>> {
    if !verified.issuer.is_main() || verified.claims.org_id.is_some() {
        return Err(Refusal::forbidden("wrong_tenant", "The token does not let you manage tenants").into());
    }
    check_scope(&verified.claims, need)?;
    let directory = call.shared.directory.db(&call.meter)?;
    let all_tenants = verified.claims.gty.is_some() && verified.claims.has_scope(ALL_TENANTS);
    Ok((directory, Bearer::Main { all_tenants }))
}

impl Area for Operator {
    const NAME: &'static str = "Operator";
    type Need = Scope;
    type Refusal = Refusal;

    async fn admit(call: Call, need: Scope) -> Result<Self, Error<Refusal>> {
        if !call.tenant.is_main() {
            return Err(Refusal::not_found("not_found", "Tenants are managed at the base domain").into());
        }
        let verified = authenticate(&call).await?;
        let (directory, bearer) = noted(&call, &verified.claims, examine(&call, &verified, need))?;
        Ok(Self { call, directory, claims: verified.claims, bearer })
    }

    fn scope(need: Scope) -> Option<&'static str> {
        Some(need.0)
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn malformed(why: Malformed) -> Refusal {
        Refusal::bad_request("invalid_body", format!("Payload validation error: {}", why.0))
    }

    fn note_refusal(&self, refusal: &Refusal) {
        refusal.note(&self.call, &self.call.db, Some(&self.claims));
    }
}

impl Operator {
    /// The directory's rows.
    pub fn directory(&self) -> &DirectoryDb {
        &self.directory
    }

    /// Who asks: the `sub` of the token.
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// Whether it is a machine that may manage every tenant.
    pub fn manages_all(&self) -> bool {
        self.bearer == Bearer::Main { all_tenants: true }
    }

    /// What the caller's token can cause.
    pub fn authority(&self) -> Authority<'_> {
        Authority::new(&self.claims, &self.bearer, &self.call.shared.scopes)
    }

    /// Checks that the token has one more scope than that of the route.
    ///
    /// # Errors
    /// 403.
    pub fn check_scope(&self, scope: &'static str) -> Result<(), Refusal> {
        check_scope(&self.claims, Scope(scope))
    }

    /// Checks that the caller may have whatever a tenant has: its people, its secrets, its keys. That is a machine that
    /// manages every tenant, whoever may do everything on the main tenant, and who administers the tenant by being a member
    /// of its `organization`, at this moment.
    ///
    /// # Errors
    /// 403, or a fault of the main tenant's database.
    pub async fn check_administers(
        &self,
        organization: Option<&OrganizationId>,
    ) -> Result<(), Error<Refusal>> {
        if self.manages_all() || self.authority().holds_everything() {
            return Ok(());
        }
        if let Some(organization) = organization.filter(|_| self.is_person()) {
            let audience = self.call.shared.directory.issuer(self.call.tenant.id()).management_audience();
            let user = UserId::new(self.subject());
            let query = organizations::store::administers(organization, &user, &audience, TENANT_ADMIN);
            if self.call.db.first(query).await?.is_some() {
                return Ok(());
            }
        }
        Err(Refusal::forbidden("wrong_tenant", "Only who administers the tenant may do this to it").into())
    }

    /// Whether it is a person (a user of the main tenant) rather than a machine.
    pub fn is_person(&self) -> bool {
        self.claims.gty.is_none()
    }

    /// Commits a change of the directory.
    ///
    /// # Errors
    /// As `Db::commit`.
    pub async fn commit(
        &self,
        batch: impl IntoIterator<Item = crate::db::Statement<InDirectory>>,
    ) -> Result<Vec<Outcome>, Fault> {
        self.directory.commit(batch).await
    }

    /// What the log of the main tenant says of a change that was asked for.
    pub fn entry(&self, change: &Change) -> Entry {
        asked_by(&self.call, Some(&self.claims), Entry::of(change))
    }

    /// Records it there.
    ///
    /// # Errors
    /// A fault of the main tenant's database.
    pub async fn note(&self, change: &Change) -> Result<(), Fault> {
        let entry = self.call.record(self.entry(change));
        self.call.db.commit([entry]).await.map(drop)
    }
}
