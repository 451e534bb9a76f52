//! Whether a management token still speaks for its bearer, and what of it: pure.

use crate::{
    id::{ClientId, OrganizationId, SessionId, UserId},
    resources::clients::model::ClientRecord,
    time::Timestamp,
};

/// The permission that, held in the organization of a tenant, lets a person manage that tenant; held everywhere on the main
/// tenant, the installation.
pub const TENANT_ADMIN: &str = "tenant:admin";

/// The person whom a token speaks for, as it names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Them.
    pub user: UserId,
    /// The organization that they signed in to.
    pub organization: Option<OrganizationId>,
    /// The session that it came of.
    pub session: Option<SessionId>,
    /// The client that it was issued to.
    pub client: Option<ClientId>,
}

/// How a person stands now.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Whether they are there, and not blocked.
    pub is_welcome: bool,
    /// Whether the session has been ended. One that ran out has not.
    pub session_ended: bool,
    /// Whether the client is there.
    pub has_client: bool,
    /// When they were last signed out everywhere.
    pub signed_out_at: Option<Timestamp>,
    /// What they hold of the management API everywhere.
    pub everywhere: Vec<String>,
    /// What they hold in the organization.
    pub inside: Vec<String>,
}

/// Where a person stands when they ask for a permission of the management API.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Whether they signed in to an organization.
    pub in_organization: bool,
    /// Whether that is on the main tenant.
    pub on_main: bool,
}

impl Standing {
    /// Whether a token that was issued at this second speaks for them. Of one that was issued in the second of a sign-out,
    /// its session tells whether it came before.
    pub fn speaks(&self, issued_at: i64) -> bool {
        let is_newer = self.signed_out_at.is_none_or(|moment| issued_at >= moment.seconds());
        self.is_welcome && !self.session_ended && self.has_client && is_newer
    }

    /// Whether they may have this permission of the management API now.
    pub fn may_have(&self, permission: &str, place: Place) -> bool {
        let among = |list: &[String], name: &str| list.iter().any(|held| held == name);
        person_may_have(
            permission,
            place,
            |name| among(&self.everywhere, name),
            |name| among(&self.inside, name),
        )
    }
}

/// Whether a person may have a permission of the management API, by what they hold everywhere and inside the organization
/// that they signed in to: the one rule, for issuing a token and for taking one.
pub fn person_may_have(
    permission: &str,
    place: Place,
    everywhere: impl Fn(&str) -> bool,
    inside: impl Fn(&str) -> bool,
) -> bool {
    // The management API of a tenant knows nothing of that tenant's organizations: what is held inside one must not reach
    // the whole tenant. On the main tenant an organization stands for a tenant.
    let holds = everywhere(permission) || (place.on_main && inside(permission));
    // Who administers a tenant may do everything there; who administers everywhere, on the main tenant itself.
    let administers = if place.in_organization { inside(TENANT_ADMIN) } else { everywhere(TENANT_ADMIN) };
    holds || (place.on_main && administers)
}

/// Whether a machine may have this permission of the management API now: by a grant for one of the API's `names`, while it
/// may still ask for tokens of its own.
pub fn machine_may_have(record: &ClientRecord, names: &[String], permission: &str) -> bool {
    let grants = record.grants.iter().filter(|grant| names.contains(&grant.audience));
    record.client.allows("client_credentials")
        && grants.flat_map(|grant| &grant.scope).any(|granted| granted == permission)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> Standing {
        Standing {
            is_welcome: true,
            session_ended: false,
            has_client: true,
            signed_out_at: None,
            everywhere: vec!["read:users".to_owned()],
            inside: vec!["read:clients".to_owned()],
        }
    }

    #[test]
    fn a_token_speaks_until_one_thing_ends() {
        assert!(standing().speaks(10));
        for ended in [
            Standing { is_welcome: false, ..standing() },
            Standing { session_ended: true, ..standing() },
            Standing { has_client: false, ..standing() },
            Standing { signed_out_at: Some(Timestamp::from_millis(11_000)), ..standing() },
        ] {
            assert!(!ended.speaks(10), "{ended:?}");
        }
        assert!(Standing { signed_out_at: Some(Timestamp::from_millis(10_999)), ..standing() }.speaks(10));
    }

    #[test]
    fn what_is_held_inside_an_organization_counts_on_the_main_tenant_only() {
        let at = |on_main| Place { in_organization: true, on_main };
        assert!(standing().may_have("read:users", at(false)) && standing().may_have("read:users", at(true)));
        assert!(
            !standing().may_have("read:clients", at(false)) && standing().may_have("read:clients", at(true))
        );
        let administrator = Standing { inside: vec![TENANT_ADMIN.to_owned()], ..standing() };
        assert!(
            administrator.may_have("delete:users", at(true))
                && !administrator.may_have("delete:users", at(false))
        );
        let outside = Place { in_organization: false, on_main: true };
        assert!(!administrator.may_have("delete:users", outside));
    }
}
