//! Step three: the machine comes up, phase by phase.

use super::Order;
use crate::components::heading::Heading;
use crate::components::phases::{self, Phases};
use crate::components::steps::Steps;
use crate::figures;
use crate::words::checkout as words;
use kindling_domain::catalogue::{BitcoinImplementation, Product};
use leptos::prelude::*;

/// The phases, with what is going on now in words.
#[component]
pub fn Building(order: Order) -> impl IntoView {
    let view = order.feed.view;
    let phase = Signal::derive(move || view.with(|view| view.as_ref()?.phase));
    let percent = move || {
        view.with(|view| view.as_ref().and_then(|view| view.percent))
            .unwrap_or(0)
    };
    // An order has a product whenever its page has anything to show.
    let product = view
        .with_untracked(|view| view.as_ref().map(|view| view.product))
        .unwrap_or_else(|| Product::full_node(BitcoinImplementation::default()));
    let heading = match product {
        Product::FullNode { .. } => words::building_node(),
        Product::Classroom(_) => words::building_class(),
    };
    let now = move || phase.get().map_or_else(words::arrived, phases::title);
    view! {
        <Steps current=2/>
        <section class="narrow">
            <Heading text=heading always=true/>
            <p class="lead">{words::building_lead()}</p>
            <div class="card stack">
                <label class="progress">
                    <span class="spread">
                        <span>{now}</span>
                        <span class="muted">{move || figures::whole_percent(percent())}</span>
                    </span>
                    <progress max="100" prop:value=move || f64::from(percent())></progress>
                </label>
                <Phases product=product phase=phase/>
            </div>
        </section>
    }
    .into_any()
}
