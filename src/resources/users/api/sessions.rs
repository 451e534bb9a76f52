//! Where a user is signed in.

use super::{super::store, inexistent};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{Row, page::Checkpoint},
    error::{Error, Fault},
    events::Change,
    http::{Json, Path, Query, Response, StatusCode, route::Routes},
    id::UserId,
    resources::{
        endings::{self, model::Cause},
        sessions,
    },
};
use serde_json::{Value, json};

pub(super) fn routes(r: &mut Routes) {
    r.get("/api/v2/users/{id}/sessions", scope("read:sessions"), list);
    r.delete("/api/v2/users/{id}/sessions", scope("delete:sessions"), delete);
}

async fn list(
    cx: &Management,
    (Path(id), Query(checkpoint)): (Path<UserId>, Query<Checkpoint>),
) -> Result<Json<Value>, Error<Refusal>> {
    let size = checkpoint.size().map_err(Refusal::invalid_query)?;
    let from = checkpoint.from.unwrap_or_default();
    let [user, rows] = cx
        .db()
        .read([store::exists(&id), sessions::store::live_of_user(&id, &from, size, cx.call().now)])
        .await?;
    user.first().ok_or_else(inexistent)?;
    let sessions = cx.readable(("sessions", "id"), &rows, shown);
    let full = i64::try_from(rows.len()) == Ok(size);
    let next = rows.last().filter(|_| full).map(|row| row.text("id")).transpose()?;
    Ok(Json(match next {
        Some(next) => json!({ "sessions": sessions, "next": next }),
        None => json!({ "sessions": sessions }),
    }))
}

// Auth0: 202. The refresh tokens that came of the sessions end with them: who is signed out everywhere has no app left
// that acts for them.
async fn delete(cx: &Management, Path(id): Path<UserId>) -> Result<Response, Error<Refusal>> {
    cx.db().first(store::exists(&id)).await?.ok_or_else(inexistent)?;
    cx.check_may_stand_over_person(&id).await?;
    let change = Change::of("Delete the sessions of a User", "user", &id).taken("sessions", &"all");
    cx.commit_people(&change, endings::of_person(Cause::SignedOutEverywhere, &id, cx.call().now)).await?;
    Ok(Response::empty(StatusCode::ACCEPTED))
}

/// A session as Auth0 shows it.
fn shown(row: &Row) -> Result<Value, Fault> {
    let clients: Vec<String> = row.json("clients")?;
    let clients: Vec<Value> = clients.iter().map(|client| json!({ "client_id": client })).collect();
    let (ip, user_agent) = (row.optional_text("ip")?, row.optional_text("user_agent")?);
    Ok(json!({
        "id": row.text("id")?,
        "user_id": row.text("user_id")?,
        "created_at": row.time("created_at")?,
        "updated_at": row.time("used_at")?,
        "authenticated_at": row.time("authenticated_at")?,
        "last_interacted_at": row.time("used_at")?,
        "expires_at": row.time("expires_at")?,
        "idle_expires_at": row.time("idle_expires_at")?,
        "device": { "initial_ip": ip, "initial_user_agent": user_agent },
        "clients": clients,
    }))
}
