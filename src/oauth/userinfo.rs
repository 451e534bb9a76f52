//! The userinfo endpoint (OpenID Connect Core §5.3): what an access token may know of its person, as it is now.

use super::{claims::Single, person::Person, scope::Scopes, store};
use crate::{
    access::{
        Area, OAuth,
        oauth::{Need, Refusal},
    },
    error::Error,
    http::{Response, StatusCode, route::Routes},
    id::{OrganizationId, SessionId, UserId},
};
use serde_json::{Value as Json, json};

/// Both methods, as Core §5.3.1 wants it.
pub fn routes(r: &mut Routes) {
    r.get("/userinfo", Need::UserInfo, userinfo);
    r.post("/userinfo", Need::UserInfo, userinfo);
}

async fn userinfo(cx: &OAuth, (): ()) -> Result<Response, Error<Refusal>> {
    let claims = cx.claims()?;
    let session = claims.sid.as_deref().map(SessionId::new);
    let organization = claims.org_id.as_deref().map(OrganizationId::new);
    let query = store::person_of_token(&UserId::new(&*claims.sub), session.as_ref(), organization.as_ref());
    let person = cx.call().db.first(query).await?.as_ref().map(Person::of).transpose()?;
    // A token says who somebody was; blocked, signed out or gone since, they are nobody here.
    let person = person
        .filter(Person::is_welcome)
        .ok_or_else(|| Refusal::invalid_token("The person of the access token is signed out"))?;
    let scope = Scopes::parse(claims.scope.as_deref().unwrap_or_default());
    let mut body = person.claims(&scope, &Single::of_token(&claims.other));
    body.insert("sub".to_owned(), json!(person.id));
    Ok(Response::json(StatusCode::OK, &Json::Object(body)).with("cache-control", "no-store"))
}
