//! Themes: everything that a page can look like, with Auth0's members.

use crate::{
    access::Scope,
    http::shape::{Kind, Member},
    resources::engine::{Inherited, Resource, Verb, collection, object, text},
};

const VERBS: [(Verb, Scope); 4] = [
    (Verb::Create, Scope("create:branding")),
    (Verb::Get, Scope("read:branding")),
    (Verb::Patch, Scope("update:branding")),
    (Verb::Delete, Scope("delete:branding")),
];

/// Themes.
pub static THEMES: Resource =
    collection("/api/v2/branding/themes", "/api/v2/branding/themes/{id}", "themes", "thm")
        .key("id", "themeId")
        .called("theme", "a theme")
        .verbs(&VERBS)
        .fields(&[
            text("displayName", 0, 2048).nullable(),
            object("borders", &BORDERS).required(),
            object("colors", &COLORS).required(),
            object("fonts", &FONTS).required(),
            object("page_background", &PAGE_BACKGROUND).required(),
            object("widget", &WIDGET).required(),
        ])
        .kept()
        .inherited(Inherited::Fallback)
        .imported();

const COLOR: Kind = Kind::Text(1, 64);
const SIZE: Kind = Kind::Number(0.0, 1000.0);
const LINK: Kind = Kind::Text(0, 2048);

const BORDERS: [Member; 9] = [
    Member::new("button_border_radius", SIZE),
    Member::new("button_border_weight", SIZE),
    Member::new("buttons_style", Kind::Word(&["pill", "rounded", "sharp"])),
    Member::new("input_border_radius", SIZE),
    Member::new("input_border_weight", SIZE),
    Member::new("inputs_style", Kind::Word(&["pill", "rounded", "sharp"])),
    Member::new("show_widget_shadow", Kind::Flag),
    Member::new("widget_border_weight", SIZE),
    Member::new("widget_corner_radius", SIZE),
];

const COLORS: [Member; 20] = [
    Member::new("base_focus_color", COLOR),
    Member::new("base_hover_color", COLOR),
    Member::new("body_text", COLOR),
    Member::new("captcha_widget_theme", Kind::Word(&["auto", "dark", "light"])),
    Member::new("error", COLOR),
    Member::new("header", COLOR),
    Member::new("icons", COLOR),
    Member::new("input_background", COLOR),
    Member::new("input_border", COLOR),
    Member::new("input_filled_text", COLOR),
    Member::new("input_labels_placeholders", COLOR),
    Member::new("links_focused_components", COLOR),
    Member::new("primary_button", COLOR),
    Member::new("primary_button_label", COLOR),
    Member::new("read_only_background", COLOR).or_null(),
    Member::new("secondary_button_border", COLOR),
    Member::new("secondary_button_label", COLOR),
    Member::new("success", COLOR),
    Member::new("widget_background", COLOR),
    Member::new("widget_border", COLOR),
];

const TEXT: Kind = Kind::Object(&[Member::new("bold", Kind::Flag), Member::new("size", SIZE)]);

const FONTS: [Member; 9] = [
    Member::new("body_text", TEXT),
    Member::new("buttons_text", TEXT),
    Member::new("font_url", LINK),
    Member::new("input_labels", TEXT),
    Member::new("links", TEXT),
    Member::new("links_style", Kind::Word(&["normal", "underlined"])),
    Member::new("reference_text_size", SIZE),
    Member::new("subtitle", TEXT),
    Member::new("title", TEXT),
];

const PAGE_BACKGROUND: [Member; 4] = [
    Member::new("background_color", COLOR),
    Member::new("background_image_url", LINK),
    Member::new("page_layout", Kind::Word(&["center", "left", "right"])),
    Member::new("logo_placement", Kind::Word(&["widget", "chip", "none"])).or_null(),
];

const WIDGET: [Member; 5] = [
    Member::new("header_text_alignment", Kind::Word(&["center", "left", "right"])),
    Member::new("logo_height", SIZE),
    Member::new("logo_position", Kind::Word(&["center", "left", "none", "right"])),
    Member::new("logo_url", LINK),
    Member::new("social_buttons_layout", Kind::Word(&["bottom", "top"])),
];
