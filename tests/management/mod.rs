//! The management API, resource by resource.

mod access;
mod client_grants;
mod clients;
mod organizations;
mod password_policy;
mod resource_servers;
mod search;
mod users;

use crate::support::{Admin, World};
use gatehouse::{id::TenantId, operations::seed, platform::Platform, tenant::Resolved};

/// A tenant beside the main one, in the shared database, and who manages it.
fn beside<'a>(world: &'a World, name: &str) -> Admin<'a> {
    let token = world.machine_token("");
    world.database("DIRECTORY").query(&format!(
        "insert into tenants (id, friendly_name, status, placement, database_id, created_by, created_at, updated_at)
         values ('{name}', '{name}', 'active', 'shared', 'SHARED', 'test', 1, 1)"
    ));
    let (shared, id) = (world.app.shared(), TenantId::parse(name).unwrap());
    let (platform, now) = (shared.platform.as_ref(), world.outside.now());
    let resolved =
        crate::support::block_on(shared.directory.by_id(&id, now, &gatehouse::db::Meter::default()));
    let Ok(Resolved::Serving(tenant, db)) = resolved else { panic!("{name} does not serve") };
    let seeded = seed::tenant(platform, &shared.config, &id, tenant.issuer(), name, &db, now);
    crate::support::block_on(seeded).unwrap();
    world.holder(name, &token)
}

/// An id as one segment of a path.
fn segment(id: &str) -> String {
    id.replace('|', "%7C")
}

/// Everything of the main tenant: equal before and after means that nothing was changed.
fn contents(world: &World) -> String {
    world.database("SHARED").contents("main")
}
