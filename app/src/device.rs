//! What this device keeps because the customer asked for it: orders with their links, in IndexedDB and nowhere else. Whoever can use the
//! browser's profile can read it, which the page says before.

pub mod bell;
mod store;

use crate::router::address;
use crate::vault_protocol::OrderKeys;
use kindling_domain::catalogue::Product;
use kindling_domain::id::OrderId;
use kindling_domain::money::Sats;
use kindling_domain::secret::Secret;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{OrderView, StateName};
use serde::{Deserialize, Serialize};
use store::Store;
use wasm_bindgen::JsValue;

/// An order that is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Its id.
    pub id: OrderId,
    /// What stands behind the `#` of its link.
    pub fragment: Secret,
    /// What it was like when it was last seen.
    pub last: Last,
}

impl Kept {
    /// Its address.
    pub fn address(&self) -> String {
        address(&self.id, &self.fragment)
    }
}

/// The state of an order as it was last seen, without anything secret.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Last {
    /// What was bought.
    pub product: Product,
    /// Where it stood.
    pub state: StateName,
    /// How far its machine was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// When its machine is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<UnixMillis>,
    /// Its price.
    pub amount: Sats,
    /// When that was.
    pub at: UnixMillis,
}

impl Last {
    /// What is kept of a view.
    pub fn seen(view: &OrderView, at: UnixMillis) -> Self {
        Self {
            product: view.product,
            state: view.state,
            percent: view.percent,
            ends_at: view.ends_at.map(|at| at.0),
            amount: view.amount_sats,
            at,
        }
    }
}

/// The browser keeps nothing.
pub struct KeepsNothing;

impl From<JsValue> for KeepsNothing {
    fn from(_: JsValue) -> Self {
        Self
    }
}

impl From<serde_json::Error> for KeepsNothing {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

/// All kept orders, the one that was seen last first. None where nothing can be kept.
pub async fn orders() -> Vec<Kept> {
    let texts = store::read_all(Store::Orders).await.unwrap_or_default();
    // What a later version wrote and this one cannot read stays where it is.
    let kept = texts
        .iter()
        .filter_map(|text| serde_json::from_str(text).ok());
    let mut kept: Vec<Kept> = kept.collect();
    kept.sort_by_key(|order| std::cmp::Reverse(order.last.at));
    kept
}

/// What is known of a kept order.
pub async fn last(id: OrderId) -> Option<Last> {
    let text = store::read(Store::Orders, &id.to_string()).await.ok()??;
    serde_json::from_str::<Kept>(&text)
        .ok()
        .map(|kept| kept.last)
}

/// Keeps an order from now on.
pub async fn keep(keys: &OrderKeys, last: Last) -> Result<(), KeepsNothing> {
    let kept = Kept {
        id: keys.order_id,
        fragment: keys.fragment.clone(),
        last,
    };
    let text = serde_json::to_string(&kept)?;
    store::write(Store::Orders, &kept.id.to_string(), &text).await?;
    Ok(())
}

/// Writes what has become of an order, if it is kept.
pub async fn note(id: OrderId, last: Last) {
    let renewed = |old: &str| {
        let kept = serde_json::from_str::<Kept>(old).ok()?;
        serde_json::to_string(&Kept { last, ..kept }).ok()
    };
    // What cannot be written now is written with the next change.
    let _ = store::change(Store::Orders, &id.to_string(), renewed).await;
}

/// Keeps it no longer.
pub async fn forget(id: OrderId) -> Result<(), KeepsNothing> {
    store::remove(Store::Orders, &id.to_string()).await?;
    Ok(())
}

/// Keeps none any longer.
pub async fn forget_all() -> Result<(), KeepsNothing> {
    store::clear(Store::Orders).await?;
    Ok(())
}
