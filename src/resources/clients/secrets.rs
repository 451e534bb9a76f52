//! Who sees the secret of a client, and who has a new one made. A secret lets its holder act as the client, so nobody
//! gets that of a machine that may do more than they could give away themselves.

use super::{model::Client, store};
use crate::{
    access::{
        Area, Management,
        management::{Refusal, Scope, scope},
    },
    db::Row,
    error::{Error, Fault},
    id::ClientId,
    resources::snapshot::Snapshot,
    secret::{Digest, Sealed, Secret},
};
use std::rc::Rc;

/// Shows the secrets of clients to those who hold it.
pub(super) const READ_KEYS: Scope = scope("read:client_keys");

/// Opens the stored secrets that a caller may see.
pub(super) struct Opener<'a> {
    cx: &'a Management,
    /// Nothing for a caller who may read no secrets.
    snapshot: Option<Rc<Snapshot>>,
    /// Whether the caller may see all of them, whatever the clients may do.
    all: bool,
}

impl<'a> Opener<'a> {
    /// What this caller may see of these clients.
    pub(super) async fn of(cx: &'a Management, rows: &[Row]) -> Result<Self, Fault> {
        if !cx.has_scope(READ_KEYS) {
            return Ok(Self { cx, snapshot: None, all: false });
        }
        let scopes = rows.iter().map(store::management_scope).collect::<Result<Vec<_>, Fault>>()?;
        let all = cx.may_give(scopes.iter().flatten().map(String::as_str)).await?;
        Ok(Self { cx, snapshot: Some(cx.snapshot().await?), all })
    }

    /// The stored secret of one of them, if it has one that the caller may see.
    pub(super) fn open(&self, row: &Row) -> Result<Option<Secret>, Fault> {
        let (Some(snapshot), Some(sealed)) = (&self.snapshot, store::sealed_secret(row)?) else {
            return Ok(None);
        };
        if !self.all && !store::management_scope(row)?.iter().all(|scope| self.cx.holds(scope)) {
            return Ok(None);
        }
        snapshot.open(&store::purpose(&ClientId::new(row.text("client_id")?)), &sealed).map(Some)
    }
}

/// A secret that has just been made: as it is shown, and as it is stored.
pub(super) struct NewSecret {
    pub(super) plain: Secret,
    digest: Digest,
    sealed: Sealed,
}

impl NewSecret {
    /// 48 bytes are the 64 letters of base64url that Auth0's secrets have.
    const BYTES: usize = 48;

    /// A secret for this client, which may do `scopes` to the tenant; none for a public one. Whoever may do less gets no
    /// secret of it, and takes none away either: a machine that is made public is out of work.
    pub(super) async fn of(
        cx: &Management,
        client: &Client,
        scopes: &[String],
    ) -> Result<Option<Self>, Error<Refusal>> {
        cx.check_may_give(scopes.iter().map(String::as_str)).await?;
        if !client.is_confidential() {
            return Ok(None);
        }
        let platform = cx.call().platform();
        let plain = Secret::random(platform, Self::BYTES);
        let sealed = cx.snapshot().await?.seal.seal(platform, &store::purpose(&client.client_id), &plain)?;
        Ok(Some(Self { digest: plain.digest(), plain, sealed }))
    }

    pub(super) fn stored(&self) -> (&Digest, &Sealed) {
        (&self.digest, &self.sealed)
    }
}
