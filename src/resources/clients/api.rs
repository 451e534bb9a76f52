//! The management API of clients.

use super::{
    backchannel, credentials,
    model::{Client, FIXED, MEMBERS, fill_in, merge_metadata},
    secrets::{NewSecret, Opener, READ_KEYS, reach},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{
        Row,
        page::{Paging, total},
    },
    error::{Error, Fault},
    events::Change,
    http::{Created, Fields, Json, Members, NoContent, Path, Query, route::Routes},
    id::{ClientId, random_text},
    resources::refresh_tokens::model::never_ends,
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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

/// Which clients are wanted, and what of them.
#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    paging: Paging,
    #[serde(flatten)]
    fields: Fields,
    app_type: Option<String>,
    is_first_party: Option<String>,
    is_global: Option<String>,
    /// What would narrow the list elsewhere: to ignore it would be to answer with more than was asked for.
    q: Option<String>,
    external_client_id: Option<String>,
}

async fn list(cx: &Management, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Error<Refusal>> {
    let part = wanted.paging.check().map_err(Refusal::invalid_query)?;
    for (name, given) in [("q", &wanted.q), ("external_client_id", &wanted.external_client_id)] {
        if given.is_some() {
            return Err(Refusal::invalid_query(format!("clients cannot be searched by {name}")).into());
        }
    }
    // There is no client that is everybody's.
    if flag("is_global", wanted.is_global.as_deref())? == Some(true) {
        return Ok(Json(part.list("clients", Vec::new(), 0, None)));
    }
    let kinds: Option<Vec<&str>> = wanted.app_type.as_deref().map(|kinds| kinds.split(',').collect());
    let of = store::Wanted {
        kinds: kinds.map(|kinds| json!(kinds)),
        first_party: flag("is_first_party", wanted.is_first_party.as_deref())?,
    };
    let [mut rows, count] =
        cx.db().read([store::list(&of, &part, &cx.audience()), store::count(&of)]).await?;
    let next = part.cut(&mut rows, "client_id")?;
    let opener = Opener::of(cx).await?.if_wanted(wanted.fields.wants("client_secret"));
    let shown = |row: &Row| Ok(wanted.fields.of(json!(Shown::stored(row, &opener)?)));
    let clients = cx.readable(("clients", "client_id"), &rows, shown);
    opener.note().await?;
    Ok(Json(part.list("clients", clients, total(&count)?, next)))
}

fn flag(name: &str, text: Option<&str>) -> Result<Option<bool>, Refusal> {
    match text {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::invalid_query(format!("{name} must be true or false"))),
    }
}

async fn create(cx: &Management, mut body: Members) -> Result<Created<Shown>, Error<Refusal>> {
    let id = random_text(cx.call().platform(), 32);
    fill_in(&mut body.0);
    let body = body.known(&MEMBERS, FIXED).map_err(Refusal::invalid_body)?;
    let client: Client = body.make(&[("client_id", &id)], FIXED).map_err(Refusal::invalid_body)?;
    check(cx, &client)?;
    check_ends(&client, None)?;
    let secret = NewSecret::of(cx, &client).await?;
    let vouched = client.is_first_party && cx.authority().holds_everything();
    let insert = store::insert(&client, secret.as_ref().map(NewSecret::stored), vouched, cx.call().now)?;
    let change = Change::of("Create a client", "client", &id).made(&client);
    cx.commit(&change, [insert]).await?;
    Ok(Created(Shown::new(client, secret.map(|secret| secret.plain))))
}

async fn get(
    cx: &Management,
    (Path(id), Query(fields)): (Path<ClientId>, Query<Fields>),
) -> Result<Json<Value>, Error<Refusal>> {
    let row = find(cx, &id).await?;
    let opener = Opener::of(cx).await?.if_wanted(fields.wants("client_secret"));
    let shown = Shown::stored(&row, &opener)?;
    opener.note().await?;
    Ok(Json(fields.of(json!(shown))))
}

async fn update(
    cx: &Management,
    (Path(id), body): (Path<ClientId>, Members),
) -> Result<Json<Shown>, Error<Refusal>> {
    cx.retry(async || change(cx, &id, body.clone()).await).await
}

async fn change(cx: &Management, id: &ClientId, mut body: Members) -> Result<Json<Shown>, Error<Refusal>> {
    let row = find(cx, id).await?;
    check_may_change(cx, &row).await?;
    let stored = row.mended(&[("document", "{}")], store::client)?;
    merge_metadata(&stored, &mut body.0);
    let says_whose = body.0.contains_key("is_first_party");
    let given = body.0.remove("client_secret").map(given_secret).transpose()?;
    // Whoever sets a secret or a key of a client can be it.
    let sets_proof = given.is_some() || body.0.contains_key(credentials::NAME);
    let body = body.known(&MEMBERS, FIXED).map_err(Refusal::invalid_body)?;
    let changed: Client = body.change(&stored, FIXED).map_err(Refusal::invalid_body)?;
    check(cx, &changed)?;
    check_ends(&changed, Some(&stored))?;
    let now = cx.call().now;
    let (unchanged, update) = (store::unchanged(&row)?, store::update(&changed, now)?);
    // Whoever holds everything stands for a client by saying that it is ours, and not by changing its description.
    let vouches = says_whose && (cx.authority().holds_everything() || !changed.is_first_party);
    let vouch = vouches.then(|| store::vouch(id, changed.is_first_party));
    let update = [unchanged, update].into_iter().chain(vouch);
    if sets_proof && !cx.has_scope(scope("update:client_keys")) {
        let why = "Insufficient scope, expected any of: update:client_keys";
        return Err(Refusal::forbidden("insufficient_scope", why).into());
    }
    if given.is_some() && !changed.is_confidential() {
        return Err(
            Refusal::bad_request("public_client", "client_secret: a public client has no secret").into()
        );
    }
    if given.is_none() && changed.is_confidential() == stored.is_confidential() {
        let change = Change::of("Update a client", "client", id).between(&stored, &changed);
        cx.commit(&change, update).await?;
        return Ok(Json(Shown::new(changed, Opener::of(cx).await?.open(&row)?)));
    }
    // A client that becomes confidential needs a secret, which is shown now; one that becomes public has none any more.
    let secret = NewSecret::like(cx, &changed, given).await?;
    let set_secret = store::set_secret(id, secret.as_ref().map(NewSecret::stored), now);
    let change = Change::of("Update a client", "client", id).between(&stored, &changed);
    cx.commit(&change, update.chain([set_secret])).await?;
    Ok(Json(Shown::new(changed, secret.map(|secret| secret.plain))))
}

async fn delete(cx: &Management, Path(id): Path<ClientId>) -> Result<NoContent, Error<Refusal>> {
    // Auth0: what is gone already has been deleted.
    let Some(row) = cx.db().first(store::by_id(&id, &cx.audience())).await? else { return Ok(NoContent) };
    check_may_change(cx, &row).await?;
    let change = Change::of("Delete a client", "client", &id).taken("name", &row.text("name").ok());
    cx.commit(&change, store::remove(&id)).await?;
    Ok(NoContent)
}

async fn rotate_secret(cx: &Management, Path(id): Path<ClientId>) -> Result<Json<Shown>, Error<Refusal>> {
    let row = find(cx, &id).await?;
    check_may_change(cx, &row).await?;
    let client = store::client(&row)?;
    let secret = NewSecret::of(cx, &client).await?;
    let secret =
        secret.ok_or_else(|| Refusal::bad_request("public_client", "A public client has no secret"))?;
    let change =
        Change::of("Rotate a client secret", "client", &id).added("client_secret", &secret.plain.expose());
    cx.commit(&change, [store::set_secret(&id, Some(secret.stored()), cx.call().now)]).await?;
    Ok(Json(Shown::new(client, Some(secret.plain))))
}

/// A secret that the caller brings (Auth0), so that a client can stay what it was on another server. A short one could be
/// guessed: nothing slows down whoever has its digest.
fn given_secret(value: Value) -> Result<Secret, Refusal> {
    let fits =
        |text: &&str| (16..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    let why = "client_secret must be 16 to 512 visible ASCII characters";
    value.as_str().filter(fits).map(Secret::new).ok_or_else(|| Refusal::invalid_body(why))
}

fn check(cx: &Management, client: &Client) -> Result<(), Refusal> {
    client.check().map_err(Refusal::invalid_body)?;
    backchannel::check(client, &cx.call().shared.config.base_domain).map_err(Refusal::invalid_body)
}

/// A public client's refresh tokens rotate or end (RFC 9700 §2.2.2). One that was brought over from elsewhere and is not so
/// yet may be changed otherwise: its tokens end all the same, see [`crate::resources::refresh_tokens::model::Life`].
fn check_ends(client: &Client, before: Option<&Client>) -> Result<(), Refusal> {
    if never_ends(client) && !before.is_some_and(never_ends) {
        return Err(Refusal::invalid_body(
            "refresh_token: tokens of a public client must rotate, or end: leave out infinite_token_lifetime",
        ));
    }
    Ok(())
}

async fn find(cx: &Management, id: &ClientId) -> Result<Row, Error<Refusal>> {
    let row = cx.db().first(store::by_id(id, &cx.audience())).await?;
    row.ok_or_else(|| Refusal::not_found("inexistent_client", "The client does not exist").into())
}

/// Whoever changes a client can make themselves, or somebody else, whatever it reaches: by its secret, by where its codes
/// are sent, by putting it out of work.
async fn check_may_change(cx: &Management, row: &Row) -> Result<(), Error<Refusal>> {
    let is_for_somebody = store::is_vouched(row)? && !cx.authority().holds_everything();
    let somebody = if is_for_somebody { cx.held_by_somebody().await? } else { Vec::new() };
    let reach = reach(cx, row, &somebody)?;
    Ok(cx.check_may_stand_over(reach.iter().map(String::as_str))?)
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
    fn new(mut client: Client, secret: Option<Secret>) -> Self {
        client.refresh_token.settle();
        Self { client, client_secret: secret.map(|secret| secret.expose().to_owned()) }
    }

    /// A stored client.
    fn stored(row: &Row, opener: &Opener<'_>) -> Result<Self, Fault> {
        Ok(Self::new(store::client(row)?, opener.open(row)?))
    }
}
