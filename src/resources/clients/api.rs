//! The management API of clients.

use super::{
    model::{Client, FIXED, fill_in, merge_metadata},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, Scope, scope},
    },
    db::{Page, Row, page::total},
    error::{Error, Fault},
    http::{Created, Json, Members, NoContent, Path, Query, route::Routes},
    id::{ClientId, random_text},
    resources::snapshot::Snapshot,
    secret::{Digest, Sealed, Secret},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::rc::Rc;

/// Clients.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/clients", scope("read:clients"), list);
    r.post("/api/v2/clients", scope("create:clients"), create);
    r.get("/api/v2/clients/{id}", scope("read:clients"), get);
    r.patch("/api/v2/clients/{id}", scope("update:clients"), update);
    r.delete("/api/v2/clients/{id}", scope("delete:clients"), delete);
    r.post("/api/v2/clients/{id}/rotate-secret", scope("update:client_keys"), rotate_secret);
    r.optional_scope(READ_KEYS.0);
}

/// Shows the secrets of clients to those who hold it.
const READ_KEYS: Scope = scope("read:client_keys");

async fn list(cx: &Management, Query(page): Query<Page>) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [rows, count] = cx.db().read([store::page(window), store::count()]).await?;
    let opener = opener(cx).await?;
    let clients = rows.iter().map(|row| Ok(json!(Shown::stored(row, opener.as_deref())?)));
    let clients = clients.collect::<Result<_, Fault>>()?;
    Ok(Json(window.list("clients", clients, total(&count)?)))
}

async fn create(cx: &Management, mut body: Members) -> Result<Created<Shown>, Error<Refusal>> {
    let id = random_text(cx.call().platform(), 32);
    fill_in(&mut body.0);
    let client: Client = body.make(&[("client_id", &id)], FIXED).map_err(Refusal::invalid_body)?;
    client.check().map_err(Refusal::invalid_body)?;
    let secret = NewSecret::of(cx, &client).await?;
    let insert = store::insert(&client, secret.as_ref().map(NewSecret::stored), cx.call().now)?;
    cx.commit("Create a client", [insert]).await?;
    Ok(Created(Shown::new(client, secret.map(|secret| secret.plain))))
}

async fn get(cx: &Management, Path(id): Path<ClientId>) -> Result<Json<Shown>, Error<Refusal>> {
    let row = find(cx, &id).await?;
    Ok(Json(Shown::stored(&row, opener(cx).await?.as_deref())?))
}

async fn update(
    cx: &Management,
    (Path(id), mut body): (Path<ClientId>, Members),
) -> Result<Json<Shown>, Error<Refusal>> {
    let row = find(cx, &id).await?;
    let stored = store::client(&row)?;
    merge_metadata(&stored, &mut body.0);
    let changed: Client = body.change(&stored, FIXED).map_err(Refusal::invalid_body)?;
    changed.check().map_err(Refusal::invalid_body)?;
    let now = cx.call().now;
    let update = store::update(&changed, now)?;
    if changed.is_confidential() == stored.is_confidential() {
        cx.commit("Update a client", [update]).await?;
        return Ok(Json(Shown::new(changed, visible_secret(&row, opener(cx).await?.as_deref())?)));
    }
    // A client that becomes confidential needs a secret, which is shown now; one that becomes public has none any more.
    let secret = NewSecret::of(cx, &changed).await?;
    let set_secret = store::set_secret(&id, secret.as_ref().map(NewSecret::stored), now);
    cx.commit("Update a client", [update, set_secret]).await?;
    Ok(Json(Shown::new(changed, secret.map(|secret| secret.plain))))
}

async fn delete(cx: &Management, Path(id): Path<ClientId>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    if cx.db().first(store::by_id(&id)).await?.is_some() {
        cx.commit("Delete a client", store::remove(&id)).await?;
    }
    Ok(NoContent)
}

async fn rotate_secret(cx: &Management, Path(id): Path<ClientId>) -> Result<Json<Shown>, Error<Refusal>> {
    let client = store::client(&find(cx, &id).await?)?;
    let secret = NewSecret::of(cx, &client).await?;
    let secret =
        secret.ok_or_else(|| Refusal::bad_request("public_client", "A public client has no secret"))?;
    cx.commit("Rotate a client secret", [store::set_secret(&id, Some(secret.stored()), cx.call().now)])
        .await?;
    Ok(Json(Shown::new(client, Some(secret.plain))))
}

async fn find(cx: &Management, id: &ClientId) -> Result<Row, Error<Refusal>> {
    let row = cx.db().first(store::by_id(id)).await?;
    row.ok_or_else(|| Refusal::not_found("inexistent_client", "The client does not exist").into())
}

/// A secret that has just been made: as it is shown, and as it is stored.
struct NewSecret {
    plain: Secret,
    digest: Digest,
    sealed: Sealed,
}

impl NewSecret {
    /// 48 bytes are the 64 letters of base64url that Auth0's secrets have.
    const BYTES: usize = 48;

    /// A secret for this client; none for a public one.
    async fn of(cx: &Management, client: &Client) -> Result<Option<Self>, Fault> {
        if !client.is_confidential() {
            return Ok(None);
        }
        let platform = cx.call().platform();
        let plain = Secret::random(platform, Self::BYTES);
        let sealed = cx.snapshot().await?.seal.seal(platform, &store::purpose(&client.client_id), &plain)?;
        Ok(Some(Self { digest: plain.digest(), plain, sealed }))
    }

    fn stored(&self) -> (&Digest, &Sealed) {
        (&self.digest, &self.sealed)
    }
}

/// A client as it is shown, with its secret to those who may see it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    client: Client,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

impl Shown {
    fn new(client: Client, secret: Option<Secret>) -> Self {
        Self { client, client_secret: secret.map(|secret| secret.expose().to_owned()) }
    }

    /// A stored client.
    fn stored(row: &Row, opener: Option<&Snapshot>) -> Result<Self, Fault> {
        Ok(Self::new(store::client(row)?, visible_secret(row, opener)?))
    }
}

/// What opens stored secrets, for a caller who may read them.
async fn opener(cx: &Management) -> Result<Option<Rc<Snapshot>>, Fault> {
    if cx.has_scope(READ_KEYS) { cx.snapshot().await.map(Some) } else { Ok(None) }
}

/// The stored secret, if there is one and something to open it with.
fn visible_secret(row: &Row, opener: Option<&Snapshot>) -> Result<Option<Secret>, Fault> {
    let (Some(sealed), Some(opener)) = (store::sealed_secret(row)?, opener) else { return Ok(None) };
    opener.open(&store::purpose(&ClientId::new(row.text("client_id")?)), &sealed).map(Some)
}
