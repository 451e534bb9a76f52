//! The management API of the log.

use super::{
    model::{FIELDS, REACHABLE, SETTLED},
    store,
};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{
        Filter, Page, Row,
        page::{self, Checkpoint, Window},
    },
    error::Error,
    events::first_log_id,
    http::{Fields, Json, Path, Query, route::Routes},
    id::{LogId, UserId},
    resources::users,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/logs", scope("read:logs"), list);
    r.get("/api/v2/logs/{id}", scope("read:logs"), get);
    r.get("/api/v2/users/{id}/logs", scope("read:logs"), list_of_user);
}

/// Which entries are wanted.
#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    page: Page,
    #[serde(flatten)]
    checkpoint: Checkpoint,
    #[serde(flatten)]
    fields: Fields,
    q: Option<String>,
    sort: Option<String>,
}

/// Newest first, by page; or, with `from` or `take`, everything from the oldest on (Auth0).
async fn list(cx: &Management, Query(wanted): Query<Wanted>) -> Result<Json<Value>, Error<Refusal>> {
    if wanted.checkpoint.is_asked() {
        let size = wanted.checkpoint.size().map_err(Refusal::invalid_query)?;
        let from = wanted.checkpoint.from.as_deref().unwrap_or_default();
        let until = first_log_id(cx.call().now.minus(SETTLED));
        let rows = cx.db().all(store::between(from, &until, size)).await?;
        return Ok(Json(Value::Array(shown(cx, &rows, &wanted.fields))));
    }
    let (window, order) = wanted.window()?;
    let filter = wanted.filter(store::FILTER)?;
    let (rows, total) =
        window.read(cx.db(), store::page(&filter, order, window), store::count(&filter)).await?;
    Ok(Json(window.list("logs", shown(cx, &rows, &wanted.fields), total)))
}

async fn list_of_user(
    cx: &Management,
    (Path(id), Query(wanted)): (Path<UserId>, Query<Wanted>),
) -> Result<Json<Value>, Error<Refusal>> {
    let (window, order) = wanted.window()?;
    let filter = wanted.filter(store::FILTER_OF_USER)?;
    let [user, rows, count] = cx
        .db()
        .read([
            users::store::exists(&id),
            store::page_of_user(&id, &filter, order, window),
            store::count_of_user(&id, &filter),
        ])
        .await?;
    user.first().ok_or_else(users::api::inexistent)?;
    Ok(Json(window.list("logs", shown(cx, &rows, &wanted.fields), page::total(&count)?)))
}

async fn get(
    cx: &Management,
    (Path(id), Query(fields)): (Path<LogId>, Query<Fields>),
) -> Result<Json<Value>, Error<Refusal>> {
    let row = cx.db().first(store::by_id(&id)).await?;
    let row = row.ok_or_else(|| Refusal::not_found("inexistent_log", "There is no such log entry"))?;
    Ok(Json(fields.of(json!(store::entry(&row)?))))
}

impl Wanted {
    /// Which entries of the matching ones, and in which order: ids sort by time.
    fn window(&self) -> Result<(Window, &'static str), Refusal> {
        let window = self.page.check().map_err(Refusal::invalid_query)?;
        if window.start + window.size > REACHABLE {
            let words =
                format!("only {REACHABLE} entries can be paged through: use from and take to read all");
            return Err(Refusal::invalid_query(words));
        }
        let order =
            page::order(self.sort.as_deref(), &["date"], "date desc").map_err(Refusal::invalid_query)?;
        Ok((window, if order == "date" { "id" } else { "id desc" }))
    }

    fn filter(&self, first: usize) -> Result<Filter, Refusal> {
        Filter::compile(self.q.as_deref(), &FIELDS, first).map_err(Refusal::invalid_query)
    }
}

fn shown(cx: &Management, rows: &[Row], fields: &Fields) -> Vec<Value> {
    cx.readable(("logs", "id"), rows, |row| Ok(fields.of(json!(store::entry(row)?))))
}
