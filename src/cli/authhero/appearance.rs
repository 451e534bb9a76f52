//! Branding, themes, prompts: what the source keeps flat becomes the documents that the API shows.

use super::{Mapping, filled, or_null};
use crate::importing::record::Problem;
use serde_json::{Map, Value as Json, json};

/// The columns of a theme.
const THEME: [&str; 51] = [
    "colors_primary_button_label",
    "colors_primary_button",
    "colors_secondary_button_border",
    "colors_secondary_button_label",
    "colors_base_focus_color",
    "colors_base_hover_color",
    "colors_body_text",
    "colors_captcha_widget_theme",
    "colors_error",
    "colors_header",
    "colors_icons",
    "colors_input_background",
    "colors_input_border",
    "colors_input_filled_text",
    "colors_input_labels_placeholders",
    "colors_links_focused_components",
    "colors_success",
    "colors_widget_background",
    "colors_widget_border",
    "borders_button_border_radius",
    "borders_button_border_weight",
    "borders_buttons_style",
    "borders_input_border_radius",
    "borders_input_border_weight",
    "borders_inputs_style",
    "borders_show_widget_shadow",
    "borders_widget_border_weight",
    "borders_widget_corner_radius",
    "fonts_body_text_bold",
    "fonts_body_text_size",
    "fonts_buttons_text_bold",
    "fonts_buttons_text_size",
    "fonts_font_url",
    "fonts_input_labels_bold",
    "fonts_input_labels_size",
    "fonts_links_bold",
    "fonts_links_size",
    "fonts_links_style",
    "fonts_reference_text_size",
    "fonts_subtitle_bold",
    "fonts_subtitle_size",
    "fonts_title_bold",
    "fonts_title_size",
    "page_background_background_color",
    "page_background_background_image_url",
    "page_background_page_layout",
    "widget_header_text_alignment",
    "widget_logo_height",
    "widget_logo_position",
    "widget_logo_url",
    "widget_social_buttons_layout",
];

/// The objects that they are members of.
const GROUPS: [&str; 5] = ["colors", "borders", "fonts", "page_background", "widget"];

/// The fonts that have a size and can be bold.
const FONTS: [&str; 6] = ["body_text", "buttons_text", "input_labels", "links", "subtitle", "title"];

/// Where a column has its place: `fonts_title_size` is `size` of `title` of `fonts`.
fn place(column: &'static str) -> Vec<&'static str> {
    let Some(group) = GROUPS.into_iter().find(|group| column.starts_with(group)) else { return vec![column] };
    let rest = column.get(group.len() + 1..).unwrap_or_default();
    let font = FONTS.into_iter().find_map(|font| Some((font, rest.strip_prefix(font)?.strip_prefix('_')?)));
    match font {
        Some((font, part @ ("bold" | "size"))) if group == "fonts" => vec![group, font, part],
        _ => vec![group, rest],
    }
}

/// Puts a value into an object of objects.
fn insert(members: &mut Map<String, Json>, path: &[&str], value: Json) {
    match path {
        [] => {}
        [name] => drop(members.insert((*name).to_owned(), value)),
        [outer, inner @ ..] => {
            if let Some(members) = members.entry(*outer).or_insert_with(|| json!({})).as_object_mut() {
                insert(members, inner, value);
            }
        }
    }
}

impl Mapping<'_> {
    pub(super) fn branding(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let background = filled([
            ("type", or_null(row.text("colors_page_background_type")?)),
            ("start", or_null(row.text("colors_page_background_start")?)),
            ("end", or_null(row.text("colors_page_background_end")?)),
            ("angle_deg", json!(row.int("colors_page_background_angle_dev")?)),
        ]);
        let colors = filled([
            ("primary", or_null(row.text("colors_primary")?)),
            ("page_background", Json::Object(background)),
        ]);
        let document = filled([
            ("logo_url", or_null(row.text("logo_url")?)),
            ("favicon_url", or_null(row.text("favicon_url")?)),
            ("font", Json::Object(filled([("url", or_null(row.text("font_url")?))]))),
            ("colors", Json::Object(colors)),
            ("dark_mode", or_null(row.text("dark_mode")?)),
        ]);
        self.look("branding", document)
    }

    /// Puts a document that a tenant has one of, and whose row has no dates.
    fn look(&mut self, table: &'static str, document: Map<String, Json>) -> Result<(), Problem> {
        if self.plan.keeps_settings {
            self.row.note("", "the tenant is in use and keeps its settings");
            return Ok(());
        }
        let at = json!(self.plan.cutover.millis());
        self.put(table, [("document", Json::Object(document)), ("updated_at", at)]);
        Ok(())
    }

    pub(super) fn prompt_settings(&mut self) -> Result<(), Problem> {
        const FLAGS: [&str; 4] = [
            "identifier_first",
            "password_first",
            "webauthn_platform_first_factor",
            "show_last_used_connection",
        ];
        let experience = self.row.text("universal_login_experience")?;
        let mut document = filled([("universal_login_experience", or_null(experience))]);
        for name in FLAGS {
            document.extend(filled([(name, json!(self.row.flag(name)?))]));
        }
        self.look("prompt_settings", document)
    }

    pub(super) fn page_template(&mut self) -> Result<(), Problem> {
        let body = self.row.need("body")?;
        let times = self.times_ts()?;
        if self.plan.keeps_settings {
            self.row.note("", "the tenant is in use and keeps its settings");
            return Ok(());
        }
        self.put("page_templates", std::iter::once(("body", json!(body))).chain(times));
        Ok(())
    }

    pub(super) fn theme(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let id = row.need("themeId")?;
        let mut document = filled([("displayName", or_null(row.text("displayName")?))]);
        for column in THEME {
            let value = match row.get(column) {
                _ if column.ends_with("_bold") || column.starts_with("borders_show") => {
                    json!(row.flag(column)?)
                }
                Json::Number(_) => json!(row.int(column)?),
                _ => or_null(row.text(column)?),
            };
            if !value.is_null() {
                insert(&mut document, &place(column), value);
            }
        }
        let times = self.times()?;
        let values = [("id", json!(id)), ("document", Json::Object(document))];
        self.put("themes", values.into_iter().chain(times));
        Ok(())
    }

    pub(super) fn custom_text(&mut self) -> Result<(), Problem> {
        let row = &self.row;
        let (prompt, language) = (row.need("prompt")?, row.need("language")?);
        let texts = row.object("custom_text")?;
        let times = self.times_ts()?;
        let values =
            [("prompt", json!(prompt)), ("language", json!(language)), ("texts", Json::Object(texts))];
        self.put("custom_texts", values.into_iter().chain(times));
        Ok(())
    }
}
