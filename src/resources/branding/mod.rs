//! Branding: the colours, the logo and the font of a tenant, and its themes.

mod api;
mod themes;

pub use api::routes;
pub use themes::THEMES;

use super::engine::{self, Inherited, Resource, Verb, field, object, singleton, word};
use crate::{
    access::{Management, Scope},
    http::shape::{Kind, Member},
};
use serde_json::{Map, Value as Json, json};

const VERBS: [(Verb, Scope); 2] = engine::read_and_update("read:branding", "update:branding");

/// What pages are to look like.
pub static BRANDING: Resource = singleton("/api/v2/branding", "branding")
    .called("branding", "branding settings")
    .verbs(&VERBS)
    .fields(&[
        object("colors", &COLORS).nullable(),
        field("logo_url", Kind::Url).nullable(),
        field("favicon_url", Kind::Url).nullable(),
        object("font", &FONT).nullable(),
        word("dark_mode", &["dark", "light", "auto"]).nullable(),
    ])
    .kept()
    .inherited(Inherited::Fallback)
    .imported()
    .view(view);

const COLOR: Kind = Kind::Text(1, 64);

const COLORS: [Member; 2] = [
    Member::new("primary", COLOR).or_null(),
    Member::new("page_background", Kind::Either(&COLOR, &Kind::Object(&GRADIENT))).or_null(),
];

const GRADIENT: [Member; 4] = [
    Member::new("type", Kind::Word(&["linear-gradient", "solid"])).or_null(),
    Member::new("start", COLOR).or_null(),
    Member::new("end", COLOR).or_null(),
    Member::new("angle_deg", Kind::Number(0.0, 360.0)).or_null(),
];

const FONT: [Member; 1] = [Member::new("url", Kind::Url).or_null()];

/// The colours that pages have.
fn view(_: &Management, branding: &mut Map<String, Json>) {
    let ours = json!({ "primary": "#3a4fd8", "page_background": "#eef0f4" });
    branding.entry("colors").or_insert(ours);
}
