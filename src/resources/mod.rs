//! What a tenant owns. A plain resource is one declaration ([`engine`]), with its own code beside it; of every other one
//! `model.rs` has the pure rules, `store.rs` the SQL, and `api.rs` routes and handlers.

pub mod attack_protection;
pub mod authentication_methods;
pub mod client_grants;
pub mod clients;
pub mod connections;
pub mod effects;
pub mod endings;
pub mod engine;
pub mod former_keys;
pub mod grants;
pub mod keys;
pub mod logs;
pub mod named;
pub mod organizations;
pub mod permissions;
pub mod refresh_tokens;
pub mod resource_servers;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod snapshot;
pub mod standing;
pub mod users;

use crate::http::{
    openapi::About,
    route::{Route, Routes},
};
use engine::Resource;

/// Every plain resource.
pub static RESOURCES: [&Resource; 1] = [&roles::ROLES];

/// The management API.
pub fn routes(r: &mut Routes) {
    attack_protection::api::routes(r);
    client_grants::api::routes(r);
    clients::api::routes(r);
    connections::api::routes(r);
    grants::api::routes(r);
    keys::api::routes(r);
    logs::api::routes(r);
    organizations::api::routes(r);
    resource_servers::api::routes(r);
    permissions::api::routes(r);
    roles::holders::routes(r);
    settings::api::routes(r);
    users::api::routes(r);
    for resource in RESOURCES {
        engine::api::routes(r, resource);
    }
}

/// What the description of the API says of an operation.
pub fn about(route: &Route) -> About {
    let plain =
        RESOURCES.iter().find_map(|resource| engine::schema::about(resource, &route.method, route.path));
    About { note: effects::note(route.path), ..plain.unwrap_or_default() }
}
