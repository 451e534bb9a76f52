//! Clients that prove who they are by a key: what they sign, and what is not good enough.

use super::error;
use crate::support::{Answer, Application, Ask, World};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use gatehouse::time::Lifetime;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value as Json, json};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ISSUER: &str = "http://localhost:8787/";
const API: &str = "https://api.example";

/// A key of a client's own.
enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Key {
    fn rsa(number: usize) -> Self {
        let keys: Json = serde_json::from_str(include_str!("../support/keys.json")).unwrap();
        let pkcs8 = Base64UrlUnpadded::decode_vec(keys[number]["pkcs8"].as_str().unwrap()).unwrap();
        Self::Rsa(RsaKeyPair::from_pkcs8(&pkcs8).unwrap())
    }

    fn ec() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
        }
    }

    /// Its public half, as `openssl pkey -pubout` writes it.
    fn pem(&self) -> String {
        let rsa: [u8; 15] = [0x30, 0x0d, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
        let ec: [u8; 21] = [
            0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
        ];
        let (kind, key) = match self {
            Self::Rsa(pair) => (rsa.to_vec(), pair.public_key().as_ref().to_vec()),
            Self::Ec(pair) => (ec.to_vec(), pair.public_key().as_ref().to_vec()),
        };
        let bits = der(3, &[&[0][..], &key].concat());
        pem(&der(0x30, &[kind, bits].concat()))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
        }
    }

    fn signed(&self, header: &Json, claims: &Json) -> String {
        let part = |json: &Json| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = Base64UrlUnpadded::encode_string(&self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let head = match length {
        0..=0x7f => vec![tag, length.to_be_bytes()[1]],
        0x80..=0xff => vec![tag, 0x81, length.to_be_bytes()[1]],
        _ => [&[tag, 0x82][..], &length.to_be_bytes()].concat(),
    };
    [&head[..], content].concat()
}

fn pem(der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}

fn methods(credentials: &Json) -> Json {
    json!({ "client_authentication_methods": { "private_key_jwt": { "credentials": credentials } } })
}

/// A machine with these keys, and what it may.
struct Scene {
    world: World,
    app: Application,
}

impl Scene {
    fn new(credentials: &Json) -> Self {
        let world = World::new();
        let mut document = methods(credentials);
        document["token_endpoint_auth_method"] = json!("client_secret_post");
        document["grant_types"] = json!(["client_credentials", "refresh_token", "authorization_code"]);
        let app = world.application("", &document);
        world.admin("").post("resource-servers", &json!({ "identifier": API, "scopes": [] })).expect(201);
        let grant = json!({ "client_id": app.id, "audience": API, "scope": [] });
        world.admin("").post("client-grants", &grant).expect(201);
        Self { world, app }
    }

    fn now(&self) -> i64 {
        self.world.outside.now_millis() / 1000
    }

    /// What the machine says, with changes; null takes a claim away.
    fn claims(&self, changes: &Json) -> Json {
        let jti = format!("jti-{}", self.world.outside.now_millis());
        let mut claims = json!({ "iss": self.app.id, "sub": self.app.id, "aud": ISSUER, "jti": jti,
            "iat": self.now(), "exp": self.now() + 60 });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.world.advance(Lifetime::milliseconds(1));
        claims
    }

    fn send(&self, assertion: &str, more: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("audience", API),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ];
        form.extend_from_slice(more);
        self.world.send(Ask::post("", "/oauth/token").form(&form))
    }

    fn ask(&self, key: &Key, changes: &Json) -> Answer {
        self.send(&key.signed(&json!({ "alg": key.algorithm() }), &self.claims(changes)), &[])
    }
}

fn credential(key: &Key) -> Json {
    json!({ "credential_type": "public_key", "name": "one", "pem": key.pem() })
}

#[test]
fn a_client_with_a_key_proves_who_it_is_by_what_it_signs() {
    for key in [Key::rsa(0), Key::ec()] {
        let mut credential = credential(&key);
        credential["kid"] = json!("first");
        credential["alg"] = json!(key.algorithm());
        let scene = Scene::new(&json!([credential]));
        scene.ask(&key, &json!({})).expect(200);
        let answer = scene.ask(&key, &json!({})).expect(200);
        assert_eq!(answer.round_trips(), 2, "that it was not used before costs one more than a secret");
        for audience in [
            json!(format!("{ISSUER}oauth/token")),
            json!([ISSUER]),
            json!(["https://other.example", format!("{ISSUER}oauth/token")]),
        ] {
            scene.ask(&key, &json!({ "aud": audience })).expect(200);
        }
        let header = json!({ "alg": key.algorithm(), "typ": "JWT", "kid": "first" });
        let signed = key.signed(&header, &scene.claims(&json!({})));
        scene.send(&signed, &[("client_id", &scene.app.id)]).expect(200);
        let other = json!({ "alg": key.algorithm(), "kid": "second" });
        scene.send(&key.signed(&other, &scene.claims(&json!({}))), &[]).expect(401);
        // Its secret is worth nothing any more, nor is no proof at all.
        let secret = scene.app.secret.clone().unwrap();
        for form in [vec![], vec![("client_secret", &*secret)]] {
            let form = [
                &[("grant_type", "client_credentials"), ("audience", API), ("client_id", &*scene.app.id)],
                &form[..],
            ];
            let answer = scene.world.send(Ask::post("", "/oauth/token").form(&form.concat())).expect(401);
            assert_eq!(error(&answer), "invalid_client");
        }
        let revoke = |assertion: &str| {
            let form =
                [("token", "rt_x.y"), ("client_assertion_type", TYPE), ("client_assertion", assertion)];
            scene.world.send(Ask::post("", "/oauth/revoke").form(&form))
        };
        let at_revocation = json!({ "aud": format!("{ISSUER}oauth/revoke") });
        revoke(&key.signed(&json!({ "alg": key.algorithm() }), &scene.claims(&at_revocation))).expect(200);
        revoke("x").expect(401);
    }
}

#[test]
fn what_is_not_for_us_not_now_or_not_theirs_proves_nothing() {
    let (key, stranger) = (Key::ec(), Key::ec());
    let scene = Scene::new(&json!([credential(&key)]));
    let now = scene.now();
    for (changes, what) in [
        (json!({ "iss": "somebody" }), "of somebody else"),
        (json!({ "iss": null }), "of nobody"),
        (json!({ "aud": "https://other.example/" }), "for another server"),
        (json!({ "aud": "http://localhost:8787" }), "for an issuer that is written otherwise"),
        (json!({ "aud": null }), "for nobody"),
        (json!({ "aud": [] }), "for nobody"),
        (json!({ "exp": null }), "without an end"),
        (json!({ "exp": now - 1 }), "over"),
        (json!({ "exp": now + 400 }), "good for too long"),
        (json!({ "exp": i64::MAX }), "good for ever"),
        (json!({ "exp": "later" }), "no number"),
        (json!({ "nbf": now + 60 }), "good later"),
        (json!({ "iat": now + 60 }), "made later"),
        (json!({ "jti": null }), "without an id"),
        (json!({ "jti": "" }), "without an id"),
        (json!({ "jti": "x".repeat(300) }), "with an id without end"),
    ] {
        let answer = scene.ask(&key, &changes).expect(401);
        assert_eq!(error(&answer), "invalid_client", "{what}: {changes}");
    }
    let good = json!({ "alg": "ES256" });
    let signed = |key: &Key, header: &Json| key.signed(header, &scene.claims(&json!({})));
    let fine = signed(&key, &good);
    let (message, signature) = fine.rsplit_once('.').unwrap();
    for (assertion, what) in [
        (signed(&stranger, &good), "another key"),
        (signed(&Key::rsa(1), &json!({ "alg": "RS256" })), "another kind of key"),
        (signed(&key, &json!({ "alg": "none" })), "no algorithm"),
        (signed(&key, &json!({ "alg": "HS256" })), "an algorithm of secrets"),
        (signed(&key, &json!({ "alg": "RS256" })), "another algorithm than the key's"),
        (format!("{message}."), "no signature"),
        (format!("{message}.{}", signature.chars().rev().collect::<String>()), "another signature"),
        ("a.b.c".to_owned(), "nonsense"),
        (String::new(), "nothing"),
    ] {
        let answer = scene.send(&assertion, &[]);
        assert!([400, 401].contains(&answer.status()), "{what}: {}", answer.text());
    }
    scene.send(&fine, &[]).expect(200);
    scene.ask(&key, &json!({ "exp": now + 300, "nbf": now, "iat": now + 20 })).expect(200);
}

#[test]
fn an_assertion_is_good_once_also_while_the_tenant_is_read_only() {
    let key = Key::ec();
    let scene = Scene::new(&json!([credential(&key)]));
    let signed = |changes: &Json| key.signed(&json!({ "alg": "ES256" }), &scene.claims(changes));
    let first = signed(&json!({}));
    scene.send(&first, &[]).expect(200);
    scene.send(&first, &[]).expect(401);
    scene.another(&first).expect(401);
    // What it says otherwise does not make it another.
    let jti = json!({ "jti": "the-one" });
    scene.send(&signed(&jti), &[]).expect(200);
    scene.send(&signed(&jti), &[]).expect(401);
    // Two at once: one of them.
    let (both, form) = (signed(&json!({})), |assertion: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("audience", API),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ];
        Ask::post("", "/oauth/token").form(&form)
    });
    let answers = scene.world.send_at_once(vec![form(&both), form(&both), form(&both)]);
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    scene.world.database("DIRECTORY").query("update tenants set status = 'read_only' where id = 'main'");
    scene.world.advance(Lifetime::seconds(5));
    let paused = signed(&json!({}));
    scene.send(&paused, &[]).expect(200);
    scene.send(&paused, &[]).expect(401);
}

impl Scene {
    /// Through an isolate that knows nothing yet.
    fn another(&self, assertion: &str) -> Answer {
        let form = [
            ("grant_type", "client_credentials"),
            ("audience", API),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
        ];
        self.world.another_isolate().send(Ask::post("", "/oauth/token").form(&form))
    }
}

#[test]
fn a_request_proves_itself_in_one_way() {
    let key = Key::ec();
    let scene = Scene::new(&json!([credential(&key)]));
    let signed = || key.signed(&json!({ "alg": "ES256" }), &scene.claims(&json!({})));
    let refused = |more: &[(&str, &str)], expected: &str| {
        assert_eq!(error(&scene.send(&signed(), more).expect(400)), expected, "{more:?}");
    };
    refused(&[("client_secret", "secret")], "invalid_request");
    refused(&[("client_id", "somebody")], "invalid_request");
    let basic = format!("Basic {}", Base64::encode_string(format!("{}:secret", scene.app.id).as_bytes()));
    for form in [
        vec![("client_assertion_type", TYPE)],
        vec![("client_assertion", "x"), ("client_assertion_type", "urn:other")],
        vec![("client_assertion", "x")],
    ] {
        let ask = Ask::post("", "/oauth/token")
            .form(&[&[("grant_type", "client_credentials")], &form[..]].concat());
        assert_eq!(error(&scene.world.send(ask).expect(400)), "invalid_request", "{form:?}");
    }
    let assertion = signed();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", TYPE),
        ("client_assertion", &assertion),
    ];
    let ask = Ask::post("", "/oauth/token").form(&form).header("authorization", &basic);
    assert_eq!(error(&scene.world.send(ask).expect(400)), "invalid_request");
    // A public client has no key, and none of the others has this one.
    for document in [
        json!({ "app_id": "public" }),
        json!({ "app_id": "other", "token_endpoint_auth_method": "client_secret_post" }),
    ] {
        let other = scene.world.application("", &document);
        let about = json!({ "iss": other.id, "sub": other.id });
        scene.send(&key.signed(&json!({ "alg": "ES256" }), &scene.claims(&about)), &[]).expect(401);
    }
}

#[test]
fn keys_are_checked_when_they_are_set_and_two_may_follow_each_other() {
    let world = World::new();
    let admin = world.admin("");
    let (rsa, ec) = (Key::rsa(0), Key::ec());
    let body = |credentials: &Json| {
        let mut body = methods(credentials);
        body["name"] = json!("Machine");
        body["app_type"] = json!("non_interactive");
        body
    };
    let made = admin.post("clients", &body(&json!([credential(&rsa)]))).expect(201).json();
    let path = format!("clients/{}", made["client_id"].as_str().unwrap());
    let shown = &admin.get(&path).expect(200).json()["client_authentication_methods"];
    assert_eq!(shown["private_key_jwt"]["credentials"][0]["pem"], rsa.pem());
    admin.patch(&path, &methods(&json!([credential(&rsa), credential(&ec)]))).expect(200);
    let point = |bytes: usize| {
        let kind = [
            0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
        ];
        pem(&der(0x30, &[&kind[..], &der(3, &[&[0, 4][..], &vec![7; bytes]].concat())].concat()))
    };
    let with = |name: &str, value: Json| {
        let mut credential = credential(&ec);
        credential[name] = value;
        json!([credential])
    };
    let shortened = ec.pem().replacen("MFk", "MFg", 1);
    for wrong in [
        with("pem", json!("nonsense")),
        with("pem", json!(point(63))),
        with("pem", json!(shortened)),
        with("pem", json!(rsa.pem().replace("PUBLIC", "RSA PUBLIC"))),
        with("pem", Json::Null),
        with("alg", json!("RS256")),
        with("alg", json!("PS256")),
        with("credential_type", json!("cert_subject_dn")),
        with("expires_at", json!("2030-01-01T00:00:00Z")),
        json!([credential(&ec), credential(&ec), credential(&ec)]),
        json!("x"),
    ] {
        admin.patch(&path, &methods(&wrong)).expect(400);
    }
    // Whoever sets a key can be the client, as by its secret.
    let narrow = world.admin("create:clients read:clients update:clients");
    let own =
        narrow.post("clients", &json!({ "name": "Own", "app_type": "non_interactive" })).expect(201).json();
    let own = format!("clients/{}", own["client_id"].as_str().unwrap());
    narrow.patch(&own, &json!({ "description": "A machine" })).expect(200);
    let answer = narrow.patch(&own, &methods(&json!([credential(&ec)]))).expect(403);
    assert!(answer.text().contains("update:client_keys"), "{}", answer.text());
    let mut public = methods(&json!([credential(&ec)]));
    public["token_endpoint_auth_method"] = json!("none");
    public["grant_types"] = json!([]);
    admin.patch(&path, &public).expect(400);
    admin.patch(&path, &json!({ "client_authentication_methods": null })).expect(200);
}
