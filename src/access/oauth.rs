//! The protocol endpoints of RFC 6749 and OpenID Connect.

use super::{
    Area, Call, Refuse,
    bearer::{self, Unacceptable},
    client, fault_words, refused,
};
use crate::{
    error::{Error, Fault},
    http::{Malformed, Response, StatusCode},
    jose::Claims,
    limits::model::USERINFO,
    resources::clients::model::ClientRecord,
};
use serde_json::json;
use std::rc::Rc;

const INVALID_CLIENT: &str = "invalid_client";

/// What a protocol route requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Open,
    /// A client that proves who it is, as it registered to (RFC 6749 §2.3).
    Client,
    /// An access token of this tenant with the scope `openid` (OpenID Connect Core §5.3).
    UserInfo,
}

/// A caller of a protocol endpoint.
pub struct OAuth {
    call: Call,
    proof: Proof,
}

enum Proof {
    None,
    Client(Rc<ClientRecord>),
    Token(Box<Claims>),
}

/// An error of RFC 6749 §5.2 or RFC 6750 §3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The error code.
    pub error: &'static str,
    /// For the developer who reads it.
    pub description: String,
    /// Names the `WWW-Authenticate` scheme of a 401.
    pub scheme: Option<&'static str>,
}

impl Refusal {
    /// 400 with an error code of RFC 6749.
    pub fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into(), scheme: None }
    }

    /// 403 with an error code: Auth0 answers so where access is denied to a known client.
    pub fn forbidden(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::FORBIDDEN, ..Self::new(error, description) }
    }

    /// 401 `invalid_client`: the same words whether the client is unknown or its secret is wrong.
    pub fn invalid_client() -> Self {
        let refusal = Self::new(INVALID_CLIENT, "Client authentication failed");
        Self { status: StatusCode::UNAUTHORIZED, scheme: Some("Basic realm=\"gatehouse\""), ..refusal }
    }

    /// 401 `invalid_token` (RFC 6750 §3.1).
    pub fn invalid_token(description: impl Into<String>) -> Self {
        let refusal = Self::new("invalid_token", description);
        Self { status: StatusCode::UNAUTHORIZED, scheme: Some("Bearer"), ..refusal }
    }
}

impl From<Refusal> for Error<Refusal> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Refuse for Refusal {
    fn render(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let response = Response::json(self.status, &body).with("pragma", "no-cache");
        match self.scheme {
            Some("Bearer") => response.with("www-authenticate", format!("Bearer error=\"{}\"", self.error)),
            Some(scheme) => response.with("www-authenticate", scheme),
            None => response,
        }
    }

    fn fault(fault: &Fault, request_id: &str) -> Self {
        let (status, words) = fault_words(fault);
        let error = match status {
            // Auth0's: RFC 6749 has no word for it.
            StatusCode::TOO_MANY_REQUESTS => "too_many_requests",
            StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            _ => "server_error",
        };
        Self { status, error, description: format!("{words} (request {request_id})"), scheme: None }
    }
}

impl Area for OAuth {
    const NAME: &'static str = "OAuth";
    type Need = Need;
    type Refusal = Refusal;

    async fn admit(call: Call, need: Need) -> Result<Self, Error<Refusal>> {
        let proven = match need {
            Need::Open => Ok(Proof::None),
            Need::Client => client::authenticate(&call).await.map(Proof::Client),
            Need::UserInfo => for_userinfo(&call).await.map(|claims| Proof::Token(Box::new(claims))),
        };
        match proven {
            Ok(proof) => Ok(Self { call, proof }),
            Err(error) => {
                // Who does not prove to be a client is told of there.
                if let Error::Refused(refusal) = &error
                    && refusal.error != INVALID_CLIENT
                {
                    let words = (refusal.error, refusal.description.as_str());
                    refused::note(&call, &call.db, None, refusal.status, words);
                }
                Err(error)
            }
        }
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn malformed(why: Malformed) -> Refusal {
        Refusal::new("invalid_request", why.0)
    }
}

/// The claims of an access token that userinfo takes.
async fn for_userinfo(call: &Call) -> Result<Claims, Error<Refusal>> {
    let snapshot = call.snapshot().await?;
    let token = bearer::anywhere(&call.request, snapshot.settings.takes_token_in_query());
    let token = token.map_err(|why| Refusal::new("invalid_request", why))?;
    let claims =
        match bearer::verify_token(call, token.as_deref()).await? {
            Ok(verified) if verified.issuer.id() != call.tenant.id() => {
                return Err(Refusal::invalid_token("The access token is of another tenant").into());
            }
            // An ID token's audience is a client: it is no access token, whatever else it holds.
            Ok(verified) if !verified.claims.aud.contains(&call.tenant.issuer().join("userinfo")) => {
                return Err(Refusal::invalid_token("The access token is not for this endpoint").into());
            }
            Ok(verified) => verified.claims,
            Err(Unacceptable::Missing) => {
                return Err(Refusal::invalid_token("An access token is required").into());
            }
            Err(Unacceptable::Expired) => {
                return Err(Refusal::invalid_token("The access token has expired").into());
            }
            // Only what the management API takes is looked up so.
            Err(Unacceptable::Invalid | Unacceptable::Revoked) => bearer::former(call, token.as_deref())
                .await?
                .ok_or_else(|| Refusal::invalid_token("The access token is not valid"))?,
        };
    let limits = &call.shared.limits;
    limits.by_caller(call.platform(), &USERINFO, call.tenant.id(), &claims.sub, call.now).await?;
    if !claims.has_scope("openid") {
        return Err(Refusal::forbidden("insufficient_scope", "The scope openid is required").into());
    }
    Ok(claims)
}

impl OAuth {
    /// The client that proved itself.
    ///
    /// # Errors
    /// A fault if the route did not require one.
    pub fn client(&self) -> Result<&Rc<ClientRecord>, Fault> {
        match &self.proof {
            Proof::Client(client) => Ok(client),
            _ => Err(Fault::internal("the route does not require a client")),
        }
    }

    /// The claims of the access token.
    ///
    /// # Errors
    /// A fault if the route did not require one.
    pub fn claims(&self) -> Result<&Claims, Fault> {
        match &self.proof {
            Proof::Token(claims) => Ok(claims),
            _ => Err(Fault::internal("the route does not require a token")),
        }
    }
}
