//! Installing as an app: a button where the browser offers it, and the way there on iOS, which offers nothing.

use crate::browser::is_ios_page;
use crate::components::changing::{part, pressed};
use crate::words::install as words;
use js_sys::{Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

/// Where `boot.js` keeps the browser's offer.
const OFFER: &str = "kindlingInstall";

/// The button or the way; nothing where it is installed, or cannot be.
#[component]
pub fn Install() -> impl IntoView {
    let offered = RwSignal::new(offer().is_some());
    // Never removed: the frame lives as long as the page.
    window_event_listener_untyped("beforeinstallprompt", move |_| offered.set(true));
    window_event_listener_untyped("appinstalled", move |_| offered.set(false));
    let ask = move || {
        if let Some(offer) = offer()
            && let Ok(prompt) = Reflect::get(&offer, &"prompt".into())
            && let Ok(prompt) = prompt.dyn_into::<Function>()
        {
            // What the person answers is between them and the browser, and it asks only once.
            let _ = prompt.call0(&offer);
        }
        offered.set(false);
    };
    view! {
        {part(move || offered.get().then(|| view! {
            <button type="button" class="button small" on:click=pressed(ask)>{words::install()}</button>
        }.into_any()))}
        {is_ios_page().then(|| view! {
            <details>
                <summary>{words::ios()}</summary>
                <ol>
                    <li>{words::ios_share()}</li>
                    <li>{words::ios_add()}</li>
                    <li>{words::ios_open()}</li>
                </ol>
            </details>
        }.into_any())}
    }
}

fn offer() -> Option<JsValue> {
    let offer = Reflect::get(&window(), &OFFER.into()).ok()?;
    offer.is_object().then_some(offer)
}
