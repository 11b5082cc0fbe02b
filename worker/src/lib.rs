//! The edge: what comes in over HTTP, and one Durable Object per order.

mod config;
mod digitalocean;
mod http;
mod lnbits;
mod order_object;
mod perform;
mod random;
mod reply;
mod routes;
mod store;
mod stub;
mod tailscale;

use worker::Env;
use worker::js_sys::{Promise, futures::future_to_promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsValue};
use worker::worker_sys::web_sys;

/// Answers a request. Written out instead of worker's `event` macro, which would make a future of every request: most only go through
/// to an order's object, and the promise of that is the answer.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env) -> Promise {
    if let Some(answer) = routes::pass_through(&request, &env) {
        return answer;
    }
    future_to_promise(async move {
        let response = routes::answer(request.into(), &env).await?;
        Ok(JsValue::from(web_sys::Response::from(response)))
    })
}
