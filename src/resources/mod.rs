//! What a tenant owns. A plain resource is one declaration ([`engine`]), with its own code beside it; of every other one
//! `model.rs` has the pure rules, `store.rs` the SQL, and `api.rs` routes and handlers.

pub mod attack_protection;
pub mod authentication_methods;
pub mod branding;
pub mod client_grants;
pub mod clients;
pub mod connections;
pub mod effects;
pub mod email_templates;
pub mod endings;
pub mod engine;
pub mod former_keys;
pub mod forms;
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
pub static RESOURCES: [&Resource; 15] = [
    &attack_protection::BRUTE_FORCE,
    &attack_protection::SUSPICIOUS_IP,
    &attack_protection::BREACHED,
    &branding::BRANDING,
    &branding::THEMES,
    &client_grants::CLIENT_GRANTS,
    &connections::CONNECTIONS,
    &email_templates::EMAIL_TEMPLATES,
    &forms::FLOWS,
    &forms::FORMS,
    &grants::GRANTS,
    &organizations::ORGANIZATIONS,
    &resource_servers::RESOURCE_SERVERS,
    &roles::ROLES,
    &settings::SETTINGS,
];

/// The management API.
pub fn routes(r: &mut Routes) {
    branding::routes(r);
    client_grants::organizations::routes(r);
    clients::api::routes(r);
    keys::api::routes(r);
    logs::api::routes(r);
    organizations::api::routes(r);
    permissions::api::routes(r);
    roles::holders::routes(r);
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
