//! A key of the server before: what it is still good for, and every way to make more of it.

use super::{begin, finish, send};
use crate::support::{Ask, World};
use base64ct::{Base64UrlUnpadded, Encoding};
use gatehouse::{
    jose::{Algorithm, Jwk},
    platform::Platform,
    time::Lifetime,
};
use serde_json::{Value as Json, json};

const OLD: &str = "http://old.example/";

/// A world whose tenants acme and globex come from a server that signed for both with one key; the person of each is
/// `auth0|1`. Answers the key.
fn moved(shared: bool, issuer: &str) -> (World, Forge) {
    let world = World::new();
    for tenant in ["acme", "globex"] {
        world.tenant(tenant);
    }
    let forge = Forge::new(&world);
    let until = world.outside.now().plus(Lifetime::hours(24)).millis();
    for tenant in ["acme", "globex"] {
        begin(&world, tenant, false).expect(201);
        let key = json!({ "issuer": issuer, "kid": forge.public.kid, "algorithm": "RS256", "public_jwk": forge.public,
            "tenant": tenant, "shared": shared, "trusted_until": until, "created_at": 1 });
        send(&world, tenant, "former_keys", 0, &[key]).expect(200);
        let user = json!({ "user_id": "auth0|1", "provider": "auth0", "connection": "c", "email": "a@example.com",
            "email_verified": true, "phone_verified": false, "profile": {}, "user_metadata": {}, "app_metadata": {},
            "blocked": false, "created_at": 1, "updated_at": 2 });
        send(&world, tenant, "users", 0, &[user]).expect(200);
        finish(&world, tenant, &json!({})).expect(200);
    }
    (world, forge)
}

/// Whoever holds the private half of the old key.
struct Forge {
    private: gatehouse::secret::Secret,
    public: Jwk,
}

impl Forge {
    fn new(world: &World) -> Self {
        let pair = crate::support::block_on(world.outside.generate_key(Algorithm::RS256)).unwrap();
        Self { private: pair.private, public: pair.public.published(Algorithm::RS256) }
    }

    /// A token with these claims over those of a good one; null takes one away.
    fn token(&self, world: &World, claims: &Json) -> String {
        self.signed(world, &json!({ "alg": "RS256", "typ": "JWT", "kid": self.public.kid }), claims)
    }

    fn signed(&self, world: &World, header: &Json, changes: &Json) -> String {
        let now = world.outside.now().seconds();
        let mut claims = json!({ "iss": OLD, "sub": "auth0|1", "aud": "https://api.example", "tenant_id": "acme",
            "scope": "openid profile email", "iat": now, "exp": now + 86_400 });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let part = |json: &Json| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(&claims));
        let signer = crate::support::block_on(world.outside.signer(Algorithm::RS256, &self.private)).unwrap();
        let signature = crate::support::block_on(signer.sign(message.as_bytes())).unwrap();
        format!("{message}.{}", Base64UrlUnpadded::encode_string(&signature))
    }
}

fn userinfo(world: &World, tenant: &str, token: &str) -> u16 {
    world.send(Ask::get(tenant, "/userinfo").bearer(token)).status()
}

#[test]
fn a_token_of_the_server_before_is_good_for_its_tenant_until_the_last_has_expired() {
    let (world, forge) = moved(true, OLD);
    let token = forge.token(&world, &json!({}));
    assert_eq!(userinfo(&world, "acme", &token), 200);
    assert_eq!(userinfo(&world, "globex", &token), 401, "it names another tenant");
    assert_eq!(userinfo(&world, "", &token), 401, "the main tenant has no such key");
    let globex = forge.token(&world, &json!({ "tenant_id": "globex" }));
    assert_eq!((userinfo(&world, "acme", &globex), userinfo(&world, "globex", &globex)), (401, 200));
    // A token that says it lives longer than the key is trusted.
    let long = forge.token(&world, &json!({ "exp": 9_000_000_000_i64 }));
    assert_eq!(userinfo(&world, "acme", &long), 200);
    world.advance(Lifetime::hours(24));
    for token in [&token, &long] {
        assert_eq!(userinfo(&world, "acme", token), 401, "after the deadline");
    }
}

#[test]
fn no_other_token_of_the_old_key_is_accepted() {
    let (world, forge) = moved(true, OLD);
    let refused = |claims: Json| {
        let token = forge.token(&world, &claims);
        assert_eq!(userinfo(&world, "acme", &token), 401, "{claims}");
    };
    refused(json!({ "tenant_id": null }));
    refused(json!({ "tenant_id": "" }));
    refused(json!({ "tenant_id": ["acme"] }));
    refused(json!({ "tenant_id": { "acme": true } }));
    refused(json!({ "iss": "http://acme.localhost:8787/" }));
    refused(json!({ "iss": "http://acme.localhost:8787/", "aud": "http://acme.localhost:8787/userinfo" }));
    refused(json!({ "iss": "http://localhost:8787/" }));
    refused(json!({ "iss": "http://old.example" }));
    refused(json!({ "iss": "http://evil.example/" }));
    refused(json!({ "iss": null }));
    refused(json!({ "exp": world.outside.now().seconds() }));
    refused(json!({ "sub": "auth0|nobody" }));
    let no_scope = forge.token(&world, &json!({ "scope": "read:things" }));
    assert_eq!(userinfo(&world, "acme", &no_scope), 403);
    // Another key under its id; its key under another id; another algorithm.
    let other = Forge::new(&world);
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "typ": "JWT", "kid": kid });
    let kid = forge.public.kid.as_str();
    for token in [
        other.signed(&world, &header("RS256", kid), &json!({})),
        forge.signed(&world, &header("RS256", "another"), &json!({})),
        forge.signed(&world, &header("ES256", kid), &json!({})),
        forge.signed(&world, &header("none", kid), &json!({})),
        forge.signed(&world, &header("HS256", kid), &json!({})),
        forge.signed(&world, &json!({ "alg": "RS256", "typ": "JWT" }), &json!({})),
    ] {
        assert_eq!(userinfo(&world, "acme", &token), 401, "{token}");
    }
}

#[test]
fn the_old_key_never_manages_never_signs_and_is_not_published_under_a_new_issuer() {
    let (world, forge) = moved(true, OLD);
    for audience in
        ["http://localhost:8787/api/v2/", "http://acme.localhost:8787/api/v2/", "urn:authhero:management"]
    {
        for typ in ["JWT", "at+jwt"] {
            for iss in [OLD, "http://acme.localhost:8787/", "http://localhost:8787/"] {
                let header = json!({ "alg": "RS256", "typ": typ, "kid": forge.public.kid });
                let claims = json!({ "aud": audience, "iss": iss, "scope": "openid read:users import:tenants",
                    "gty": "client-credentials" });
                let token = forge.signed(&world, &header, &claims);
                world.send(Ask::get("acme", "/api/v2/users").bearer(&token)).expect(401);
                world
                    .send(Ask::get("", "/api/v2/users").header("tenant-id", "acme").bearer(&token))
                    .expect(401);
                world.send(Ask::get("", "/management/tenants").bearer(&token)).expect(401);
            }
        }
    }
    for tenant in ["acme", "globex"] {
        let keys = world.send(Ask::get(tenant, "/.well-known/jwks.json")).expect(200).json();
        let kids: Vec<&Json> = keys["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
        assert!(kids.len() == 1 && *kids[0] != forge.public.kid, "{kids:?}");
        // What the tenant signs from the first moment on is signed with its own key.
        let own = world.signed(tenant, &json!({}));
        assert_ne!(crate::oauth::opened(&own).0["kid"], forge.public.kid.as_str());
        let rows =
            world.home(tenant).query(&format!("select kid from signing_keys where tenant_id = '{tenant}'"));
        assert_eq!(rows.len(), 1, "it is not even among the keys that could sign");
    }
}

#[test]
fn a_domain_that_came_along_publishes_the_key_of_its_own_issuer_only() {
    let domain = "http://login.acme.example/";
    let (world, forge) = moved(true, domain);
    world
        .database("DIRECTORY")
        .query("insert into hosts (host, tenant_id, created_at) values ('login.acme.example', 'acme', 1)");
    let published = |host: &str| {
        let keys = world.send(Ask::get(host, "/.well-known/jwks.json")).expect(200).json();
        keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == forge.public.kid.as_str())
    };
    assert!(published("login.acme.example"));
    assert!(!published("acme"));
    let token = |tenant: &str| forge.token(&world, &json!({ "iss": domain, "tenant_id": tenant }));
    assert_eq!(userinfo(&world, "login.acme.example", &token("acme")), 200);
    assert_eq!(userinfo(&world, "login.acme.example", &token("globex")), 401);
    world.advance(Lifetime::hours(24));
    assert!(!published("login.acme.example"));
}

#[test]
fn a_key_of_one_tenant_need_not_be_told_whose_it_is_but_must_not_be_told_another() {
    let (world, forge) = moved(false, OLD);
    assert_eq!(userinfo(&world, "acme", &forge.token(&world, &json!({ "tenant_id": null }))), 200);
    assert_eq!(userinfo(&world, "acme", &forge.token(&world, &json!({ "tenant_id": "globex" }))), 401);
}

#[test]
fn a_former_key_that_could_be_misused_is_refused() {
    let world = World::new();
    world.tenant("acme");
    begin(&world, "acme", false).expect(201);
    let public = Forge::new(&world).public;
    let now = world.outside.now();
    let good = json!({ "issuer": OLD, "kid": public.kid, "algorithm": "RS256", "public_jwk": public, "tenant": "acme",
        "shared": true, "trusted_until": now.plus(Lifetime::days(30)).millis(), "created_at": 1 });
    let mut private = json!(public);
    private["d"] = json!("AQAB");
    let mut short = json!(public);
    short["n"] = json!("a".repeat(171));
    for (column, value) in [
        ("trusted_until", json!(now.plus(Lifetime::days(30)).millis() + 1)),
        ("issuer", json!("old.example")),
        ("kid", json!("another")),
        ("tenant", json!("")),
        ("algorithm", json!("HS256")),
        ("algorithm", json!("ES256")),
        ("public_jwk", private),
        ("public_jwk", short),
        ("public_jwk", json!({ "kty": "oct", "kid": public.kid, "alg": "RS256" })),
    ] {
        let mut bad = good.clone();
        bad[column] = value;
        let answer = send(&world, "acme", "former_keys", 0, &[bad]).expect(400).json();
        assert_eq!(answer["detail"]["column"], column, "{answer}");
    }
    send(&world, "acme", "former_keys", 0, &[good]).expect(200);
}
