//! What is left of a move when it is over: a signed statement of what was moved and compared.

use crate::{
    error::Fault,
    json,
    operations::{
        engine::StepContext,
        moves::{goal::Terms, model::Side, progress::Progress},
    },
    time::Timestamp,
};
use serde_json::{Map, Value, json};

/// The `typ` of a receipt: no token endpoint issues it, and nothing accepts it.
const RECEIPT: &str = "move-receipt+jwt";

/// Signs it with the key of the main tenant, whose JWKS verifies it (RFC 7515). It has neither audience nor expiry.
///
/// # Errors
/// A fault of the main tenant's keys.
pub(super) async fn sign(
    cx: &StepContext<'_>,
    terms: &Terms,
    progress: &Progress,
    home: Side,
    schema: i64,
) -> Result<String, Fault> {
    let (shared, operation) = (cx.shared, cx.operation);
    let now = shared.platform.now();
    let (main, db) = shared.directory.main(now, cx.meter).await?;
    let platform = shared.platform.as_ref();
    let snapshot = shared.snapshots.of(&main, &db, platform, &shared.config, now).await?;
    let tables: Map<String, Value> =
        json::gather(progress.compared.iter().map(|(name, sum)| (name.clone(), table(sum))));
    let moment = |millis: Option<i64>| millis.map(|millis| Timestamp::from_millis(millis).iso());
    let claims = json!({
        "iss": main.issuer().as_str(),
        "sub": operation.tenant.id,
        "iat": now.seconds(),
        "jti": operation.id,
        "move": {
            "to": terms.placement,
            "region": terms.region,
            "arrived": home == Side::Target,
            "epoch": terms.generation,
            "schema_version": schema,
            "began_at": moment(progress.began_at),
            "copied_at": moment(progress.copied_at),
            "pauses_ms": progress.pauses_ms,
            "rows_copied": progress.rows,
            "changes_brought": progress.applied,
            "compared": tables,
        },
    });
    snapshot.sign(platform, now, RECEIPT, &claims).await
}

/// `rows:hash` as an object.
fn table(sum: &str) -> Value {
    let (rows, hash) = sum.split_once(':').unwrap_or((sum, ""));
    json!({ "rows": rows.parse::<u64>().unwrap_or_default(), "sha256_sum": hash })
}
