//! Answers: JSON that no cache keeps, and refusals with a stable code.

use kindling_domain::error::{ApiError, ErrorBody, ErrorCode};
use serde::Serialize;
use worker::{Error, Headers, Response, Result};

/// On every answer of the API: kept by no cache, embedded nowhere, sniffed as nothing else.
const HEADERS: [(&str, &str); 5] = [
    ("content-type", "application/json; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

thread_local! {
    /// [`HEADERS`] as JavaScript has them. A copy is one call; setting them one by one would be the dearest part of a status read.
    static TEMPLATE: Result<Headers> = template();
}

fn template() -> Result<Headers> {
    let headers = Headers::new();
    for (name, value) in HEADERS {
        headers.set(name, value)?;
    }
    Ok(headers)
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
