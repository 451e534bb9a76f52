//! What an access token is for: an API of the tenant, its management API, or only the userinfo endpoint.

use crate::{
    access::{Call, management::TENANT_ADMIN},
    resources::{
        resource_servers::model::{Dialect, ResourceServer},
        snapshot::Snapshot,
    },
    time::Lifetime,
};

/// The API that an access token is for.
pub struct Api<'a> {
    /// The `aud` claim, as the client asked for it.
    pub identifier: String,
    /// The API as registered; absent for a token that is only good at the userinfo endpoint.
    server: Option<&'a ResourceServer>,
    /// The scopes of the management API, if it is that: they are those of the route table, not of a row.
    management: Option<&'a [&'static str]>,
    /// Whether it is that of the main tenant, of which a token can also hold everything at once.
    of_main: bool,
}

/// The longest life of a token for the management API: Auth0's for one that a person gets in a browser.
const MANAGEMENT_LIFETIME: Lifetime = Lifetime::hours(2);

/// A token that is only good at the userinfo endpoint lasts a day (Auth0).
const USERINFO_LIFETIME: Lifetime = Lifetime::days(1);

impl<'a> Api<'a> {
    /// The API of this identifier; `None` if the tenant has no such API. The management API answers to the
    /// installation's audience and to the tenant's own.
    pub fn find(call: &'a Call, snapshot: &'a Snapshot, identifier: &str) -> Option<Self> {
        let (own, aliases) = management_identifiers(call);
        let identifier = identifier.to_owned();
        if aliases.contains(&identifier) || identifier == own {
            let server = snapshot.resource_server(&own);
            let of_main = call.tenant.is_main();
            return Some(Self { identifier, server, management: Some(&call.shared.scopes), of_main });
        }
        let server = snapshot.resource_server(&identifier)?;
        Some(Self { identifier, server: Some(server), management: None, of_main: false })
    }

    /// The API of this identifier, which may also be the userinfo endpoint: what a person can sign in for.
    pub fn for_person(call: &'a Call, snapshot: &'a Snapshot, identifier: &str) -> Option<Self> {
        let userinfo = Self::userinfo(call);
        if identifier == userinfo.identifier {
            Some(userinfo)
        } else {
            Self::find(call, snapshot, identifier)
        }
    }

    /// What a token without an audience is for: Auth0 issues an opaque one that only userinfo takes.
    pub fn userinfo(call: &Call) -> Self {
        let identifier = call.tenant.issuer().join("userinfo");
        Self { identifier, server: None, management: None, of_main: false }
    }

    /// Whether this is only the userinfo endpoint.
    pub fn is_userinfo(&self) -> bool {
        self.server.is_none() && self.management.is_none()
    }

    /// Whether this is the management API.
    pub fn is_management(&self) -> bool {
        self.management.is_some()
    }

    /// The identifier under which permissions of this API are kept: whichever alias was asked for.
    pub fn registered(&self) -> &str {
        self.server.map_or(self.identifier.as_str(), |server| server.identifier.as_str())
    }

    /// Whether the API defines this scope. What the management API defines no row says.
    pub fn defines(&self, scope: &str) -> bool {
        match self.management {
            Some(scopes) => scopes.contains(&scope) || (self.of_main && scope == TENANT_ADMIN),
            None => self.server.is_some_and(|server| server.defines(scope)),
        }
    }

    /// What the API says that a scope is, for people.
    pub fn description(&self, scope: &str) -> Option<&'a str> {
        let permissions = &self.server?.document.scopes;
        permissions.iter().find(|permission| permission.value == scope)?.description.as_deref()
    }

    /// Whether a person gets only the scopes they hold as permissions. Always for the management API.
    pub fn enforces_policies(&self) -> bool {
        self.is_management() || self.server.is_some_and(|server| server.document.enforce_policies)
    }

    /// The dialect of its access tokens. Those of the management API speak ours, whatever its row says.
    fn dialect(&self) -> Dialect {
        let server = self.server.filter(|_| !self.is_management());
        server.map(|server| server.document.token_dialect).unwrap_or_default()
    }

    /// Whether its access tokens hold `azp` (Auth0's dialects do, that of RFC 9068 has `client_id` instead).
    pub fn names_authorized_party(&self) -> bool {
        !self.dialect().is_rfc9068()
    }

    /// Whether its access tokens hold `permissions`: if it is asked for, and there is role-based access control (Auth0).
    pub fn shows_permissions(&self) -> bool {
        self.dialect().has_permissions() && self.enforces_policies()
    }

    /// Whether refresh tokens may be issued for it. A login that is about no API always may.
    pub fn allows_offline_access(&self) -> bool {
        self.is_userinfo() || self.server.is_some_and(|server| server.document.allow_offline_access)
    }

    /// How long its access tokens last. Those for the management API never longer than two hours, whatever a tenant that
    /// was made earlier has stored.
    pub fn token_lifetime(&self) -> Lifetime {
        let lifetime = self.server.map_or(USERINFO_LIFETIME, ResourceServer::token_lifetime);
        if self.is_management() { lifetime.min(MANAGEMENT_LIFETIME) } else { lifetime }
    }

    /// Whether a request names this API, by whichever of its identifiers.
    pub fn is_named(&self, call: &Call, audience: &str) -> bool {
        if audience == self.identifier || audience == self.registered() {
            return true;
        }
        let (own, aliases) = management_identifiers(call);
        self.is_management() && (audience == own || aliases.iter().any(|alias| alias == audience))
    }

    /// Whether a grant to a client is of this API. Grants are kept under the registered name: an API that was called like
    /// another name of the management API, before there was a host of that name, is not it.
    pub fn is_granted_by(&self, audience: &str) -> bool {
        audience == self.registered()
    }
}

/// The identifier under which a tenant's management API is registered.
pub fn own_management(call: &Call) -> String {
    call.shared.directory.issuer(call.tenant.id()).management_audience()
}

/// The same, and the others it answers to: the installation's, and that of the host (a custom domain) that the client
/// used.
fn management_identifiers(call: &Call) -> (String, [String; 2]) {
    let main = call.shared.directory.issuer(&call.shared.config.main_tenant);
    (own_management(call), [main.management_audience(), call.tenant.issuer().management_audience()])
}
