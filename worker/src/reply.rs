//! Answers: JSON that no cache keeps, and refusals with a stable code.

use kindling_domain::error::{ApiError, ErrorBody, ErrorCode};
use serde::Serialize;
use worker::js_sys::JsString;
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsValue};
use worker::worker_sys::web_sys::ResponseInit;
use worker::{Error, Headers, Response, Result};

/// What the bodies are, nearly all of them.
const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

/// On every answer of the Worker, whatever it says: kept by no cache, embedded nowhere, sniffed as nothing else, asked for by https
/// only, and no power for whatever it is taken for. entry.js has the same for the one answer that it gives itself.
const HEADERS: [(&str, &str); 8] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        "strict-transport-security",
        "max-age=63072000; includeSubDomains",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()",
    ),
];

thread_local! {
    /// [`HEADERS`] and [`JSON`] as JavaScript has them. A copy is one call; setting them one by one would be the dearest part of a status read.
    static TEMPLATE: Result<Headers> = template();
    /// The same with the status 200, as a `Response` is made from.
    static GOOD: Option<ResponseInit> = TEMPLATE.with(|template| {
        let init = ResponseInit::new();
        init.set_status(200);
        init.set_headers(&template.as_ref().ok()?.0);
        Some(init)
    });
}

#[wasm_bindgen]
extern "C" {
    /// A `Response` whose body is a string that JavaScript has already.
    #[wasm_bindgen(js_name = Response)]
    pub type Seen;
    #[wasm_bindgen(constructor, catch, js_class = "Response")]
    fn new(body: &JsString, init: &ResponseInit) -> std::result::Result<Seen, JsValue>;
}

/// JSON text that JavaScript has already, as an answer: neither it nor a header is copied in or out of this module.
pub fn seen(text: &JsString) -> Option<Seen> {
    GOOD.with(|init| Seen::new(text, init.as_ref()?).ok())
}

fn template() -> Result<Headers> {
    let headers = Headers::new();
    headers.set(JSON.0, JSON.1)?;
    protect(&headers)?;
    Ok(headers)
}

/// Sets what every answer has.
pub fn protect(headers: &Headers) -> Result<()> {
    for (name, value) in HEADERS {
        headers.set(name, value)?;
    }
    Ok(())
}

/// Done, and nothing to say of it.
pub fn done() -> Result<Response> {
    let response = Response::empty()?.with_status(204);
    protect(response.headers())?;
    Ok(response)
}

/// Plain text as an answer.
pub fn text(text: &str) -> Result<Response> {
    let response = json_text(200, text.to_owned())?;
    let headers = response.headers();
    headers.set("content-type", "text/plain; charset=utf-8")?;
    Ok(response)
}

/// JSON text as an answer.
pub fn json_text(status: u16, text: String) -> Result<Response> {
    let headers = TEMPLATE.with(|template| match template {
        Ok(headers) => Ok(headers.clone()),
        Err(error) => Err(Error::RustError(error.to_string())),
    })?;
    Ok(Response::builder()
        .with_status(status)
        .with_headers(headers)
        .fixed(text.into_bytes()))
}

/// A value as an answer.
pub fn json<T: Serialize>(status: u16, value: &T) -> Result<Response> {
    json_text(status, serde_json::to_string(value)?)
}

/// A refusal.
pub fn refuse(error: impl Into<ApiError>) -> Result<Response> {
    let error = error.into();
    let status = error.code.status();
    let response = json(status, &ErrorBody { error })?;
    if status == 503 || status == 429 {
        response.headers().set("retry-after", "30")?;
    }
    if status == 426 {
        response.headers().set("upgrade", "websocket")?;
    }
    Ok(response)
}

/// Something on our side went wrong: the log gets the operation's name and the error, the client gets neither.
pub fn broken(what: &str, error: &worker::Error) -> Result<Response> {
    worker::console_error!("{what}: {error}");
    refuse(ErrorCode::TemporarilyUnavailable)
}
