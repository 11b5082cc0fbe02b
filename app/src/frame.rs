//! What both programs do first: take the words, mount into the page that was served, and say what is around it.
//!
//! `index.html` is the first page, in each language; it is also served for every other address, where its text gives way.

use crate::announce::{Announcer, LiveRegion};
use crate::browser;
use crate::shop::Shop;
use crate::words;
use leptos::mount::mount_to;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Where the order form goes.
pub const SHOP_SLOT: &str = "order-form";
/// Where the pages of orders go.
pub const ORDER_SLOT: &str = "app";

/// Mounts a program into its slot.
pub fn start(slot: &str, content: fn() -> AnyView) {
    words::load();
    let Some(slot) = document().get_element_by_id(slot) else {
        return;
    };
    slot.set_inner_html("");
    let program = move || {
        provide_context(Announcer::default());
        provide_context(Shop::open());
        view! {
            {content()}
            <LiveRegion/>
        }
    };
    mount_to(slot.unchecked_into(), program).forget();
    browser::register_service_worker();
}

/// On the addresses of orders: the first page's own text goes, and what is around it speaks the page's language.
pub fn dress() {
    if let Some(landing) = document().get_element_by_id("landing") {
        landing.remove();
    }
    let texts = [
        ("skip", words::frame::skip()),
        ("open-link", words::frame::open_link()),
        ("promise", words::frame::promise()),
        ("languages", words::frame::languages()),
    ];
    for (name, text) in texts {
        if let Ok(Some(element)) = document().query_selector(&format!("[data-words='{name}']")) {
            element.set_text_content(Some(text));
        }
    }
    if let Ok(Some(site)) = document().query_selector(".site-header nav") {
        // Fails for nothing that matters.
        let _ = site.set_attribute("aria-label", words::frame::site());
    }
}
