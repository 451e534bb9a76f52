//! The tenants API: tokens of the main tenant only, at the base domain.

use super::{
    Area, Call,
    management::{ALL_TENANTS, Refusal, Scope, authenticate, check_scope},
};
use crate::{
    db::Outcome,
    error::{Error, Fault},
    events::{Entry, Kind},
    http::Malformed,
    tenant::{DirectoryDb, InDirectory},
};

/// Someone who may manage the installation: a token of the main tenant, without an organization, with the route's scope.
pub struct Operator {
    call: Call,
    directory: DirectoryDb,
    claims: crate::jose::Claims,
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
        if !verified.issuer.is_main() || verified.claims.org_id.is_some() {
            return Err(
                Refusal::forbidden("wrong_tenant", "The token does not let you manage tenants").into()
            );
        }
        check_scope(&verified.claims, need)?;
        let directory = call.shared.directory.db(&call.meter)?;
        Ok(Self { call, directory, claims: verified.claims })
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
        !self.is_person() && self.claims.has_scope(ALL_TENANTS)
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

    /// What the log of the main tenant says of something that was asked for.
    pub fn entry(&self, description: String) -> Entry {
        Entry::new(Kind::SuccessApi, description).user(self.subject())
    }

    /// Records it there.
    ///
    /// # Errors
    /// A fault of the main tenant's database.
    pub async fn note(&self, description: String) -> Result<(), Fault> {
        let entry = self.call.record(self.entry(description));
        self.call.db.commit([entry]).await.map(drop)
    }
}
