//! The management API of signing keys.

use super::{
    encryption,
    model::{PUBLISHED_FIRST, Shown, SigningKey, retires, shown},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::Row,
    error::Error,
    events::Change,
    http::{Created, Json, Path, route::Routes},
    jose::Algorithm,
    resources::resource_servers::model::ResourceServer,
};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/keys/signing", scope("read:signing_keys"), list);
    r.post("/api/v2/keys/signing/rotate", scope("create:signing_keys"), rotate);
    r.get("/api/v2/keys/signing/{kid}", scope("read:signing_keys"), get);
    r.put("/api/v2/keys/signing/{kid}/revoke", scope("update:signing_keys"), revoke);
    encryption::routes(r);
}

async fn list(cx: &Management, (): ()) -> Result<Json<Vec<Shown>>, Error<Refusal>> {
    let rows = cx.db().all(store::all()).await?;
    Ok(Json(shown(&keys(cx, &rows), cx.call().now)))
}

async fn get(cx: &Management, Path(kid): Path<String>) -> Result<Json<Shown>, Error<Refusal>> {
    let rows = cx.db().all(store::all()).await?;
    pick(cx, &rows, &kid).map(Json)
}

/// Makes a new key, which signs once everybody can know it; until then the old one signs, and after that it verifies what
/// it has signed.
async fn rotate(cx: &Management, (): ()) -> Result<Created<Shown>, Error<Refusal>> {
    let (platform, now) = (cx.call().platform(), cx.call().now);
    let snapshot = cx.snapshot().await?;
    let pair = platform.generate_key(Algorithm::RS256).await?;
    let public = pair.public.published(Algorithm::RS256);
    let private = snapshot.seal.seal(platform, &store::purpose(&public.kid), &pair.private)?;
    let key = SigningKey {
        algorithm: Algorithm::RS256,
        public,
        private: Some(private),
        current_since: now.plus(PUBLISHED_FIRST),
        revoked_at: None,
    };
    let longest =
        snapshot.resource_servers.iter().map(ResourceServer::token_lifetime).max().unwrap_or_default();
    let kid = key.public.kid.as_str();
    let batch =
        [store::insert(&key, now)?, store::retire_others(kid, retires(&key, longest)), store::all().into()];
    let change = Change::of("Rotate the signing key", "signing_key", kid)
        .added("current_since", &key.current_since.millis());
    let outcomes = cx.commit(&change, batch).await?;
    let rows: Vec<Row> = outcomes.into_iter().flat_map(|outcome| outcome.rows).collect();
    pick(cx, &rows, kid).map(Created)
}

/// Ends a key now. If it is the one that signs, the next one signs from now on, however new it is.
async fn revoke(cx: &Management, Path(kid): Path<String>) -> Result<Json<Shown>, Error<Refusal>> {
    let now = cx.call().now;
    let rows = cx.db().all(store::all()).await?;
    let shown = pick(cx, &rows, &kid)?;
    if shown.revoked {
        return Ok(Json(shown));
    }
    if !keys(cx, &rows).iter().any(|key| key.public.kid != kid && key.lasts()) {
        let words = "No other key can sign: rotate first";
        return Err(Refusal::conflict("last_signing_key", words).into());
    }
    let hasten = shown.current.then(|| store::hasten(now));
    let batch = [store::revoke(&kid, now)].into_iter().chain(hasten).chain([store::all().into()]);
    let change = Change::of("Revoke a signing key", "signing_key", &kid).added("revoked_at", &now.millis());
    let outcomes = cx.commit(&change, batch).await?;
    let rows: Vec<Row> = outcomes.into_iter().flat_map(|outcome| outcome.rows).collect();
    pick(cx, &rows, &kid).map(Json)
}

fn keys(cx: &Management, rows: &[Row]) -> Vec<SigningKey> {
    cx.readable(("signing_keys", "kid"), rows, store::signing_key)
}

/// The key of this id among those that were read.
fn pick(cx: &Management, rows: &[Row], kid: &str) -> Result<Shown, Error<Refusal>> {
    let found = shown(&keys(cx, rows), cx.call().now).into_iter().find(|key| key.kid == kid);
    Ok(found.ok_or_else(|| Refusal::not_found("inexistent_key", "There is no such signing key"))?)
}
