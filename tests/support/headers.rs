//! What the headers of every answer must be, whatever was asked. [`super::World::send`] holds each answer of each test to it.

use gatehouse::http::{Method, Request};

/// The paths that people see rather than programs: nobody else's page reads those.
const PAGES: [&str; 4] = ["/u/", "/authorize", "/oidc/logout", "/v2/logout"];

/// What is wrong with the headers of an answer.
pub fn faults(request: &Request, headers: &[(&str, String)]) -> Vec<String> {
    let values = |name: &str| -> Vec<&str> {
        headers
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    };
    let mut found = Vec::new();
    for (name, _) in headers {
        if *name != name.to_ascii_lowercase() {
            found.push(format!("{name} is not in lower case"));
        }
        if *name != "set-cookie" && values(name).len() != 1 {
            found.push(format!("{name} occurs {} times: {:?}", values(name).len(), values(name)));
        }
    }
    let mut cookies: Vec<&str> =
        values("set-cookie").iter().map(|cookie| cookie.split('=').next().unwrap()).collect();
    cookies.sort_unstable();
    if let Some(twice) = cookies.windows(2).find(|pair| pair[0] == pair[1]) {
        found.push(format!("the cookie {} is set twice", twice[0]));
    }
    // Fetch §4.9: a browser compares the whole value with the star, or with its origin.
    let is_page = request.path == "/" || PAGES.iter().any(|page| request.path.starts_with(page));
    let origins = values("access-control-allow-origin");
    if origins != if is_page { vec![] } else { vec!["*"] } {
        found.push(format!("access-control-allow-origin is {origins:?}"));
    }
    if !values("access-control-allow-credentials").is_empty() {
        found.push("credentials are allowed across origins".to_owned());
    }
    // Whoever keeps an answer that is not for everybody shows it to somebody else.
    let kept = values("cache-control");
    let is_public = request.path.starts_with("/.well-known/");
    if kept != ["no-store"] && !(is_public && kept.len() == 1 && kept[0].starts_with("public, max-age=")) {
        found.push(format!("cache-control is {kept:?}"));
    }
    if values("x-content-type-options") != ["nosniff"] {
        found.push("a browser may guess its type".to_owned());
    }
    if values("content-type").iter().any(|kind| kind.starts_with("text/html")) {
        let policy = values("content-security-policy").join(" / ");
        let directive = |name: &str| {
            policy.split("; ").find_map(|it| it.strip_prefix(name)?.strip_prefix(' ')).unwrap_or_default()
        };
        if directive("default-src") != "'none'" || directive("base-uri") != "'none'" {
            found.push(format!("a page may load what it likes: {policy}"));
        }
        if directive("form-action").is_empty() {
            found.push(format!("a page's forms may lead anywhere: {policy}"));
        }
        let script = directive("script-src");
        if !script.is_empty() && (script.contains(' ') || !script.starts_with("'sha256-")) {
            found.push(format!("a page runs more than its one script: {script}"));
        }
        // The page that posts an answer may be framed by the origin that it posts to, and by no other.
        let frames = directive("frame-ancestors");
        let is_closed = frames == "'none'" && values("x-frame-options") == ["DENY"];
        let is_one = frames.contains("://") && !frames.contains([' ', '*']) && script.starts_with("'sha256-");
        if !(is_closed || (is_one && directive("form-action") == "'none'")) {
            found.push(format!("a page may be framed by {frames:?}"));
        }
        for (name, value) in [("referrer-policy", "no-referrer"), ("permissions-policy", "camera=()")] {
            if !values(name).iter().any(|set| set.starts_with(value)) {
                found.push(format!("{name} is not {value}"));
            }
        }
    }
    let asks_for =
        request.header("access-control-request-headers").filter(|_| request.method == Method::OPTIONS);
    for wanted in asks_for.into_iter().flat_map(|wanted| wanted.split(',').map(str::trim)) {
        let allowed = values("access-control-allow-headers").join(",");
        let mut allowed = allowed.split(',').map(str::trim);
        if !allowed.any(|name| name == wanted || (name == "*" && wanted != "authorization")) {
            found.push(format!("a preflight is not allowed {wanted}"));
        }
    }
    found
}
