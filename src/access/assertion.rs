//! Client authentication by a signed assertion (RFC 7523 §2.2 and §3, OpenID Connect Core §9: `private_key_jwt`).

use super::Call;
use crate::{
    error::Fault,
    jose::{Audience, Unverified},
    resources::clients::{model::Client, store},
    secret::Secret,
    tenant,
    time::{Lifetime, Timestamp},
};
use serde::Deserialize;

/// The `client_assertion_type`.
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest time until an assertion ends: it is made for one request, and remembered until then.
const LONGEST: Lifetime = Lifetime::minutes(5);

/// The most that a client's clock may be ahead of ours.
const AHEAD: Lifetime = Lifetime::seconds(30);

/// The longest `jti`, in bytes.
const JTI: usize = 256;

/// The claims that a client signs.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    jti: String,
    nbf: Option<i64>,
    iat: Option<i64>,
}

impl Claims {
    /// Tells whether it is about this client, for us, and good now.
    fn is_good(&self, client: &Client, endpoints: &[String], now: Timestamp) -> bool {
        let (id, now, ahead) = (client.client_id.as_str(), now.seconds(), AHEAD.as_seconds());
        let has_begun = |at: &Option<i64>| at.is_none_or(|at| at <= now.saturating_add(ahead));
        self.iss == id
            && self.sub == id
            && endpoints.iter().any(|endpoint| self.aud.contains(endpoint))
            && (now < self.exp && self.exp <= now.saturating_add(LONGEST.as_seconds() + ahead))
            && has_begun(&self.nbf)
            && has_begun(&self.iat)
            && (1..=JTI).contains(&self.jti.len())
    }
}

/// Tells whether a key of this client signed the assertion for this server, and nobody has used it before. It costs a round trip
/// more than a secret: whether it was used, only the database can say.
///
/// # Errors
/// A fault of the database or the platform.
pub async fn holds(call: &Call, client: &Client, assertion: &str) -> Result<bool, Fault> {
    let Some(unverified) = Unverified::parse(assertion) else { return Ok(false) };
    let named = unverified.kid();
    let mut claims: Option<Claims> = None;
    // RFC 8725 §3.1: the algorithm is the key's, not the assertion's.
    let fits = |alg: &str, kid: &str| alg == unverified.algorithm() && (named.is_empty() || named == kid);
    for key in client.keys().filter(|key| fits(&key.alg, &key.kid)) {
        let holds = call.platform().verify(&key, unverified.message(), unverified.signature()).await?;
        claims = claims.or_else(|| unverified.claims(holds));
    }
    // RFC 7523 §3: the token endpoint, or the server as such; the endpoint that is asked is as good.
    let issuer = call.tenant.issuer();
    let endpoints = ["", "oauth/token", "oauth/revoke"].map(|path| issuer.join(path));
    let Some(claims) = claims.filter(|claims| claims.is_good(client, &endpoints, call.now)) else {
        return Ok(false);
    };
    let once = format!("client assertion\n{}\n{}\n{}", call.tenant.id(), client.client_id, claims.jti);
    let digest = Secret::new(once).digest();
    let end = Timestamp::from_millis(claims.exp.saturating_mul(1000));
    let outcomes = if call.tenant.is_read_only() {
        let directory = call.shared.directory.db(&call.meter)?;
        directory.commit(tenant::store::spend(&digest, end, call.now)).await?
    } else {
        call.db.commit([store::spend_assertion(&digest, end)]).await?
    };
    Ok(outcomes.first().is_some_and(|spent| !spent.rows.is_empty()))
}
