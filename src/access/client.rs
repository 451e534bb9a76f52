//! Client authentication: HTTP Basic, form fields, a signed assertion, or none for a public client (RFC 6749 §2.3, RFC 7636, RFC 7523).

use super::{Call, assertion, oauth::Refusal};
use crate::{
    error::Error,
    events::{Entry, Kind},
    http::{Form, Input, Params, Request},
    id::ClientId,
    jose::Unverified,
    resources::clients::model::{AuthMethod, ClientRecord},
    secret::Secret,
};
use base64ct::{Base64, Encoding};
use serde::Deserialize;
use std::rc::Rc;

#[derive(Deserialize)]
struct Fields {
    client_id: Option<String>,
    client_secret: Option<Secret>,
    client_assertion: Option<String>,
    client_assertion_type: Option<String>,
}

/// Who the client says it is.
struct Presented {
    id: ClientId,
    proof: Proof,
}

/// What it shows for that.
enum Proof {
    Nothing,
    Secret(Secret),
    Assertion(String),
}

/// Authenticates the client of the request. A client with a secret must present it, by header or by body, and one with keys
/// what it has signed with one of them; a public one must not be taken for another, so PKCE and rotation protect what it redeems.
///
/// # Errors
/// `invalid_client` with the same words whatever was wrong, or a fault.
pub async fn authenticate(call: &Call) -> Result<Rc<ClientRecord>, Error<Refusal>> {
    let presented = presented(&call.request)?;
    let (limits, tenant) = (&call.shared.limits, call.tenant.id());
    limits.check_failures(tenant, presented.id.as_str(), &call.request.ip, call.now)?;
    let snapshot = call.snapshot().await?;
    let Some(record) = snapshot.client(&call.db, &presented.id).await? else {
        note_failure(call, None).await?;
        return Err(Refusal::invalid_client().into());
    };
    let is_public = record.client.token_endpoint_auth_method == AuthMethod::None;
    let proven = match (&presented.proof, &record.secret) {
        (Proof::Assertion(signed), _) if !is_public => assertion::holds(call, &record.client, signed).await?,
        _ if record.client.proves_by_key() => false,
        (Proof::Nothing, _) => is_public,
        (Proof::Secret(secret), Some(digest)) if !is_public => digest.matches(secret),
        _ => false,
    };
    if !proven {
        note_failure(call, Some(&presented.id)).await?;
        return Err(Refusal::invalid_client().into());
    }
    check_origin(call, &record)?;
    Ok(record)
}

/// Writes down that somebody has not proven to be a client (Auth0: by the exchange that they asked for); `client` only if
/// there is such a client. Such entries are bounded, as all that strangers cause; while the tenant is read-only there are none.
async fn note_failure(call: &Call, client: Option<&ClientId>) -> Result<(), Error<Refusal>> {
    #[derive(Deserialize)]
    struct Asked {
        grant_type: Option<String>,
    }
    let asked = Form::<Asked>::decode(&call.request, &Params::default());
    let grant = asked.ok().and_then(|Form(asked)| asked.grant_type);
    let kind = match grant.as_deref() {
        Some("authorization_code") => Kind::FailedExchangeCode,
        Some("refresh_token") => Kind::FailedExchangeRefreshToken,
        _ => Kind::FailedExchangeClientCredentials,
    };
    if !call.tenant.is_read_only() {
        let words = if client.is_some() { "Client authentication failed" } else { "There is no such client" };
        let entry = Entry::new(kind, words).client(client.map_or("", ClientId::as_str));
        call.db.commit([call.record(entry)]).await?;
    }
    Ok(())
}

/// Checks that a page may call for this client: one of ours, or of an origin that the client registered (Auth0). What is
/// no browser names no origin.
fn check_origin(call: &Call, record: &ClientRecord) -> Result<(), Refusal> {
    let Some(origin) = call.request.headers.get("origin") else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let is_own = call.tenant.issuer().as_str().strip_suffix('/') == Some(origin);
    if is_own || record.client.may_call_from(origin) {
        return Ok(());
    }
    let words =
        format!("Pages of {origin} may not call for this client: add it to the client's allowed_origins");
    Err(Refusal::forbidden("access_denied", words))
}

/// The client that a request says it comes from, proven or not; empty if it says none.
pub fn claimed(request: &Request) -> String {
    presented(request).map_or_else(|_| String::new(), |presented| presented.id.as_str().to_owned())
}

fn presented(request: &Request) -> Result<Presented, Refusal> {
    let fields: Fields = Form::decode(request, &Params::default())
        .map(|Form(fields)| fields)
        .map_err(|why| Refusal::new("invalid_request", why.0))?;
    let signed = signed(&fields)?;
    let basic = match request.header("authorization") {
        Some(header) => Some(basic(header).ok_or_else(Refusal::invalid_client)?),
        None => None,
    };
    if let Some((about, signed)) = signed {
        return match (basic, fields) {
            (None, Fields { client_secret: None, client_id, .. }) => {
                if client_id.is_some_and(|id| id != about) {
                    let why = "client_id is not that of the client_assertion";
                    return Err(Refusal::new("invalid_request", why));
                }
                Ok(Presented { id: ClientId::new(about), proof: Proof::Assertion(signed) })
            }
            _ => Err(two_ways()),
        };
    }
    match (basic, fields) {
        // RFC 6749 §2.3: a client must not use more than one method in a request.
        (Some(_), Fields { client_secret: Some(_), .. }) => Err(two_ways()),
        (Some(basic), Fields { client_id: Some(id), .. }) if basic.id.as_str() != id => {
            Err(Refusal::new("invalid_request", "client_id is not that of the Authorization header"))
        }
        (Some(basic), _) => Ok(basic),
        (None, Fields { client_id: Some(id), client_secret, .. }) => {
            let proof = client_secret.map_or(Proof::Nothing, Proof::Secret);
            Ok(Presented { id: ClientId::new(id), proof })
        }
        (None, _) => Err(Refusal::invalid_client()),
    }
}

fn two_ways() -> Refusal {
    Refusal::new("invalid_request", "Use one way of client authentication, not two")
}

/// The assertion of a request, and whom it is about: that is the client (RFC 7521 §4.2), though nobody has vouched for it yet.
fn signed(fields: &Fields) -> Result<Option<(String, String)>, Refusal> {
    let assertion = match (&fields.client_assertion, fields.client_assertion_type.as_deref()) {
        (None, None) => return Ok(None),
        (Some(assertion), Some(assertion::TYPE)) => assertion,
        _ => {
            let why = format!("client_assertion needs client_assertion_type {}", assertion::TYPE);
            return Err(Refusal::new("invalid_request", why));
        }
    };
    let about = Unverified::parse(assertion).and_then(|unverified| unverified.hint("sub"));
    Ok(Some((about.ok_or_else(Refusal::invalid_client)?, assertion.clone())))
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are put into the Basic header.
fn basic(header: &str) -> Option<Presented> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(Base64::decode_vec(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |text: &str| {
        form_urlencoded::parse(text.replace('&', "%26").replace('=', "%3D").as_bytes())
            .next()
            .map_or_else(String::new, |(name, _)| name.into_owned())
    };
    Some(Presented { id: ClientId::new(decode(id)), proof: Proof::Secret(Secret::new(decode(secret))) })
}
