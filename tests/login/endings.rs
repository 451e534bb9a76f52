//! What ends when something about a person changes: each cause, and each thing that speaks for them.

use super::second_factor::{Scene, code};
use crate::support::{
    Ask, Browser,
    browser::{Seen, VERIFIER, parameter},
};
use gatehouse::{
    http::Method,
    resources::endings::model::{Bearer, Cause, Reach},
    time::Lifetime,
};
use serde_json::{Value as Json, json};

use Reach::{All, Nothing, OfSession};

/// The whole table: what ends of the sessions, refresh tokens, codes, logins half done and access tokens of a person.
const TABLE: [(Cause, [Reach; 5]); 9] = [
    (Cause::PasswordChanged, [All, All, All, All, All]),
    (Cause::IdentifierChanged, [All, All, All, All, All]),
    (Cause::Blocked, [All, All, All, All, All]),
    (Cause::Deleted, [All, All, All, All, All]),
    (Cause::FactorRemoved, [All, All, All, All, All]),
    (Cause::SignedOutEverywhere, [All, All, All, All, All]),
    (Cause::TokenReused, [OfSession, OfSession, OfSession, Nothing, OfSession]),
    (Cause::SignedOut, [OfSession, Nothing, OfSession, Nothing, OfSession]),
    (Cause::SignedOutWithTokens, [OfSession, OfSession, OfSession, Nothing, OfSession]),
];

/// One browser of a person, and all that came of it.
struct Holding<'s> {
    browser: Browser<'s>,
    /// Exchanged already.
    spent: String,
    /// Not yet.
    code: String,
    tokens: Json,
}

fn holding(scene: &Scene) -> Holding<'_> {
    let (browser, wish) = (scene.world.browser(), [("scope", "openid offline_access")]);
    let page = scene.password(&browser, &wish);
    let back = browser.submit(&page, &[("code", &code(&scene.world, super::second_factor::SEED, 1))]).away();
    let spent = parameter(&back, "code").unwrap();
    let tokens = scene.app.redeem_code(&scene.world, &spent, VERIFIER).expect(200).json();
    // The next code of the authenticator.
    scene.world.advance(Lifetime::seconds(30));
    Holding { browser, spent, code: String::new(), tokens }
}

impl Holding<'_> {
    /// What of a kind is still good.
    fn has(&self, scene: &Scene, bearer: Bearer) -> bool {
        match bearer {
            Bearer::Session => {
                let back = self.browser.open(&scene.app.authorize(&[("prompt", "none")])).away();
                parameter(&back, "code").is_some()
            }
            Bearer::RefreshToken => {
                let token = self.tokens["refresh_token"].as_str().unwrap();
                scene.app.refresh(&scene.world, token).status() == 200
            }
            Bearer::Code => scene.app.redeem_code(&scene.world, &self.code, VERIFIER).status() == 200,
            Bearer::AccessToken => {
                let token = self.tokens["access_token"].as_str().unwrap();
                scene.world.send(Ask::get("acme", "/userinfo").bearer(token)).status() == 200
            }
            Bearer::Halfway => panic!("a login half done is of no session yet"),
        }
    }
}

/// Has it happen, at the session of `here` where it is about one.
fn cause(scene: &Scene, cause: Cause, here: &Holding<'_>) {
    let user = format!("users/{}", scene.ann.replace('|', "%7C"));
    let admin = scene.admin();
    match cause {
        Cause::PasswordChanged => {
            admin.patch(&user, &json!({ "password": "another of Ann's own" })).expect(200)
        }
        Cause::IdentifierChanged => admin.patch(&user, &json!({ "email": "new@example.com" })).expect(200),
        Cause::Blocked => admin.patch(&user, &json!({ "blocked": true })).expect(200),
        Cause::Deleted => admin.delete(&user).expect(204),
        Cause::FactorRemoved => admin.delete(&format!("{user}/authentication-methods/m2")).expect(204),
        Cause::SignedOutEverywhere => admin.delete(&format!("{user}/sessions")).expect(202),
        Cause::TokenReused => scene.app.redeem_code(&scene.world, &here.spent, VERIFIER).expect(400),
        Cause::SignedOut | Cause::SignedOutWithTokens => {
            let setting = json!({ "logout_revokes_refresh_tokens": cause == Cause::SignedOutWithTokens });
            admin.patch("tenants/settings", &setting).expect(200);
            // By another browser with the same cookies: this one still has its own afterwards.
            let same = scene.world.browser();
            same.cookies.borrow_mut().clone_from(&here.browser.cookies.borrow());
            same.send(Method::GET, &scene.app.url(&format!("v2/logout?client_id={}", scene.app.id)), None)
                .expect(302)
        }
    };
}

#[test]
fn what_ends_is_what_the_table_says_and_nothing_else() {
    for (happens, row) in TABLE {
        for (bearer, reach) in Bearer::ALL.into_iter().zip(row) {
            assert_eq!(happens.ends(bearer), reach, "{happens:?} {bearer:?}");
            let scene = Scene::enrolled();
            let (mut here, mut there) = (holding(&scene), holding(&scene));
            let halfway = scene.world.browser();
            let page = scene.password(&halfway, &[]);
            for held in [&mut here, &mut there] {
                let back = held.browser.open(&scene.app.authorize(&[("prompt", "none")])).away();
                held.code = parameter(&back, "code").unwrap();
            }
            cause(&scene, happens, &here);
            if bearer == Bearer::Halfway {
                let seen =
                    halfway.submit(&page, &[("code", &code(&scene.world, super::second_factor::SEED, 1))]);
                let signs_in = matches!(&seen, Seen::Away(back) if parameter(back, "code").is_some());
                assert_eq!(signs_in, reach == Nothing, "{happens:?} {bearer:?}");
                continue;
            }
            let left = (here.has(&scene, bearer), there.has(&scene, bearer));
            let expected = match reach {
                All => (false, false),
                OfSession => (false, true),
                Nothing => (true, true),
            };
            assert_eq!(left, expected, "{happens:?} {bearer:?}");
        }
    }
}

#[test]
fn the_table_is_whole() {
    let causes: Vec<Cause> = TABLE.iter().map(|(cause, _)| *cause).collect();
    assert_eq!(causes, Cause::ALL);
}
