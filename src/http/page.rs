//! The look of every page: server-rendered, nothing loaded from anywhere, and no scripts but the two that send an answer on.

use super::{Html, Output, Response, StatusCode, html::escape};
use serde_json::Value as Json;

/// A whole page around its main part, which is HTML already, without forms. `brand` is whose page it is, where that is
/// known. Its icon is an empty one, since a browser that finds none asks for `/favicon.ico`.
pub fn page(status: StatusCode, brand: &str, title: &str, main: &str) -> Response {
    Html { status, body: document(brand, title, main), script: None, forms: None, framed_by: None }.render()
}

/// The same with forms, whose answers lead to this host or on to the `leads`: sources of a Content Security Policy, which
/// the caller has vetted.
pub fn form_page(status: StatusCode, brand: &str, title: &str, main: &str, leads: &str) -> Response {
    let forms = Some(format!("'self' {leads}").trim_end().to_owned());
    Html { status, body: document(brand, title, main), script: None, forms, framed_by: None }.render()
}

/// A page that does something by itself: it sends its form, with `fields`, to `target`, which the caller has vetted and
/// which may lead on to the `leads`. Without scripts there is a button.
pub fn sent_on(brand: &str, target: &str, leads: &str, fields: &[(&str, &str)]) -> Response {
    let field = |(name, value): &(&str, &str)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
    };
    let fields: String = fields.iter().map(field).collect();
    let main = format!(
        "<form method=\"post\" action=\"{}\">{fields}<button type=\"submit\">Continue</button></form><script>{SEND}</script>",
        escape(target)
    );
    let body = document(brand, "One moment", &main);
    let forms = Some(leads.to_owned());
    Html { status: StatusCode::OK, body, script: Some(SEND), forms, framed_by: None }.render()
}

const SEND: &str = "document.forms[0].submit()";

/// The other page that does something by itself: it hands `answer` to the page that framed it, or else opened it, if that
/// is of `origin`, which the caller has vetted; nobody else may frame it. The message is the one that the SDKs of Auth0
/// wait for (OAuth 2.0 Web Message Response Mode, draft-sakimura-oauth-wmrm-00 §4.1).
pub fn handed_over(brand: &str, origin: &str, answer: &Json) -> Response {
    // In a data block, which no browser runs, nothing ends the element but `<`, and JSON has another way to write that.
    let answer = answer.to_string().replace('<', "\\u003c");
    let main = format!(
        "<p class=\"text\">You can close this window.</p>\
         <script type=\"application/json\" id=\"answer\" data-origin=\"{origin}\">{answer}</script>\
         <script>{HAND_OVER}</script>",
        origin = escape(origin),
    );
    let body = document(brand, "One moment", &main);
    let framed_by = Some(origin.to_owned());
    Html { status: StatusCode::OK, body, script: Some(HAND_OVER), forms: None, framed_by }.render()
}

const HAND_OVER: &str = "\
const a=document.getElementById('answer'),to=parent===window?opener:parent;\
if(to)to.postMessage({type:'authorization_response',response:JSON.parse(a.textContent)},a.dataset.origin)";

fn document(brand: &str, title: &str, main: &str) -> String {
    let title = escape(title);
    let (suffix, line) = if brand.is_empty() {
        (String::new(), String::new())
    } else {
        let brand = escape(brand);
        (format!(" | {brand}"), format!("<p class=\"brand\">{brand}</p>"))
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}{suffix}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"robots\" content=\"noindex\">\
         <link rel=\"icon\" href=\"data:,\">\
         <style>{STYLE}</style></head><body><main>{line}<h1>{title}</h1>{main}</main></body></html>"
    )
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
h1{margin:0 0 1.25rem;font-size:1.5rem;line-height:1.25;letter-spacing:-.01em}\
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
.other{background:transparent;color:inherit;border:1px solid var(--line)}\
ul{padding-left:1.25rem}\
.text{margin:0 0 1.25rem}\
.below{margin:1.4rem 0 0;text-align:center;color:var(--soft);font-size:.95rem}\
a{color:var(--accent)}\
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}\
@media(prefers-reduced-motion:no-preference){button{transition:filter .15s}}";
