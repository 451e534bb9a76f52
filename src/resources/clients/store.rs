//! SQL for clients.

use super::model::{Client, ClientRecord, Granted};
use crate::{
    db::{self, Query, Row, Statement, page::Part, read, write},
    error::Fault,
    id::{ClientGrantId, ClientId},
    resources::client_grants,
    secret::{Digest, Sealed},
    tenant::{InTenant, TenantDb},
    time::Timestamp,
};

/// A client with its digest and its grants, in one round trip.
///
/// # Errors
/// A fault of the database.
pub async fn with_grants(db: &TenantDb, id: &ClientId) -> Result<Option<ClientRecord>, Fault> {
    let [clients, grants] = db.read(and_grants(id)).await?;
    record(&clients, &grants)
}

/// A client with its digest, and its grants.
pub fn and_grants(id: &ClientId) -> [Query<InTenant>; 2] {
    [
        read("select client_id, name, document, secret_digest, vouched from clients where tenant_id = ?1 and client_id = ?2")
            .bind(id),
        read(
            "select id, audience, scope, organization_usage, allow_any_organization from client_grants
             where tenant_id = ?1 and client_id = ?2",
        )
        .bind(id),
    ]
}

/// Reads the rows of [`and_grants`].
///
/// # Errors
/// A fault if a row holds what the schema does not allow.
pub fn record(clients: &[Row], grants: &[Row]) -> Result<Option<ClientRecord>, Fault> {
    let Some(row) = clients.first() else { return Ok(None) };
    let grants = grants.iter().map(|row| {
        Ok(Granted {
            id: ClientGrantId::new(row.text("id")?),
            audience: row.text("audience")?,
            scope: row.json("scope")?,
            organization_usage: client_grants::store::usage(row)?.unwrap_or_default(),
            allow_any_organization: row.optional_int("allow_any_organization")? == Some(1),
        })
    });
    Ok(Some(ClientRecord {
        client: client(row)?,
        secret: row.optional_text("secret_digest")?.map(Digest::stored),
        vouched: row.flag("vouched")?,
        grants: grants.collect::<Result<_, Fault>>()?,
    }))
}

/// Whether there is such a client; one row or none.
pub fn exists(id: &ClientId) -> Query<InTenant> {
    read("select client_id from clients where tenant_id = ?1 and client_id = ?2").bind(id)
}

/// Spends an assertion that a client has signed (RFC 7523 §3: `jti`), until it ends: one row if nobody had before, none otherwise.
/// It is kept with what is counted, and cleared away with that.
pub fn spend_assertion(digest: &Digest, ends_at: Timestamp) -> Statement<InTenant> {
    write(
        "insert into login_attempts (tenant_id, key, failures, expires_at) values (?1, ?2, 0, ?3)
         on conflict do nothing returning key",
    )
    .bind(digest)
    .bind(ends_at)
}

macro_rules! with_reach {
    ($rest:literal) => {
        concat!(
            "select client_id, name, document, sealed_secret, vouched, (
               select json_group_array(value) from (
                 select s.value from client_grants g, json_each(iif(json_valid(g.scope), g.scope, '[]')) s
                 where g.tenant_id = ?1 and g.client_id = clients.client_id and g.audience = ?2
                 union
                 select s.value from grants c indexed by grants_by_client, json_each(iif(json_valid(c.scope), c.scope, '[]')) s
                 where c.tenant_id = ?1 and c.client_id = clients.client_id and c.audience = ?2)) as reach
             from clients ",
            $rest
        )
    };
}

/// The client with this id, its sealed secret, whether it is vouched for, and its `reach`: what it was granted of the
/// management API, by itself and by people. One row or none.
pub fn by_id(id: &ClientId, management: &str) -> Query<InTenant> {
    read(with_reach!("where tenant_id = ?1 and client_id = ?3")).bind(management).bind(id)
}

/// Which clients are wanted: what is absent does not matter.
pub struct Wanted {
    /// Of one of these kinds (a JSON array).
    pub kinds: Option<serde_json::Value>,
    /// Ours, or not.
    pub first_party: Option<bool>,
}

/// A part of the clients by id, each as [`by_id`] has it.
pub fn list(wanted: &Wanted, part: &Part, management: &str) -> Query<InTenant> {
    part.bind(read(with_reach!(
        "where tenant_id = ?1 and client_id > ?5
         and (?3 is null or coalesce(iif(json_valid(document), document ->> '$.app_type', null), 'regular_web')
           in (select value from json_each(?3)))
         and (?4 is null or coalesce(iif(json_valid(document), document ->> '$.is_first_party', null), 1) = ?4)
         order by client_id limit ?6 offset ?7"
    ))
    .bind(management)
    .bind(wanted.kinds.as_ref())
    .bind(wanted.first_party))
}

/// How many there are, as `total`.
pub fn count(wanted: &Wanted) -> Query<InTenant> {
    read(
        "select count(*) as total from clients where tenant_id = ?1
         and (?2 is null or coalesce(iif(json_valid(document), document ->> '$.app_type', null), 'regular_web')
           in (select value from json_each(?2)))
         and (?3 is null or coalesce(iif(json_valid(document), document ->> '$.is_first_party', null), 1) = ?3)",
    )
    .bind(wanted.kinds.as_ref())
    .bind(wanted.first_party)
}

/// Adds a client. `vouched`: whether somebody who holds everything stands for it.
///
/// # Errors
/// A fault if it does not serialize.
pub fn insert(
    client: &Client,
    secret: Option<(&Digest, &Sealed)>,
    vouched: bool,
    now: Timestamp,
) -> Result<Statement<InTenant>, Fault> {
    Ok(write(
        "insert into clients (tenant_id, client_id, name, document, secret_digest, sealed_secret, vouched, created_at,
           updated_at)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
    )
    .bind(&client.client_id)
    .bind(client.name.as_str())
    .bind(&document(client)?)
    .bind(secret.map(|(digest, _)| digest))
    .bind(secret.map(|(_, sealed)| sealed))
    .bind(vouched)
    .bind(now))
}

/// Refuses a batch if the client of a row of [`by_id`] has been changed since.
///
/// # Errors
/// A fault if it is the row of something else.
pub fn unchanged(row: &Row) -> Result<Statement<InTenant>, Fault> {
    db::unchanged("clients", ("client_id", row.text("client_id")?.into()), &["name", "document"], row)
}

/// Has somebody who holds everything stand for a client, or not any more.
pub fn vouch(id: &ClientId, vouched: bool) -> Statement<InTenant> {
    write("update clients set vouched = ?3 where tenant_id = ?1 and client_id = ?2").bind(id).bind(vouched)
}

/// Replaces what can be set of a client; its secret stays.
///
/// # Errors
/// A fault if it does not serialize.
pub fn update(client: &Client, now: Timestamp) -> Result<Statement<InTenant>, Fault> {
    Ok(write(
        "update clients set name = ?3, document = ?4, updated_at = ?5 where tenant_id = ?1 and client_id = ?2",
    )
    .bind(&client.client_id)
    .bind(client.name.as_str())
    .bind(&document(client)?)
    .bind(now))
}

/// Replaces a client's secret, or takes it away.
pub fn set_secret(id: &ClientId, secret: Option<(&Digest, &Sealed)>, now: Timestamp) -> Statement<InTenant> {
    write(
        "update clients set secret_digest = ?3, sealed_secret = ?4, updated_at = ?5
         where tenant_id = ?1 and client_id = ?2",
    )
    .bind(id)
    .bind(secret.map(|(digest, _)| digest))
    .bind(secret.map(|(_, sealed)| sealed))
    .bind(now)
}

/// Removes a client with what it was granted and the tokens it holds.
pub fn remove(id: &ClientId) -> [Statement<InTenant>; 6] {
    [
        write(
            "delete from organization_client_grants indexed by organization_client_grants_by_grant
             where tenant_id = ?1 and grant_id in (select id from client_grants where tenant_id = ?1 and client_id = ?2)",
        )
        .bind(id),
        write("delete from client_grants where tenant_id = ?1 and client_id = ?2").bind(id),
        write("delete from refresh_tokens /* all rows: a client is rarely removed */ where tenant_id = ?1 and client_id = ?2").bind(id),
        write("delete from grants indexed by grants_by_client where tenant_id = ?1 and client_id = ?2").bind(id),
        write("delete from organization_invitations /* all rows: a client is rarely removed */ where tenant_id = ?1 and client_id = ?2").bind(id),
        write("delete from clients where tenant_id = ?1 and client_id = ?2").bind(id),
    ]
}

/// The sealed secret of a row of [`by_id`] or [`page`]; a public client has none.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn sealed_secret(row: &Row) -> Result<Option<Sealed>, Fault> {
    Ok(row.optional_text("sealed_secret")?.map(Sealed::stored))
}

/// What the client of a row of [`by_id`] or [`page`] was granted of the management API, by itself and by people.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn reach(row: &Row) -> Result<Vec<String>, Fault> {
    row.json("reach")
}

/// Whether somebody who holds everything stands for the client of a row of [`by_id`] or [`page`].
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn is_vouched(row: &Row) -> Result<bool, Fault> {
    row.flag("vouched")
}

/// What a client's secret is sealed for.
pub fn purpose(id: &ClientId) -> String {
    format!("clients.sealed_secret {id}")
}

/// The document column of a client.
///
/// # Errors
/// A fault if it does not serialize.
pub fn document(client: &Client) -> Result<serde_json::Value, Fault> {
    let mut document = serde_json::to_value(client).map_err(|error| Fault::internal(error.to_string()))?;
    if let Some(members) = document.as_object_mut() {
        members.retain(|name, _| name != "client_id" && name != "name");
    }
    Ok(document)
}

/// Reads `client_id`, `name` and `document`.
///
/// # Errors
/// A fault if the row holds what the schema does not allow.
pub fn client(row: &Row) -> Result<Client, Fault> {
    let mut client: Client = row.json("document")?;
    client.client_id = ClientId::new(row.text("client_id")?);
    client.name = row.text("name")?;
    Ok(client)
}
