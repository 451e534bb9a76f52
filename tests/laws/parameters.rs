//! No parameter that could change what the token endpoint answers is ignored: each changes the answer of each grant, or is
//! refused. Else a client takes what it gets for what it asked for.

use crate::support::{
    Answer, Application, World,
    browser::{VERIFIER, parameter},
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use gatehouse::oauth::token::Grant;
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
    let admin = world.admin("");
    for api in ["https://api.example", "https://other.example"] {
        let body = json!({ "identifier": api, "allow_offline_access": true, "scopes": [{ "value": "read" }, { "value": "write" }] });
        admin.post("resource-servers", &body).expect(201);
    }
    let grant = json!({ "client_id": app.id, "audience": "https://api.example", "scope": ["read", "write"] });
    admin.post("client-grants", &grant).expect(201);
    for sql in [
        "insert into organizations (tenant_id, id, name, created_at, updated_at) values
           ('main', 'org_1', 'team', 1, 1), ('main', 'org_2', 'crew', 1, 1)",
        "insert into organization_members (tenant_id, organization_id, user_id, created_at)
           select 'main', o.id, u.user_id, 1 from users u, organizations o",
    ] {
        world.database("SHARED").query(sql);
    }
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
