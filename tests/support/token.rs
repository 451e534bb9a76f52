//! Tokens of any kind, signed with a tenant's own key: what its token endpoint would issue, and what it never would.

use super::{World, block_on, world::MANAGEMENT_AUDIENCE};
use gatehouse::{db::Meter, id::TenantId, jose::jwt::ACCESS_TOKEN, platform::Platform, tenant::Resolved};
use serde_json::{Value as Json, json};

impl World {
    /// An access token of a tenant (`main` too) for the management API, good for an hour, with these claims over the
    /// usual ones; null takes one away.
    pub fn signed(&self, tenant: &str, claims: &Json) -> String {
        self.signed_as(ACCESS_TOKEN, tenant, claims)
    }

    /// The same, as another kind of token.
    pub fn signed_as(&self, kind: &str, tenant: &str, claims: &Json) -> String {
        let (shared, now) = (self.app.shared(), self.outside.now());
        let id = TenantId::parse(tenant).unwrap();
        let resolved = block_on(shared.directory.by_id(&id, now, &Meter::default()));
        let Ok(Resolved::Serving(tenant, db)) = resolved else { panic!("{id} does not serve") };
        let platform = shared.platform.as_ref();
        let snapshot = block_on(shared.snapshots.of(&tenant, &db, platform, &shared.config, now)).unwrap();
        let mut all = json!({ "iss": tenant.issuer().as_str(), "sub": "auth0|somebody", "aud": MANAGEMENT_AUDIENCE,
            "iat": now.seconds(), "exp": now.seconds() + 3600 });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        block_on(snapshot.sign(platform, now, kind, &all)).unwrap()
    }
}
