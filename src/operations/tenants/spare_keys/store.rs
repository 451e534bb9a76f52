//! SQL for keys that were made ahead.

use crate::{
    db::{Query, Row, Statement, read, write},
    error::Fault,
    jose::{Algorithm, Jwk},
    secret::Sealed,
    tenant::InDirectory,
    time::Timestamp,
};

/// How many there are, as `total`.
pub(super) fn count(algorithm: Algorithm) -> Query<InDirectory> {
    read("select count(*) as total from spare_keys where algorithm = ?1").bind(algorithm.as_str())
}

/// Adds one.
///
/// # Errors
/// A fault if the public key does not serialize.
pub(super) fn insert(
    algorithm: Algorithm,
    public: &Jwk,
    private: &Sealed,
    now: Timestamp,
) -> Result<Statement<InDirectory>, Fault> {
    let jwk = serde_json::to_value(public).map_err(|error| Fault::internal(error.to_string()))?;
    Ok(write(
        "insert into spare_keys (kid, algorithm, public_jwk, private_jwk, created_at) values (?1, ?2, ?3, ?4, ?5)",
    )
    .bind(public.kid.as_str())
    .bind(algorithm.as_str())
    .bind(&jwk)
    .bind(private)
    .bind(now))
}

/// Takes one: it is gone from here, and nobody else gets it. One row or none.
pub(super) fn take(algorithm: Algorithm) -> Statement<InDirectory> {
    write(
        "delete from spare_keys where kid = (select kid from spare_keys where algorithm = ?1 limit 1)
         returning public_jwk, private_jwk",
    )
    .bind(algorithm.as_str())
}

/// Reads a row of [`take`]: the public half, and the private one, sealed.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub(super) fn spare_key(row: &Row) -> Result<(Jwk, Sealed), Fault> {
    Ok((row.json::<Jwk>("public_jwk")?, Sealed::stored(row.text("private_jwk")?)))
}
