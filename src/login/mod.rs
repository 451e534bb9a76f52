//! The pages a person sees while they sign in: one file per screen, one per proof, and [`flow`] for what follows from what.

pub mod counters;
pub mod finish;
pub mod flow;
pub mod otp;
pub mod password;
pub mod preview;
pub mod screen;
pub mod signup;
pub mod store;
pub mod totp;
pub mod visit;

use crate::http::route::Routes;

/// The pages, in the order in which a person meets them.
pub fn routes(routes: &mut Routes) {
    screen::home::routes(routes);
    screen::identifier::routes(routes);
    screen::password::routes(routes);
    screen::otp::routes(routes);
    screen::signup::routes(routes);
    screen::consent::routes(routes);
    preview::routes(routes);
}
