//! Archives in R2, through a binding.

use crate::{
    error::Fault,
    platform::{LocalBox, ObjectStore},
};
use worker::Bucket;

/// One bucket.
pub struct R2(Bucket);

/// How many names R2 lists, and how many objects it deletes, at once (Cloudflare: R2, Workers API).
const PAGE: u32 = 1_000;

impl R2 {
    /// This bucket.
    pub fn of(bucket: &Bucket) -> Self {
        Self(bucket.clone())
    }
}

/// What R2 refused may work in a moment.
fn refused(attempt: &'static str) -> impl Fn(worker::Error) -> Fault {
    move |error| Fault::unavailable(format!("R2 {attempt}: {error}"))
}

impl ObjectStore for R2 {
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> LocalBox<'a, Result<(), Fault>> {
        Box::pin(async move { self.0.put(name, bytes).execute().await.map(drop).map_err(refused("put")) })
    }

    fn get<'a>(&'a self, name: &'a str) -> LocalBox<'a, Result<Option<Vec<u8>>, Fault>> {
        Box::pin(async move {
            let Some(object) = self.0.get(name).execute().await.map_err(refused("get"))? else {
                return Ok(None);
            };
            let body = object.body().ok_or_else(|| Fault::unavailable("R2 get: no body"))?;
            body.bytes().await.map(Some).map_err(refused("get"))
        })
    }

    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
    ) -> LocalBox<'a, Result<Vec<String>, Fault>> {
        Box::pin(async move {
            let list = self.0.list().prefix(prefix).limit(PAGE);
            let list = match after {
                Some(after) => list.start_after(after),
                None => list,
            };
            let found = list.execute().await.map_err(refused("list"))?;
            Ok(found.objects().into_iter().map(|object| object.key()).collect())
        })
    }

    fn delete(&self, names: Vec<String>) -> LocalBox<'_, Result<(), Fault>> {
        Box::pin(async move { self.0.delete_multiple(names).await.map_err(refused("delete")) })
    }
}
