//! No tenant reaches another: every route, in both placements, with everything that a tenant has.
//!
//! The cases are made from the route table and from the rows of the tenants, so a new route is covered by itself; the
//! control at the end shows that what was refused to a stranger would have worked for the tenant itself.

use super::inhabitants::{Inhabited, management, segment, texts};
use crate::support::{Ask, World};
use gatehouse::{
    http::{Method, route::Route},
    routes::ROUTES,
};
use serde_json::json;
use std::collections::BTreeSet;

/// A way on which a stranger comes: where to, with what, and whether it leads to the victim or home.
struct Way {
    name: &'static str,
    host: String,
    headers: Vec<(&'static str, String)>,
    to_victim: bool,
}

/// Everything that a tenant and its people have, tried wherever it might open the victim.
fn ways(world: &World, stranger: &Inhabited, victim: &Inhabited) -> Vec<Way> {
    let scope = world.app.shared().scopes.join(" ") + " tenants:all tenant:admin openid";
    let of_stranger = |claims| format!("Bearer {}", world.signed(&stranger.id, &claims));
    let machine = of_stranger(json!({ "sub": "m@clients", "gty": "client-credentials", "scope": scope }));
    let person = of_stranger(json!({ "sub": "auth0|p", "scope": scope, "aud": [
        format!("http://{}.localhost:8787/userinfo", stranger.id), "http://localhost:8787/api/v2/"] }));
    let organization = format!("Bearer {}", administrator(world, &stranger.id, &scope));
    let mut ways = Vec::new();
    let mut way = |name, host: &str, token: &str, tenant: Option<(&'static str, &str)>, to_victim| {
        let authorization = Some(("authorization", token.to_owned())).filter(|_| !token.is_empty());
        let tenant = tenant.map(|(name, value)| (name, value.to_owned()));
        let headers = authorization.into_iter().chain(tenant).collect();
        ways.push(Way { name, host: host.to_owned(), headers, to_victim });
    };
    let (home, there) = (stranger.host.as_str(), victim.host.as_str());
    let (its, own) = (Some(("tenant-id", victim.id.as_str())), Some(("tenant-id", stranger.id.as_str())));
    for (token, name) in
        [(&machine, "machine, there"), (&person, "person, there"), (&organization, "administrator, there")]
    {
        way(name, there, token, None, true);
        way(name, there, token, its, true);
    }
    way("machine, home, naming it", home, &machine, its, true);
    way("machine, base, naming it", "", &machine, its, true);
    way("machine, base, naming it otherwise", "", &machine, Some(("x-tenant-id", &victim.id)), true);
    way("administrator, base, naming it", "", &organization, its, true);
    way("administrator, home, naming it", home, &organization, its, true);
    // At the base domain that is the way home.
    way("machine, there, naming its own", there, &machine, own, !there.is_empty());
    way("machine, home", home, &machine, None, false);
    way("person, home", home, &person, None, false);
    way("administrator, home", home, &organization, None, false);
    way("administrator, base, naming its own", "", &organization, own, false);
    way("nobody, there", there, "", None, true);
    ways
}

/// A token of an administrator of the tenant: a person of the main tenant, in the tenant's organization.
fn administrator(world: &World, tenant: &str, scope: &str) -> String {
    let (user, organization) = (person(world), organization(world, tenant));
    let admin = world.admin("");
    let members = format!("organizations/{organization}/members");
    admin.post(&members, &json!({ "members": [user] })).expect(204);
    let roles = format!("{members}/{}/roles", segment(&user));
    admin.post(&roles, &json!({ "roles": ["rol_tenant_admin"] })).expect(204);
    world.signed("main", &json!({ "sub": user, "org_id": organization, "org_name": tenant, "scope": scope }))
}

fn person(world: &World) -> String {
    let users = world.database("SHARED").query("select user_id from users where email = 'admin@example.com'");
    users[0]["user_id"].as_str().unwrap().to_owned()
}

fn organization(world: &World, tenant: &str) -> String {
    let organization = world.admin("").get(&format!("organizations/name/{tenant}")).expect(200).json();
    organization["id"].as_str().unwrap().to_owned()
}

/// What a stranger must never see: every text of the victim's rows that is not also one of their own, or of everybody.
fn secrets(stranger: &Inhabited, victim: &Inhabited) -> BTreeSet<String> {
    let own = stranger.values();
    // What anybody may know: its name, its public keys and what is below its URL.
    let id = &victim.id;
    let keys = format!("select kid || public_jwk as text from signing_keys where tenant_id = '{id}'");
    let keys: String = victim.database.query(&keys).iter().map(|row| row["text"].as_str().unwrap()).collect();
    let name = format!("Tenant of {id}");
    let told = |text: &String| {
        let is_route = ROUTES.all().iter().any(|route| route.path == *text);
        *text == name || is_route || keys.contains(text.as_str()) || text.starts_with("http://")
    };
    victim.telling().into_iter().filter(|text| !own.contains(text) && !told(text)).collect()
}

/// Tries everything, and answers how many cases that were.
fn siege(world: &World, stranger: &Inhabited, victim: &Inhabited) -> usize {
    let (ways, before) = (ways(world, stranger, victim), victim.contents());
    let directory = || world.database("DIRECTORY").query("select * from tenants order by id");
    let (secrets, tenants) = (secrets(stranger, victim), directory());
    assert!(secrets.len() >= 15, "{} holds too little: {secrets:?}", victim.id);
    let (mut own, mut asked, mut cases) = (stranger.values(), BTreeSet::new(), 0);
    // Their administrator knows who they are, and in which organization.
    own.extend([person(world), organization(world, &stranger.id)]);
    for route in ROUTES.all() {
        for way in &ways {
            for (path, body) in attempts(route, stranger, victim, way) {
                let mut ask = Ask::new(route.method.clone(), &way.host, &path).body(body.as_bytes());
                for (name, value) in
                    way.headers.iter().chain(&[("content-type", "application/json".to_owned())])
                {
                    ask = ask.header(name, value);
                }
                let answer = world.send(ask);
                let case = format!("{} {} {path} {body}", way.name, route.method);
                if way.to_victim && ["Management", "Operator"].contains(&route.area) {
                    let refused = [401, 403].contains(&answer.status())
                        || (route.area == "Operator" && answer.status() == 404);
                    assert!(refused, "{case}: {} {}", answer.status(), answer.text());
                }
                assert!(answer.status() < 500, "{case}: {}", answer.text());
                let said = format!("{path} {body}");
                // The log tells a tenant what it was asked for itself, refusals too.
                let told = |text: String, path: &String| text.replace(&format!("\"path\":\"{path}\""), "");
                let text = answer.text();
                let text = if route.path.contains("/logs") { asked.iter().fold(text, told) } else { text };
                let shown = format!("{text} {:?}", answer.0.headers());
                asked.insert(path.clone());
                for secret in secrets.iter().filter(|secret| shown.contains(secret.as_str())) {
                    // What the stranger has said themselves is no news to them, now or when it is read back.
                    let known = said.contains(secret.as_str()) || own.contains(secret);
                    assert!(known, "{case} shows {secret}: {shown}");
                }
                if !way.to_victim && answer.status() < 300 {
                    texts(&serde_json::from_str(&body).unwrap_or_default(), &mut own);
                }
                cases += 1;
            }
        }
        assert!(victim.contents() == before, "{} {} changed {}", route.method, route.path, victim.id);
        assert_eq!(directory(), tenants, "{} {} changed the directory", route.method, route.path);
    }
    cases
}

/// Where a stranger looks, and what they send there: at what the victim has with ids of either, and, on ways that lead
/// home, at what they have themselves with the victim's ids.
fn attempts(route: &Route, stranger: &Inhabited, victim: &Inhabited, way: &Way) -> Vec<(String, String)> {
    let bodies = |tenants: &[&Inhabited]| -> Vec<String> {
        if route.method == Method::GET {
            vec![String::new()]
        } else {
            tenants.iter().map(|tenant| tenant.body(route).to_string()).collect()
        }
    };
    let mut attempts = Vec::new();
    let mut add = |paths: Vec<String>, bodies: Vec<String>| {
        for path in paths {
            attempts.extend(bodies.iter().map(|body| (path.clone(), body.clone())));
        }
    };
    if way.to_victim {
        add(victim.live(route.path), bodies(&[victim]));
        return attempts;
    }
    if route.path.contains('{') {
        add(victim.live(route.path), bodies(&[stranger, victim]));
    }
    if route.method != Method::DELETE {
        add(stranger.live(route.path), bodies(&[victim]));
    }
    attempts
}

/// Shows that the attempts were not in vain: with its own key, the tenant does at the same paths, with the same bodies,
/// what the stranger could not. What is taken away is taken away last, the most particular first.
fn control(victim: &Inhabited) {
    let mut routes: Vec<_> = management().filter(|route| route.path.contains('{')).collect();
    routes.sort_by_key(|route| {
        (route.method == Method::DELETE, std::cmp::Reverse(route.path.matches('/').count()))
    });
    let paths: Vec<_> = routes.iter().map(|route| victim.live(route.path)).collect();
    for (route, paths) in routes.into_iter().zip(paths) {
        // What has gone with something else needs no taking away.
        let there = |path: &String| {
            let reader =
                ROUTES.all().iter().find(|other| other.path == route.path && other.method == Method::GET);
            reader.is_none_or(|reader| victim.own(reader, path).status() == 200)
        };
        let gone = !paths.iter().any(there);
        let before = victim.contents();
        let answers: Vec<_> = paths.iter().map(|path| victim.own(route, path)).collect();
        let told: Vec<_> = answers.iter().map(|answer| answer.text()).collect();
        let done = answers.iter().any(|answer| answer.status() < 300);
        assert!(
            done || gone,
            "{} {} does nothing for {} itself: {told:?}",
            route.method,
            route.path,
            victim.id
        );
        let changes = [Method::PATCH, Method::PUT, Method::DELETE].contains(&route.method);
        // What a POST adds, the tenant may have already from being filled.
        let as_expected = gone || route.method == Method::POST || (victim.contents() != before) == changes;
        assert!(as_expected, "{} {}: {told:?}", route.method, route.path);
    }
}

fn isolated(placement: &str) {
    let world = World::new();
    let victim = Inhabited::new(&world, "globex", placement);
    let stranger = Inhabited::new(&world, "acme", placement);
    let main = Inhabited::new(&world, "main", "shared");
    let cases = siege(&world, &stranger, &victim) + siege(&world, &stranger, &main);
    println!("{cases} cases");
    assert!(cases > 1000);
    control(&victim);
}

#[test]
fn two_tenants_in_the_same_database() {
    isolated("shared");
}

#[test]
fn two_tenants_in_databases_of_their_own() {
    isolated("isolated");
}
