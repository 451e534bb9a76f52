//! Roles: named sets of permissions.

pub mod holders;
pub mod store;

use super::{
    engine::{self, Act, Inherited, Resource, Verb, Write, collection, contains, hanging, text},
    named::texts,
    permissions,
};
use crate::{
    access::{Management, Scope, management::Refusal},
    error::Error,
    platform::LocalBox,
};
use serde_json::json;

const VERBS: [(Verb, Scope); 5] = engine::all("read:roles", "create:roles", "update:roles", "delete:roles");

/// Lengths are Auth0's, which also answers 200 to whoever makes one.
pub static ROLES: Resource = collection("/api/v2/roles", "/api/v2/roles/{id}", "roles", "rol")
    .called("role", "a Role")
    .verbs(&VERBS)
    .fields(&[
        text("name", 1, 50).column().required().unique(),
        text("description", 0, 255).column().nullable(),
    ])
    .filters(&[contains("name_filter", "name")])
    .by("name")
    .hangs(&[
        hanging("role_permissions", "role_id"),
        hanging("user_roles indexed by user_roles_by_role", "role_id"),
    ])
    .system()
    .of_people()
    .quiet()
    .inherited(Inherited::Copied)
    .imported_beside("is_system = 1")
    .before_write(check);

/// Whoever removes a role takes from people what it holds.
fn check<'a>(cx: &'a Management, write: &'a mut Write) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        if write.act == Act::Delete {
            let held = permissions::store::in_roles(&json!([write.id]), &cx.audience());
            let held = cx.db().all(held).await?;
            cx.check_may_stand_over(texts(&held, "permission_name")?.iter().map(String::as_str))?;
        }
        Ok(())
    })
}
