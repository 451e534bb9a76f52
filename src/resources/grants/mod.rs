//! What people have consented to (Auth0: grants). Consents are given on a page, never over the management API, which shows
//! them and takes them back.

pub mod store;

use super::engine::{Resource, Verb, Write, collection, field, is, text, to};
use crate::{
    access::{Area, Management, Scope, management::Refusal},
    error::Error,
    http::shape::Kind,
    id::UserId,
    platform::LocalBox,
};

const VERBS: [(Verb, Scope); 3] = [
    (Verb::List, Scope("read:grants")),
    (Verb::Get, Scope("read:grants")),
    (Verb::Delete, Scope("delete:grants")),
];

/// Consents, with Auth0's names.
pub static GRANTS: Resource = collection("/api/v2/grants", "/api/v2/grants/{id}", "grants", "cgt")
    .called("grant", "a Grant")
    .verbs(&VERBS)
    .fields(&[
        text("clientID", 1, 128).column_named("client_id").required().computed(),
        text("user_id", 1, 512).column().required().computed(),
        // Empty for a login about no API.
        text("audience", 0, 600).column().required().computed(),
        field("scope", Kind::List(&Kind::Text(1, 280), 1000)).column().required().computed(),
    ])
    .primary(&["user_id", "client_id", "audience"])
    .filters(&[is("user_id", "user_id"), is("client_id", "client_id"), is("audience", "audience")])
    .along("grants_id")
    .of_people()
    .imported()
    .refers(&[to("user_id", "users", "user_id"), to("client_id", "clients", "client_id")])
    .before_write(take_back);

/// Whoever takes a consent back has the person asked again, and the client's refresh tokens of theirs are worth nothing.
fn take_back<'a>(cx: &'a Management, write: &'a mut Write) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        cx.check_may_stand_over_person(&UserId::new(write.text("user_id"))).await?;
        write.beside.push(store::revoke_tokens(&write.id, cx.call().now));
        Ok(())
    })
}
