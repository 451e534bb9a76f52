//! No parameter that could change what is answered is ignored, neither by the authorization endpoint nor, for whichever
//! grant, by the token endpoint: each changes the answer, or is refused. Else a client takes what it gets for what it asked for.

use crate::support::{
    Answer, Application, World,
    browser::{Seen, VERIFIER, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::{
    oauth::{authorize::request::Raw, token::Grant},
    time::Lifetime,
};
use serde_json::{Value as Json, json};

/// The parameters, each with a value that is not what the request is about: of RFC 6749, RFC 8707, RFC 8693, RFC 9396,
/// OpenID Connect, and Auth0.
const PARAMETERS: [(&str, &str); 13] = [
    ("audience", "https://other.example"),
    ("resource", "https://other.example"),
    ("organization", "org_2"),
    ("scope", "read"),
    ("authorization_details", "[]"),
    ("claims", "{}"),
    ("requested_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ("subject_token", "x"),
    ("actor_token", "x"),
    ("assertion", "x"),
    ("client_secret", "another"),
    ("client_assertion", "x"),
    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
];

/// What of an answer must differ: all but what is new in every token.
fn gist(answer: &Answer) -> Json {
    let mut body = answer.json();
    if let Some(token) = body["access_token"].as_str() {
        let mut claims = crate::oauth::opened(token).1;
        for name in ["iat", "exp", "jti", "sid"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        body = json!({ "scope": body["scope"], "claims": claims });
    }
    json!({ "status": answer.status(), "body": body })
}

/// The parameters without effect on what is answered; `None` stands for the request without any.
fn ignored(answers: impl Fn(Option<(&str, &str)>) -> Json) -> Vec<&'static str> {
    let plain = answers(None);
    assert_eq!(plain["status"], 200, "{plain}");
    let same = PARAMETERS.into_iter().filter(|parameter| answers(Some(*parameter)) == plain);
    same.map(|(name, _)| name).collect()
}

fn world() -> (World, Application) {
    let world = World::new();
    let app = world.application(
        "",
        &json!({ "organization_usage": "allow", "token_endpoint_auth_method": "client_secret_post",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"] }),
    );
    world.two_apis_and_two_organizations(["https://api.example", "https://other.example"]);
    let grant = json!({ "client_id": app.id, "audience": "https://api.example", "scope": ["read", "write"] });
    world.admin("").post("client-grants", &grant).expect(201);
    (world, app)
}

/// Asks the token endpoint for a grant of its own, with one parameter more.
fn ask(world: &World, app: &Application, grant: Grant, more: Option<(&str, &str)>) -> Answer {
    let wish = [
        ("audience", "https://api.example"),
        ("organization", "team"),
        ("scope", "openid read write offline_access"),
    ];
    let back = || world.browser().sign_in(&app.authorize(&wish), ADMIN_EMAIL, ADMIN_PASSWORD);
    let (code, token);
    let mut form = vec![("grant_type", grant.as_str())];
    match grant {
        Grant::AuthorizationCode => {
            code = parameter(&back(), "code").unwrap();
            form.extend([
                ("code", code.as_str()),
                ("redirect_uri", &app.callback),
                ("code_verifier", VERIFIER),
            ]);
        }
        Grant::RefreshToken => {
            let tokens = app.redeem(world, &back()).expect(200).json();
            token = tokens["refresh_token"].as_str().unwrap().to_owned();
            form.push(("refresh_token", &token));
        }
        Grant::ClientCredentials => form.push(("audience", "https://api.example")),
    }
    if let Some((name, value)) = more {
        form.retain(|(known, _)| *known != name);
        form.push((name, value));
    }
    app.token(world, &form)
}

#[test]
fn no_parameter_of_the_token_endpoint_is_ignored() {
    let (world, app) = world();
    for grant in Grant::ALL {
        let ignored = ignored(|more| gist(&ask(&world, &app, grant, more)));
        assert!(ignored.is_empty(), "{grant:?} ignores {ignored:?}");
    }
}

/// A token endpoint that drops one of them on its way in.
#[test]
fn a_token_endpoint_that_ignores_one_is_found() {
    let (world, app) = world();
    for dropped in ["audience", "organization", "scope", "claims"] {
        let found = ignored(|more| {
            let more = more.filter(|(name, _)| *name != dropped);
            gist(&ask(&world, &app, Grant::RefreshToken, more))
        });
        assert_eq!(found, [dropped]);
    }
}

/// A value of each parameter of the authorization endpoint that is not what a login without it is about.
fn another(name: &str) -> &'static str {
    match name {
        "client_id" => "app-2",
        "redirect_uri" => "https://elsewhere.example/callback",
        "response_type" => "id_token",
        "response_mode" => "fragment",
        "state" | "nonce" => "another",
        "scope" => "openid email",
        "audience" => "https://other.example",
        "claims" => "{\"id_token\":{\"email\":null}}",
        "code_challenge" => "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "code_challenge_method" => "plain",
        "prompt" => "login",
        "max_age" => "1",
        "login_hint" => "somebody@example.com",
        "screen_hint" => "signup",
        "organization" => "crew",
        "connection" => "nobody-knows",
        "request" | "request_uri" => "x",
        _ => panic!("{name} needs a value here"),
    }
}

/// What a login leads to, by somebody who has a session and by somebody who has none: all but what is new every time.
fn outcome(world: &World, app: &Application, changes: &[(&str, &str)]) -> String {
    let url = app.authorize(&[&[("scope", "openid")], changes].concat());
    let came = |back: &url::Url| {
        let code = parameter(back, "code").unwrap_or_default();
        let tokens = app.redeem_code(world, &code, VERIFIER).json();
        let claims = |name: &str| {
            let token = tokens[name].as_str()?;
            let mut claims = crate::oauth::opened(token).1;
            for name in ["iat", "exp", "jti", "sid", "at_hash", "auth_time"] {
                claims.as_object_mut().unwrap().remove(name);
            }
            Some(claims)
        };
        let place =
            back.as_str().replace(&*form_urlencoded::byte_serialize(code.as_bytes()).collect::<String>(), "");
        format!("{place} {} {:?} {:?}", tokens["error"], claims("access_token"), claims("id_token"))
    };
    let shown = |seen: Seen| match seen {
        Seen::Away(back) => came(&back),
        Seen::Page(url, answer) => {
            let text = answer.text().replace(url.query().unwrap_or("-"), "");
            let nonce = text.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
            format!("{} {}", url.path(), nonce.map_or_else(|| text.clone(), |nonce| text.replace(nonce, "")))
        }
    };
    let fresh = world.browser();
    let first = fresh.open(&url);
    let mut all = vec![];
    if first.is_page_at("/u/login/identifier") {
        all.push(came(&fresh.sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD)));
    }
    all.push(shown(first));
    let known = world.browser();
    known.sign_in(&app.authorize(&[]), ADMIN_EMAIL, ADMIN_PASSWORD);
    world.advance(Lifetime::seconds(2));
    all.push(shown(known.open(&url)));
    all.join("\n")
}

/// The parameters that change nothing, of all that the authorization endpoint knows.
fn unheard(world: &World, app: &Application, dropped: &str) -> Vec<String> {
    let plain = outcome(world, app, &[]);
    assert_eq!(outcome(world, app, &[]), plain, "the same request has the same outcome");
    let known = serde_json::to_value(Raw::default()).unwrap();
    let heard = |name: &&String| {
        let change = (name.as_str(), another(name));
        outcome(world, app, if *name == dropped { &[] } else { std::slice::from_ref(&change) }) == plain
    };
    known.as_object().unwrap().keys().filter(heard).cloned().collect()
}

#[test]
fn no_parameter_of_the_authorization_endpoint_is_ignored() {
    let (world, app) = world();
    assert_eq!(unheard(&world, &app, ""), Vec::<String>::new());
}

/// An authorization endpoint that drops one of them on its way in.
#[test]
fn an_authorization_endpoint_that_ignores_one_is_found() {
    let (world, app) = world();
    for dropped in ["claims", "max_age", "nonce"] {
        assert_eq!(unheard(&world, &app, dropped), [dropped]);
    }
}
