//! Notifications of the operating system when an order is ready or needs its owner: Web Push, for whoever asks for it. The browser has one
//! address for all orders; for which of them it is used is remembered beside the orders.

use super::store::{self, Store};
use crate::api::{self, Failure};
use crate::browser::{has, is_ios_page};
use crate::vault_protocol::OrderKeys;
use kindling_domain::id::OrderId;
use kindling_domain::secret::Secret;
use leptos::prelude::window;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Notification, NotificationPermission, PushManager, PushSubscription,
    PushSubscriptionOptionsInit, ServiceWorkerRegistration,
};

/// What can be said of it on this device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bell {
    /// Not in this browser.
    Unsupported,
    /// Not before the page is an app on the home screen.
    HomeScreen,
    /// The person has said no, once and for all.
    Denied,
    /// Not asked for.
    Off,
    /// It will ring.
    On,
}

/// Why it could not be turned on or off.
pub enum Trouble {
    /// The person has said no.
    Denied,
    /// The browser has no address.
    NoAddress,
    /// The server did not take it.
    Server(Failure),
}

impl From<JsValue> for Trouble {
    fn from(_: JsValue) -> Self {
        Self::NoAddress
    }
}

/// How it stands with an order's.
pub async fn look(id: OrderId) -> Bell {
    let parts = ["PushManager", "Notification"];
    if !parts.iter().all(|part| has(&window(), part)) {
        return if is_ios_page() {
            Bell::HomeScreen
        } else {
            Bell::Unsupported
        };
    }
    match Notification::permission() {
        NotificationPermission::Denied => Bell::Denied,
        NotificationPermission::Granted if is_rung(id).await => Bell::On,
        _ => Bell::Off,
    }
}

/// Asks the person, then the browser for an address, and tells it to the server. `key` is the server's.
pub async fn turn_on(keys: &OrderKeys, key: &str) -> Result<(), Trouble> {
    let permission = JsFuture::from(Notification::request_permission()?).await?;
    if permission == "denied" {
        return Err(Trouble::Denied);
    }
    // Put aside without an answer: nothing is on, and it can be asked again.
    if permission != "granted" {
        return Err(Trouble::NoAddress);
    }
    let endpoint = Secret::new(subscribe(key).await?.endpoint());
    let id = keys.order_id;
    // Opened to be remembered beside the orders: it is what the server is told to forget, so it is here before the server has it.
    store::write(Store::Bells, &id.to_string(), endpoint.expose()).await?;
    if let Err(failure) = api::tell(&id, &keys.access_token, endpoint).await {
        store::remove(Store::Bells, &id.to_string()).await?;
        return Err(Trouble::Server(failure));
    }
    Ok(())
}

/// Has the server forget the address, and the browser too when no other order needs it.
pub async fn turn_off(keys: &OrderKeys) -> Result<(), Trouble> {
    let id = keys.order_id;
    if let Some(endpoint) = address(id).await {
        api::tell_no_more(&id, &keys.access_token, endpoint)
            .await
            .map_err(Trouble::Server)?;
    }
    store::remove(Store::Bells, &id.to_string()).await?;
    if store::read_all(Store::Bells).await?.is_empty()
        && let Some(subscription) = subscription(&manager().await?).await?
    {
        JsFuture::from(subscription.unsubscribe()?).await?;
    }
    Ok(())
}

/// It has rung, or never will: the server forgets the address by itself then.
pub async fn is_over(id: OrderId) {
    // Left behind it means nothing: there is nothing more to turn off.
    let _ = store::remove(Store::Bells, &id.to_string()).await;
}

/// Whether the browser still has the address that the server was told: it may have dropped or changed it since.
async fn is_rung(id: OrderId) -> bool {
    let Some(told) = address(id).await else {
        return false;
    };
    let Ok(manager) = manager().await else {
        return false;
    };
    let now = subscription(&manager).await;
    now.is_ok_and(|now| now.is_some_and(|now| now.endpoint() == told.expose()))
}

async fn address(id: OrderId) -> Option<Secret> {
    let text = store::read(Store::Bells, &id.to_string()).await;
    text.ok()?.map(Secret::new)
}

async fn manager() -> Result<PushManager, JsValue> {
    // Not `ready`, which never answers where no service worker could be registered.
    let registration = window().navigator().service_worker().get_registration();
    let registration = JsFuture::from(registration).await?;
    let registration: ServiceWorkerRegistration = registration.dyn_into()?;
    registration.push_manager()
}

async fn subscription(manager: &PushManager) -> Result<Option<PushSubscription>, JsValue> {
    let found = JsFuture::from(manager.get_subscription()?).await?;
    Ok(found.is_object().then(|| found.unchecked_into()))
}

async fn subscribe(key: &str) -> Result<PushSubscription, JsValue> {
    let manager = manager().await?;
    let options = PushSubscriptionOptionsInit::new();
    options.set_user_visible_only(true);
    options.set_application_server_key(&key.into());
    let ask = || async {
        let answer = JsFuture::from(manager.subscribe_with_options(&options)?).await?;
        Ok::<PushSubscription, JsValue>(answer.unchecked_into())
    };
    match ask().await {
        Ok(subscription) => Ok(subscription),
        Err(refusal) => match subscription(&manager).await? {
            // One of a key that the server had before.
            Some(old) => {
                JsFuture::from(old.unsubscribe()?).await?;
                ask().await
            }
            None => Err(refusal),
        },
    }
}
