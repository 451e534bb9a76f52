//! Tenants that hold something of everything, made through the API: what the laws about tenants are tried on.

use super::declarations::sample;
use crate::support::{Answer, Ask, World, sqlite::Sqlite};
use gatehouse::{
    http::{Method, route::Route, shape::Kind},
    resources::{RESOURCES, engine::Resource},
    routes::ROUTES,
};
use serde_json::{Value as Json, json};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc};

/// A tenant with something of everything.
pub struct Inhabited<'w> {
    world: &'w World,
    /// Its id.
    pub id: String,
    /// The label of its host; empty for the main tenant.
    pub host: String,
    /// Where its rows are.
    pub database: Rc<Sqlite>,
    /// A token that may do everything there.
    pub key: String,
    live: RefCell<std::collections::HashMap<String, Vec<String>>>,
}

/// What may stand in a path: not longer than an id, a name or an address.
const SEGMENT: usize = 80;

/// Its user that the fill has made.
const USER: &str = "select user_id from users where tenant_id = ? and email like 'user@%'";

impl<'w> Inhabited<'w> {
    /// Makes a tenant (the main one is there) and fills it: every `POST` of the management API that has no more
    /// parameters than what others have made succeeds at least once.
    pub fn new(world: &'w World, id: &str, placement: &str) -> Self {
        let key = world.machine_token("");
        if id != "main" {
            let new = json!({ "id": id, "placement": placement, "friendly_name": format!("Tenant of {id}") });
            world.admin("").post("tenants", &new).expect(201);
        }
        let row = format!(
            "select d.binding from tenants t join databases d on d.id = t.database_id where t.id = '{id}'"
        );
        let binding = world.database("DIRECTORY").query(&row)[0]["binding"].as_str().unwrap().to_owned();
        let host = if id == "main" { "" } else { id };
        let tenant = Self {
            world,
            id: id.to_owned(),
            host: host.to_owned(),
            database: world.database(&binding),
            key,
            live: RefCell::default(),
        };
        tenant.fill();
        tenant
    }

    fn fill(&self) {
        let mut left: Vec<_> = management().filter(|route| route.method == Method::POST).collect();
        // What one needs, another makes: a few rounds are enough for every order.
        for _ in 0..4 {
            left.retain(|route| {
                self.live.borrow_mut().clear();
                let paths = self.live(route.path);
                !paths.iter().any(|path| self.own(route, path).status() < 300)
            });
        }
        let left: Vec<_> = left.iter().map(|route| route.path).collect();
        assert!(left.is_empty(), "nothing is made by POST {left:?}: give each a body in {}", file!());
        self.sign_in();
        self.live.borrow_mut().clear();
    }

    /// What its user's sign-in leaves.
    fn sign_in(&self) {
        let (id, user) = (&self.id, self.user());
        for sql in [
            format!(
                "insert into sessions (tenant_id, id, digest, user_id, authenticated_at, created_at, used_at, expires_at, idle_expires_at)
                 values ('{id}', 'session-of-{id}', 'digest-of-{id}', '{user}', 1, 1, 1, 9000000000000, 9000000000000)"
            ),
            format!(
                "insert into refresh_tokens (tenant_id, id, lookup, digest, family_id, client_id, user_id, audience, scope,
                   rotating, authenticated_at, created_at)
                 values ('{id}', 'token-of-{id}', 'lookup-of-{id}', 'digest-of-{id}', 'family-of-{id}', 'c', '{user}', 'a', '', 1, 1, 1)"
            ),
            format!(
                "insert into authentication_methods (tenant_id, id, user_id, type, confirmed, created_at, updated_at)
                 values ('{id}', 'method-of-{id}', '{user}', 'phone', 0, 1, 1)"
            ),
            format!(
                "insert into grants (tenant_id, user_id, client_id, audience, id, scope, created_at, updated_at)
                 values ('{id}', '{user}', 'client-of-{id}', '', 'grant-of-{id}', '[\"read-of-{id}\"]', 1, 1)"
            ),
            format!(
                "insert into organization_invitations (tenant_id, id, organization_id, client_id, document, created_at, expires_at)
                 select '{id}', 'invitation-of-{id}', o.id, 'client-of-{id}', '{{\"invitee\":{{\"email\":\"guest@{id}.example\"}}}}', 1, 9000000000000
                 from organizations o where o.tenant_id = '{id}' and o.name = 'team_of_{id}'"
            ),
        ] {
            self.database.query(&sql);
        }
    }

    /// Asks for the route at this path, with its own key and a body that is right for it.
    pub fn own(&self, route: &Route, path: &str) -> Answer {
        let ask = Ask::new(route.method.clone(), &self.host, path).bearer(&self.key);
        self.world.send(if route.method == Method::GET { ask } else { ask.json(&self.body(route)) })
    }

    /// The paths of a route at which this tenant has something: every parameter is a value of its rows.
    pub fn live(&self, pattern: &str) -> Vec<String> {
        if let Some(known) = self.live.borrow().get(pattern) {
            return known.clone();
        }
        let found = self.find(pattern);
        self.live.borrow_mut().insert(pattern.to_owned(), found.clone());
        found
    }

    fn find(&self, pattern: &str) -> Vec<String> {
        let Some((head, tail)) = pattern.rsplit_once('}') else { return vec![pattern.to_owned()] };
        let (parent, _) = head.rsplit_once("/{").unwrap();
        let reads =
            |path: &str| ROUTES.all().iter().find(|route| route.path == path && route.method == Method::GET);
        let reader = reads(pattern)
            .map(|route| (route, tail))
            .or_else(|| reads(&format!("{head}}}")).map(|route| (route, "")));
        let (mut values, mut found) = (self.telling(), Vec::new());
        values.extend(words(pattern));
        for parent in self.live(parent) {
            for value in values.iter().filter(|value| value.len() <= SEGMENT) {
                let path = format!("{parent}/{}", segment(value));
                let there =
                    |(route, tail): (&Route, &str)| self.own(route, &format!("{path}{tail}")).status() == 200;
                if reader.is_none_or(there) {
                    found.push(format!("{path}{tail}"));
                }
            }
        }
        found
    }

    /// Every text in its rows, those inside documents too, and for the main tenant those of the directory.
    pub fn values(&self) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        let mut read = |database: &Sqlite, condition: &str| {
            let tables = database.query(
                "select name from sqlite_schema
                 where type = 'table' and name not like 'sqlite_%' and name <> 'd1_migrations'",
            );
            for table in tables.iter().map(|row| row["name"].as_str().unwrap()) {
                // Of the log a few entries say as much as all.
                let limit = if table == "logs" { 2 } else { -1 };
                for row in database.query(&format!("select * from {table} {condition} limit {limit}")) {
                    texts(&Json::Object(row), &mut values);
                }
            }
        };
        read(&self.database, &format!("where tenant_id = '{}'", self.id));
        if self.id == "main" {
            read(&self.world.database("DIRECTORY"), "");
        }
        values
    }

    /// Those of its texts that are no mere words: made by chance, or with its name in them.
    pub fn telling(&self) -> BTreeSet<String> {
        let mixed =
            |text: &str| text.chars().skip(1).any(|letter| letter.is_uppercase() || letter.is_numeric());
        let by_chance = |text: &str| mixed(text) && !text.contains(' ');
        let tells = |text: &String| text.contains(&self.id) || by_chance(text);
        self.values().into_iter().filter(|text| text.len() >= 6 && *text != self.id && tells(text)).collect()
    }

    /// Everything it holds, but for the log and the counters of failed sign-ins, which strangers write too.
    pub fn contents(&self) -> String {
        let contents = self.database.contents(&self.id);
        let kept = contents.lines().filter(|line| {
            !["logs:", "log_blocks:", "login_attempts:"].iter().any(|table| line.starts_with(table))
        });
        kept.collect::<Vec<_>>().join("\n")
    }

    /// The id of its user.
    pub fn user(&self) -> String {
        self.one(USER).as_str().unwrap().to_owned()
    }

    /// An id of one of its rows: the newest one that the fill has made.
    fn one(&self, sql: &str) -> Json {
        let rows = self.database.query(&sql.replace("?", &format!("'{}'", self.id)));
        rows.first().and_then(|row| row.values().next()).cloned().unwrap_or(Json::Null)
    }

    /// A body with which the route does something, with ids of this tenant. A new row of the route table that needs a
    /// body of its own has its place here.
    pub fn body(&self, route: &Route) -> Json {
        let id = &self.id;
        let client = || {
            self.one(
                "select client_id from clients where tenant_id = ? and client_id <> 'management-machine'",
            )
        };
        let user = || self.one(USER);
        let role = || self.one("select id from roles where tenant_id = ? and is_system = 0");
        let api = format!("https://{id}.api.example");
        let permissions =
            json!({ "permissions": [{ "resource_server_identifier": api, "permission_name": "read" }] });
        let path = route.path.trim_start_matches("/api/v2/");
        match (route.method.as_str(), path) {
            ("POST", "clients") => {
                json!({ "name": format!("Client of {id}"), "app_type": "non_interactive" })
            }
            ("POST", "client-grants") => json!({ "client_id": client(), "audience": api, "scope": ["read"],
                "organization_usage": "allow" }),
            ("POST", "organizations/{id}/client-grants") => {
                json!({ "grant_id": self.one("select id from client_grants where tenant_id = ? and organization_usage = 'allow'") })
            }
            ("PATCH", "client-grants/{id}") => json!({ "scope": [] }),
            ("POST", "resource-servers") => json!({ "identifier": api, "scopes": [{ "value": "read" }] }),
            ("POST", "organizations") => json!({ "name": format!("team_of_{id}") }),
            ("POST", "organizations/{id}/enabled_connections") => {
                json!({ "connection_id": self.one(
                    "select id from connections where tenant_id = ?
                     and id not in (select connection_id from organization_connections where tenant_id = ?) order by id") })
            }
            ("PATCH", "organizations/{id}/enabled_connections/{connection_id}") => {
                json!({ "show_as_button": false })
            }
            ("PATCH", "organizations/{id}") => json!({ "display_name": format!("Changed in {id}") }),
            ("POST" | "DELETE", "organizations/{id}/members") => json!({ "members": [user()] }),
            ("POST" | "DELETE", "organizations/{id}/members/{user_id}/roles" | "users/{id}/roles") => {
                json!({ "roles": [role()] })
            }
            ("POST", "users") => {
                json!({ "connection": "Username-Password-Authentication", "name": format!("User of {id}"),
                "email": format!("user@{id}.example"), "password": "A long enough Passw0rd!" })
            }
            ("POST", "roles") => json!({ "name": format!("Role of {id}") }),
            ("POST", "roles/{id}/users") => json!({ "users": [user()] }),
            ("POST" | "DELETE", "roles/{id}/permissions" | "users/{id}/permissions") => permissions,
            ("POST", "connections") => json!({ "name": format!("connection-of-{id}"), "strategy": "auth0" }),
            ("PATCH", "connections/{id}") => json!({ "display_name": format!("Changed in {id}") }),
            ("PATCH", path) if path.starts_with("attack-protection/") => json!({ "enabled": true }),
            ("PATCH", "tenants/settings") => json!({ "friendly_name": format!("Changed in {id}") }),
            (method, _) if let Some(body) = declared(id, method, route.path) => body,
            _ => json!({ "name": format!("Changed in {id}") }),
        }
    }
}

/// A body with which a plain resource does something, from its declaration: what it must have, and its name.
fn declared(id: &str, method: &str, path: &str) -> Option<Json> {
    let at = |resource: &&&Resource| [resource.path, resource.one].contains(&path);
    let resource = RESOURCES.iter().find(at).filter(|resource| resource.kept)?;
    let mut body = json!({});
    let named = |name: &str| ["name", "displayName", "subject", "logo_url"].contains(&name);
    for field in resource.fields.iter().filter(|field| !field.computed) {
        let name = field.member.name;
        if named(name) {
            let words = if method == "POST" { format!("Made in {id}") } else { format!("Changed in {id}") };
            body[name] =
                if name == "logo_url" { json!(format!("https://{id}.example/logo")) } else { json!(words) };
        } else if field.required && method == "POST" {
            body[name] = sample(field.member.kind);
        }
    }
    if method == "PUT" {
        body["subject"] = json!(format!("Put in {id}"));
    }
    Some(body)
}

/// What may stand in a path because only some words may: the keys of a closed list.
fn words(pattern: &str) -> Vec<String> {
    let mut words = Vec::new();
    for resource in RESOURCES.iter().filter(|resource| resource.prefix.is_empty() && resource.one == pattern)
    {
        if let Some(Kind::Word(all)) = resource.field(resource.key.1).map(|field| field.member.kind) {
            words.extend(all.iter().map(|word| (*word).to_owned()));
        }
    }
    words
}

/// The rows of the management API of a tenant.
pub fn management() -> impl Iterator<Item = &'static Route> {
    ROUTES.all().iter().filter(|route| route.area == "Management")
}

/// A value as one segment of a path.
pub fn segment(value: &str) -> String {
    value
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// Every text in a value; text that is JSON is looked into.
pub fn texts(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(members) => members.values().for_each(|member| texts(member, found)),
        Json::String(text) => match serde_json::from_str::<Json>(text) {
            Ok(inner @ (Json::Array(_) | Json::Object(_))) => texts(&inner, found),
            _ => drop(found.insert(text.clone())),
        },
        _ => {}
    }
}
