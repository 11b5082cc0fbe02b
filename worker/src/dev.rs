//! Paths of development and tests, there only where `DEV_CLOCK` is set: a clock that can be moved, and a panic on demand.
//! `cargo xtask deploy` refuses settings that open them.

use crate::clock;
use crate::order_object::{Inside, ask_order};
use crate::reply;
use kindling_domain::error::ErrorCode;
use kindling_domain::id::OrderId;
use kindling_domain::order::Failure;
use kindling_domain::wire::read_json;
use serde::Deserialize;
use worker::{Env, Response, Result};

/// `POST /api/dev/clock`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClockRequest {
    /// How far to move on.
    advance_seconds: u64,
    /// Whose alarms are to look again; those set before still stand at their real time.
    #[serde(default)]
    orders: Vec<OrderId>,
}

/// Moves the clock on and wakes orders.
pub async fn clock(body: &[u8], env: &Env) -> Result<Response> {
    if !clock::is_movable() {
        return reply::refuse(ErrorCode::NotFound);
    }
    let request: ClockRequest = match read_json(body) {
        Ok(request) => request,
        Err(refusal) => return reply::refuse(refusal),
    };
    clock::advance(request.advance_seconds);
    for id in request.orders {
        let _: std::result::Result<(), Failure> = ask_order(env, id, &Inside::Wake).await;
    }
    reply::json(200, &serde_json::json!({ "now": clock::now() }))
}

/// Has an order's object panic.
pub async fn panic(id: OrderId, env: &Env) -> Result<Response> {
    if !clock::is_movable() {
        return reply::refuse(ErrorCode::NotFound);
    }
    let _: std::result::Result<(), Failure> = ask_order(env, id, &Inside::Panic).await;
    reply::refuse(ErrorCode::TemporarilyUnavailable)
}
