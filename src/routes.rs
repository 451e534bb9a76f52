//! The one list of everything that can be asked for.

use crate::{http::route::Routes, login, oauth, operations, resources};
use std::sync::LazyLock;

/// Every route, in the order in which a client meets them.
pub static ROUTES: LazyLock<Routes> = LazyLock::new(|| {
    let mut routes = Routes::default();
    oauth::routes(&mut routes);
    login::routes(&mut routes);
    operations::api::routes(&mut routes);
    resources::routes(&mut routes);
    routes.finish()
});
