//! Whatever stands in the Host header, or beside it: a clear answer in the dialect of the route, and nothing changed.

use super::{
    doors::is_refusal,
    inhabitants::{Inhabited, management},
};
use crate::support::{Answer, Ask, World};
use gatehouse::{
    http::{Method, route::Route},
    routes::ROUTES,
};

/// No host of anybody.
const MALFORMED: [&[u8]; 35] = [
    b"",
    b" ",
    b".",
    b":",
    b":8787",
    b"127.0.0.1",
    b"127.0.0.1:8787",
    b"10.1.2.3:8787",
    b"2130706433",
    b"[::1]:8787",
    b"[2001:db8::1]",
    b"::1",
    b"localhost.:8787",
    b"acme.localhost.",
    b"acme.localhost.:8787",
    b"acme..localhost:8787",
    b".localhost:8787",
    b"-acme.localhost:8787",
    b"acme-.localhost:8787",
    b"a_b.localhost:8787",
    b"a b.localhost:8787",
    b"*.localhost:8787",
    b"acme.localhost:",
    b"acme.localhost:0",
    b"acme.localhost:+8787",
    b"acme.localhost:99999",
    b"acme.localhost:port",
    b"localhost:8787.example.com",
    b"acme.localhost:8787:8787",
    b"acme.localhost:8787/x",
    b"acme.localhost:8787, globex.localhost:8787",
    b"somebody@acme.localhost:8787",
    b"acme%2elocalhost:8787",
    b"\xe4cme.localhost:8787",
    b"\xc3\xa4cme.localhost:8787",
];

/// Hosts that could be somebody's, but are not.
const UNKNOWN: [&[u8]; 11] = [
    b"nobody.localhost:8787",
    b"a.acme.localhost:8787",
    b"acme.acme.localhost:8787",
    b"acme.localhost",
    b"acme.localhost:8788",
    b"acme",
    b"acme-localhost:8787",
    b"acme.localhost.example.com:8787",
    b"xn--cme-qla.localhost:8787",
    b"www.localhost:8787",
    b"main.localhost:8787",
];

/// Headers in which a proxy may say another host; nobody knows who has written them.
const HEARSAY: [(&str, &str); 5] = [
    ("x-forwarded-host", "globex.localhost:8787"),
    ("forwarded", "host=globex.localhost:8787"),
    ("x-host", "globex.localhost:8787"),
    ("x-original-host", "globex.localhost:8787"),
    ("x-http-host-override", "globex.localhost:8787"),
];

/// Two tenants, and every route at a path where the first has something, with a body and a key that are right for it.
struct Scene<'w> {
    world: &'w World,
    acme: Inhabited<'w>,
}

impl<'w> Scene<'w> {
    fn new(world: &'w World) -> Self {
        world.tenant("globex");
        let acme = Inhabited::new(world, "acme", "isolated");
        // What is at a path is looked up before anything is compared: a secret that is read leaves an entry.
        ROUTES.all().iter().for_each(|route| drop(acme.live(route.path)));
        Self { world, acme }
    }

    fn ask(&self, route: &Route) -> Ask {
        let path = self.acme.live(route.path).first().cloned().unwrap_or_else(|| route.path.to_owned());
        let ask = Ask::new(route.method.clone(), "acme", &path).bearer(&self.acme.key);
        if route.method == Method::GET { ask } else { ask.json(&self.acme.body(route)) }
    }

    /// Asks every route in every way, and compares what is in the databases before and after.
    fn try_all(&self, ways: &[&dyn Fn(Ask) -> Ask], check: impl Fn(&Route, &Answer)) -> usize {
        let before = self.world.everything();
        for route in ROUTES.all() {
            for way in ways {
                check(route, &self.world.send(way(self.ask(route))));
            }
            assert!(self.world.everything() == before, "{} {} changed something", route.method, route.path);
        }
        ROUTES.all().len() * ways.len()
    }
}

#[test]
fn a_host_that_is_none_is_refused_by_every_route() {
    let world = World::new();
    let scene = Scene::new(&world);
    let long = [b"a".repeat(10_240).as_slice(), b".localhost:8787"].concat();
    let label = [b"a".repeat(64).as_slice(), b".localhost:8787"].concat();
    let mut hosts: Vec<Vec<&[u8]>> = MALFORMED.iter().map(|host| vec![*host]).collect();
    hosts.push(vec![&long]);
    hosts.push(vec![&label]);
    // RFC 9112 §3.2: none, or more than one, even if they say the same.
    hosts.push(vec![]);
    hosts.push(vec![b"acme.localhost:8787", b"globex.localhost:8787"]);
    hosts.push(vec![b"acme.localhost:8787", b"acme.localhost:8787"]);
    let ways: Vec<_> = hosts.iter().map(|hosts| move |ask: Ask| ask.at(hosts)).collect();
    let ways: Vec<&dyn Fn(Ask) -> Ask> = ways.iter().map(|way| way as _).collect();
    let cases = scene.try_all(&ways, |route, answer| {
        assert_eq!(answer.status(), 400, "{} {}: {}", route.method, route.path, answer.text());
        assert!(answer.text().contains("Host header"), "{}", answer.text());
        is_refusal(route, answer);
    });
    println!("{cases} cases");
    assert!(cases > 3000);
}

#[test]
fn a_host_that_is_nobodys_is_unknown_to_every_route() {
    let world = World::new();
    let scene = Scene::new(&world);
    let ways: Vec<_> = UNKNOWN.iter().map(|host| move |ask: Ask| ask.at(&[host])).collect();
    let ways: Vec<&dyn Fn(Ask) -> Ask> = ways.iter().map(|way| way as _).collect();
    let cases = scene.try_all(&ways, |route, answer| {
        assert_eq!(answer.status(), 404, "{} {}: {}", route.method, route.path, answer.text());
        is_refusal(route, answer);
    });
    assert!(cases > 1000);
}

/// What an answer says, without what is new in every one.
fn said(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.text())
}

#[test]
fn upper_case_changes_nothing_and_hearsay_is_not_believed() {
    let world = World::new();
    let scene = Scene::new(&world);
    for route in ROUTES.all().iter().filter(|route| route.method == Method::GET) {
        let plain = world.send(scene.ask(route));
        assert_eq!(
            said(&world.send(scene.ask(route).at(&[b"ACME.LocalHost:8787"]))),
            said(&plain),
            "{}",
            route.path
        );
        for (name, value) in HEARSAY {
            assert_eq!(
                said(&world.send(scene.ask(route).header(name, value))),
                said(&plain),
                "{}: {name}",
                route.path
            );
        }
    }
    // What changes something changes it at home, whatever is said.
    let globex = world.home("globex");
    let before = globex.contents("globex");
    for route in management().filter(|route| route.method != Method::GET) {
        for (name, value) in HEARSAY {
            let answer = world.send(scene.ask(route).header(name, value));
            assert!(answer.status() < 500, "{} {}: {}", route.method, route.path, answer.text());
        }
    }
    assert_eq!(globex.contents("globex"), before);
}
