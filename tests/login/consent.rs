//! A client of somebody else: what it gets, a person has to agree to.

use crate::support::{
    Application, Browser, World,
    browser::{Seen, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::http::Method;
use serde_json::{Value as Json, json};
use url::Url;

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a password of Ann's own";
const API: &str = "https://api.example";

/// A tenant with an API, an application of its own, and one of somebody else; Ann has signed up with the first.
struct Scene {
    world: World,
    own: Application,
    other: Application,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let scopes = json!([{ "value": "read", "description": "Read your <notes>" }, { "value": "write" }]);
        let api = json!({ "identifier": API, "scopes": scopes });
        world.admin("").post("resource-servers", &api).expect(201);
        let own = world.application("", &json!({}));
        let other = world.application("", &json!({ "app_id": "other", "is_first_party": false }));
        world.browser().sign_up(&own.authorize(&[]), EMAIL, PASSWORD);
        Self { world, own, other }
    }

    fn signed_in(&self) -> Browser<'_> {
        let browser = self.world.browser();
        browser.sign_in(&self.own.authorize(&[]), EMAIL, PASSWORD);
        browser
    }

    fn grants(&self) -> Vec<(String, Json)> {
        let rows =
            self.world.database("SHARED").query("select audience, scope from grants order by audience");
        let read = |row: &serde_json::Map<String, Json>| {
            let scope = serde_json::from_str(row["scope"].as_str().unwrap()).unwrap();
            (row["audience"].as_str().unwrap().to_owned(), scope)
        };
        rows.iter().map(read).collect()
    }

    fn codes(&self) -> usize {
        self.world.database("SHARED").query("select digest from codes where client_id = 'app-other'").len()
    }
}

fn decide(browser: &Browser<'_>, page: &Seen, decision: &str) -> Url {
    browser.submit(page, &[("decision", decision)]).away()
}

#[test]
fn a_person_is_asked_once_and_gives_what_they_were_shown() {
    let scene = Scene::new();
    let browser = scene.world.browser();
    let url = scene.other.authorize(&[("audience", API), ("scope", "openid read undefined")]);
    let page = browser.submit(&browser.open(&url), &[("username", EMAIL)]);
    let page = browser.submit(&page, &[("username", EMAIL), ("password", PASSWORD)]);
    assert_eq!(page.path(), "/u/consent");
    let text = page.page().1.text();
    for shown in ["app-other", "https://app-other.example", "Know who you are", "Read your &lt;notes&gt;"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!text.contains("undefined") && scene.codes() == 0, "nothing before they agree");
    let back = decide(&browser, &page, "accept");
    let tokens = scene.other.redeem(&scene.world, &back).expect(200).json();
    assert_eq!(tokens["scope"], "openid read");
    assert_eq!(scene.grants(), [(API.to_owned(), json!(["openid", "read"]))]);

    // By session, silently and after signing in again: they have agreed.
    scene.other.redeem(&scene.world, &browser.open(&url).away()).expect(200);
    let silent = scene.other.authorize(&[("audience", API), ("scope", "read"), ("prompt", "none")]);
    scene.other.redeem(&scene.world, &browser.open(&silent).away()).expect(200);
    let again = scene.world.browser().sign_in(&url, EMAIL, PASSWORD);
    scene.other.redeem(&scene.world, &again).expect(200);
}

#[test]
fn more_than_was_agreed_to_is_asked_for_and_added() {
    let scene = Scene::new();
    let browser = scene.signed_in();
    let ask = |scope: &str, prompt: &str| {
        scene.other.authorize(&[("audience", API), ("scope", scope), ("prompt", prompt)])
    };
    decide(&browser, &browser.open(&ask("openid read", "")), "accept");
    let refused = browser.open(&ask("read write", "none")).away();
    assert_eq!(parameter(&refused, "error").as_deref(), Some("consent_required"));
    decide(&browser, &browser.open(&ask("write", "")), "accept");
    assert_eq!(scene.grants(), [(API.to_owned(), json!(["openid", "read", "write"]))]);
    browser.open(&ask("openid read write", "none")).away();
    // Another API is another matter, and so is a login about none.
    let about_none = scene.other.authorize(&[("prompt", "none")]);
    assert_eq!(parameter(&browser.open(&about_none).away(), "error").as_deref(), Some("consent_required"));
    // Asked for, the page is shown whatever was agreed to.
    assert_eq!(browser.open(&ask("read", "consent")).path(), "/u/consent");
}

#[test]
fn who_does_not_agree_gives_nothing_and_is_asked_again() {
    let scene = Scene::new();
    let browser = scene.signed_in();
    let back = decide(&browser, &browser.open(&scene.other.authorize(&[])), "decline");
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&back, "state").as_deref(), Some("the-state"));
    assert_eq!((scene.grants().len(), scene.codes()), (0, 0));
    let page = browser.open(&scene.other.authorize(&[]));
    assert_eq!(page.path(), "/u/consent");
    let undecided = browser.submit(&page, &[("decision", "perhaps")]);
    assert_eq!((undecided.path(), scene.grants().len()), ("/u/consent", 0));
}

#[test]
fn an_application_of_ours_asks_nobody() {
    let scene = Scene::new();
    let browser = scene.signed_in();
    let url = scene.own.authorize(&[("prompt", "consent")]);
    scene.own.redeem(&scene.world, &browser.open(&url).away()).expect(200);
    assert!(scene.grants().is_empty());
}

#[test]
fn nobody_agrees_for_somebody_else_or_without_having_signed_in_for_this() {
    let scene = Scene::new();
    let browser = scene.signed_in();
    let page = browser.open(&scene.other.authorize(&[])).page().0.clone();
    let send = |browser: &Browser<'_>, url: &Url| browser.post(url, &[("decision", "accept")]);
    // Another browser, with or without a session of its own: the login is not theirs.
    send(&scene.world.browser(), &page).expect(400);
    send(&scene.signed_in(), &page).expect(400);
    // The same browser, where somebody else has signed in meanwhile: they are to sign in.
    browser.sign_up(&scene.own.authorize(&[("prompt", "login")]), "ben@example.com", PASSWORD);
    let astray = send(&browser, &page).expect(303);
    assert!(astray.header("location").unwrap().starts_with("/u/login/identifier?"));

    // Who was to sign in again does not get around it by going straight to the page of consent.
    let again = browser.open(&scene.other.authorize(&[("prompt", "login")]));
    assert_eq!(again.path(), "/u/login/identifier");
    let mut around = again.page().0.clone();
    around.set_path("/u/consent");
    for answer in [send(&browser, &around), browser.send(Method::GET, &around, None)] {
        assert!(answer.header("location").unwrap().starts_with("/u/login/identifier?"));
    }
    assert_eq!((scene.grants().len(), scene.codes()), (0, 0));
}

#[test]
fn a_session_that_ends_while_they_think_agrees_to_nothing() {
    let scene = Scene::new();
    let browser = scene.signed_in();
    let page = browser.open(&scene.other.authorize(&[]));
    scene.world.database("SHARED").query("update sessions set revoked_at = 1");
    let astray = browser.submit(&page, &[("decision", "accept")]);
    assert_eq!((astray.path(), scene.grants().len()), ("/u/login/identifier", 0));
}

#[test]
fn who_is_put_out_of_the_organization_meanwhile_agrees_to_nothing() {
    let scene = Scene::new();
    for sql in [
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values ('main', 'org_1', 'team', 1, 1)",
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
           select 'main', 'org_1', user_id, 1 from users",
        "update clients set document = json_set(document, '$.organization_usage', 'allow') where client_id = 'app-other'",
    ] {
        scene.world.database("SHARED").query(sql);
    }
    scene.world.advance(gatehouse::time::Lifetime::seconds(5));
    let browser = scene.signed_in();
    let page = browser.open(&scene.other.authorize(&[("organization", "team")]));
    assert_eq!(page.path(), "/u/consent");
    scene.world.database("SHARED").query("delete from organization_members");
    let back = decide(&browser, &page, "accept");
    assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
    assert_eq!((scene.grants().len(), scene.codes()), (0, 0));
}

#[test]
fn a_consent_that_is_taken_back_takes_its_refresh_tokens_along_and_is_asked_for_again() {
    let scene = Scene::new();
    let browser = scene.signed_in();
    let url = scene.other.authorize(&[("scope", "openid offline_access")]);
    let back = decide(&browser, &browser.open(&url), "accept");
    let tokens = scene.other.redeem(&scene.world, &back).expect(200).json();
    let own = browser.open(&scene.own.authorize(&[("scope", "openid offline_access")])).away();
    let own = scene.own.redeem(&scene.world, &own).expect(200).json();

    let admin = scene.world.admin("");
    let grants = admin.get("grants?client_id=app-other").expect(200).json();
    let grant = &grants[0];
    assert_eq!(grants.as_array().unwrap().len(), 1);
    assert_eq!(
        (&grant["clientID"], &grant["scope"]),
        (&json!("app-other"), &json!(["openid", "offline_access"]))
    );
    let user = grant["user_id"].as_str().unwrap().replace('|', "%7C");
    assert_eq!(
        admin.get(&format!("grants?user_id={user}&include_totals=true")).expect(200).json()["total"],
        1
    );
    assert_eq!(admin.get("grants?user_id=nobody").expect(200).json(), json!([]));
    let path = format!("grants/{}", grant["id"].as_str().unwrap());
    assert_eq!(&admin.get(&path).expect(200).json(), grant);

    admin.delete(&path).expect(204);
    admin.delete(&path).expect(204);
    admin.get(&path).expect(404);
    scene.other.refresh(&scene.world, tokens["refresh_token"].as_str().unwrap()).expect(400);
    scene.own.refresh(&scene.world, own["refresh_token"].as_str().unwrap()).expect(200);
    assert_eq!(browser.open(&url).path(), "/u/consent");
}

const MANAGEMENT: &str = "http://localhost:8787/api/v2/";

/// An administrator who is signed in, and what their browser is told when this application asks for everything.
fn lure<'w>(
    world: &'w World,
    own: &Application,
    app: &Application,
    changes: &[(&str, &str)],
) -> (Browser<'w>, Seen) {
    let browser = world.browser();
    browser.sign_in(&own.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    let mut wish = vec![("audience", MANAGEMENT), ("scope", "openid read:users update:users tenant:admin")];
    wish.extend_from_slice(changes);
    let seen = browser.open(&app.authorize(&wish));
    (browser, seen)
}

/// An application that the holder of this token registers.
fn registered(world: &World, token: &str, document: &Json) -> Application {
    let callback = "https://evil.example/callback";
    let mut client =
        json!({ "name": "Wiki", "app_type": "spa", "callbacks": [callback], "is_first_party": true });
    client.as_object_mut().unwrap().extend(document.as_object().unwrap().clone());
    let made = world.holder("", token).post("clients", &client).expect(201).json();
    let id = made["client_id"].as_str().unwrap().to_owned();
    Application { tenant: String::new(), id, secret: None, callback: callback.to_owned() }
}

#[test]
fn an_administrator_is_asked_before_a_client_that_nobody_vouches_for_gets_their_permissions() {
    let world = World::new();
    let own = world.application("", &json!({}));
    let person = world.operator("op@example.com", &["create:clients", "update:clients"]);
    let app = registered(&world, &person.token, &json!({}));
    let (browser, page) = lure(&world, &own, &app, &[]);
    assert_eq!(page.path(), "/u/consent");
    let text = page.page().1.text();
    assert!(text.contains("https://evil.example") && text.contains("tenant:admin"), "{text}");
    let (_, silent) = lure(&world, &own, &app, &[("prompt", "none")]);
    assert_eq!(parameter(&silent.away(), "error").as_deref(), Some("consent_required"));
    // Nor by the door of the login page.
    let fresh = world.browser();
    let wish = [("audience", MANAGEMENT), ("scope", "openid update:users")];
    let page = fresh.submit(&fresh.open(&app.authorize(&wish)), &[("username", ADMIN_EMAIL)]);
    let page = fresh.submit(&page, &[("username", ADMIN_EMAIL), ("password", ADMIN_PASSWORD)]);
    assert_eq!(page.path(), "/u/consent");
    // About the person it is ours as ever.
    browser.open(&app.authorize(&[("prompt", "none")])).away();
    // Saying again that it is ours changes nothing, for who holds less.
    let path = format!("clients/{}", app.id);
    world.holder("", &person.token).patch(&path, &json!({ "is_first_party": true })).expect(200);
    let fresh = world.another_isolate();
    assert_eq!(lure(&fresh, &own, &app, &[]).1.path(), "/u/consent");
    // What was agreed to counts, and makes the client one that only who holds as much changes.
    let back = decide(
        &browser,
        &browser.open(&app.authorize(&[("audience", MANAGEMENT), ("scope", "openid update:users")])),
        "accept",
    );
    assert_eq!(app.redeem(&world, &back).expect(200).json()["scope"], "openid update:users");
    let callbacks = json!({ "callbacks": ["https://other.example/"] });
    world.holder("", &person.token).patch(&path, &callbacks).expect(403);
}

#[test]
fn who_holds_everything_vouches_for_a_client_and_nobody_is_asked() {
    let world = World::new();
    let (own, machine) = (world.application("", &json!({})), world.machine_token(""));
    let app = registered(&world, &machine, &json!({}));
    let code = |app: &Application| {
        let fresh = world.another_isolate();
        let (_, seen) = lure(&fresh, &own, app, &[]);
        if let Seen::Away(url) = &seen { parameter(url, "code") } else { None }
    };
    assert!(code(&app).is_some());
    // By making it, or by saying that it is ours; not in passing.
    let person = world.operator("op@example.com", &["create:clients"]);
    let other = registered(&world, &person.token, &json!({}));
    let path = format!("clients/{}", other.id);
    world.admin("").patch(&path, &json!({ "description": "A wiki" })).expect(200);
    assert!(code(&other).is_none());
    world.admin("").patch(&path, &json!({ "is_first_party": true })).expect(200);
    assert!(code(&other).is_some());
    world.admin("").patch(&path, &json!({ "is_first_party": false })).expect(200);
    assert!(code(&other).is_none());
    assert!(!world.admin("").get(&path).expect(200).text().contains("vouched"), "no document says so");
    world.holder("", &person.token).post("clients", &json!({ "name": "x", "vouched": true })).expect(400);
    assert!(
        world.database("SHARED").query("select 1 from clients where name = 'x' and vouched = 1").is_empty()
    );
}
