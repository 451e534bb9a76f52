//! Userinfo: who may ask, with what, and what they hear.

use super::error;
use crate::support::{
    Answer, Application, Ask, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, MANAGEMENT_AUDIENCE},
};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::{jose::jwt::ID_TOKEN, time::Lifetime};
use ring::hmac;
use serde_json::{Value as Json, json};

fn tokens(world: &World, app: &Application, changes: &[(&str, &str)]) -> Json {
    let back = world.browser().sign_in(&app.authorize(changes), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()
}

fn ask(world: &World, tenant: &str, token: &str) -> Answer {
    world.send(Ask::get(tenant, "/userinfo").bearer(token))
}

#[test]
fn a_person_is_described_as_far_as_the_scopes_go_in_one_round_trip() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let all = tokens(&world, &app, &[("scope", "openid profile email phone address")]);
    let token = all["access_token"].as_str().unwrap();
    world.database("SHARED").query(
        "update users set given_name = 'Ada', phone_number = '+46', phone_verified = 1,
           profile = '{\"locale\":\"sv\",\"address\":{\"country\":\"SE\"},\"sub\":\"x\",\"secret\":1}'",
    );
    let answer = ask(&world, "", token).expect(200);
    assert_eq!(answer.round_trips(), 1);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    let (_, access) = super::opened(token);
    assert_eq!(body["sub"], access["sub"]);
    for (name, value) in [
        ("name", json!(ADMIN_EMAIL)),
        ("given_name", json!("Ada")),
        ("locale", json!("sv")),
        ("email", json!(ADMIN_EMAIL)),
        ("email_verified", json!(true)),
        ("phone_number", json!("+46")),
        ("phone_number_verified", json!(true)),
        ("address", json!({ "country": "SE" })),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    assert!(body["updated_at"].is_i64() && body.get("secret").is_none());

    let bare = tokens(&world, &app, &[("scope", "openid")]);
    let body = ask(&world, "", bare["access_token"].as_str().unwrap()).expect(200).json();
    assert_eq!(body.as_object().unwrap().len(), 1, "only sub: {body}");
    world.send(Ask::post("", "/userinfo").bearer(token)).expect(200);
}

#[test]
fn what_is_no_access_token_for_this_endpoint_is_refused() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let issued = tokens(&world, &app, &[]);
    let (access, id) = (issued["access_token"].as_str().unwrap(), issued["id_token"].as_str().unwrap());
    ask(&world, "", access).expect(200);

    let jwks = world.send(Ask::get("", "/.well-known/jwks.json")).json();
    let key = &jwks["keys"][0];
    let encode = |json: &Json| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
    let claims = access.split('.').nth(1).unwrap();
    let header = |alg: &str| encode(&json!({ "alg": alg, "typ": "at+jwt", "kid": key["kid"] }));
    let mac = |secret: &[u8]| {
        let message = format!("{}.{claims}", header("HS256"));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        format!("{message}.{}", Base64UrlUnpadded::encode_string(signature.as_ref()))
    };
    let signature = access.split('.').nth(2).unwrap();
    let modulus = Base64UrlUnpadded::decode_vec(key["n"].as_str().unwrap()).unwrap();
    let userinfo = json!("http://localhost:8787/userinfo");
    let changed = encode(&json!({ "iss": "http://localhost:8787/", "sub": "auth0|other", "aud": userinfo,
        "scope": "openid", "iat": 1, "exp": 9_999_999_999_i64 }));
    for (what, token) in [
        ("an ID token", id.to_owned()),
        (
            "an ID token with the right audience",
            world.signed_as(ID_TOKEN, "main", &json!({ "aud": userinfo, "scope": "openid" })),
        ),
        ("no signature", format!("{}.{claims}.", header("none"))),
        ("alg none with a signature", format!("{}.{claims}.{signature}", header("none"))),
        ("HS256 with the modulus as secret", mac(&modulus)),
        ("HS256 with the JWK as secret", mac(key.to_string().as_bytes())),
        ("another algorithm than the key's", format!("{}.{claims}.{signature}", header("ES256"))),
        ("changed claims", format!("{}.{changed}.{signature}", access.split('.').next().unwrap())),
        ("expired", world.signed("main", &json!({ "aud": userinfo, "scope": "openid", "exp": 1 }))),
        ("of another API", world.signed("main", &json!({ "scope": "openid" }))),
        ("of a machine", world.machine_token("")),
        ("nonsense", "a.b.c".to_owned()),
    ] {
        let answer = ask(&world, "", &token).expect(401);
        assert_eq!(error(&answer), "invalid_token", "{what}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{what}");
    }
    let without = world.signed("main", &json!({ "aud": userinfo, "scope": "profile" }));
    assert_eq!(error(&ask(&world, "", &without).expect(403)), "insufficient_scope");
    world.send(Ask::get("", "/userinfo")).expect(401);
    world.advance(Lifetime::days(1));
    ask(&world, "", access).expect(401);
}

#[test]
fn a_token_may_come_in_the_form_of_a_post_and_where_the_tenant_says_so_in_the_query() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let issued = tokens(&world, &app, &[]);
    let token = issued["access_token"].as_str().unwrap();
    let form = |token: &str| Ask::post("", "/userinfo").form(&[("access_token", token)]);
    let query = |token: &str| Ask::get("", &format!("/userinfo?access_token={token}"));
    let answer = world.send(form(token)).expect(200);
    assert_eq!((answer.json()["sub"].is_string(), answer.round_trips()), (true, 1));
    assert_eq!(error(&world.send(form("nonsense")).expect(401)), "invalid_token");
    world.send(form("")).expect(401);
    let refused = world.send(query(token)).expect(400);
    assert_eq!(error(&refused), "invalid_request");
    assert!(refused.text().contains("allow_access_token_in_query"), "{}", refused.text());

    let flags = json!({ "flags": { "allow_access_token_in_query": true } });
    world.admin("").patch("tenants/settings", &flags).expect(200);
    let answer = world.send(query(token)).expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    world.send(query(issued["id_token"].as_str().unwrap())).expect(401);
    for twice in [
        form(token).bearer(token),
        query(token).bearer(token),
        query(&format!("{token}&access_token={token}")),
    ] {
        assert_eq!(error(&world.send(twice).expect(400)), "invalid_request", "one way at a time");
    }
    // Only a form is a form.
    let json = Ask::post("", "/userinfo").json(&json!({ "access_token": token }));
    world.send(json).expect(401);
    let with_get = Ask::get("", "/userinfo").header("content-type", "application/x-www-form-urlencoded");
    world.send(with_get.body(format!("access_token={token}").as_bytes())).expect(401);
}

#[test]
fn a_user_name_is_the_preferred_one_unless_the_person_says_otherwise() {
    let world = World::new();
    let app = world.application("", &json!({}));
    world.database("SHARED").query("update users set username = 'ada'");
    let issued = tokens(&world, &app, &[("scope", "openid profile")]);
    let body = |issued: &Json| ask(&world, "", issued["access_token"].as_str().unwrap()).expect(200).json();
    assert_eq!(body(&issued)["preferred_username"], "ada");
    assert_eq!(super::opened(issued["id_token"].as_str().unwrap()).1["preferred_username"], "ada");
    assert!(body(&tokens(&world, &app, &[("scope", "openid email")])).get("preferred_username").is_none());
    world.database("SHARED").query("update users set profile = '{\"preferred_username\":\"Lady A\"}'");
    assert_eq!(body(&issued)["preferred_username"], "Lady A");
    assert!(body(&issued).get("picture").is_none(), "nobody is sent to a picture that nobody has set");
}

#[test]
fn an_id_token_is_no_key_to_the_management_api() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let wish = [("scope", "openid read:organizations"), ("audience", MANAGEMENT_AUDIENCE)];
    let issued = tokens(&world, &app, &wish);
    let status = |token: &Json| {
        world.send(Ask::get("", "/api/v2/organizations").bearer(token.as_str().unwrap())).status()
    };
    assert_eq!((status(&issued["access_token"]), status(&issued["id_token"])), (200, 401));
}

#[test]
fn a_token_of_one_tenant_is_worth_nothing_at_another() {
    let world = World::new();
    world.tenant("acme");
    world.tenant("globex");
    let app = world.application("acme", &json!({}));
    let back = world.browser().sign_up(&app.authorize(&[]), "ann@example.com", "a password of Ann's own");
    let tokens = app.redeem(&world, &back).expect(200).json();
    let token = tokens["access_token"].as_str().unwrap();
    ask(&world, "acme", token).expect(200);
    ask(&world, "globex", token).expect(401);
    ask(&world, "", token).expect(401);
}

#[test]
fn who_is_blocked_signed_out_or_gone_is_nobody() {
    for change in ["update users set blocked = 1", "update sessions set revoked_at = 1", "delete from users"]
    {
        let world = World::new();
        let app = world.application("", &json!({}));
        let issued = tokens(&world, &app, &[]);
        world.database("SHARED").query(change);
        let answer = ask(&world, "", issued["access_token"].as_str().unwrap()).expect(401);
        assert_eq!(error(&answer), "invalid_token", "{change}");
    }
}
