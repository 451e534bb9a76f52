//! SQL that tells how the person of a token stands.

use super::model::{Standing, Subject};
use crate::{
    db::{Query, Row, read},
    error::Fault,
    resources::permissions,
    tenant::InTenant,
};

/// The person with what has become of their session and client; then what they hold of the management API that is
/// registered under `audience`.
pub fn of_person(subject: &Subject, audience: &str) -> [Query<InTenant>; 2] {
    [person(subject), permissions::store::held(&subject.user, audience)]
}

/// The first of them alone: one row, or none if the person is gone.
pub fn person(subject: &Subject) -> Query<InTenant> {
    read(
        "select u.blocked, u.signed_out_at,
           exists (select 1 from sessions s where s.tenant_id = ?1 and s.id = ?3 and s.revoked_at is not null)
             as session_ended,
           ?4 is null or exists (select 1 from clients c where c.tenant_id = ?1 and c.client_id = ?4) as has_client
         from users u where u.tenant_id = ?1 and u.user_id = ?2",
    )
    .bind(&subject.user)
    .bind(subject.session.as_ref())
    .bind(subject.client.as_ref())
}

/// Reads the rows of both, those of what is held perhaps left out.
///
/// # Errors
/// A fault if a row holds what the schema does not allow.
pub fn standing(subject: &Subject, person: &[Row], held: &[Row]) -> Result<Standing, Fault> {
    let (mut everywhere, mut inside) = (Vec::new(), Vec::new());
    for row in held {
        let (name, organization) = (row.text("permission_name")?, row.text("organization_id")?);
        if organization.is_empty() {
            everywhere.push(name);
        } else if subject.organization.as_ref().is_some_and(|id| id.as_str() == organization) {
            inside.push(name);
        }
    }
    let gone = Standing {
        is_welcome: false,
        session_ended: false,
        has_client: true,
        signed_out_at: None,
        everywhere,
        inside,
    };
    let Some(row) = person.first() else { return Ok(gone) };
    Ok(Standing {
        is_welcome: !row.flag("blocked")?,
        session_ended: row.flag("session_ended")?,
        has_client: row.flag("has_client")?,
        signed_out_at: row.optional_time("signed_out_at")?,
        ..gone
    })
}
