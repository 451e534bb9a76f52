//! Signing keys made ahead. An RSA key takes longer to make than everything else of a new tenant together, and how much
//! longer is chance; so a few wait in the directory, sealed by `ENCRYPTION_KEY`, until a tenant takes one. None is given
//! twice: taking one removes it.

mod store;

use crate::{
    access::{Shared, log_fault},
    db::{Meter, page::total},
    error::Fault,
    jose::Algorithm,
    platform::KeyPair,
};

/// What tenants are born with.
const ALGORITHM: Algorithm = Algorithm::RS256;

/// Keys are made when fewer than this many are left, until there are [`FULL`].
const LOW: i64 = 2;
const FULL: i64 = 4;

/// A key pair for a new tenant: one that was made ahead, or a new one if there is none.
///
/// # Errors
/// A fault of the directory or the platform.
pub async fn take(shared: &Shared, meter: &Meter) -> Result<KeyPair, Fault> {
    let outcomes = shared.directory.db(meter)?.commit([store::take(ALGORITHM)]).await?;
    if let Some(row) = outcomes.first().and_then(|outcome| outcome.rows.first()) {
        let (public, sealed) = store::spare_key(row)?;
        // One that was sealed by a key that is gone is of no use to anybody.
        if let Some(private) = shared.config.encryption_keys.open(&purpose(&public.kid), &sealed) {
            return Ok(KeyPair { private, public });
        }
    }
    shared.platform.generate_key(ALGORITHM).await
}

/// Makes keys if few are left. Two instances that do so at once make a few too many, which does no harm.
///
/// # Errors
/// A fault of the directory or the platform.
pub async fn refill(shared: &Shared, meter: &Meter) -> Result<(), Fault> {
    let (platform, directory) = (shared.platform.as_ref(), shared.directory.db(meter)?);
    let left = total(&directory.all(store::count(ALGORITHM)).await?)?;
    if left >= LOW {
        return Ok(());
    }
    for _ in left..FULL {
        let KeyPair { private, public } = platform.generate_key(ALGORITHM).await?;
        let public = public.published(ALGORITHM);
        let sealed = shared.config.encryption_keys.seal(platform, &purpose(&public.kid), &private)?;
        directory.commit([store::insert(ALGORITHM, &public, &sealed, platform.now())?]).await?;
    }
    Ok(())
}

/// The same after an answer has been sent: whatever goes wrong is logged, and tried again by the next tick.
pub async fn refill_later(shared: std::rc::Rc<Shared>) {
    if let Err(fault) = refill(&shared, &Meter::default()).await {
        log_fault(shared.platform.as_ref(), "spare keys", "", &fault);
    }
}

/// What a private key is sealed for while it waits.
fn purpose(kid: &str) -> String {
    format!("spare_keys.private_jwk {kid}")
}
