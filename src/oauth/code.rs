//! Authorization codes (RFC 6749 §4.1.2): what one stands for.

use super::{claims::Asked, pkce::Challenge};
use crate::{
    id::{ClientId, OrganizationId, SessionId, UserId},
    time::{Lifetime, Timestamp},
};
use serde::{Deserialize, Serialize};

/// How long a code is good for: it is redeemed at once (RFC 6749 §4.1.2 allows ten minutes at the most).
pub const LIFETIME: Lifetime = Lifetime::seconds(60);

/// What was asked when the code was made: kept with it as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CodeRequest {
    /// Where it was sent; must be repeated when it is redeemed.
    pub redirect_uri: String,
    /// Whose verifier redeems it.
    pub code_challenge: Option<Challenge>,
    /// The scopes, as asked.
    pub scope: String,
    /// The audience, as asked.
    pub audience: String,
    /// For the ID token.
    pub nonce: Option<String>,
    /// The organization that was signed in to.
    pub organization: Option<InOrganization>,
    /// The claims that were asked for one by one.
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    pub claims: Asked,
}

/// An organization, as claims name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InOrganization {
    /// `org_id`.
    pub id: OrganizationId,
    /// `org_name`.
    pub name: String,
}

impl InOrganization {
    /// One that there is not, of which nobody is a member: whoever asks for it is asked to sign in as for any other.
    pub fn nobodys() -> Self {
        Self { id: OrganizationId::new(""), name: String::new() }
    }
}

/// A code to be made.
pub struct NewCode<'a> {
    /// Who may redeem it.
    pub client: &'a ClientId,
    /// Who signed in.
    pub user: &'a UserId,
    /// Their session.
    pub session: &'a SessionId,
    /// When they last proved who they are.
    pub authenticated_at: Timestamp,
    /// What was asked.
    pub request: &'a CodeRequest,
}

/// A code as it was found.
#[derive(Debug)]
pub struct Code {
    /// Who may redeem it.
    pub client: ClientId,
    /// Who signed in.
    pub user: UserId,
    /// Their session.
    pub session: SessionId,
    /// What was asked.
    pub request: CodeRequest,
    /// When they last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used: whatever came of that, it is worth nothing any more.
    pub used_at: Option<Timestamp>,
}

impl Code {
    /// Whether this client proves that the code was made for it, used or not, ended or not. A challenge asks for its verifier, and a verifier
    /// without a challenge is refused too: somebody may have taken the challenge away (RFC 9700 §2.1.1).
    pub fn is_for(&self, client: &ClientId, redirect_uri: &str, verifier: Option<&str>) -> bool {
        let proven = match (&self.request.code_challenge, verifier) {
            (Some(challenge), Some(verifier)) => challenge.is_met_by(verifier),
            (None, None) => true,
            _ => false,
        };
        proven && self.client == *client && self.request.redirect_uri == redirect_uri
    }
}
