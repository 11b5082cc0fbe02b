//! The edge: what comes in over HTTP, and the Durable Objects: one per order, per fleet, per network address,
//! and per cloud account that is swept.

mod alarm_clock;
mod apart;
mod catalogue;
mod clock;
mod config;
mod dev;
mod digitalocean;
mod door_object;
mod fiat;
mod fleet_object;
mod http;
mod lnbits;
mod lnplay;
mod objects;
mod operator;
mod order_object;
mod payee;
mod perform;
mod push;
mod random;
mod reply;
mod routes;
mod rows;
mod store;
mod stub;
mod sweep_object;
mod tailscale;

use worker::Env;
use worker::js_sys::{Promise, futures::future_to_promise};
use worker::wasm_bindgen::prelude::wasm_bindgen;
use worker::wasm_bindgen::{self, JsValue};
use worker::worker_sys::web_sys;

/// Answers a request at once, where that can be done: most only go through to an order's object, and the promise of that is the answer.
#[wasm_bindgen(js_name = passThrough)]
pub fn pass_through(request: &web_sys::Request, env: &Env) -> Option<Promise> {
    routes::pass_through(request, env)
}

/// Answers any other request. Written out instead of worker's `event` macro, which takes every answer apart and builds it anew.
#[wasm_bindgen]
pub fn fetch(request: web_sys::Request, env: Env) -> Promise {
    clock::configure(&env);
    future_to_promise(async move {
        let response = routes::answer(request.into(), &env).await?;
        Ok(JsValue::from(response))
    })
}

/// What cron calls (`[triggers]` in wrangler.toml).
#[wasm_bindgen]
pub fn scheduled(env: Env) -> Promise {
    clock::configure(&env);
    future_to_promise(async move {
        sweep_object::sweep_all(&env).await;
        Ok(JsValue::UNDEFINED)
    })
}
