//! The management API, resource by resource.

mod organizations;
