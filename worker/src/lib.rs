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

use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    routes::answer(request, &env).await
}
