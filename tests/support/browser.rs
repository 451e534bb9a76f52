//! A person with a browser, and the application they use.

use super::{Answer, Ask, World};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::http::Method;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};
use url::Url;

/// A browser: keeps cookies per host, and counts what its requests cost.
pub struct Browser<'w> {
    world: &'w World,
    ip: String,
    /// Cookies by host and name.
    pub cookies: RefCell<BTreeMap<(String, String), String>>,
    /// D1 round trips of all its requests.
    pub round_trips: Cell<u64>,
}

impl World {
    /// A browser without a past.
    pub fn browser(&self) -> Browser<'_> {
        self.browser_at("192.0.2.1")
    }

    /// A browser at this address.
    pub fn browser_at(&self, ip: &str) -> Browser<'_> {
        Browser { world: self, ip: ip.to_owned(), cookies: RefCell::default(), round_trips: Cell::new(0) }
    }
}

impl Browser<'_> {
    /// A request of this browser to an absolute URL.
    pub fn ask(&self, method: Method, url: &Url, form: Option<&[(&str, &str)]>) -> Ask {
        let host = format!("{}:{}", url.host_str().unwrap(), url.port_or_known_default().unwrap());
        let path =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut ask = Ask::new(method, &host, &path).from(&self.ip);
        let cookies: Vec<String> = (self.cookies.borrow().iter())
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            ask = ask.header("cookie", &cookies.join("; "));
        }
        match form {
            Some(form) => ask.form(form),
            None => ask,
        }
    }

    /// One request to an absolute URL; redirects are not followed.
    pub fn send(&self, method: Method, url: &Url, form: Option<&[(&str, &str)]>) -> Answer {
        let host = format!("{}:{}", url.host_str().unwrap(), url.port_or_known_default().unwrap());
        let answer = self.world.send(self.ask(method, url, form));
        self.round_trips.set(self.round_trips.get() + answer.round_trips());
        for (_, cookie) in answer.0.headers().iter().filter(|(name, _)| *name == "set-cookie") {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            // The cookie for frames goes with requests of other sites, which browsers take only with `Secure`.
            let site =
                if name.ends_with("gatehouse_frame") { "SameSite=None; Secure" } else { "SameSite=Lax" };
            assert!(attributes.contains("HttpOnly") && attributes.contains(site), "{cookie}");
            let key = (host.clone(), name.to_owned());
            if attributes.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(&key);
            } else {
                self.cookies.borrow_mut().insert(key, value.to_owned());
            }
        }
        answer
    }

    /// `GET`.
    pub fn get(&self, url: &Url) -> Answer {
        self.send(Method::GET, url, None)
    }

    /// `POST` of a form.
    pub fn post(&self, url: &Url, form: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, url, Some(form))
    }

    /// Follows redirects for as long as they stay at the host: the page that is shown, or the URL of somewhere else.
    pub fn open(&self, url: &Url) -> Seen {
        self.follow(url.clone(), self.get(url))
    }

    /// Sends the form of the page that is shown.
    #[track_caller]
    pub fn submit(&self, seen: &Seen, form: &[(&str, &str)]) -> Seen {
        let url = seen.page().0;
        self.follow(url.clone(), self.post(url, form))
    }

    fn follow(&self, mut url: Url, mut answer: Answer) -> Seen {
        for _ in 0..5 {
            let Some(location) = answer.header("location") else { return Seen::Page(url, answer) };
            let next = url.join(location).unwrap();
            if next.host() != url.host() || next.port() != url.port() {
                return Seen::Away(next);
            }
            answer = self.get(&next);
            url = next;
        }
        panic!("redirected in circles: {url}");
    }

    /// Signs in with a password, from the authorization request to the way back.
    pub fn sign_in(&self, url: &Url, email: &str, password: &str) -> Url {
        let seen = self.submit(&self.open(url), &[("username", email)]);
        self.submit(&seen, &[("username", email), ("password", password)]).away()
    }

    /// Signs up, from the authorization request to the way back.
    pub fn sign_up(&self, url: &Url, email: &str, password: &str) -> Url {
        let mut url = url.clone();
        url.query_pairs_mut().append_pair("screen_hint", "signup");
        self.submit(&self.open(&url), &[("email", email), ("password", password)]).away()
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies.borrow();
        cookies.iter().find(|((_, of), _)| of == name).map(|(_, value)| value.clone())
    }
}

/// What a person ends up with.
#[derive(Debug)]
pub enum Seen {
    /// A page, and its address.
    Page(Url, Answer),
    /// Another host, where the browser has been sent.
    Away(Url),
}

impl Seen {
    /// The page.
    #[track_caller]
    pub fn page(&self) -> (&Url, &Answer) {
        match self {
            Self::Page(url, answer) => (url, answer),
            Self::Away(url) => panic!("no page, but sent to {url}"),
        }
    }

    /// Whether it is the page of this path.
    pub fn is_page_at(&self, path: &str) -> bool {
        matches!(self, Self::Page(url, _) if url.path() == path)
    }

    /// The address of the page, without its query.
    #[track_caller]
    pub fn path(&self) -> &str {
        self.page().0.path()
    }

    /// Where the browser was sent.
    #[track_caller]
    pub fn away(self) -> Url {
        match self {
            Self::Away(url) => url,
            Self::Page(url, answer) => panic!("still at {url}: {}", answer.text()),
        }
    }
}

/// A parameter of a URL.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// An application that people sign in to.
#[derive(Clone)]
pub struct Application {
    /// The tenant it is registered with: the label of its host, or empty for the main tenant.
    pub tenant: String,
    /// Its id.
    pub id: String,
    /// Its secret, unless it is public.
    pub secret: Option<String>,
    /// Where it gets its codes.
    pub callback: String,
}

/// What the application keeps to itself while a person signs in.
pub const VERIFIER: &str = "a-verifier-that-only-the-application-knows-0123456789";

/// What it shows of that.
pub fn challenge(verifier: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(verifier.as_bytes()))
}

impl World {
    /// Registers a public application with the tenant. `document` changes what its registration says.
    pub fn application(&self, tenant: &str, document: &Json) -> Application {
        self.send(Ask::get(tenant, "/readyz")).expect(200);
        if tenant.is_empty() {
            self.open_sign_up();
        }
        let id = format!("app-{}", document["app_id"].as_str().unwrap_or("1"));
        let callback = format!("https://{id}.example/callback");
        let mut registered = json!({
            "app_type": "spa",
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "callbacks": [callback],
            "allowed_logout_urls": [format!("https://{id}.example/bye")],
        });
        for (name, value) in document.as_object().unwrap() {
            registered[name] = value.clone();
        }
        let secret = (registered["token_endpoint_auth_method"] != "none").then(|| format!("secret-of-{id}"));
        let row = if tenant.is_empty() { "main" } else { tenant };
        self.application_row(row, &id, &registered, secret.as_deref());
        Application { tenant: tenant.to_owned(), id, secret, callback }
    }

    /// Lets people sign up on the main tenant, where nobody can unless an operator says so.
    fn open_sign_up(&self) {
        let closed = r#"{"disable_signup":true}"#;
        self.database("SHARED").query(&format!(
            "update connections set document = json_set(document, '$.options', json('{{}}'))
             where tenant_id = 'main' and json_extract(document, '$.options') = '{closed}'"
        ));
        self.app.shared().snapshots.forget(&gatehouse::id::TenantId::parse("main").unwrap());
    }

    /// Two APIs with the scopes `read` and `write`, and the organizations `org_1` (team) and `org_2` (crew) of which
    /// everybody is a member, on the main tenant.
    pub fn two_apis_and_two_organizations(&self, apis: [&str; 2]) {
        for api in apis {
            let scopes = json!([{ "value": "read" }, { "value": "write" }]);
            let body = json!({ "identifier": api, "allow_offline_access": true, "scopes": scopes });
            self.admin("").post("resource-servers", &body).expect(201);
        }
        for sql in [
            "insert into organizations (tenant_id, id, name, created_at, updated_at) values
               ('main', 'org_1', 'team', 1, 1), ('main', 'org_2', 'crew', 1, 1)",
            "insert into organization_members (tenant_id, organization_id, user_id, created_at)
               select 'main', o.id, u.user_id, 1 from users u, organizations o",
        ] {
            self.database("SHARED").query(sql);
        }
    }

    /// Stores a client with this document, as if an administrator stood for it.
    pub fn application_row(&self, tenant: &str, id: &str, document: &Json, secret: Option<&str>) {
        let digest = secret.map_or("null".to_owned(), |secret| {
            let digest = Sha256::digest(secret.as_bytes());
            format!("'{}'", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        });
        self.home(tenant).query(&format!(
            "insert into clients (tenant_id, client_id, name, document, secret_digest, vouched, created_at, updated_at)
             values ('{tenant}', '{id}', '{id}', '{document}', {digest}, 1, 1, 1)"
        ));
    }

    /// The database in which a tenant's rows are.
    pub fn home(&self, tenant: &str) -> std::rc::Rc<super::sqlite::Sqlite> {
        let rows = self.database("DIRECTORY").query(&format!(
            "select d.binding from tenants t join databases d on d.id = t.database_id where t.id = '{tenant}'"
        ));
        self.database(rows[0]["binding"].as_str().unwrap())
    }
}

impl Application {
    /// The host of the tenant, as a URL.
    pub fn host(&self) -> Url {
        let dot = if self.tenant.is_empty() { "" } else { "." };
        Url::parse(&format!("http://{}{dot}localhost:8787/", self.tenant)).unwrap()
    }

    /// A page of the tenant's host.
    pub fn url(&self, path: &str) -> Url {
        self.host().join(path).unwrap()
    }

    /// An authorization request; `changes` replace parameters, an empty value removes one.
    pub fn authorize(&self, changes: &[(&str, &str)]) -> Url {
        let challenge = challenge(VERIFIER);
        let mut parameters = vec![
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.callback.as_str()),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        parameters.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        let mut url = self.url("authorize");
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }

    /// A request to the token endpoint, in the application's name.
    pub fn token(&self, world: &World, form: &[(&str, &str)]) -> Answer {
        let mut fields = vec![("client_id", self.id.as_str())];
        fields.extend(self.secret.as_deref().map(|secret| ("client_secret", secret)));
        fields.retain(|(name, _)| !form.iter().any(|(given, _)| given == name));
        fields.extend_from_slice(form);
        world.send(Ask::post(&self.tenant, "/oauth/token").form(&fields))
    }

    /// Redeems the code in the URL that a person came back with.
    pub fn redeem(&self, world: &World, back: &Url) -> Answer {
        let code = parameter(back, "code").unwrap_or_else(|| panic!("no code in {back}"));
        self.redeem_code(world, &code, VERIFIER)
    }

    /// Redeems a code.
    pub fn redeem_code(&self, world: &World, code: &str, verifier: &str) -> Answer {
        self.token(
            world,
            &[
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", &self.callback),
                ("code_verifier", verifier),
            ],
        )
    }

    /// Exchanges a refresh token.
    pub fn refresh(&self, world: &World, token: &str) -> Answer {
        self.token(world, &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }
}
