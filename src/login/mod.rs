//! The pages a person sees.
use crate::http::route::Routes;

/// The pages.
pub fn routes(_routes: &mut Routes) {}
