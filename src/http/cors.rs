//! Cross-origin access: which answers a page of another origin may read. The only place that says so.

use super::{Response, StatusCode};

/// What pages send besides what every browser lets them: the SDKs of Auth0 name themselves (`auth0-client`), tracing adds
/// headers of its own. The star stands for all of them but `authorization`, which it never covers (Fetch §4.9).
const REQUEST_HEADERS: &str = "authorization, content-type, auth0-client, dpop, tenant-id, x-tenant-id, *";

/// What pages may read besides what every browser lets them.
const RESPONSE_HEADERS: &str = "location, retry-after, www-authenticate, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id";

/// How long a browser may remember a preflight's answer, in seconds: as long as Chromium remembers any.
const MAX_AGE: &str = "7200";

/// The answer to an `OPTIONS` request: the methods of the path, and to a preflight (Fetch §3.2.2) what it asks for.
pub fn preflight(allow: &str) -> Response {
    Response::empty(StatusCode::NO_CONTENT)
        .with("allow", allow)
        .with("access-control-allow-methods", allow)
        .with("access-control-allow-headers", REQUEST_HEADERS)
        .with("access-control-max-age", MAX_AGE)
}

/// Lets pages of any origin read an answer that depends on a bearer token or on nothing, never on a cookie: credentials
/// are not allowed. It says so whether or not the request names an origin, so that an answer which a cache keeps is good
/// for every page, and none varies by origin.
pub fn readable(response: Response) -> Response {
    response.with("access-control-allow-origin", "*").with("access-control-expose-headers", RESPONSE_HEADERS)
}
