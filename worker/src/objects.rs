//! One bounded call from the Worker or an object to another object of this house: it answers in time, or it did not answer.

use crate::http::in_time;
use kindling_domain::order::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use worker::wasm_bindgen::JsValue;
use worker::{Env, Error, Method, Request, RequestInit, Result, console_error};

/// How long an object that an order depends on may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the object `name` of `binding`. What an object refuses is an answer, too.
///
/// # Errors
/// `Unknown` if no answer came in time or none that is understood: the object may have done what it was asked. Asking again is
/// harmless, because objects answer by order id.
pub async fn ask<T: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    question: &impl Serialize,
    within: Duration,
) -> std::result::Result<T, Failure> {
    match in_time(within, exchange(env, binding, name, question)).await {
        Some(Ok(answer)) => return Ok(answer),
        Some(Err(error)) => console_error!("{binding} {name}: {error}"),
        None => console_error!("{binding} {name}: no answer in time"),
    }
    Err(Failure::Unknown)
}

async fn exchange<T: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    question: &impl Serialize,
) -> Result<T> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(JsValue::from_str(&serde_json::to_string(question)?)));
    let request = Request::new_with_init("http://object/", &init)?;
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    let mut response = stub.fetch_with_request(request).await?;
    let text = response.text().await?;
    match response.status_code() {
        200 => Ok(serde_json::from_str(&text)?),
        status => Err(Error::RustError(format!("status {status}"))),
    }
}
