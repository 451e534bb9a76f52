//! The client credentials grant (RFC 6749 §4.4): a machine acts for itself.

use super::{
    issue::{self, Tokens},
    wanted::Wanted,
};
use crate::{
    access::{Area, Call, OAuth, management::ALL_TENANTS, oauth::Refusal},
    error::Error,
    events::{Entry, Kind, log_id},
    id::{LogId, OrganizationId},
    jose::{Audience, Claims},
    oauth::{audience::Api, code::InOrganization, scope::Scopes, store},
    resources::{
        client_grants::model::{Inside, Outside, inside},
        clients::model::{Client, ClientRecord, Granted},
    },
};

/// Auth0: 403 access_denied, where RFC 8707 §2 has 400 invalid_target and RFC 6749 §5.2 400 invalid_scope.
fn denied(why: impl Into<String>) -> Refusal {
    Refusal::forbidden("access_denied", why)
}

pub(super) async fn exchange(cx: &OAuth, wanted: &Wanted) -> Result<Tokens, Error<Refusal>> {
    let (call, record) = (cx.call(), cx.client()?);
    let snapshot = call.snapshot().await?;
    let asked = wanted.audience()?.or(snapshot.settings.default_audience.as_deref());
    let asked = asked
        .ok_or_else(|| denied("No audience is given, and the tenant has no default audience".to_owned()))?;
    let api = Api::find(call, &snapshot, asked)
        .ok_or_else(|| denied(format!("Service not enabled within domain: {asked}")))?;
    let grant = record.grants.iter().find(|grant| api.is_granted_by(&grant.audience)).ok_or_else(|| {
        denied(format!(
            "Client is not authorized to access \"{asked}\". You need a client grant for this API."
        ))
    })?;
    let all_tenants = api.is_management() && call.tenant.is_main();
    let granted: Scopes = grant.scope.iter().map(String::as_str).collect();
    let granted = granted.filtered(|scope| api.defines(scope) || (all_tenants && scope == ALL_TENANTS));
    let asked = wanted.scope().unwrap_or_default();
    if !asked.is_within(&granted) {
        let missing = asked.filtered(|scope| !granted.contains(scope));
        return Err(denied(format!("Client has not been granted scopes: {missing}")).into());
    }
    let scope = if asked.is_empty() { granted.clone() } else { asked };
    let organization = organization(&record.client, wanted);
    let inside = inside(grant.organization_usage, grant.allow_any_organization, organization.is_some());
    let inside = inside.map_err(|outside| match outside {
        Outside::Denied => denied("The client grant for this API is not for organizations"),
        Outside::Missing => {
            Refusal::new("invalid_request", "The client grant for this API needs an organization")
        }
    })?;
    let organization = record_use(call, record, grant, organization.filter(|_| inside != Inside::No)).await?;

    let client_id = record.client.client_id.as_str();
    let lifetime = api.token_lifetime();
    let aud = Audience::One(api.identifier.clone());
    let claims = issue::claims(call, format!("{client_id}@clients"), aud, &scope, lifetime);
    let (org_id, org_name) = organization.map(|of| (of.id.as_str().to_owned(), of.name)).unzip();
    let claims = Claims {
        gty: Some("client-credentials".to_owned()),
        org_id,
        org_name,
        ..issue::access_claims(claims, &record.client.client_id, &api, &granted)
    };
    let access_token = issue::access_token(call, &snapshot, &claims).await?;
    Ok(Tokens::bearer(access_token, lifetime, &scope))
}

/// The organization that the machine acts in: the one that it names, else its own default one (Auth0:
/// `default_organization` with the flow `client_credentials`).
fn organization<'a>(client: &'a Client, wanted: &'a Wanted) -> Option<&'a str> {
    let default = || {
        let default = client.other.get("default_organization")?;
        let flows = default.get("flows")?.as_array()?;
        let id = default.get("organization_id")?.as_str()?;
        flows.iter().any(|flow| flow == "client_credentials").then_some(id)
    };
    wanted.organization.as_deref().or_else(default)
}

/// Writes down that a token is issued, in the round trip in which the database says whether the organization is there and
/// the grant is good for it. Nothing else of the tenant changes here, so that machines go on working while it is
/// read-only; only the entry is lost.
async fn record_use(
    call: &Call,
    record: &ClientRecord,
    grant: &Granted,
    named: Option<&str>,
) -> Result<Option<InOrganization>, Error<Refusal>> {
    let client = record.client.client_id.as_str();
    let Some(named) = named else {
        if !call.tenant.is_read_only() {
            let entry =
                Entry::new(Kind::SuccessExchangeClientCredentials, "Machine token issued").client(client);
            call.db.commit([call.record(entry)]).await?;
        }
        return Ok(None);
    };
    let with = store::MachineUse {
        organization: named,
        grant: &grant.id,
        any: grant.allow_any_organization,
        client: &record.client.client_id,
    };
    let found = store::organization_of_grant(&with);
    let rows = if call.tenant.is_read_only() {
        call.db.all(found).await?
    } else {
        let id = LogId::new(log_id(call.platform(), call.now));
        let agent = call.request.header("user-agent").unwrap_or_default();
        let entry = store::record_machine_use(&with, &id, &call.request.ip, agent, call.now);
        call.db.commit([found.into(), entry]).await?.into_iter().next().unwrap_or_default().rows
    };
    let row = rows
        .first()
        .ok_or_else(|| Refusal::new("invalid_request", "There is no organization of this id or name"))?;
    if !row.flag("is_open")? {
        return Err(denied("The client grant for this API is not associated with this organization").into());
    }
    Ok(Some(InOrganization { id: OrganizationId::new(row.text("id")?), name: row.text("name")? }))
}
