//! What both programs do first: take the words, mount into the page that was served, and say what is around it.
//!
//! `index.html` is the first page, in each language; it is also served for every other address, where its text gives way.

mod install;
mod update;

use crate::announce::{Announcer, LiveRegion};
use crate::components::changing::soon;
use crate::shop::Shop;
use crate::words;
use leptos::mount::mount_to;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

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
    let shop = Shop::open();
    soon(move || mount(slot, shop, content));
}

/// In several tasks of the browser, so that it can show and hear something between them.
fn mount(slot: Element, shop: Shop, content: fn() -> AnyView) {
    slot.set_inner_html("");
    let announcer = Announcer::default();
    let paying = Paying::default();
    let program = move || {
        provide_context(announcer);
        provide_context(paying);
        provide_context(shop);
        view! {
            {content()}
            <LiveRegion/>
        }
    };
    mount_to(slot.unchecked_into(), program).forget();
    soon(|| {
        mount_around(".site-footer", Place::Inside, "install", || {
            view! { <install::Install/> }.into_any()
        });
    });
    soon(move || {
        mount_around("main", Place::Behind, "offers", move || {
            view! { <update::Update announcer=announcer paying=paying/> }.into_any()
        });
    });
}

/// Whether an invoice is open on this page, so that nothing is to come between; found by `use_context`.
#[derive(Clone, Copy, Default)]
pub struct Paying(pub RwSignal<bool>);

/// Whether an invoice is open.
pub fn paying() -> Paying {
    use_context().unwrap_or_default()
}

enum Place {
    Inside,
    Behind,
}

/// Mounts what stands around the pages; what is not there is not served by us.
fn mount_around(
    selector: &str,
    place: Place,
    class: &str,
    content: impl FnOnce() -> AnyView + 'static,
) {
    let Ok(Some(near)) = document().query_selector(selector) else {
        return;
    };
    let Ok(slot) = document().create_element("div") else {
        return;
    };
    slot.set_class_name(class);
    let placed = match place {
        Place::Inside => near.append_child(&slot).map(drop),
        Place::Behind => near.after_with_node_1(&slot),
    };
    if placed.is_ok() {
        mount_to(slot.unchecked_into(), content).forget();
    }
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
