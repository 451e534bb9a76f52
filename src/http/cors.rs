//! Cross-origin access: which answers a page of another origin may read.

use super::{Request, Response, StatusCode};

/// The answer to a preflight request: any origin may ask, since no cookie is ever accepted across origins.
pub fn preflight(allow: &str) -> Response {
    Response::empty(StatusCode::NO_CONTENT)
        .with("access-control-allow-origin", "*")
        .with("access-control-allow-methods", allow)
        .with(
            "access-control-allow-headers",
            "authorization, content-type, tenant-id, x-tenant-id, auth0-client",
        )
        .with("access-control-max-age", "600")
}

/// Lets a page of any origin read an answer that depends on a bearer token or on nothing, never on a cookie.
pub fn readable(request: &Request, response: Response) -> Response {
    if request.header("origin").is_none() {
        return response;
    }
    response
        .with("access-control-allow-origin", "*")
        .with("access-control-expose-headers", "retry-after, x-request-id")
}
