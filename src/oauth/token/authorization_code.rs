//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.5).

use super::{
    issue::{self, Bearer, Tokens},
    wanted::{Wanted, other_api},
};
use crate::{
    access::{Area, Call, OAuth, oauth::Refusal},
    db::{Row, Statement},
    error::{Error, Fault},
    events::{Entry, Kind, log_id},
    id::{LogId, RefreshTokenId, random_text},
    oauth::{
        audience::{Api, own_management},
        code::Code,
        person::Person,
        scope::{self, Scopes, Wish},
        sealed_code, store,
    },
    resources::{
        clients::model::Client,
        endings,
        refresh_tokens::{
            self,
            model::{Life, NewRefreshToken, Wire},
        },
        snapshot::Snapshot,
    },
    secret::{Digest, Secret},
    tenant::{self, InTenant},
};
use serde::Deserialize;

/// What a client brings.
#[derive(Deserialize)]
pub(super) struct Fields {
    code: Option<Secret>,
    #[serde(default)]
    redirect_uri: String,
    code_verifier: Option<String>,
}

pub(super) async fn exchange(cx: &OAuth, fields: Fields, wanted: &Wanted) -> Result<Tokens, Error<Refusal>> {
    let (call, record) = (cx.call(), cx.client()?);
    let snapshot = call.snapshot().await?;
    let client = &record.client;
    let presented = fields.code.as_ref().ok_or_else(|| Refusal::new("invalid_request", "code is missing"))?;
    let exchange =
        Exchange { call, snapshot: &snapshot, client, fields: &fields, wanted, digest: presented.digest() };
    match sealed_code::open(call, &snapshot, presented) {
        Some(code) => exchange.sealed(&code).await,
        None => exchange.stored().await,
    }
}

/// One exchange.
struct Exchange<'a> {
    call: &'a Call,
    snapshot: &'a Snapshot,
    client: &'a Client,
    fields: &'a Fields,
    wanted: &'a Wanted,
    digest: Digest,
}

/// What a code is good for, checked.
struct Granted<'a> {
    person: Person,
    api: Api<'a>,
    scope: Scopes,
    permissions: Scopes,
}

impl Exchange<'_> {
    /// Exchanges a code that is kept with the tenant.
    async fn stored(&self) -> Result<Tokens, Error<Refusal>> {
        let (call, digest) = (self.call, &self.digest);
        let [codes, people, permissions] = call
            .db
            .read([
                store::code_by_digest(digest),
                store::person_of_code(digest),
                store::permissions_of_code(digest, &own_management(call)),
            ])
            .await?;
        let Some(code) = codes.first().map(store::code).transpose()? else {
            return Err(self.refuse([self.failed("Code unknown", None)]).await?.into());
        };
        // Whoever does not prove that the code is theirs changes nothing: neither is it used up for the client that it was
        // made for, nor does an old one from a history or a proxy's log end anything.
        if !self.is_theirs(&code) {
            return Err(self
                .refuse([self.failed("Code refused: not this client's", Some(&code))])
                .await?
                .into());
        }
        if code.used_at.is_some() {
            return Err(self.refuse_again(&code).await?.into());
        }
        let offline = self.client.allows("refresh_token");
        let Some(granted) = self.granted(&code, &people, &permissions, offline)? else {
            let failed = self.failed("Code refused", Some(&code));
            return Err(self.refuse([failed]).await?.into());
        };
        self.check_wanted(&code, &granted)?;
        let refresh_token = granted.scope.contains("offline_access").then(|| issue::refresh_token(call));
        let tokens = self.tokens(&code, &granted, refresh_token.as_ref().map(Wire::reveal)).await?;

        // One batch, in which only an unused code has any effect: the request can be repeated as a whole, whatever it died of.
        let entry = LogId::new(log_id(call.platform(), call.now));
        let agent = call.request.agent();
        let mut batch = vec![store::record_exchange(digest, &entry, &call.request.ip, agent, call.now)];
        if let Some(wire) = &refresh_token {
            batch.push(self.first_of_family(&granted, wire));
            batch.push(refresh_tokens::store::revoke_oldest(&code.user, &code.client, call.now));
        }
        batch.push(store::consume_code(digest, call.now));
        let outcomes = call.db.commit(batch).await?;
        if outcomes.last().is_none_or(|consumed| consumed.rows.is_empty()) {
            return Err(self.refuse_again(&code).await?.into());
        }
        Ok(tokens)
    }

    /// Exchanges a code that a read-only tenant has given out. There is no refresh token, which would have to be kept.
    async fn sealed(&self, code: &Code) -> Result<Tokens, Error<Refusal>> {
        let (call, request) = (self.call, &code.request);
        if !self.is_theirs(code) {
            return Err(invalid_grant().into());
        }
        let organization = request.organization.as_ref().map(|organization| &organization.id);
        let [people, permissions] = call
            .db
            .read([
                store::person_of_token(&code.user, Some(&code.session), organization),
                store::permissions_of_person(
                    &code.user,
                    &own_management(call),
                    &request.audience,
                    organization,
                ),
            ])
            .await?;
        let tokens = match self.granted(code, &people, &permissions, false)? {
            Some(granted) => {
                self.check_wanted(code, &granted)?;
                Some(self.tokens(code, &granted, None).await?)
            }
            None => None,
        };
        let directory = call.shared.directory.db(&call.meter)?;
        let spent = directory.commit(tenant::store::spend(&self.digest, code.expires_at, call.now)).await?;
        let is_first = spent.first().is_some_and(|spent| !spent.rows.is_empty());
        if !is_first {
            return Err(self.refuse_again(code).await?.into());
        }
        Ok(tokens.ok_or_else(invalid_grant)?)
    }

    /// Whether the client proves that the code was made for it.
    fn is_theirs(&self, code: &Code) -> bool {
        code.is_for(&self.client.client_id, &self.fields.redirect_uri, self.fields.code_verifier.as_deref())
    }

    /// What the code gives; nothing if it has ended, or the person or the API is not there any more.
    fn granted(
        &self,
        code: &Code,
        people: &[Row],
        permissions: &[Row],
        offline: bool,
    ) -> Result<Option<Granted<'_>>, Fault> {
        let (call, request) = (self.call, &code.request);
        let person = people.first().map(Person::of).transpose()?;
        let person = person.filter(|person| call.now < code.expires_at && person.is_welcome());
        let api = Api::for_person(call, self.snapshot, &request.audience);
        let (Some(person), Some(api)) = (person, api) else { return Ok(None) };
        let held = store::held(permissions, api.registered())?;
        // A client that repeats the scopes gets no more than it asked for when the person was there.
        let asked = self.wanted.scope();
        let asked = |scope: &str| asked.as_ref().is_none_or(|asked| asked.contains(scope));
        let wish = Wish {
            scope: &Scopes::parse(&request.scope).filtered(asked),
            api: &api,
            in_organization: request.organization.is_some(),
            on_main: call.tenant.is_main(),
            offline,
        };
        let (scope, permissions) = (scope::granted(&wish, &held), scope::permissions(&wish, &held));
        Ok(Some(Granted { person, api, scope, permissions }))
    }

    /// Checks that the client wants what the person signed in for. If not, the code is still good: nothing has come of it.
    fn check_wanted(&self, code: &Code, granted: &Granted<'_>) -> Result<(), Refusal> {
        if self.wanted.audience()?.is_some_and(|named| !granted.api.is_named(self.call, named)) {
            return Err(other_api(
                "The code is for another API. Send the person to /authorize with this one.",
            ));
        }
        let organization = code.request.organization.as_ref();
        self.wanted.check_organization(organization.map(|of| (of.id.as_str(), of.name.as_str())))
    }

    async fn tokens(
        &self,
        code: &Code,
        granted: &Granted<'_>,
        refresh_token: Option<Secret>,
    ) -> Result<Tokens, Fault> {
        let bearer = Bearer {
            client: self.client,
            person: &granted.person,
            api: &granted.api,
            scope: &granted.scope,
            permissions: &granted.permissions,
            organization: code.request.organization.as_ref(),
            session: Some(&code.session),
            authenticated_at: code.authenticated_at,
            nonce: code.request.nonce.as_deref(),
            claims: &code.request.claims,
        };
        issue::for_person(self.call, self.snapshot, &bearer, refresh_token).await
    }

    fn first_of_family(&self, granted: &Granted<'_>, wire: &Wire) -> Statement<InTenant> {
        let new = NewRefreshToken {
            code: &self.digest,
            id: &RefreshTokenId::new(random_text(self.call.platform(), 22)),
            lookup: &wire.lookup,
            digest: &wire.secret.digest(),
            audience: &granted.api.identifier,
            scope: &granted.scope.to_string(),
            life: &Life::of(self.client),
        };
        refresh_tokens::store::insert_first(&new, self.call.now)
    }

    fn failed(&self, description: &str, code: Option<&Code>) -> Statement<InTenant> {
        let user = code.map_or("", |code| code.user.as_str());
        let entry = Entry::new(Kind::FailedExchangeCode, description).user(user);
        self.call.record(entry.client(self.client.client_id.as_str()))
    }

    /// Refuses a code that was used before. It has been in two hands: the session that it came of is ended, with all
    /// refresh tokens that came of it (RFC 6749 §4.1.2).
    async fn refuse_again(&self, code: &Code) -> Result<Refusal, Fault> {
        let now = self.call.now;
        let failed = self.failed("Code used again: what came of it was revoked", Some(code));
        self.refuse(endings::of_session(&code.user, &code.session, now).into_iter().chain([failed])).await
    }

    /// Refuses, and writes down what follows from that; while the tenant is read-only nothing does.
    async fn refuse(&self, batch: impl IntoIterator<Item = Statement<InTenant>>) -> Result<Refusal, Fault> {
        if !self.call.tenant.is_read_only() {
            self.call.db.commit(batch).await?;
        }
        Ok(invalid_grant())
    }
}

fn invalid_grant() -> Refusal {
    Refusal::new("invalid_grant", "Invalid authorization code")
}
