//! The management API of the log.

use super::{
    model::{Blocks, Checked, FIELDS, REACHABLE, SETTLED},
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
    events::{blocks::store as sealed, first_log_id},
    http::{Fields, Json, Path, Query, route::Routes},
    id::{LogId, UserId},
    resources::users,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The rows of the route table.
pub fn routes(r: &mut Routes) {
    r.get("/api/v2/logs", scope("read:logs"), list);
    r.get("/api/v2/logs/blocks", scope("read:logs"), blocks);
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

/// The query of a page of blocks.
#[derive(Deserialize)]
struct Onwards {
    from: Option<String>,
}

/// The number of blocks that one answer compares with their entries.
const BLOCKS: usize = 10;

/// The blocks that seal the log, oldest first, each compared with its entries and with the block before.
async fn blocks(cx: &Management, Query(onwards): Query<Onwards>) -> Result<Json<Blocks>, Error<Refusal>> {
    let number = onwards.from.as_deref().unwrap_or("1").parse::<i64>().ok().filter(|number| *number > 0);
    let from = number.ok_or_else(|| Refusal::invalid_query("from must be the number of a block"))?;
    // The one before says what the first one follows, the one behind whether there are more.
    let most = i64::try_from(BLOCKS + 2).unwrap_or(i64::MAX);
    let (db, now) = (cx.db(), cx.call().now);
    let [rows, waiting] = db.read([sealed::from(from - 1, most), sealed::unsealed(now, 1)]).await?;
    let mut blocks = rows.iter().map(sealed::block).collect::<Result<Vec<_>, _>>()?;
    let mut before = (blocks.first().is_some_and(|block| block.number < from)).then(|| blocks.remove(0));
    let next = blocks.get(BLOCKS).map(|block| block.number);
    blocks.truncate(BLOCKS);
    let entries = blocks.iter().map(|block| sealed::entries(&block.since, &block.until, block.entries + 1));
    let ([], entries) = db.read_with([], entries).await?;
    let mut checked = Vec::with_capacity(blocks.len());
    for (block, entries) in blocks.into_iter().zip(entries) {
        let finding = block.check(before.as_ref(), &entries)?;
        before = Some(block.clone());
        checked.push(Checked { block, finding });
    }
    if checked.iter().any(|one| one.finding.is_some()) {
        // What has become too old meanwhile is not missing.
        let rows = db.all(sealed::from(from, most)).await?;
        let there = rows.iter().map(|row| row.int("number")).collect::<Result<Vec<_>, _>>()?;
        checked.retain(|one| there.contains(&one.block.number));
    }
    let waiting_since = waiting.first().map(|row| row.time("date")).transpose()?;
    Ok(Json(Blocks { blocks: checked, next, waiting_since }))
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
