//! A key is tried before it is used.

use js_sys::{Array, Object, Promise, Reflect, Uint8Array, global};
use kindling_domain::keys::SshKey;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, DedicatedWorkerGlobalScope, SubtleCrypto};

const MESSAGE: &[u8] = b"Kindling";
/// How long the browser may take, in milliseconds: a hundred times what it needs on a laptop.
const PATIENCE: i32 = 3_000;

/// Whether a signature that the private half makes is good for the public one: by the browser's own implementation, which shares nothing
/// with ours, where the page may use it.
pub async fn signs(key: &SshKey) -> bool {
    let subtle = scope().crypto().map(|crypto| crypto.subtle());
    match subtle {
        // Outside secure contexts there is none, whatever its type says.
        Ok(subtle) if !subtle.is_undefined() => match in_time(by_browser(&subtle, key)).await {
            Some(Ok(verdict)) => verdict,
            // A browser that refuses to judge, or does not come to it, has said nothing against the key.
            Some(Err(_)) | None => key.signs(MESSAGE),
        },
        _ => key.signs(MESSAGE),
    }
}

/// What comes of it, if anything does before [`PATIENCE`] ends.
async fn in_time<T>(work: impl Future<Output = T>) -> Option<T> {
    let end = Promise::new(&mut |ends, _| {
        // Where there is no clock nothing ends.
        let _ = scope().set_timeout_with_callback_and_timeout_and_arguments_0(&ends, PATIENCE);
    });
    let mut end = pin!(JsFuture::from(end));
    let mut work = pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(context).map(|_| None),
    })
    .await
}

fn scope() -> DedicatedWorkerGlobalScope {
    global().unchecked_into()
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
