//! One bounded call from the Worker or an object to another object of this house: it answers in time, or it did not answer.

use crate::http::in_time;
use kindling_domain::id::OrderId;
use kindling_domain::order::Failure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use worker::js_sys::{Object, Promise, Reflect, futures::JsFuture};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsCast, JsValue};
use worker::worker_sys::web_sys;
use worker::{Env, Error, Request, Result, console_error};

/// The Durable Object binding of orders.
pub const ORDERS: &str = "ORDER";

#[wasm_bindgen]
extern "C" {
    /// The objects of one class. worker's own type asks JavaScript for the class's name each time it is used.
    type Objects;
    #[wasm_bindgen(method, catch, js_name = getByName)]
    fn get_by_name(this: &Objects, name: &str) -> std::result::Result<Stub, JsValue>;

    /// One object, as it is called. worker's own would take its answer apart and build it anew.
    pub type Stub;
    /// Hands a request on as it is.
    #[wasm_bindgen(method, catch)]
    pub fn fetch(this: &Stub, request: &web_sys::Request) -> std::result::Result<Promise, JsValue>;
    #[wasm_bindgen(method, catch, js_name = fetch)]
    fn fetch_url(this: &Stub, url: &str, init: &JsValue) -> std::result::Result<Promise, JsValue>;
}

/// The object `name` of `binding`.
pub fn stub(env: &Env, binding: &str, name: &str) -> Result<Stub> {
    let objects = Reflect::get(env, &JsValue::from_str(binding))?;
    Ok(objects.unchecked_into::<Objects>().get_by_name(name)?)
}

/// The object of this order.
pub fn order(env: &Env, id: OrderId) -> Result<Stub> {
    stub(env, ORDERS, &id.to_string())
}

/// Posts a question from inside to an object.
pub async fn post(stub: &Stub, question: &impl Serialize) -> Result<web_sys::Response> {
    let init = Object::new();
    for (key, value) in [
        ("method", "POST"),
        ("body", &serde_json::to_string(question)?),
    ] {
        Reflect::set(&init, &key.into(), &value.into())?;
    }
    let answer = JsFuture::from(stub.fetch_url("http://object/", &init)?).await?;
    Ok(answer.unchecked_into())
}

/// What an object is asked by [`post`].
pub async fn question<T: DeserializeOwned>(request: &mut Request) -> Result<T> {
    Ok(serde_json::from_str(&request.text().await?)?)
}

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
    let response = post(&stub(env, binding, name)?, question).await?;
    let text = JsFuture::from(response.text()?).await?;
    match response.status() {
        200 => Ok(serde_json::from_str(&text.as_string().unwrap_or_default())?),
        status => Err(Error::RustError(format!("status {status}"))),
    }
}
