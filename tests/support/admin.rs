//! Somebody who manages a tenant: an access token, and where it is used.

use super::world::MANAGEMENT_AUDIENCE;
use super::{Answer, Ask, World};
use gatehouse::http::Method;
use serde_json::{Value as Json, json};

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

/// A person of the main tenant, as a token of theirs has them.
pub struct Person {
    /// Their id.
    pub id: String,
    /// A token with exactly what they hold.
    pub token: String,
}

impl World {
    /// A person of the main tenant who holds exactly these permissions of the management API, and a token with them.
    pub fn operator(&self, email: &str, scopes: &[&str]) -> Person {
        let admin = self.admin("");
        let user = json!({ "connection": "Username-Password-Authentication", "email": email, "password": "Tr0ub4dor-3" });
        let user = admin.post("users", &user).expect(201).json();
        let id = user["user_id"].as_str().unwrap().to_owned();
        let permission = |name: &&str| json!({ "resource_server_identifier": MANAGEMENT_AUDIENCE, "permission_name": name });
        let permissions: Vec<Json> = scopes.iter().map(permission).collect();
        if !permissions.is_empty() {
            let path = format!("users/{}/permissions", id.replace('|', "%7C"));
            admin.post(&path, &json!({ "permissions": permissions })).expect(201);
        }
        let token = self.signed("main", &json!({ "sub": id, "scope": scopes.join(" ") }));
        Person { id, token }
    }

    /// Makes a person of the main tenant an administrator of another tenant.
    pub fn appoint(&self, person: &Person, tenant: &str) {
        let admin = self.admin("");
        let organization = admin.get(&format!("organizations/name/{tenant}")).expect(200).json();
        let members = format!("organizations/{}/members", organization["id"].as_str().unwrap());
        admin.post(&members, &json!({ "members": [person.id] })).expect(204);
        let roles = format!("{members}/{}/roles", person.id.replace('|', "%7C"));
        admin.post(&roles, &json!({ "roles": ["rol_tenant_admin"] })).expect(204);
    }
}
