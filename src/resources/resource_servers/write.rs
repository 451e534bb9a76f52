//! What is checked, and done beside it, when an API is made, changed or removed.

use super::{model, store};
use crate::{
    access::{Management, management::Refusal},
    error::Error,
    platform::LocalBox,
    resources::{
        engine::{Act, Write},
        settings,
    },
};
use serde_json::{Value as Json, json};

pub(super) fn before<'a>(
    cx: &'a Management,
    write: &'a mut Write,
) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        match write.act {
            Act::Create => {
                settle(write)?;
                check_is_free(cx, write.text("identifier")).await
            }
            Act::Patch => {
                settle(write)?;
                withdraw(write);
                Ok(())
            }
            Act::Delete => {
                check_is_no_default(cx, write.text("identifier")).await?;
                write.beside.push(store::part_from_organizations(write.text("identifier")));
                Ok(())
            }
        }
    })
}

/// Takes what is set under `options` to where Auth0 has it, and says under `options` what holds.
fn settle(write: &mut Write) -> Result<(), Refusal> {
    model::raise_options(&mut write.set).map_err(Refusal::invalid_body)?;
    model::check_scopes(write.set.get("scopes")).map_err(Refusal::invalid_body)?;
    let names = ["options", "enforce_policies", "token_dialect"];
    if names.iter().any(|name| write.set.contains_key(*name))
        && let Some(Json::Object(mut options)) = write.after("options").cloned()
    {
        for (name, default) in [("enforce_policies", json!(false)), ("token_dialect", json!("access_token"))]
        {
            options.insert(name.to_owned(), write.after(name).cloned().unwrap_or(default));
        }
        write.set.insert("options".to_owned(), Json::Object(options));
        write.depends = true;
    }
    Ok(())
}

/// A scope that an API does not define any more is taken from everybody: one that is defined again later is another one.
fn withdraw(write: &mut Write) {
    if write.set.contains_key("scopes") {
        let left = model::scope_names(write.set.get("scopes"));
        let mut withdrawn = model::scope_names(write.stored.get("scopes"));
        withdrawn.retain(|scope| !left.contains(scope));
        if !withdrawn.is_empty() {
            write.beside.extend(store::withdraw(write.text("identifier"), &json!(withdrawn)));
        }
        write.depends = true;
    }
}

/// What is a URL of this server, in whatever spelling, is no API of the tenant's.
async fn check_is_free(cx: &Management, identifier: &str) -> Result<(), Error<Refusal>> {
    if identifier != cx.audience() && cx.registered(identifier).await? == cx.audience() {
        let why = "identifier is reserved: it is a name of the management API";
        return Err(Refusal::invalid_body(why).into());
    }
    Ok(())
}

/// Every sign-in that names no audience is for the default one.
async fn check_is_no_default(cx: &Management, identifier: &str) -> Result<(), Error<Refusal>> {
    let row = cx.db().first(settings::store::read_all()).await?;
    if settings::store::settings(row.as_ref())?.default_audience.as_deref() == Some(identifier) {
        let why = "This is the default_audience of the tenant's settings: set another one there first";
        return Err(Refusal::conflict("default_resource_server", why).into());
    }
    Ok(())
}
