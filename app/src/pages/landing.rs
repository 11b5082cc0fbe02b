//! What is alive on the first page, whose text stands in `index.html`: the order form, and the prices within the text.

mod class_form;
pub mod class_link;
mod number;
mod options;
mod order_form;
mod parts;

use crate::components::changing::{follow, later, part};
use crate::components::notice::{Notice, Tone};
use crate::figures::{hours_text, sats};
use crate::shop::{Shop, shop};
use crate::words;
use leptos::ev;
use leptos::prelude::*;
use order_form::OrderForm;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// The form, and that nothing real is sold where that is so.
#[component]
pub fn Landing() -> impl IntoView {
    let shop = shop();
    let wants_class = RwSignal::new(false);
    let around = move || {
        follow(move || tell_prices(shop));
        follow_choices(wants_class);
        part(move || shop.catalogue()?.stub_mode.then(test_site))
    };
    view! {
        <OrderForm wants_class=wants_class/>
        // Behind the form, which would move otherwise.
        {later(around)}
    }
    .into_any()
}

fn test_site() -> AnyView {
    view! {
        <Notice tone=Tone::Info title=words::shop::test_site()>
            <p>{words::shop::test_site_means()}</p>
        </Notice>
    }
    .into_any()
}

/// Puts what the catalogue says into the served text.
fn tell_prices(shop: Shop) {
    let prices = [
        ("full_node", shop.full_node()),
        ("classroom", shop.classroom()),
    ];
    for (kind, product) in prices {
        if let Some(product) = product {
            let price = sats(product.amount_sats);
            each(&["[data-price='", kind, "']"].concat(), &|it| {
                it.set_text_content(Some(&price))
            });
        }
    }
    let hours = shop.full_node().and_then(|product| product.hours);
    each("[data-when='hours']", &|it| show(it, hours.is_some()));
    each("[data-when='forever']", &|it| show(it, hours.is_none()));
    if let Some(hours) = hours {
        each("[data-hours]", &|it| {
            it.set_text_content(Some(&hours_text(hours)))
        });
    }
    let sells_classes = shop.sells_classes();
    each("[data-product='classroom']", &|it| show(it, sells_classes));
}

/// A link within the text that leads to the form chooses what it speaks of.
fn follow_choices(wants_class: RwSignal<bool>) {
    each("[data-choose='classroom']", &|link| {
        // The served text lives as long as the page.
        let choose = move |_: ev::MouseEvent| wants_class.set(true);
        let listener = wasm_bindgen::closure::Closure::<dyn FnMut(_)>::new(choose);
        // Fails for nothing that matters: the link then only scrolls.
        let _ = link.add_event_listener_with_callback("click", listener.as_ref().unchecked_ref());
        listener.forget();
    });
}

fn show(element: &Element, shown: bool) {
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        element.set_hidden(!shown);
    }
}

fn each(selector: &str, act: &dyn Fn(&Element)) {
    let Ok(found) = document().query_selector_all(selector) else {
        return;
    };
    for at in 0..found.length() {
        if let Some(element) = found
            .item(at)
            .and_then(|node| node.dyn_into::<Element>().ok())
        {
            act(&element);
        }
    }
}
