//! `GET /api/catalogue`: what is sold, and where there is room for it now.
//!
//! A hint, not a promise: the place itself is taken when the order is made. So a fleet that does not answer counts as one with room,
//! and an answer may be [`FRESH`] old.

use crate::config::Config;
use crate::fleet_object::FleetClient;
use crate::{clock, fiat, push, reply};
use futures_util::future::{join, join_all};
use kindling_domain::catalogue::{BitcoinImplementation, BitcoinNetwork, Region, regions};
use kindling_domain::classroom::{self, Classroom, Plan};
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{Catalogue, PlanView, ProductView};
use std::cell::RefCell;
use std::time::Duration;
use worker::{Env, Response, Result};

/// How long an isolate repeats what the fleets said, in milliseconds.
const FRESH: u64 = 2000;
/// How long a fleet may take.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// What the fleets said last, and when.
    static KNOWN: RefCell<Option<(UnixMillis, Vec<Region>)>> = const { RefCell::new(None) };
}

/// Answers the catalogue.
pub async fn answer(env: &Env) -> Result<Response> {
    let config = Config::of(env);
    let (regions, fiat) = join(regions_now(env, &config), fiat::price(&config)).await;
    let stubs = config.stubs();
    let available = regions.iter().any(|region| region.available);
    let full_node = ProductView {
        kind: "full_node".to_owned(),
        amount_sats: config.prices.full_node,
        bitcoin: BitcoinImplementation::ALL.to_vec(),
        networks: BitcoinNetwork::ALL.to_vec(),
        assumeutxo: config.sells_assumeutxo(),
        plans: Vec::new(),
        max_hours: None,
        hours: Some(config.full_node_hours).filter(|hours| *hours > 0),
        available,
    };
    let products = [Some(full_node), classroom(&config, available)];
    reply::json(
        200,
        &Catalogue {
            lightning_network: config.network,
            stub_mode: stubs.lightning || stubs.cloud,
            products: products.into_iter().flatten().collect(),
            regions,
            fiat,
            push_key: push::public_key(&config),
            default_region: config.region.clone(),
        },
    )
}

/// The classroom with the plans that have a price; none where no plan has.
fn classroom(config: &Config, available: bool) -> Option<ProductView> {
    let price = |plan| config.prices.classroom.of(plan);
    let view = |plan: Plan| {
        Some(PlanView {
            plan,
            nodes: plan.nodes(),
            msat_per_node_hour: price(plan)?,
            graphs: plan.graphs().to_vec(),
        })
    };
    let least = |plan| Some(Classroom::new(plan, 1).price(price(plan)?));
    Some(ProductView {
        kind: "classroom".to_owned(),
        amount_sats: Plan::ALL.into_iter().filter_map(least).min()?,
        bitcoin: Vec::new(),
        networks: Vec::new(),
        assumeutxo: false,
        plans: Plan::ALL.into_iter().filter_map(view).collect(),
        max_hours: Some(classroom::MAX_HOURS),
        hours: None,
        available,
    })
}

/// The regions that have a fleet, each with whether one of its fleets has room.
async fn regions_now(env: &Env, config: &Config) -> Vec<Region> {
    let now = clock::now();
    let known = KNOWN.with_borrow(|known| {
        let fresh = |(at, _): &&(UnixMillis, Vec<Region>)| *at <= now && now.since(*at) < FRESH;
        known.as_ref().filter(fresh).map(|(_, known)| known.clone())
    });
    if let Some(known) = known {
        return known;
    }
    let with_room: Vec<&str> = join_all(config.fleets.iter().map(async |fleet| {
        let name = fleet.name();
        let limits = config.fleet_limits(&name);
        let client = FleetClient { env, name, limits };
        let free = client.free(PATIENCE).await;
        free.map_or(true, |free| free > 0)
            .then_some(fleet.region.as_str())
    }))
    .await
    .into_iter()
    .flatten()
    .collect();
    let regions: Vec<Region> = regions()
        .into_iter()
        .filter(|region| config.fleets_in(&region.slug).next().is_some())
        .map(|region| Region {
            available: with_room.contains(&region.slug.as_str()),
            ..region
        })
        .collect();
    KNOWN.set(Some((now, regions.clone())));
    regions
}
