//! WebLN: the wallet some browsers carry as an extension, asked only after a click.

use js_sys::{Function, Promise, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Whether a wallet is there. Extensions may add theirs a moment after the page has loaded.
pub fn present() -> bool {
    wallet().is_some()
}

/// Asks the wallet to pay; its own window shows the amount and asks the person. `false` where it did not.
pub async fn pay(payment_request: &str) -> bool {
    let Some(wallet) = wallet() else { return false };
    call(&wallet, "enable", None).await && call(&wallet, "sendPayment", Some(payment_request)).await
}

fn wallet() -> Option<JsValue> {
    Reflect::get(&window(), &"webln".into())
        .ok()
        .filter(JsValue::is_object)
}

async fn call(wallet: &JsValue, method: &str, argument: Option<&str>) -> bool {
    let Ok(function) = Reflect::get(wallet, &method.into()) else {
        return false;
    };
    let Ok(function) = function.dyn_into::<Function>() else {
        return false;
    };
    let answer = match argument {
        Some(argument) => function.call1(wallet, &argument.into()),
        None => function.call0(wallet),
    };
    match answer.map(JsCast::dyn_into::<Promise>) {
        Ok(Ok(promise)) => JsFuture::from(promise).await.is_ok(),
        Ok(Err(_)) => true,
        Err(_) => false,
    }
}
