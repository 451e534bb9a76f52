//! The forms of a login, and the part of them that all have in common.

pub mod consent;
pub mod home;
pub mod identifier;
pub mod otp;
pub mod password;
pub mod signup;

use crate::http::{Response, StatusCode, html::escape, page::form_page};

/// A page with one form.
pub(super) struct Form<'a> {
    /// The tenant's name.
    pub brand: &'a str,
    /// The heading.
    pub title: &'a str,
    /// What went wrong the last time, and the status that says so.
    pub error: Option<(StatusCode, &'a str)>,
    /// The fields.
    pub fields: Vec<Field<'a>>,
    /// The words on the button.
    pub button: &'a str,
    /// Where sending it may lead in the end: see `oauth::redirect::leads`.
    pub leads: String,
    /// What stands under the form: words before a link, its address and its words.
    pub below: Option<(&'a str, String, &'a str)>,
}

/// A field of a form.
pub(super) struct Field<'a> {
    /// Its name in the form.
    pub name: &'a str,
    /// What it is called.
    pub label: &'a str,
    /// `text`, `email`, `password`.
    pub kind: &'a str,
    /// What the browser may fill in (HTML: autofill).
    pub autocomplete: &'a str,
    /// What is in it.
    pub value: &'a str,
    /// A sentence under it.
    pub hint: Option<&'a str>,
    /// Shown but not to be changed here: the address of the page where it can be.
    pub fixed: Option<String>,
}

impl<'a> Field<'a> {
    /// An empty field.
    pub fn new(name: &'a str, label: &'a str, kind: &'a str, autocomplete: &'a str) -> Self {
        Self { name, label, kind, autocomplete, value: "", hint: None, fixed: None }
    }

    fn render(&self, focus: bool, invalid: bool) -> String {
        let name = escape(self.name);
        let mut described = Vec::new();
        if invalid {
            described.push("error".to_owned());
        }
        let hint = self.hint.map_or_else(String::new, |hint| {
            described.push(format!("{name}-hint"));
            format!("<p class=\"hint\" id=\"{name}-hint\">{}</p>", escape(hint))
        });
        let mut attributes = String::new();
        if !described.is_empty() {
            attributes.push_str(&format!(" aria-describedby=\"{}\"", described.join(" ")));
        }
        if invalid && self.fixed.is_none() {
            attributes.push_str(" aria-invalid=\"true\"");
        }
        if focus {
            attributes.push_str(" autofocus");
        }
        attributes.push_str(if self.fixed.is_some() { " readonly tabindex=\"-1\"" } else { " required" });
        let edit = self.fixed.as_ref().map_or_else(String::new, |link| {
            format!(
                "<a class=\"edit\" href=\"{}\">Change<span class=\"unseen\"> {}</span></a>",
                escape(link),
                escape(self.label)
            )
        });
        format!(
            "<div class=\"field\"><label for=\"{name}\">{label}</label>\
             <input id=\"{name}\" name=\"{name}\" type=\"{kind}\" autocomplete=\"{autocomplete}\" value=\"{value}\" \
             autocapitalize=\"none\" spellcheck=\"false\"{attributes}>{edit}{hint}</div>",
            label = escape(self.label),
            kind = escape(self.kind),
            autocomplete = escape(self.autocomplete),
            value = escape(self.value),
        )
    }
}

impl Form<'_> {
    /// The page. The form is sent to the address it came from, which carries the state.
    pub fn render(&self) -> Response {
        let focus = self.fields.iter().position(|field| field.fixed.is_none());
        let field =
            |(index, field): (usize, &Field<'_>)| field.render(focus == Some(index), self.error.is_some());
        let fields: String = self.fields.iter().enumerate().map(field).collect();
        let error = self.error.map_or_else(String::new, |(_, sentence)| {
            format!("<p class=\"error\" id=\"error\" role=\"alert\">{}</p>", escape(sentence))
        });
        let below = self.below.as_ref().map_or_else(String::new, |(words, link, text)| {
            format!(
                "<p class=\"below\">{} <a href=\"{}\">{}</a></p>",
                escape(words),
                escape(link),
                escape(text)
            )
        });
        let main = format!(
            "{error}<form method=\"post\">{fields}<button type=\"submit\">{button}</button></form>{below}",
            button = escape(self.button),
        );
        let status = self.error.map_or(StatusCode::OK, |(status, _)| status);
        form_page(status, self.brand, self.title, &main, &self.leads)
    }
}
