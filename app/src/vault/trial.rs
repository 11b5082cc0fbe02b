//! A key is tried before it is used.

use js_sys::{Array, Object, Reflect, Uint8Array, global};
use kindling_domain::keys::SshKey;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, DedicatedWorkerGlobalScope, SubtleCrypto};

const MESSAGE: &[u8] = b"Kindling";

/// Whether a signature that the private half makes is good for the public one: by the browser's own implementation, which shares nothing
/// with ours, where the page may use it.
pub async fn signs(key: &SshKey) -> bool {
    let scope: DedicatedWorkerGlobalScope = global().unchecked_into();
    let subtle = scope.crypto().map(|crypto| crypto.subtle());
    match subtle {
        // Outside secure contexts there is none, whatever its type says.
        Ok(subtle) if !subtle.is_undefined() => match by_browser(&subtle, key).await {
            Ok(verdict) => verdict,
            // A browser that refuses to judge has said nothing against the key.
            Err(_) => key.signs(MESSAGE),
        },
        _ => key.signs(MESSAGE),
    }
}

async fn by_browser(subtle: &SubtleCrypto, key: &SshKey) -> Result<bool, JsValue> {
    let (private, public) = key.rsa_der().ok_or(JsValue::UNDEFINED)?;
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"RSASSA-PKCS1-v1_5".into())?;
    Reflect::set(&algorithm, &"hash".into(), &"SHA-256".into())?;
    let import = async |format, der: &[u8], usage: &str| {
        let bytes = Uint8Array::from(der);
        let usages = Array::of1(&usage.into());
        let import = subtle.import_key_with_object(format, &bytes, &algorithm, false, &usages)?;
        // It was copied.
        bytes.fill(0, 0, bytes.length());
        Ok::<CryptoKey, JsValue>(JsFuture::from(import).await?.unchecked_into())
    };
    let public = import("spki", &public, "verify").await?;
    let private = import("pkcs8", private.as_bytes(), "sign").await?;
    let signature = subtle.sign_with_object_and_u8_array(&algorithm, &private, MESSAGE)?;
    let signature: Object = JsFuture::from(signature).await?.unchecked_into();
    let verdict = subtle.verify_with_object_and_buffer_source_and_u8_array(
        &algorithm, &public, &signature, MESSAGE,
    )?;
    Ok(JsFuture::from(verdict).await?.is_truthy())
}
