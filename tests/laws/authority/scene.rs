//! Two tenants, whoever bears a token there, and everything that they can ask for.

use super::{
    super::inhabitants::{Inhabited, management},
    outcome::Loot,
};
use crate::support::{
    Answer, Application, Ask, World,
    world::{MACHINE_ID, MACHINE_SECRET, MANAGEMENT_AUDIENCE},
};
use gatehouse::{
    http::{Method, route::Route},
    id::OperationId,
    routes::ROUTES,
};
use rusqlite::Connection;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// The password of everybody.
pub const PASSWORD: &str = "A long enough Passw0rd!";

/// Work on the lifecycle of tenants: it has no rule of its own about authority, and would leave no tenant to try others on.
/// What is asked for in the directory alone, or what its one scope is for, is nothing that anybody could do more with.
const LIFECYCLE: [&str; 6] = [
    "/management/fleet",
    "/management/migrations",
    "/management/operations",
    "/management/tenants/{id}/moves",
    "/management/tenants/{id}/verify",
    "/management/tenants/{id}/database",
];

/// What bears a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    PersonOfMain,
    MachineOfMain,
    MachineForAllTenants,
    AdministratorByOrganization,
    PersonOfTenant,
    MachineOfTenant,
}

pub struct Bearer {
    pub kind: Kind,
    pub scopes: Vec<String>,
    pub token: String,
    /// Where they belong, and who they are there, unless they are a machine.
    pub home: &'static str,
    pub user: Option<String>,
}

/// Two tenants with something of everything, people and machines who may do everything there, an archive of each.
pub struct Scene<'w> {
    pub main: Inhabited<'w>,
    pub acme: Inhabited<'w>,
    /// Where people sign in.
    pub consoles: [Application; 2],
    /// Secrets of machines that hold everything.
    pub secrets: [String; 2],
    pub backups: Vec<String>,
    pub copies: Vec<(&'static str, Connection)>,
}

pub fn audience(tenant: &str) -> String {
    if tenant == "main" {
        MANAGEMENT_AUDIENCE.to_owned()
    } else {
        format!("http://{tenant}.localhost:8787/api/v2/")
    }
}

pub fn host(tenant: &str) -> &str {
    if tenant == "main" { "" } else { tenant }
}

/// Somebody who may do everything at a tenant does this.
pub fn manage(world: &World, tenant: &str, path: &str, body: &Json) -> Answer {
    world.holder(host(tenant), &world.machine_token("")).post(path, body)
}

pub fn make_user(world: &World, tenant: &str, email: &str, scopes: &[String]) -> String {
    let body =
        json!({ "connection": "Username-Password-Authentication", "email": email, "password": PASSWORD });
    let user =
        manage(world, tenant, "users", &body).expect(201).json()["user_id"].as_str().unwrap().to_owned();
    let permission =
        |name: &String| json!({ "resource_server_identifier": audience(tenant), "permission_name": name });
    let permissions: Vec<Json> = scopes.iter().map(permission).collect();
    if !permissions.is_empty() {
        let path = format!("users/{}/permissions", user.replace('|', "%7C"));
        manage(world, tenant, &path, &json!({ "permissions": permissions })).expect(201);
    }
    user
}

pub fn make_machine(world: &World, tenant: &str, scopes: &[String]) -> (String, String) {
    let body = json!({ "name": "Machine", "app_type": "non_interactive" });
    let made = manage(world, tenant, "clients", &body).expect(201).json();
    let grant = json!({ "client_id": made["client_id"], "audience": audience(tenant), "scope": scopes });
    manage(world, tenant, "client-grants", &grant).expect(201);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("client_id"), text("client_secret"))
}

pub fn machine_token(world: &World, tenant: &str, id: &str, secret: &str, audience: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("audience", audience),
    ];
    world.send(Ask::post(host(tenant), "/oauth/token").form(&form))
}

pub fn catalogue(world: &World) -> Vec<String> {
    world.app.shared().scopes.iter().map(|scope| (*scope).to_owned()).collect()
}

impl<'w> Scene<'w> {
    pub fn new(world: &'w World) -> Self {
        let acme = Inhabited::new(world, "acme", "shared");
        let main = Inhabited::new(world, "main", "shared");
        let document = json!({ "organization_usage": "allow" });
        let consoles = [world.application("", &document), world.application("acme", &document)];
        make_user(world, "acme", "boss@acme.example", &catalogue(world));
        let machine = make_machine(world, "acme", &catalogue(world));
        let backups = ["acme", "main"].map(|tenant| {
            let ask = Ask::post("", &format!("/management/tenants/{tenant}/backups"))
                .bearer(&world.machine_token(""));
            let begun = world.send(ask.json(&json!({ "include": ["keys", "sessions"] }))).expect(202).json();
            work(world);
            begun["backup"].as_str().unwrap().to_owned()
        });
        // What is at a path is looked up while everything is there.
        for route in management() {
            main.live(route.path);
            acme.live(route.path);
        }
        let copies = ["DIRECTORY", "SHARED"].map(|name| (name, world.database(name).copy()));
        Self {
            main,
            acme,
            consoles,
            secrets: [MACHINE_SECRET.to_owned(), machine.1],
            backups: backups.to_vec(),
            copies: copies.into_iter().collect(),
        }
    }

    /// Everything as it was at the beginning.
    pub fn restored(&self, world: &World) -> World {
        for (name, copy) in &self.copies {
            world.database(name).become_copy(copy);
        }
        world.outside.wakes.borrow_mut().clear();
        world.another_isolate()
    }

    /// Somebody with a token of exactly these scopes, who holds exactly these; nobody if there can be no such bearer.
    pub fn bearer(&self, world: &World, kind: Kind, scopes: &[String]) -> Bearer {
        let (home, email) = match kind {
            Kind::PersonOfTenant | Kind::MachineOfTenant => ("acme", "eve@acme.example"),
            _ => ("main", "eve@main.example"),
        };
        let mut scopes = scopes.to_vec();
        if kind == Kind::MachineForAllTenants {
            scopes.push("tenants:all".to_owned());
        }
        if matches!(kind, Kind::MachineOfMain | Kind::MachineForAllTenants | Kind::MachineOfTenant) {
            let (id, secret) = make_machine(world, home, &scopes);
            let answer = machine_token(world, home, &id, &secret, &audience(home)).expect(200).json();
            let token = answer["access_token"].as_str().unwrap().to_owned();
            return Bearer { kind, scopes, token, home, user: None };
        }
        let inside = kind == Kind::AdministratorByOrganization;
        let user = make_user(world, home, email, if inside { &[] } else { &scopes });
        let mut claims = json!({ "sub": user, "scope": scopes.join(" "), "aud": audience(home), "azp": self.consoles[0].id });
        if inside {
            let person = crate::support::admin::Person { id: user.clone(), token: String::new() };
            world.appoint(&person, "acme");
            let admin = world.admin("");
            let organization = admin.get("organizations/name/acme").expect(200).json();
            claims["org_id"] = organization["id"].clone();
            claims["org_name"] = "acme".into();
        }
        let token = world.signed(home, &claims);
        Bearer { kind, scopes, token, home, user: Some(user) }
    }

    /// Everything that the table lets this bearer do, twice: what the first round made is there for the second.
    pub fn rampage(&self, world: &World, bearer: &Bearer) -> Loot {
        let mut loot = Loot::default();
        let lifecycle = |route: &Route| LIFECYCLE.iter().any(|start| route.path.starts_with(start));
        let scoped = |route: &&Route| {
            bearer.scopes.iter().any(|scope| route.need == format!("Scope(\"{scope}\")")) && !lifecycle(route)
        };
        let routes: Vec<_> = ROUTES.all().iter().filter(scoped).collect();
        for _ in 0..2 {
            for route in &routes {
                for (at, tenant) in [("", "main"), ("", "acme"), ("acme", "acme")] {
                    if route.area == "Operator" && tenant != "main" {
                        continue;
                    }
                    for path in self.paths(route, tenant, bearer) {
                        for body in self.bodies(world, route, tenant, bearer, &loot) {
                            let mut ask = Ask::new(route.method.clone(), at, &path).bearer(&bearer.token);
                            if at.is_empty() && tenant != "main" {
                                ask = ask.header("tenant-id", tenant);
                            }
                            let answer =
                                world.send(if route.method == Method::GET { ask } else { ask.json(&body) });
                            assert!(
                                answer.status() < 500,
                                "{} {path} {body}: {}",
                                route.method,
                                answer.text()
                            );
                            loot.take(self, tenant, &answer, &body);
                        }
                    }
                }
            }
            work(world);
        }
        loot
    }

    /// Paths of a route at which there is something: first of those who matter.
    pub fn paths(&self, route: &Route, tenant: &str, bearer: &Bearer) -> Vec<String> {
        const MOST: usize = 6;
        if route.area == "Operator" {
            let filled = |id: &&str| {
                route.path.replace("{id}", id).replace("{table}", "clients").replace("{status}", "x")
            };
            let paths: Vec<String> = ["acme", "main"].iter().map(filled).collect();
            let backups =
                |path: String| self.backups.iter().map(move |backup| path.replace("{backup}", backup));
            return paths.into_iter().flat_map(backups).collect::<BTreeSet<_>>().into_iter().collect();
        }
        let inhabited = if tenant == "main" { &self.main } else { &self.acme };
        let mut paths = inhabited.live(route.path);
        if let Some(user) =
            bearer.user.as_ref().filter(|_| route.path.contains("users/{id}") && bearer.home == tenant)
        {
            paths.push(route.path.replace("{id}", &user.replace('|', "%7C")).replace("{method}", "x"));
        }
        let matters = [MACHINE_ID, "app-1", "rol_tenant_admin", "cgr_", "auth0%7C"];
        paths.sort_by_key(|path| !matters.iter().any(|one| path.contains(one)));
        paths.truncate(MOST);
        paths
    }
}

/// Does what was begun.
pub fn work(world: &World) {
    for _ in 0..40 {
        let live = world
            .database("DIRECTORY")
            .query("select id from operations where status in ('pending', 'running')");
        if live.is_empty() {
            return;
        }
        world.advance(gatehouse::time::Lifetime::seconds(2));
        for row in live {
            let id = OperationId::new(row["id"].as_str().unwrap());
            drop(crate::support::block_on(world.app.advance(&id)));
        }
    }
}
