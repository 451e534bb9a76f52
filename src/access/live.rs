//! What has been taken away since a management token was issued counts when it is used: its bearer may be gone, or hold
//! less. What is looked up is remembered with the issuer's configuration, for as long as that: five seconds.

use super::{
    Call,
    bearer::{Unacceptable, Verified},
};
use crate::{
    error::Fault,
    id::{ClientId, OrganizationId, SessionId, UserId},
    jose::{Claims, Unverified},
    resources::{
        snapshot::Bearer,
        standing::model::{Place, Subject, machine_may_have},
    },
    tenant::Tenant,
};

/// The person of a token.
pub(super) fn subject(claims: &Claims) -> Subject {
    Subject {
        user: UserId::new(claims.sub.as_str()),
        organization: claims.org_id.as_deref().map(OrganizationId::new),
        session: claims.sid.as_deref().map(SessionId::new),
        client: claims.azp.as_deref().map(ClientId::new),
    }
}

/// The machine of a token: a token of the client credentials grant names nobody else.
fn machine(gty: Option<&str>, sub: &str) -> Option<ClientId> {
    let client = sub.strip_suffix("@clients").filter(|_| gty == Some("client-credentials"));
    client.map(ClientId::new)
}

/// Whom a token names that nobody has vouched for yet. A token of an organization on the main tenant is looked up at every
/// use, with the membership.
pub(super) fn bearer(call: &Call, token: &Unverified<'_>, issuer: &Tenant) -> Option<Bearer> {
    let hint = |name: &str| token.hint(name);
    let (sub, organization) = (hint("sub")?, hint("org_id"));
    if issuer.is_main() && organization.is_some() {
        return None;
    }
    if let Some(client) = machine(hint("gty").as_deref(), &sub) {
        return Some(Bearer::Machine(client));
    }
    let subject = Subject {
        user: UserId::new(sub),
        organization: organization.map(OrganizationId::new),
        session: hint("sid").map(SessionId::new),
        client: hint("azp").map(ClientId::new),
    };
    Some(Bearer::Person(subject, registered(call, issuer)))
}

/// The name under which the management API of a tenant is registered.
fn registered(call: &Call, tenant: &Tenant) -> String {
    call.shared.directory.issuer(tenant.id()).management_audience()
}

/// The token with those of its scopes that its bearer may still have.
///
/// # Errors
/// A fault of the database.
pub(super) async fn narrowed(
    call: &Call,
    mut verified: Verified,
) -> Result<Result<Verified, Unacceptable>, Fault> {
    let (claims, issuer) = (&verified.claims, &verified.issuer);
    if issuer.is_main() && claims.org_id.is_some() {
        return Ok(Ok(verified));
    }
    let (own, db) = (registered(call, issuer), &verified.issuer_db);
    let scope = claims.scope.as_deref().unwrap_or_default().split_ascii_whitespace();
    let kept: Vec<&str> = if let Some(client) = machine(claims.gty.as_deref(), &claims.sub) {
        let Some(record) = verified.snapshot.client(db, &client).await? else {
            return Ok(Err(Unacceptable::Revoked));
        };
        let everyone = call.shared.directory.issuer(&call.shared.config.main_tenant).management_audience();
        let names = [own, everyone, issuer.issuer().management_audience()];
        scope.filter(|scope| machine_may_have(&record, &names, scope)).collect()
    } else {
        let standing = verified.snapshot.standing(db, &subject(claims), &own).await?;
        if !standing.speaks(claims.iat) {
            return Ok(Err(Unacceptable::Revoked));
        }
        let place = Place { in_organization: claims.org_id.is_some(), on_main: issuer.is_main() };
        scope.filter(|scope| standing.may_have(scope, place)).collect()
    };
    verified.claims.scope = Some(kept.join(" "));
    Ok(Ok(verified))
}
