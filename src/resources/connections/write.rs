//! What is checked, and done beside it, when a connection is made, changed or removed.

use super::{model, store};
use crate::{
    access::{Area, Management, management::Refusal},
    error::{Error, Fault},
    id::ConnectionId,
    platform::LocalBox,
    resources::{
        engine::{Act, Write},
        users::store::{Whose, remove},
    },
    secret::Secret,
};
use serde_json::{Map, Value as Json};

pub(super) fn before<'a>(
    cx: &'a Management,
    write: &'a mut Write,
) -> LocalBox<'a, Result<(), Error<Refusal>>> {
    Box::pin(async move {
        if write.act != Act::Create {
            cx.check_may_stand_over_everybody().await?;
        }
        if write.act == Act::Delete {
            // Auth0: its users go with it.
            write.beside.extend(remove(Whose::Connection(write.text("name"))));
        }
        if let Some(Json::Object(mut options)) = write.set.remove("options") {
            model::check_options(&options).map_err(Refusal::invalid_body)?;
            seal(cx, &write.id, &mut options).await?;
            // Options are replaced as a whole (Auth0), but for secrets: nobody who changes options could read them.
            if let Some(Json::Object(old)) = write.stored.get("options") {
                model::keep_secrets(&mut options, old);
                write.depends = true;
            }
            write.set.insert("options".to_owned(), Json::Object(options));
        }
        Ok(())
    })
}

/// Seals the secrets of new options.
async fn seal(cx: &Management, id: &str, options: &mut Map<String, Json>) -> Result<(), Fault> {
    let (snapshot, purpose) = (cx.snapshot().await?, store::purpose(&ConnectionId::new(id)));
    for secret in model::secrets(options) {
        let sealed = snapshot.seal.seal(cx.call().platform(), &purpose, &Secret::new(secret.as_str()))?;
        sealed.as_str().clone_into(secret);
    }
    Ok(())
}
