//! Who sees the secret of a client, and who has a new one made. A secret lets its holder act as the client, so nobody
//! gets that of a machine that may do more than they could give away themselves.

use super::{model::Client, store};
use crate::{
    access::{
        Area, Management,
        management::{Scope, scope},
    },
    db::Row,
    error::Fault,
    id::ClientId,
    resources::snapshot::Snapshot,
    secret::{Digest, Sealed, Secret},
};
use std::{cell::RefCell, rc::Rc};

/// Shows the secrets of clients to those who hold it.
pub(super) const READ_KEYS: Scope = scope("read:client_keys");

/// What a client can do of the management API, as a machine or with what people let it have; one that is vouched for, with
/// whatever is held by `somebody`. Whoever holds less neither sees its secret nor changes it.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub(super) fn reach(cx: &Management, row: &Row, somebody: &[String]) -> Result<Vec<String>, Fault> {
    let mut reach = store::reach(row)?;
    // Consents name what is about a person too, and what was defined once.
    let known = cx.permissions();
    reach.retain(|scope| known.contains(&scope.as_str()));
    if store::is_vouched(row)? {
        reach.extend_from_slice(somebody);
    }
    Ok(reach)
}

/// Opens the stored secrets that a caller may see.
pub(super) struct Opener<'a> {
    cx: &'a Management,
    /// Nothing for a caller who may read no secrets.
    snapshot: Option<Rc<Snapshot>>,
    somebody: Vec<String>,
    /// The clients whose secrets it has opened.
    opened: RefCell<Vec<String>>,
}

impl<'a> Opener<'a> {
    /// What this caller may see.
    pub(super) async fn of(cx: &'a Management) -> Result<Self, Fault> {
        if !cx.has_scope(READ_KEYS) {
            return Ok(Self { cx, snapshot: None, somebody: Vec::new(), opened: RefCell::default() });
        }
        let everything = cx.authority().holds_everything();
        let somebody = if everything { Vec::new() } else { cx.held_by_somebody().await? };
        Ok(Self { cx, snapshot: Some(cx.snapshot().await?), somebody, opened: RefCell::default() })
    }

    /// The same if secrets are wanted; else it opens none.
    pub(super) fn if_wanted(mut self, wanted: bool) -> Self {
        self.snapshot = self.snapshot.filter(|_| wanted);
        self
    }

    /// The stored secret of a client, if it has one that the caller may see.
    pub(super) fn open(&self, row: &Row) -> Result<Option<Secret>, Fault> {
        let (Some(snapshot), Some(sealed)) = (&self.snapshot, store::sealed_secret(row)?) else {
            return Ok(None);
        };
        let reach = reach(self.cx, row, &self.somebody)?;
        if self.cx.authority().lacks(reach.iter().map(String::as_str)).is_some() {
            return Ok(None);
        }
        let id = row.text("client_id")?;
        let secret = snapshot.open(&store::purpose(&ClientId::new(id.as_str())), &sealed)?;
        self.opened.borrow_mut().push(id);
        Ok(Some(secret))
    }

    /// Writes down whose secrets it has opened. Nothing of them may be shown before.
    ///
    /// # Errors
    /// A fault of the database.
    pub(super) async fn note(self) -> Result<(), Fault> {
        self.cx.note_reading("Get client secrets", "client", &self.opened.into_inner()).await
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

    /// A secret for this client; none for a public one.
    pub(super) async fn of(cx: &Management, client: &Client) -> Result<Option<Self>, Fault> {
        Self::like(cx, client, None).await
    }

    /// The same, with a secret that the caller brings, if there is one.
    pub(super) async fn like(
        cx: &Management,
        client: &Client,
        given: Option<Secret>,
    ) -> Result<Option<Self>, Fault> {
        if !client.is_confidential() {
            return Ok(None);
        }
        let platform = cx.call().platform();
        let plain = given.unwrap_or_else(|| Secret::random(platform, Self::BYTES));
        let sealed = cx.snapshot().await?.seal.seal(platform, &store::purpose(&client.client_id), &plain)?;
        Ok(Some(Self { digest: plain.digest(), plain, sealed }))
    }

    pub(super) fn stored(&self) -> (&Digest, &Sealed) {
        (&self.digest, &self.sealed)
    }
}
