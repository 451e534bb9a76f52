//! Back-channel logout: who is told that a session has ended, how, and whom the server never calls.

use super::opened;
use crate::support::{
    Application, Browser, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::{error::Fault, platform::Incoming, time::Lifetime};
use serde_json::{Value as Json, json};
use std::{cell::RefCell, rc::Rc};

/// What applications were told: the URL, and the claims with the header under `header`.
type Told = Rc<RefCell<Vec<(String, Json)>>>;

/// Has every application answer like this, one after the other; the last answer stays.
fn listening(world: &World, answers: &[Option<u16>]) -> Told {
    let told = Told::default();
    let (heard, answers) = (Rc::clone(&told), RefCell::new(answers.to_vec()));
    *world.outside.network.borrow_mut() = Some(Box::new(move |request| {
        assert_eq!(request.method, "POST");
        let body = String::from_utf8(request.body).unwrap();
        let token = body.strip_prefix("logout_token=").unwrap();
        let (header, mut claims) = opened(token);
        claims["header"] = header;
        heard.borrow_mut().push((request.url, claims));
        let mut answers = answers.borrow_mut();
        let status = if answers.len() > 1 { answers.remove(0) } else { answers[0] };
        status.map_or_else(
            || Err(Fault::unavailable("no answer")),
            |status| Ok(Incoming { status, headers: Vec::new(), body: Vec::new() }),
        )
    }));
    told
}

fn application(world: &World, id: &str, logout: &Json) -> Application {
    world.application("", &json!({ "app_id": id, "oidc_logout": logout }))
}

fn told_at(id: &str) -> Json {
    json!({ "backchannel_logout_urls": [format!("https://{id}.example/out?from=gate")] })
}

fn sign_in(world: &World, app: &Application, browser: &Browser<'_>) -> Json {
    let back = browser.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()
}

fn sign_out(app: &Application, browser: &Browser<'_>, tokens: &Json) {
    let mut url = app.url("oidc/logout");
    url.query_pairs_mut().append_pair("id_token_hint", tokens["id_token"].as_str().unwrap());
    browser.get(&url).expect(200);
}

fn entries(world: &World) -> Vec<String> {
    let rows = world.database("SHARED").query(
        "select type, client_id, user_id, description from logs where type like 'oidc_backchannel%' order by id",
    );
    rows.iter().map(|row| Json::Object(row.clone()).to_string()).collect()
}

#[test]
fn every_application_of_a_session_is_told_with_a_logout_token_of_its_own() {
    let world = World::new();
    let told = listening(&world, &[Some(200)]);
    let [one, two, silent] = ["one", "two", "silent"]
        .map(|id| application(&world, id, &if id == "silent" { json!({}) } else { told_at(id) }));
    let another = application(&world, "another", &told_at("another"));
    let browser = world.browser();
    let tokens = sign_in(&world, &one, &browser);
    for app in [&two, &silent] {
        browser.open(&app.authorize(&[])).away();
    }
    sign_in(&world, &another, &world.browser());
    sign_out(&one, &browser, &tokens);

    let mut told = told.take();
    told.sort_by(|left, right| left.0.cmp(&right.0));
    let (_, id) = opened(tokens["id_token"].as_str().unwrap());
    assert_eq!(told.len(), 2, "not the one without a URL, not that of another session: {told:?}");
    for ((url, claims), app) in told.iter().zip([&one, &two]) {
        assert_eq!(*url, format!("https://{}.example/out?from=gate", app.id.trim_start_matches("app-")));
        assert_eq!(claims["header"]["typ"], "logout+jwt");
        assert_eq!((&claims["iss"], &claims["aud"]), (&id["iss"], &json!(app.id)));
        assert_eq!((&claims["sub"], &claims["sid"]), (&id["sub"], &id["sid"]));
        assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
        let lifetime = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert!((1..=120).contains(&lifetime) && claims["jti"].is_string() && claims.get("nonce").is_none());
    }
    assert_ne!(told[0].1["jti"], told[1].1["jti"]);
    assert_eq!(entries(&world).len(), 2);
}

#[test]
fn the_older_sign_out_tells_them_too_and_a_session_that_has_ended_tells_nobody_twice() {
    let world = World::new();
    let told = listening(&world, &[Some(204)]);
    let app = application(&world, "one", &told_at("one"));
    let browser = world.browser();
    let tokens = sign_in(&world, &app, &browser);
    browser.get(&app.url("v2/logout")).expect(200);
    assert_eq!(told.borrow().len(), 1);
    sign_out(&app, &browser, &tokens);
    assert_eq!(told.borrow().len(), 1);
}

#[test]
fn nobody_waits_for_it_and_what_is_lost_is_sent_once_more_and_written_down() {
    for (answers, calls, kind) in [
        (&[Some(200)][..], 1, "succeeded"),
        (&[None, Some(200)], 2, "succeeded"),
        (&[Some(503), Some(200)], 2, "succeeded"),
        (&[Some(429), Some(500)], 2, "failed"),
        (&[None], 2, "failed"),
        (&[Some(400)], 1, "failed"),
        (&[Some(302)], 1, "failed"),
    ] {
        let world = World::new();
        let told = listening(&world, answers);
        let app = application(&world, "one", &told_at("one"));
        let browser = world.browser();
        let tokens = sign_in(&world, &app, &browser);
        let before = browser.round_trips.get();
        sign_out(&app, &browser, &tokens);
        assert_eq!(told.borrow().len(), calls, "{answers:?}");
        assert!(browser.round_trips.get() - before <= 2, "the sign-out itself costs what it did");
        let entries = entries(&world);
        assert_eq!(entries.len(), 1, "{answers:?}");
        assert!(entries[0].contains(kind) && entries[0].contains("app-one"), "{answers:?}: {entries:?}");
    }
}

#[test]
fn an_application_that_was_removed_or_that_changed_its_url_is_told_where_it_is_now() {
    let world = World::new();
    let told = listening(&world, &[Some(200)]);
    let (one, two) =
        (application(&world, "one", &told_at("one")), application(&world, "two", &told_at("two")));
    let browser = world.browser();
    let tokens = sign_in(&world, &one, &browser);
    browser.open(&two.authorize(&[])).away();
    world.admin("").delete("clients/app-two").expect(204);
    let elsewhere = json!({ "oidc_logout": { "backchannel_logout_urls": ["https://new.example/out"] } });
    world.admin("").patch("clients/app-one", &elsewhere).expect(200);
    sign_out(&one, &browser, &tokens);
    let urls: Vec<_> = told.take().into_iter().map(|(url, _)| url).collect();
    assert_eq!(urls, ["https://new.example/out"]);
}

/// URLs behind which there could be something that only the server reaches, or the server itself.
const NEVER: [&str; 24] = [
    "http://one.example/out",
    "https://127.0.0.1/out",
    "https://10.0.0.1/out",
    "https://169.254.169.254/latest/meta-data",
    "https://192.168.1.1/",
    "https://93.184.216.34/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://[::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://localhost/out",
    "https://a.localhost/",
    "https://printer.local/",
    "https://vault.internal/",
    "https://router.home.arpa/",
    "https://intranet/",
    "https://gate.example/oauth/token",
    "https://acme.gate.example/",
    "https://GATE.example./",
    "https://user:secret@one.example/",
    "https://one.example/#out",
    "ftp://one.example/",
    "one.example/out",
];

#[test]
fn the_server_is_sent_to_public_hosts_only_and_never_to_itself() {
    use gatehouse::resources::clients::backchannel::check_url;
    for url in NEVER {
        assert!(check_url(url, "gate.example").is_err(), "{url}");
    }
    for url in ["https://one.example/out", "https://notgate.example/", "https://one.example:8443/out?x=y"] {
        assert_eq!(check_url(url, "gate.example"), Ok(()), "{url}");
    }
    // In development an application runs beside the server.
    for url in ["http://localhost:3000/out", "http://127.0.0.1:3000/", "http://app.localhost:3000/"] {
        assert_eq!(check_url(url, "localhost:8787"), Ok(()), "{url}");
        assert!(check_url(url, "gate.example").is_err(), "{url}");
    }
    for url in [
        "http://localhost:8787/oauth/token",
        "http://acme.localhost:8787/",
        "http://10.0.0.1/",
        "http://one.example/",
    ] {
        assert!(check_url(url, "localhost:8787").is_err(), "{url}");
    }
}

#[test]
fn what_must_not_be_called_is_refused_when_it_is_stored_and_when_it_was_stored_before() {
    let world = World::with(&["DIRECTORY", "SHARED"], |name| {
        (name == "BASE_DOMAIN").then(|| "localhost:8787".to_owned())
    });
    let admin = world.admin("");
    for url in NEVER.iter().filter(|url| {
        !url.to_lowercase().contains("gate.example") && !url.contains("localhost") && !url.contains("127.")
    }) {
        if ["https://2130706433/", "https://0x7f.1/", "https://[::1]/"].contains(url) {
            continue; // other names of a loopback address, which is allowed in development
        }
        let body = json!({ "name": "App", "oidc_logout": { "backchannel_logout_urls": [url] } });
        let refusal = admin.post("clients", &body).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains("backchannel_logout_urls"), "{refusal}");
    }
    let many: Vec<_> = (0..6).map(|number| format!("https://{number}.example/")).collect();
    admin
        .post("clients", &json!({ "name": "App", "oidc_logout": { "backchannel_logout_urls": many } }))
        .expect(400);

    let told = listening(&world, &[Some(200)]);
    let urls =
        json!({ "backchannel_logout_urls": ["http://10.0.0.1/", "http://localhost:8787/oauth/revoke", 17] });
    let app = application(&world, "one", &urls);
    let browser = world.browser();
    let tokens = sign_in(&world, &app, &browser);
    sign_out(&app, &browser, &tokens);
    assert!(told.borrow().is_empty(), "{told:?}");
    assert_eq!(entries(&world).iter().filter(|entry| entry.contains("failed")).count(), 2);
}

#[test]
fn a_tenants_own_domain_is_ours_too() {
    let world = World::new();
    world.tenant("acme");
    world
        .database("DIRECTORY")
        .query("insert into hosts (host, tenant_id, created_at) values ('login.acme.example', 'acme', 1)");
    let told = listening(&world, &[Some(200)]);
    let app = application(
        &world,
        "one",
        &json!({ "backchannel_logout_urls": ["https://login.acme.example/oauth/revoke"] }),
    );
    let browser = world.browser();
    let tokens = sign_in(&world, &app, &browser);
    sign_out(&app, &browser, &tokens);
    assert!(told.borrow().is_empty(), "{told:?}");
}

#[test]
fn one_person_cannot_have_the_server_send_without_end() {
    let world = World::new();
    let told = listening(&world, &[Some(200)]);
    let browser = world.browser();
    let mut first = None;
    for number in 0..12 {
        let urls: Vec<_> = (0..5).map(|url| format!("https://{number}.example/{url}")).collect();
        let app = application(&world, &number.to_string(), &json!({ "backchannel_logout_urls": urls }));
        match &first {
            None => first = Some((sign_in(&world, &app, &browser), app)),
            Some(_) => drop(browser.open(&app.authorize(&[])).away()),
        }
    }
    let (tokens, app) = first.unwrap();
    sign_out(&app, &browser, &tokens);
    assert_eq!(told.borrow().len(), 30);
}

#[test]
fn a_logout_token_is_no_other_token() {
    let world = World::new();
    let app = application(&world, "one", &told_at("one"));
    let browser = world.browser();
    let sent = Rc::new(RefCell::new(String::new()));
    let heard = Rc::clone(&sent);
    *world.outside.network.borrow_mut() = Some(Box::new(move |request| {
        *heard.borrow_mut() = String::from_utf8(request.body).unwrap()["logout_token=".len()..].to_owned();
        Ok(Incoming { status: 200, headers: Vec::new(), body: Vec::new() })
    }));
    let tokens = sign_in(&world, &app, &browser);
    sign_out(&app, &browser, &tokens);
    let token = sent.borrow().clone();
    world.send(crate::support::Ask::get("", "/userinfo").bearer(&token)).expect(401);
    world.send(crate::support::Ask::get("", "/api/v2/clients").bearer(&token)).expect(401);
    let mut url = app.url("oidc/logout");
    url.query_pairs_mut().append_pair("id_token_hint", &token);
    browser.get(&url).expect(400);
}

#[test]
fn discovery_says_that_there_is_such_a_thing() {
    let world = World::new();
    let document = world.send(crate::support::Ask::get("", "/.well-known/openid-configuration")).json();
    for name in ["backchannel_logout_supported", "backchannel_logout_session_supported"] {
        assert_eq!(document[name], true, "{name}");
    }
}

#[test]
fn an_id_token_lasts_as_long_as_its_client_says() {
    let world = World::new();
    for (configuration, seconds) in [(json!({}), 36_000), (json!({ "lifetime_in_seconds": 60 }), 60)] {
        let app = world
            .application("", &json!({ "app_id": seconds.to_string(), "jwt_configuration": configuration }));
        let (_, id) = opened(sign_in(&world, &app, &world.browser())["id_token"].as_str().unwrap());
        assert_eq!(id["exp"].as_i64().unwrap() - id["iat"].as_i64().unwrap(), seconds);
    }
    let admin = world.admin("");
    for configuration in
        [json!({ "alg": "HS256" }), json!({ "lifetime_in_seconds": 0 }), json!({ "lifetime": 60 }), json!(60)]
    {
        let refusal =
            admin.patch("clients/app-60", &json!({ "jwt_configuration": configuration })).expect(400).json();
        assert!(refusal["message"].as_str().unwrap().contains("jwt_configuration"), "{refusal}");
    }
    admin
        .patch(
            "clients/app-60",
            &json!({ "jwt_configuration": { "alg": "RS256", "lifetime_in_seconds": 120 } }),
        )
        .expect(200);
    world.advance(Lifetime::seconds(5));
    let app = Application { id: "app-60".to_owned(), ..world.application("", &json!({ "app_id": "x" })) };
    assert_eq!(
        world.admin("").get(&format!("clients/{}", app.id)).expect(200).json()["jwt_configuration"]["lifetime_in_seconds"],
        120
    );
}
