//! No visitor of one tenant is anybody at another: what a browser or an application got at one host is worth as much at
//! another as something made up.
//!
//! The cases are made from the route table, in both placements; the control shows that at home each would have worked.

use crate::{
    importing::{begin, finish, send},
    oauth::opened,
    support::{
        Answer, Application, Ask, World,
        browser::{VERIFIER, parameter},
    },
};
use gatehouse::{
    http::{Method, route::Route},
    login::totp,
    routes::ROUTES,
    time::Timestamp,
};
use serde_json::json;
use std::collections::BTreeMap;
use url::Url;

/// The same person, by name, at every tenant; only the password is another.
const EMAIL: &str = "ann@example.com";

/// Somebody with an authenticator app, likewise, and its seed.
const CAREFUL: &str = "bob@example.com";
const SEED: &str = "JBSWY3DPEHPK3PXP";

/// What somebody has got at a tenant, by kind: cookies, states of logins under way, a code, tokens.
#[derive(Clone)]
struct Belongings(BTreeMap<&'static str, String>);

impl Belongings {
    fn of(&self, kind: &str) -> &str {
        &self.0[kind]
    }

    /// These, but what has a `name` from somebody else.
    fn but(&self, names: &[&'static str], others: &Self) -> Self {
        let mut mixed = self.clone();
        mixed.0.extend(names.iter().map(|name| (*name, others.of(name).to_owned())));
        mixed
    }

    /// What anybody could make up.
    fn made_up() -> Self {
        let letters = |count: usize| "abcdefgh".repeat(count).chars().take(count).collect::<String>();
        let sealed = format!("s1:{}:{}", letters(8), letters(600));
        let token = format!("{}.{}.{}", letters(80), letters(300), letters(342));
        Self(BTreeMap::from([
            ("session", letters(43)),
            ("login", letters(43)),
            ("identifier", sealed.clone()),
            ("password", sealed.clone()),
            ("signup", sealed.clone()),
            ("confirmed", sealed.clone()),
            ("pass", sealed.clone()),
            ("challenge", sealed.clone()),
            ("consent", sealed),
            ("code", letters(43)),
            ("refresh", format!("rt_{}.{}", letters(16), letters(43))),
            ("access", token.clone()),
            ("id", token),
        ]))
    }
}

/// The kinds that are the state of a login under way.
const STATES: [&str; 5] = ["identifier", "password", "challenge", "signup", "consent"];

/// A tenant with one person and one application, which has the same id, secret and callback at every tenant.
struct Host<'w> {
    world: &'w World,
    app: Application,
    /// An application of somebody else, which people must agree to.
    other: Application,
    password: String,
}

impl<'w> Host<'w> {
    fn new(world: &'w World, tenant: &str) -> Self {
        let document =
            json!({ "app_type": "regular_web", "token_endpoint_auth_method": "client_secret_post" });
        let host = Self {
            world,
            app: world.application(tenant, &document),
            other: world.application(tenant, &json!({ "app_id": "other", "is_first_party": false })),
            password: format!("a password at {tenant}:"),
        };
        world.browser().sign_up(&host.app.authorize(&[]), EMAIL, &host.password);
        let back = world.browser().sign_up(&host.app.authorize(&[]), CAREFUL, &host.password);
        let tokens = host.app.redeem(world, &back).expect(200).json();
        let careful = &opened(tokens["id_token"].as_str().unwrap()).1["sub"];
        let tenant = if tenant.is_empty() { "main" } else { tenant };
        begin(world, tenant, true).expect(201);
        let method = json!({ "id": "m1", "user_id": careful, "type": "totp", "confirmed": true, "secret": SEED,
            "created_at": 1, "updated_at": 1 });
        send(world, tenant, "authentication_methods", 0, &[method]).expect(200);
        finish(world, tenant, &json!({})).expect(200);
        host
    }

    /// What the person has after signing in, and while doing so again.
    fn belongings(&self) -> Belongings {
        let (browser, app) = (self.world.browser(), &self.app);
        let back =
            browser.sign_in(&app.authorize(&[("scope", "openid offline_access")]), EMAIL, &self.password);
        let tokens = app.redeem(self.world, &back).expect(200).json();
        let code = browser.open(&app.authorize(&[("prompt", "none")])).away();
        let confirm = browser.get(&app.url("oidc/logout")).expect(200).text();
        let confirmed =
            confirm.split("name=\"confirmed\" value=\"").nth(1).unwrap().split('"').next().unwrap();

        let state = |url: &Url| parameter(url, "state").unwrap();
        let again = ("prompt", "login");
        let identifier = browser.open(&app.authorize(&[again]));
        let password = browser.submit(&identifier, &[("username", EMAIL)]);
        let challenge = browser.submit(&browser.open(&app.authorize(&[again])), &[("username", CAREFUL)]);
        let challenge = browser.submit(&challenge, &[("password", &self.password)]);
        let signup = browser.open(&app.authorize(&[again, ("screen_hint", "signup")]));
        let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Belongings(BTreeMap::from([
            ("session", browser.cookie("gatehouse_session").unwrap()),
            ("login", browser.cookie("gatehouse_login").unwrap()),
            ("identifier", state(identifier.page().0)),
            ("password", state(password.page().0)),
            ("challenge", state(challenge.page().0)),
            ("signup", state(signup.page().0)),
            ("confirmed", confirmed.to_owned()),
            ("pass", self.pass()),
            ("consent", state(browser.open(&self.other.authorize(&[("prompt", "consent")])).page().0)),
            ("code", parameter(&code, "code").unwrap()),
            ("refresh", token("refresh_token")),
            ("access", token("access_token")),
            ("id", token("id_token")),
        ]))
    }

    /// A pass for the time before the tenant opens.
    fn pass(&self) -> String {
        let tenant = if self.app.tenant.is_empty() { "main" } else { &self.app.tenant };
        let path = format!("/management/tenants/{tenant}/preview");
        let link =
            self.world.send(Ask::post("", &path).bearer(&self.world.machine_token(""))).expect(201).json();
        parameter(&Url::parse(link["url"].as_str().unwrap()).unwrap(), "pass").unwrap()
    }

    /// What somebody asks of this route at this host who has all this, and knows `password`. A new route has its place here.
    fn asks(&self, route: &Route, with: &Belongings, password: &str) -> Vec<Ask> {
        let app = &self.app;
        let ask = |query: &str| {
            let path =
                if query.is_empty() { route.path.to_owned() } else { format!("{}?{query}", route.path) };
            let cookies =
                format!("gatehouse_session={}; gatehouse_login={}", with.of("session"), with.of("login"));
            Ask::new(route.method.clone(), &app.tenant, &path).header("cookie", &cookies)
        };
        let encoded = |pairs: &[(&str, &str)]| {
            form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
        };
        // In the query of a GET, in the form of a POST.
        let send = |pairs: &[(&str, &str)]| {
            if route.method == Method::GET { ask(&encoded(pairs)) } else { ask("").form(pairs) }
        };
        let client = [("client_id", app.id.as_str()), ("client_secret", app.secret.as_deref().unwrap())];
        let as_client = |pairs: &[(&str, &str)]| ask("").form(&[&client[..], pairs].concat());
        let page = |kind: &str, form: &[(&str, &str)]| {
            let ask = ask(&encoded(&[("state", with.of(kind))]));
            vec![if route.method == Method::GET { ask } else { ask.form(form) }]
        };
        let bye = app.callback.replace("/callback", "/bye");
        match route.path {
            "/.well-known/jwks.json"
            | "/.well-known/openid-configuration"
            | "/.well-known/oauth-authorization-server"
            | "/api/v2/spec"
            | "/userinfo" => vec![ask("").bearer(with.of("access")), ask("").bearer(with.of("id"))],
            "/authorize" => {
                let url = app.authorize(&[("prompt", "none")]);
                let pairs: Vec<_> = url.query_pairs().into_owned().collect();
                vec![send(
                    &pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>(),
                )]
            }
            "/oauth/token" => vec![
                as_client(&[
                    ("grant_type", "authorization_code"),
                    ("code", with.of("code")),
                    ("redirect_uri", &app.callback),
                    ("code_verifier", VERIFIER),
                ]),
                as_client(&[("grant_type", "refresh_token"), ("refresh_token", with.of("refresh"))]),
            ],
            "/oauth/revoke" => vec![as_client(&[("token", with.of("refresh"))])],
            "/oidc/logout" => vec![
                send(&[("id_token_hint", with.of("id")), ("post_logout_redirect_uri", &bye)]),
                send(&[("confirmed", with.of("confirmed"))]),
            ],
            "/v2/logout" => vec![send(&[("client_id", &app.id), ("returnTo", &bye)])],
            "/" => vec![send(&[("brings", with.of("pass"))])],
            "/u/preview" => vec![send(&[("pass", with.of("pass"))])],
            "/u/consent" => page("consent", &[("decision", "accept")]),
            "/u/login/identifier" => page("identifier", &[("username", EMAIL)]),
            "/u/login/password" => page("password", &[("password", password)]),
            "/u/mfa-otp-challenge" => {
                let step = totp::step(Timestamp::from_millis(self.world.outside.now_millis()));
                let code = totp::code(&totp::base32(SEED).unwrap(), step).unwrap();
                page("challenge", &[("code", &code)])
            }
            "/u/signup" => {
                page("signup", &[("email", "new@example.com"), ("password", "a new and long password")])
            }
            path => panic!("{path}: say here what somebody brings who has something of another tenant"),
        }
    }
}

/// Answers the same whoever asks, whatever they bring.
fn is_public(route: &Route) -> bool {
    route.path.starts_with("/.well-known/") || ["/", "/api/v2/spec"].contains(&route.path)
}

/// What an answer says: of an error only its code, since its words may say more to who knows more.
fn said(answer: &Answer) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.0.body).unwrap_or_default();
    let told = json["error"].as_str().map_or_else(|| answer.text(), str::to_owned);
    let location = answer.header("location").unwrap_or_default();
    format!("{} {location} {:?} {told}", answer.status(), answer.header("set-cookie"))
}

/// All that the tenants hold, but for the logs: a refusal is recorded.
fn held(world: &World) -> String {
    let everything = world.everything();
    everything.lines().filter(|line| !line.starts_with("logs:")).collect::<Vec<_>>().join("\n")
}

/// Everything of `stranger` at every route of `host`, alone and beside what belongs there.
fn siege(host: &Host<'_>, stranger: &Host<'_>) -> usize {
    let world = host.world;
    let (foreign, own, nothing) = (stranger.belongings(), host.belongings(), Belongings::made_up());
    let mut cases = 0;
    for route in ROUTES.all().iter().filter(|route| ["OAuth", "Login"].contains(&route.area)) {
        let mut pairs = vec![(foreign.clone(), nothing.clone())];
        if route.path.starts_with("/u/") {
            pairs.push((foreign.but(&["login"], &own), nothing.but(&["login"], &own)));
            pairs.push((foreign.but(&STATES, &own), nothing.but(&STATES, &own)));
        }
        for (theirs, made_up) in pairs {
            let before = held(world);
            let ask = |with: &Belongings| {
                let asks = host.asks(route, with, &stranger.password).into_iter();
                asks.map(|ask| said(&world.send(ask))).collect::<Vec<_>>()
            };
            let (told, expected) = (ask(&theirs), ask(&made_up));
            assert_eq!(told, expected, "{} {} at {}", route.method, route.path, host.app.tenant);
            assert!(held(world) == before, "{} {} at {}", route.method, route.path, host.app.tenant);
            cases += told.len();
        }
    }
    cases
}

/// Shows that the attempts were not in vain: at home each does something, or tells something, that what is made up does not.
fn control(host: &Host<'_>) {
    let world = host.world;
    let routes = ROUTES.all().iter().filter(|route| ["OAuth", "Login"].contains(&route.area));
    for route in routes.filter(|route| !is_public(route)) {
        let made_up = host.asks(route, &Belongings::made_up(), &host.password);
        for (index, made_up) in made_up.into_iter().enumerate() {
            // An ID token opens nothing by itself, not even at home.
            if route.path == "/userinfo" && index == 1 {
                continue;
            }
            // Fresh for each: what was used, or signed out, is worth nothing even at home.
            let ask = host.asks(route, &host.belongings(), &host.password).remove(index);
            let expected = said(&world.send(made_up));
            let before = held(world);
            let told = said(&world.send(ask));
            let changed = held(world) != before;
            assert!(told != expected || changed, "{} {} does nothing: {told}", route.method, route.path);
        }
    }
}

fn apart(placement: &str) {
    let world = World::new();
    for tenant in ["acme", "globex"] {
        world.admin("").post("tenants", &json!({ "id": tenant, "placement": placement })).expect(201);
    }
    let [main, acme, globex] = ["", "acme", "globex"].map(|tenant| Host::new(&world, tenant));
    let cases =
        [(&acme, &globex), (&globex, &acme), (&acme, &main), (&main, &acme)].map(|(a, b)| siege(a, b));
    println!("{} cases", cases.iter().sum::<usize>());
    assert!(cases.iter().all(|cases| *cases > 25));
    control(&acme);
    control(&main);
}

#[test]
fn two_tenants_in_the_same_database() {
    apart("shared");
}

#[test]
fn two_tenants_in_databases_of_their_own() {
    apart("isolated");
}

#[test]
fn the_password_of_one_tenant_is_wrong_at_another() {
    let world = World::new();
    world.tenant("acme");
    world.tenant("globex");
    let [acme, globex] = ["acme", "globex"].map(|tenant| Host::new(&world, tenant));
    let browser = world.browser();
    let page = browser.submit(&browser.open(&globex.app.authorize(&[])), &[("username", EMAIL)]);
    let again = browser.submit(&page, &[("password", &acme.password)]);
    assert!(again.page().1.text().contains("is wrong"));
    browser.submit(&page, &[("password", &globex.password)]).away();
}
