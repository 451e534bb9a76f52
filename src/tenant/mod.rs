//! From a host name to a tenant and its database.

pub mod audiences;
pub mod cache;
pub mod directory;
pub mod host;
pub mod model;
pub mod reserved;
pub mod scope;
pub mod store;

pub use cache::PerTenant;
pub use directory::{Directory, Resolved};
pub use host::Host;
pub use model::{Fleet, Issuer, Status, Tenant};
pub use scope::{DirectoryDb, InDirectory, InTenant, TenantDb};
