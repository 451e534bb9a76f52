//! Somebody who manages a tenant: an access token, and where it is used.

use super::{Answer, Ask, World};
use gatehouse::http::Method;
use serde_json::Value as Json;

/// A caller of the management API.
pub struct Admin<'a> {
    world: &'a World,
    tenant: String,
    token: String,
}

impl World {
    /// The seeded machine client at the base domain, with these scopes; no scope means all it was granted.
    pub fn admin(&self, scope: &str) -> Admin<'_> {
        self.holder("", &self.machine_token(scope))
    }

    /// Whoever holds `token`, at the host of `tenant`.
    pub fn holder(&self, tenant: &str, token: &str) -> Admin<'_> {
        Admin { world: self, tenant: tenant.to_owned(), token: token.to_owned() }
    }
}

impl Admin<'_> {
    fn send(&self, method: Method, path: &str, body: Option<&Json>) -> Answer {
        let ask = Ask::new(method, &self.tenant, &format!("/api/v2/{path}")).bearer(&self.token);
        self.world.send(match body {
            Some(body) => ask.json(body),
            None => ask,
        })
    }

    /// `GET /api/v2/{path}`.
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None)
    }

    /// `POST /api/v2/{path}`.
    pub fn post(&self, path: &str, body: &Json) -> Answer {
        self.send(Method::POST, path, Some(body))
    }

    /// `PATCH /api/v2/{path}`.
    pub fn patch(&self, path: &str, body: &Json) -> Answer {
        self.send(Method::PATCH, path, Some(body))
    }

    /// `PUT /api/v2/{path}`.
    pub fn put(&self, path: &str) -> Answer {
        self.send(Method::PUT, path, None)
    }

    /// `DELETE /api/v2/{path}`.
    pub fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None)
    }

    /// `DELETE /api/v2/{path}` of the things that the body names.
    pub fn delete_these(&self, path: &str, body: &Json) -> Answer {
        self.send(Method::DELETE, path, Some(body))
    }
}
