//! Revocation by the client.

use super::error;
use crate::support::Ask;
use crate::support::{
    Answer, Application, World,
    world::{ADMIN_EMAIL, ADMIN_PASSWORD},
};
use serde_json::{Value as Json, json};

fn signed_in(world: &World, app: &Application) -> Json {
    let url = app.authorize(&[("scope", "openid offline_access")]);
    let back = world.browser().sign_in(&url, ADMIN_EMAIL, ADMIN_PASSWORD);
    app.redeem(world, &back).expect(200).json()
}

fn revoke(world: &World, app: &Application, form: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("client_id", app.id.as_str())];
    fields.extend_from_slice(form);
    world.send(Ask::post("", "/oauth/revoke").form(&fields))
}

#[test]
fn a_revoked_token_takes_its_family_with_it() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let first = signed_in(&world, &app)["refresh_token"].as_str().unwrap().to_owned();
    let second = app.refresh(&world, &first).expect(200).json()["refresh_token"].as_str().unwrap().to_owned();
    let answer = revoke(&world, &app, &[("token", &first), ("token_type_hint", "refresh_token")]).expect(200);
    assert!(answer.text().is_empty());
    assert_eq!(error(&app.refresh(&world, &second).expect(400)), "invalid_grant");
    revoke(&world, &app, &[("token", &first)]).expect(200);
}

#[test]
fn nobody_revokes_what_is_not_theirs() {
    let world = World::new();
    let app = world.application("", &json!({}));
    let other = world.application("", &json!({ "app_id": "other" }));
    let tokens = signed_in(&world, &app);
    let token = tokens["refresh_token"].as_str().unwrap();
    let (lookup, _) = token.split_once('.').unwrap();
    revoke(&world, &other, &[("token", token)]).expect(200);
    for unknown in [&format!("{lookup}.x"), "rt_a.b", "nonsense"] {
        revoke(&world, &app, &[("token", unknown)]).expect(200);
    }
    app.refresh(&world, token).expect(200);
    assert_eq!(error(&revoke(&world, &app, &[]).expect(400)), "invalid_request");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(error(&revoke(&world, &app, &[("token", access)]).expect(400)), "unsupported_token_type");
    let nobody = Application { id: "nobody".to_owned(), ..app };
    assert_eq!(error(&revoke(&world, &nobody, &[("token", token)]).expect(401)), "invalid_client");
}
