//! The look of the pages. Server-rendered, no script, nothing loaded from anywhere.

pub mod identifier;
pub mod password;
pub mod signup;

use crate::http::{Html, Output, Response, StatusCode, html::escape};

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
            "<h1>{title}</h1>{error}<form method=\"post\">{fields}<button type=\"submit\">{button}</button></form>{below}",
            title = escape(self.title),
            button = escape(self.button),
        );
        page(self.error.map_or(StatusCode::OK, |(status, _)| status), self.brand, self.title, &main)
    }
}

/// A whole page around its main part, which is HTML already.
pub(super) fn page(status: StatusCode, brand: &str, title: &str, main: &str) -> Response {
    let (brand, title) = (escape(brand), escape(title));
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} | {brand}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <style>{STYLE}</style></head><body><main><p class=\"brand\">{brand}</p>{main}</main></body></html>"
    );
    Html { status, body }.render()
}

/// Colours have a contrast of at least 4.5 to 1 in both modes (WCAG 2.2 §1.4.3), targets are 44 px high.
const STYLE: &str = "\
:root{color-scheme:light dark;--page:#eef0f4;--card:#fff;--text:#1b1f27;--soft:#5a6272;--line:#848c9c;--accent:#3a4fd8;\
--on-accent:#fff;--error:#b3261e;--error-soft:#fdecea}\
@media(prefers-color-scheme:dark){:root{--page:#101218;--card:#191c24;--text:#eceef3;--soft:#a5adbd;--line:#6c7484;\
--accent:#9aa8ff;--on-accent:#12162f;--error:#ffb4ab;--error-soft:#3b1d1b}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem 1rem;background:var(--page);color:var(--text);\
font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
main{width:100%;max-width:25rem;padding:2.25rem 2rem;background:var(--card);border-radius:1rem;\
box-shadow:0 1px 2px rgb(0 0 0/.08),0 12px 32px rgb(0 0 0/.1)}\
.brand{margin:0 0 .25rem;color:var(--soft);font-size:.9rem;font-weight:600;overflow-wrap:anywhere}\
h1{margin:0 0 1.5rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em}\
.field{position:relative;margin-bottom:1.1rem}\
label{display:block;margin-bottom:.35rem;font-size:.9rem;font-weight:600}\
input{width:100%;min-height:2.9rem;padding:.5rem .8rem;border:1px solid var(--line);border-radius:.6rem;background:transparent;\
color:inherit;font:inherit}\
input[readonly]{padding-right:5.5rem;border-style:dashed;color:var(--soft)}\
input[aria-invalid]{border-color:var(--error)}\
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}\
.edit{position:absolute;right:.8rem;bottom:.7rem;font-size:.9rem}\
.hint{margin:.35rem 0 0;color:var(--soft);font-size:.85rem}\
.error{margin:0 0 1.1rem;padding:.7rem .9rem;border-radius:.6rem;background:var(--error-soft);color:var(--error)}\
button{width:100%;min-height:2.9rem;margin-top:.4rem;border:0;border-radius:.6rem;background:var(--accent);\
color:var(--on-accent);font:inherit;font-weight:600;cursor:pointer}\
button:hover{filter:brightness(1.08)}\
.below{margin:1.4rem 0 0;text-align:center;color:var(--soft);font-size:.95rem}\
a{color:var(--accent)}\
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}\
@media(prefers-reduced-motion:no-preference){button{transition:filter .15s}}";
