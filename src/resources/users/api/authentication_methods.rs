//! The second factors of a user.

use super::{super::store, inexistent};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, scope},
    },
    db::{Page, Row},
    error::{Error, Fault},
    events::Change,
    http::{Json, NoContent, Path, Query, route::Routes},
    id::UserId,
    resources::{
        authentication_methods as methods,
        endings::{self, model::Cause},
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) fn routes(r: &mut Routes) {
    r.get("/api/v2/users/{id}/authentication-methods", scope("read:authentication_methods"), list);
    r.delete(
        "/api/v2/users/{id}/authentication-methods/{method}",
        scope("delete:authentication_methods"),
        remove,
    );
}

/// The parameters of the path.
#[derive(Deserialize)]
struct Place {
    id: UserId,
    method: String,
}

/// A page of the few that anybody has.
async fn list(
    cx: &Management,
    (Path(id), Query(page)): (Path<UserId>, Query<Page>),
) -> Result<Json<Value>, Error<Refusal>> {
    let window = page.check().map_err(Refusal::invalid_query)?;
    let [user, rows] = cx.db().read([store::exists(&id), methods::store::of_account(&id)]).await?;
    user.first().ok_or_else(inexistent)?;
    let methods = cx.readable(("authentication_methods", "id"), &rows, shown);
    let total = i64::try_from(methods.len()).unwrap_or(i64::MAX);
    let at = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let methods = methods.into_iter().skip(at(window.start)).take(at(window.size)).collect();
    Ok(Json(window.list("authenticators", methods, total)))
}

async fn remove(cx: &Management, Path(place): Path<Place>) -> Result<NoContent, Error<Refusal>> {
    cx.check_may_stand_over_person(&place.id).await?;
    let remove = methods::store::remove(&place.id, &place.method);
    let change = Change::of("Delete an authentication method of a User", "user", &place.id)
        .taken("authentication_methods", &place.method);
    let [methods] = cx.db().read([methods::store::of_account(&place.id)]).await?;
    if !methods.iter().any(|row| row.text("id").is_ok_and(|id| id == place.method)) {
        let words = "The user has no such authentication method";
        return Err(Refusal::not_found("inexistent_authentication_method", words).into());
    }
    let ends = endings::of_person(Cause::FactorRemoved, &place.id, cx.call().now);
    cx.commit_people(&change, std::iter::once(remove).chain(ends)).await?;
    Ok(NoContent)
}

/// A method as Auth0 shows it: never with its secret.
fn shown(row: &Row) -> Result<Value, Fault> {
    let mut shown = Map::new();
    for name in ["id", "type", "name", "phone_number", "credential_id"] {
        shown.extend(row.optional_text(name)?.map(|text| (name.to_owned(), Value::from(text))));
    }
    shown.insert("confirmed".to_owned(), Value::from(row.flag("confirmed")?));
    shown.insert("created_at".to_owned(), json!(row.time("created_at")?));
    Ok(Value::Object(shown))
}
