//! What a bearer has ended with.

use super::scene::{Bearer, Kind, PASSWORD, Scene, audience, catalogue, host, machine_token};
use crate::support::{
    Answer, Application, Browser, World,
    browser::{Seen, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, MACHINE_ID, MANAGEMENT_AUDIENCE},
};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Where the bearer waits for codes.
pub const EVIL: &str = "https://evil.example/callback";

/// What was found out, and made, on the way.
#[derive(Default)]
pub struct Loot {
    /// Tenant, id and secret.
    pub clients: BTreeSet<(String, String, String)>,
    /// Tenant and address of people whose password is known.
    pub people: BTreeSet<(String, String)>,
    /// Secrets of others that were shown.
    pub seen: BTreeSet<String>,
}

impl Loot {
    pub fn take(&mut self, scene: &Scene<'_>, tenant: &str, answer: &Answer, body: &Json) {
        if answer.status() >= 300 {
            return;
        }
        let text = answer.text();
        self.seen.extend(scene.secrets.iter().filter(|secret| text.contains(secret.as_str())).cloned());
        let Ok(shown) = serde_json::from_str::<Json>(&text) else { return };
        let list = shown.as_array().cloned().unwrap_or_else(|| vec![shown.clone()]);
        for one in &list {
            if let (Some(id), Some(secret)) = (one["client_id"].as_str(), one["client_secret"].as_str()) {
                self.clients.insert((tenant.to_owned(), id.to_owned(), secret.to_owned()));
            }
        }
        if let (true, Some(email)) = (body["password"].is_string(), shown["email"].as_str()) {
            self.people.insert((tenant.to_owned(), email.to_owned()));
        }
        if body["table"] == "clients" {
            let secret = body["records"][0]["client_secret"].as_str().unwrap_or_default();
            for tenant in ["acme", "main"] {
                self.clients.insert((tenant.to_owned(), "imported".to_owned(), secret.to_owned()));
            }
        }
    }
}

/// What a bearer has ended with that they did not have; and what others have lost.
pub fn objections(scene: &Scene<'_>, world: &World, bearer: &Bearer, loot: &Loot) -> Vec<String> {
    let mut objections: Vec<String> =
        loot.seen.iter().map(|secret| format!("was shown the secret {secret}")).collect();
    let mut more = |how: String, scope: &Json| {
        let openid = ["openid", "profile", "email", "offline_access"];
        let had = |scope: &&str| bearer.scopes.iter().any(|held| held == scope) || openid.contains(scope);
        let gained: Vec<&str> = scope
            .as_str()
            .unwrap_or_default()
            .split(' ')
            .filter(|scope| !scope.is_empty() && !had(scope))
            .collect();
        if !gained.is_empty() {
            objections.push(format!("{how}: {}", gained.join(" ")));
        }
    };
    // A tenant that they have made is theirs; one that was copied is not.
    let tenants = world.database("DIRECTORY").query(
        "select distinct t.id from tenants t left join operations o on o.tenant_id = t.id
         where t.status = 'active' and (t.id in ('main', 'acme') or o.kind = 'restore_new')",
    );
    let tenants: Vec<String> = tenants.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    for (of, id, secret) in &loot.clients {
        let also = tenants.iter().filter(|tenant| *tenant == of || tenant.starts_with("copy-"));
        for (tenant, api) in
            also.flat_map(|tenant| [audience(tenant), audience("main")].map(|api| (tenant, api)))
        {
            let answer = machine_token(world, tenant, id, secret, &api);
            if answer.status() == 200 {
                more(format!("the machine {id} gets a token of {tenant}"), &answer.json()["scope"]);
            }
        }
    }
    let wish = format!("openid tenant:admin {}", catalogue(world).join(" "));
    let everything = |app: &Application, organization: &str, prompt: &str, api: &str| {
        let wish = [
            ("audience", api),
            ("scope", wish.as_str()),
            ("organization", organization),
            ("prompt", prompt),
            ("connection", "Username-Password-Authentication"),
        ];
        app.authorize(&wish)
    };
    let console = |tenant: &str| &scene.consoles[usize::from(tenant != "main")];
    // Everybody whose password they know, and they themselves, with all that they hold by now.
    let itself = bearer.user.as_ref().filter(|_| bearer.kind != Kind::AdministratorByOrganization);
    let itself = itself.map(|_| (bearer.home.to_owned(), format!("eve@{}.example", bearer.home)));
    for (tenant, email) in loot.people.iter().cloned().chain(itself) {
        let browser = world.browser();
        let url = everything(console(&tenant), "", "", &audience(&tenant));
        if !signs_in(&browser, &url, &email, PASSWORD) {
            continue;
        }
        let organizations = tenants.iter().filter(|other| tenant == "main" && *other != "main");
        for organization in std::iter::once("").chain(organizations.map(String::as_str)) {
            let url = everything(console(&tenant), organization, "none", &audience(&tenant));
            if let Some(scope) = scope_of(world, &browser, console(&tenant), &url) {
                more(format!("{email} of {tenant} gets a token in {organization:?}"), &scope);
            }
        }
    }
    // Somebody who may do everything, and follows a link to where the bearer waits.
    let lured = [("main", ADMIN_EMAIL, ADMIN_PASSWORD), ("acme", "boss@acme.example", PASSWORD)];
    for (tenant, email, password) in lured {
        let browser = world.browser();
        let url = everything(console(tenant), "", "", &audience(tenant));
        if !signs_in(&browser, &url, email, password) {
            objections.push(format!("{email} of {tenant} cannot sign in any more"));
            continue;
        }
        let url = everything(console(tenant), "", "none", &audience(tenant));
        let scope = scope_of(world, &browser, console(tenant), &url).unwrap_or_default();
        if !catalogue(world).iter().all(|one| scope.as_str().unwrap_or_default().contains(one.as_str())) {
            objections.push(format!("{email} of {tenant} holds only {scope}"));
        }
        let clients = format!(
            "select client_id, document from clients where tenant_id = '{tenant}' and document like '%evil.example%'"
        );
        for row in world.database("SHARED").query(&clients) {
            let id = row["client_id"].as_str().unwrap().to_owned();
            let secret = loot
                .clients
                .iter()
                .find(|(of, client, _)| of == tenant && *client == id)
                .map(|(_, _, secret)| secret.clone());
            let app = Application { tenant: host(tenant).to_owned(), id, secret, callback: EVIL.to_owned() };
            let url = everything(&app, "", "", &audience(tenant));
            if let Some(scope) = scope_of(world, &browser, &app, &url) {
                let mut gained = Vec::new();
                gained.extend(
                    scope
                        .as_str()
                        .unwrap_or_default()
                        .split(' ')
                        .filter(|one| bearer.scopes.iter().all(|held| held != one) && *one != "openid"),
                );
                if !gained.is_empty() {
                    objections.push(format!("{email} is led to {}, which gets {}", app.id, gained.join(" ")));
                }
            }
        }
    }
    let machine = machine_token(world, "main", MACHINE_ID, &scene.secrets[0], MANAGEMENT_AUDIENCE);
    if machine.status() != 200 || !machine.text().contains("tenants:all") {
        objections.push(format!("the machine {MACHINE_ID} is out of work"));
    }
    objections
}

/// Whether somebody gets through the pages of a login.
fn signs_in(browser: &Browser<'_>, url: &url::Url, email: &str, password: &str) -> bool {
    let Seen::Page(page, answer) = browser.open(url) else { return false };
    let seen = browser.submit(&Seen::Page(page, answer), &[("username", email)]);
    let Seen::Page(page, answer) = seen else { return false };
    matches!(
        browser.submit(&Seen::Page(page, answer), &[("username", email), ("password", password)]),
        Seen::Away(_)
    )
}

/// The scopes of the token that a client gets when this browser goes there, if it gets one without anybody being asked.
fn scope_of(world: &World, browser: &Browser<'_>, app: &Application, url: &url::Url) -> Option<Json> {
    let Seen::Away(back) = browser.open(url) else { return None };
    parameter(&back, "code")?;
    let answer = app.redeem(world, &back);
    (answer.status() == 200).then(|| answer.json()["scope"].clone())
}
