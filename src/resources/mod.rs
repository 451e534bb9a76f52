//! What a tenant owns. Each resource: `model.rs` (pure rules), `store.rs` (SQL), `api.rs` (routes and handlers).

pub mod attack_protection;
pub mod authentication_methods;
pub mod client_grants;
pub mod clients;
pub mod connections;
pub mod effects;
pub mod endings;
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

use crate::http::route::Routes;

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
    roles::api::routes(r);
    settings::api::routes(r);
    users::api::routes(r);
}
