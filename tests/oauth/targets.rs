//! What a client names at the token endpoint beside its grant: another API, an organization, scopes. It gets that, or a no.

use super::{error, opened};
use crate::support::{
    Application, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD, MANAGEMENT_AUDIENCE},
};
use gatehouse::time::Lifetime;
use serde_json::{Value as Json, json};

const ORDERS: &str = "https://orders.example";
const BILLS: &str = "https://bills.example";

/// Two APIs and two organizations, and an application whose refresh tokens are good for the second API too.
fn world(client: &Json) -> (World, Application) {
    let world = World::new();
    let mut document = json!({ "organization_usage": "allow", "is_first_party": true,
        "refresh_token": { "policies": [
            { "audience": BILLS, "scope": ["read", "undefined"] },
            { "audience": MANAGEMENT_AUDIENCE, "scope": ["read:clients"] },
            { "audience": "https://nowhere.example", "scope": [] }] } });
    for (name, value) in client.as_object().unwrap() {
        document[name] = value.clone();
    }
    let app = world.application("", &document);
    world.two_apis_and_two_organizations([ORDERS, BILLS]);
    (world, app)
}

fn signed_in(world: &World, app: &Application, changes: &[(&str, &str)]) -> String {
    let mut wish = vec![("audience", ORDERS), ("scope", "openid profile read offline_access")];
    wish.retain(|(name, _)| !changes.iter().any(|(changed, _)| name == changed));
    wish.extend_from_slice(changes);
    let back = world.browser().sign_in(&app.authorize(&wish), ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()["refresh_token"].as_str().unwrap().to_owned()
}

fn refresh(world: &World, app: &Application, token: &str, more: &[(&str, &str)]) -> crate::support::Answer {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend_from_slice(more);
    app.token(world, &form)
}

fn access(tokens: &Json) -> Json {
    opened(tokens["access_token"].as_str().unwrap()).1
}

#[test]
fn a_refresh_token_serves_another_api_that_the_clients_policies_name_in_one_round_trip() {
    let (world, app) = world(&json!({}));
    let first = signed_in(&world, &app, &[]);
    let answer = refresh(&world, &app, &first, &[("audience", BILLS)]).expect(200);
    assert_eq!(answer.round_trips(), 1);
    let tokens = answer.json();
    let claims = access(&tokens);
    assert_eq!(claims["aud"], json!([BILLS, "http://localhost:8787/userinfo"]));
    assert_eq!(
        tokens["scope"], "openid profile offline_access read",
        "what the policy names and the API defines"
    );
    // The token itself stays what it was.
    let next = tokens["refresh_token"].as_str().unwrap();
    let tokens = refresh(&world, &app, next, &[]).expect(200).json();
    assert_eq!(
        (&access(&tokens)["aud"][0], &tokens["scope"]),
        (&json!(ORDERS), &json!("openid profile read offline_access"))
    );
    let next = tokens["refresh_token"].as_str().unwrap();
    let tokens =
        refresh(&world, &app, next, &[("resource", BILLS), ("scope", "read write")]).expect(200).json();
    assert_eq!(tokens["scope"], "read", "never more than the policy says");
    refresh(&world, &app, tokens["refresh_token"].as_str().unwrap(), &[("audience", ORDERS)]).expect(200);
}

#[test]
fn an_api_that_no_policy_names_is_refused_and_the_token_stays_good() {
    let (world, app) = world(&json!({}));
    let other = json!({ "identifier": "https://other.example", "allow_offline_access": true });
    world.admin("").post("resource-servers", &other).expect(201);
    let token = signed_in(&world, &app, &[]);
    for audience in ["https://other.example", "https://nowhere.example", MANAGEMENT_AUDIENCE] {
        let answer = refresh(&world, &app, &token, &[("audience", audience)]).expect(400);
        assert_eq!(error(&answer), "invalid_target", "{audience}");
    }
    let both = [("audience", ORDERS), ("resource", BILLS)];
    assert_eq!(error(&refresh(&world, &app, &token, &both).expect(400)), "invalid_target");
    world.advance(Lifetime::minutes(5));
    refresh(&world, &app, &token, &[]).expect(200);
}

#[test]
fn policies_are_for_our_own_clients_only() {
    let (world, app) = world(&json!({}));
    let token = signed_in(&world, &app, &[]);
    world
        .database("SHARED")
        .query("update clients set document = json_set(document, '$.is_first_party', json('false'))");
    let isolate = world.another_isolate();
    assert_eq!(error(&refresh(&isolate, &app, &token, &[("audience", BILLS)]).expect(400)), "invalid_target");
}

#[test]
fn a_refresh_stays_in_the_organization_of_its_login() {
    let (world, app) = world(&json!({}));
    let inside = signed_in(&world, &app, &[("organization", "team")]);
    let tokens = refresh(&world, &app, &inside, &[("organization", "org_1")]).expect(200).json();
    assert_eq!(access(&tokens)["org_id"], "org_1");
    let inside = tokens["refresh_token"].as_str().unwrap();
    let tokens = refresh(&world, &app, inside, &[("organization", "TEAM")]).expect(200).json();
    let inside = tokens["refresh_token"].as_str().unwrap();
    let outside = signed_in(&world, &app, &[]);
    for (token, organization) in [(inside, "crew"), (inside, "org_2"), (inside, "nobody"), (&outside, "team")]
    {
        let answer = refresh(&world, &app, token, &[("organization", organization)]).expect(400);
        assert_eq!(error(&answer), "invalid_request", "{organization}");
    }
    world.advance(Lifetime::minutes(5));
    refresh(&world, &app, inside, &[]).expect(200);
    refresh(&world, &app, &outside, &[]).expect(200);
}

#[test]
fn whoever_has_no_right_secret_hears_nothing_of_what_the_token_is_for() {
    let (world, app) = world(&json!({}));
    let thief = world.application("", &json!({ "app_id": "thief" }));
    let token = signed_in(&world, &app, &[]);
    let forged = format!("{}.{}", token.split('.').next().unwrap(), "A".repeat(43));
    let wish = [("audience", "https://other.example"), ("organization", "crew")];
    assert_eq!(error(&refresh(&world, &app, &forged, &wish).expect(400)), "invalid_grant");
    assert_eq!(error(&refresh(&world, &thief, &token, &wish).expect(400)), "invalid_grant");
}

#[test]
fn a_replaced_token_that_comes_back_ends_its_family_whatever_it_asks_for() {
    let (world, app) = world(&json!({}));
    let first = signed_in(&world, &app, &[]);
    let second = refresh(&world, &app, &first, &[]).expect(200).json();
    world.advance(Lifetime::minutes(2));
    let answer = refresh(&world, &app, &first, &[("audience", "https://other.example")]).expect(400);
    assert_eq!(error(&answer), "invalid_grant");
    refresh(&world, &app, second["refresh_token"].as_str().unwrap(), &[]).expect(400);
}

#[test]
fn a_code_is_for_what_the_person_signed_in_for() {
    let (world, app) = world(&json!({}));
    let wish = [("audience", ORDERS), ("organization", "team"), ("scope", "openid profile read")];
    let redeem = |more: &[(&str, &str)]| {
        let back = world.browser().sign_in(&app.authorize(&wish), ADMIN_EMAIL, ADMIN_PASSWORD);
        let code = crate::support::browser::parameter(&back, "code").unwrap();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", &*app.callback),
            ("code_verifier", crate::support::browser::VERIFIER),
        ];
        let plain = form.clone();
        form.extend_from_slice(more);
        let answer = app.token(&world, &form);
        if answer.status() == 400 {
            // Nothing came of it, so it is still good.
            app.token(&world, &plain).expect(200);
        }
        answer
    };
    for same in
        [("audience", ORDERS), ("resource", ORDERS), ("organization", "org_1"), ("organization", "Team")]
    {
        redeem(&[same]).expect(200);
    }
    assert_eq!(error(&redeem(&[("audience", BILLS)]).expect(400)), "invalid_target");
    assert_eq!(error(&redeem(&[("resource", BILLS)]).expect(400)), "invalid_target");
    assert_eq!(error(&redeem(&[("organization", "crew")]).expect(400)), "invalid_request");
    assert_eq!(redeem(&[("scope", "openid write")]).expect(200).json()["scope"], "openid");
}

#[test]
fn an_empty_parameter_counts_as_omitted_in_json_as_in_a_form() {
    let (world, app) = world(&json!({}));
    let mut token = signed_in(&world, &app, &[]);
    for empty in [json!(""), json!(null)] {
        let body = json!({ "grant_type": "refresh_token", "client_id": app.id, "refresh_token": token,
            "scope": empty, "audience": empty, "organization": empty, "resource": empty, "client_secret": empty });
        let ask = crate::support::Ask::post("", "/oauth/token").json(&body);
        let tokens = world.send(ask).expect(200).json();
        assert!(tokens["id_token"].is_string(), "{tokens}");
        assert_eq!(tokens["scope"], "openid profile read offline_access");
        token = tokens["refresh_token"].as_str().unwrap().to_owned();
    }
}
