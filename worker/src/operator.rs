//! The operator's paths: an order's story, the fleets and what needs a look. Closed without `OPERATOR_TOKEN`.

use crate::config::Config;
use crate::fleet_object::{FleetClient, FleetStatus};
use crate::order_object::{Inside, Story, ask_order, bearer};
use crate::reply;
use kindling_domain::error::ErrorCode;
use kindling_domain::id::OrderId;
use kindling_domain::link::access_hash;
use kindling_domain::wire::OrderView;
use serde::Serialize;
use worker::{Env, Request, Response, Result};

/// What the operator asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// Every fleet, and what needs a look.
    Fleets,
    /// One order's story.
    Story(OrderId),
    /// One order was refunded by hand.
    Refunded(OrderId),
}

#[derive(Serialize)]
struct Fleets {
    fleets: Vec<Fleet>,
}

#[derive(Serialize)]
struct Fleet {
    name: String,
    capacity: u32,
    #[serde(flatten)]
    status: Option<FleetStatus>,
}

/// Answers the operator; anybody else gets what an unknown path gets.
pub async fn answer(request: &Request, env: &Env, matter: Matter) -> Result<Response> {
    let config = Config::of(env);
    let header = request.headers().get("authorization")?;
    // Compared by hash, so timing tells nothing about the token; opened to hash it.
    let wanted = config
        .operator_token
        .as_ref()
        .map(|token| access_hash(token.expose()));
    if wanted.is_none() || wanted != bearer(header.as_deref()).map(access_hash) {
        return reply::refuse(ErrorCode::NotFound);
    }
    match matter {
        Matter::Fleets => {
            let mut fleets = Vec::new();
            for spec in &config.fleets {
                let client = FleetClient {
                    env,
                    name: spec.name(),
                    limits: config.fleet_limits(&spec.name()),
                };
                fleets.push(Fleet {
                    name: spec.name(),
                    capacity: spec.capacity,
                    // A fleet that does not answer is shown without its status.
                    status: client.status().await.ok(),
                });
            }
            reply::json(200, &Fleets { fleets })
        }
        Matter::Story(id) => match ask_order::<Story>(env, id, &Inside::Story).await {
            Ok(story) => reply::json(200, &story),
            Err(_) => reply::refuse(ErrorCode::NotFound),
        },
        Matter::Refunded(id) => match ask_order::<OrderView>(env, id, &Inside::Refunded).await {
            Ok(view) => reply::json(200, &view),
            Err(_) => reply::refuse(ErrorCode::RefundUnderWay),
        },
    }
}
