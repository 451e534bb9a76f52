//! Keys that a client proves who it is with instead of a secret (RFC 7523; Auth0: `client_authentication_methods`). Pure.

use super::model::{AuthMethod, Client};
use crate::{
    http::shape::{Kind, Member},
    jose::{Jwk, pem},
};
use serde_json::Value as Json;

/// The member of a client, with what it can hold.
pub const NAME: &str = "client_authentication_methods";
/// Of two keys one can follow the other (Auth0's limit).
const MOST: usize = 2;
/// An RSA key of 4096 bits has 800 letters.
const PEM: usize = 2048;

/// What [`NAME`] can hold.
pub const METHODS: [Member; 1] = [Member::new("private_key_jwt", Kind::Object(&PRIVATE_KEY_JWT)).or_null()];
const PRIVATE_KEY_JWT: [Member; 1] =
    [Member::new("credentials", Kind::List(&Kind::Object(&CREDENTIAL), MOST))];
const CREDENTIAL: [Member; 5] = [
    Member::new("credential_type", Kind::Word(&["public_key"])),
    Member::new("name", Kind::Text(0, 128)).or_null(),
    Member::new("kid", Kind::Text(1, 64)).or_null(),
    Member::new("alg", Kind::Word(&["RS256", "ES256"])).or_null(),
    Member::new("pem", Kind::Text(1, PEM)),
];

impl Client {
    fn credentials(&self) -> &[Json] {
        let methods = self.other.get(NAME).and_then(|methods| methods.get("private_key_jwt"));
        let credentials = methods.and_then(|method| method.get("credentials")).and_then(Json::as_array);
        credentials.map_or(&[], Vec::as_slice)
    }

    /// Whether it proves who it is by a key, and by nothing else.
    pub fn proves_by_key(&self) -> bool {
        !self.credentials().is_empty()
    }

    /// Its keys, each with the id that its assertions name it by: `kid`, or else the thumbprint (RFC 7638).
    pub fn keys(&self) -> impl Iterator<Item = Jwk> {
        self.credentials().iter().filter_map(|credential| key(credential).ok())
    }

    /// Checks its keys.
    ///
    /// # Errors
    /// Words that name the member.
    pub fn check_credentials(&self) -> Result<(), String> {
        if self.proves_by_key() && self.token_endpoint_auth_method == AuthMethod::None {
            return Err(format!("{NAME}: a client with token_endpoint_auth_method none proves nothing"));
        }
        let check = |credential: &Json| key(credential).map(|_| ());
        self.credentials().iter().try_for_each(check).map_err(|why| format!("{NAME}: {why}"))
    }
}

fn key(credential: &Json) -> Result<Jwk, &'static str> {
    let text = |name: &str| credential.get(name).and_then(Json::as_str);
    let key = text("pem").and_then(pem::public_key).ok_or(
        "pem must be a public key (-----BEGIN PUBLIC KEY-----): RSA of 2048 to 4096 bits, or EC on P-256",
    )?;
    if text("alg").is_some_and(|algorithm| algorithm != key.alg) {
        return Err("alg is not that of the key: RS256 for RSA, ES256 for EC");
    }
    Ok(Jwk { kid: text("kid").map_or(key.kid, str::to_owned), ..key })
}
