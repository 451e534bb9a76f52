//! Signatures through WebCrypto: the private key is used where it is constant-time, and never in WASM.

use super::wire::thrown;
use crate::{
    error::Fault,
    jose::{Algorithm, Jwk},
    json,
    platform::{KeyPair, LocalBox, Signer},
    secret::Secret,
};
use js_sys::{Array, JSON, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// A key inside the platform.
    #[derive(Clone)]
    pub type CryptoKey;

    type CryptoKeyPair;
    #[wasm_bindgen(method, getter, js_name = privateKey)]
    fn private_key(this: &CryptoKeyPair) -> CryptoKey;
    #[wasm_bindgen(method, getter, js_name = publicKey)]
    fn public_key(this: &CryptoKeyPair) -> CryptoKey;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = generateKey, catch)]
    async fn generate_key(algorithm: &JsValue, extractable: bool, usages: &Array)
    -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = exportKey, catch)]
    async fn export_key(format: &str, key: &CryptoKey) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    async fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        usages: &Array,
    ) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    async fn sign(algorithm: &JsValue, key: &CryptoKey, message: &[u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    async fn verify(
        algorithm: &JsValue,
        key: &CryptoKey,
        signature: &[u8],
        message: &[u8],
    ) -> Result<JsValue, JsValue>;
}

/// Everything WebCrypto wants to know of an algorithm; each of its functions ignores what it does not need.
fn parameters(algorithm: Algorithm) -> Result<JsValue, Fault> {
    let text = match algorithm {
        Algorithm::RS256 => r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256","modulusLength":2048}"#,
        Algorithm::ES256 => r#"{"name":"ECDSA","hash":"SHA-256","namedCurve":"P-256"}"#,
    };
    let parameters = JSON::parse(text).map_err(thrown("algorithm"))?;
    // 65537, the only public exponent in use.
    let exponent = Uint8Array::from([1, 0, 1].as_slice());
    Reflect::set(&parameters, &JsValue::from_str("publicExponent"), &exponent)
        .map_err(thrown("algorithm"))?;
    Ok(parameters)
}

/// The usages of a key, or of both halves of a pair.
fn usages(names: &[&str]) -> Array {
    names.iter().map(|name| JsValue::from_str(name)).collect()
}

async fn import(jwk: &str, parameters: &JsValue, usage: &str) -> Result<CryptoKey, Fault> {
    let jwk = JSON::parse(jwk).map_err(thrown("key"))?;
    let key =
        import_key("jwk", &jwk, parameters, false, &usages(&[usage])).await.map_err(thrown("importKey"))?;
    Ok(key.unchecked_into())
}

async fn export(key: &CryptoKey) -> Result<String, Fault> {
    let jwk = export_key("jwk", key).await.map_err(thrown("exportKey"))?;
    JSON::stringify(&jwk).map(String::from).map_err(thrown("exportKey"))
}

/// Makes a key pair.
///
/// # Errors
/// A fault of the platform.
pub async fn generate(algorithm: Algorithm) -> Result<KeyPair, Fault> {
    let pair = generate_key(&parameters(algorithm)?, true, &usages(&["sign", "verify"])).await;
    let pair: CryptoKeyPair = pair.map_err(thrown("generateKey"))?.unchecked_into();
    let public = export(&pair.public_key()).await?;
    let public: Jwk = json::read(&public)
        .map_err(|error| Fault::internal(format!("a public key that is no JWK: {error}")))?;
    Ok(KeyPair { private: Secret::new(export(&pair.private_key()).await?), public })
}

/// A private key inside the platform.
pub struct Held {
    parameters: JsValue,
    key: CryptoKey,
}

impl Held {
    /// Takes a private JWK in. It cannot be taken out again.
    ///
    /// # Errors
    /// A fault if it is not a private key of this algorithm.
    pub async fn import(algorithm: Algorithm, private_jwk: &Secret) -> Result<Self, Fault> {
        let parameters = parameters(algorithm)?;
        let key = import(private_jwk.expose(), &parameters, "sign").await?;
        Ok(Self { parameters, key })
    }
}

impl Signer for Held {
    fn sign<'a>(&'a self, message: &'a [u8]) -> LocalBox<'a, Result<Vec<u8>, Fault>> {
        Box::pin(async move {
            let signature = sign(&self.parameters, &self.key, message).await.map_err(thrown("sign"))?;
            Ok(Uint8Array::new(&signature).to_vec())
        })
    }
}

/// Whether `signature` over `message` was made by the private half of `key`.
///
/// # Errors
/// A fault if `key` is not a public key of an algorithm that we use.
pub async fn holds(key: &Jwk, message: &[u8], signature: &[u8]) -> Result<bool, Fault> {
    let algorithm = if key.kty == "EC" { Algorithm::ES256 } else { Algorithm::RS256 };
    let parameters = parameters(algorithm)?;
    let jwk = serde_json::to_string(key).map_err(|error| Fault::internal(format!("key: {error}")))?;
    let key = import(&jwk, &parameters, "verify").await?;
    let answer = verify(&parameters, &key, signature, message).await.map_err(thrown("verify"))?;
    Ok(answer.as_bool() == Some(true))
}
