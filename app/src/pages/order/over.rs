//! The ends of an order, each with what the person can do now.

use super::Order;
use crate::browser::sats;
use crate::components::heading::Heading;
use crate::components::link::Link;
use crate::components::notice::{Notice, Tone};
use kindling_domain::wire::StateName;
use leptos::prelude::*;

/// An order that the server does not know, or not with this link.
#[component]
pub fn Unknown() -> impl IntoView {
    view! {
        <section class="narrow">
            <Heading text="There is no such order" always=true/>
            <p>"The link is complete, but the server has nothing for it. Unpaid orders are forgotten after a while."</p>
            <p class="row">
                <Link href="/".to_owned() class="button primary">"Order a machine"</Link>
                <Link href="/orders".to_owned() class="button">"Try another link"</Link>
            </p>
        </section>
    }
    .into_any()
}

/// Expired, failed, refunded or ended.
#[component]
pub fn Over(order: Order, state: StateName) -> impl IntoView {
    let view = order.feed.view;
    let reason = move || view.with(|view| view.as_ref()?.error_message.clone());
    let amount = move || {
        view.with(|view| view.as_ref().map(|view| sats(view.amount_sats)))
            .unwrap_or_default()
    };
    let (heading, body) = match state {
        StateName::Expired => (
            "The invoice has expired",
            view! {
                <p class="lead">"It was not paid in time, so nothing was ordered and nothing is owed."</p>
                <p>"Did you pay at the last moment? Keep this page open or come back by your link: a late payment still counts."</p>
            }
            .into_any(),
        ),
        StateName::Refunded => (
            "Your payment was returned",
            view! { <p class="lead">{move || format!("{} were sent back to you. There is no machine.", amount())}</p> }.into_any(),
        ),
        StateName::Failed => (
            "The machine could not be built",
            view! {
                <Notice tone=Tone::Warning title="A refund is owed to you">
                    <p>{move || format!("You paid {}; it is owed back to you until it is returned. Keep your order link: it is your claim.", amount())}</p>
                </Notice>
                <p>"Everything that had been set up was removed."</p>
            }
            .into_any(),
        ),
        _ => (
            "This order has ended",
            view! { <p class="lead">"The machine is gone as planned, and what was stored for it here with it."</p> }.into_any(),
        ),
    };
    view! {
        <section class="narrow">
            <Heading text=heading always=true/>
            {move || reason().map(|reason| view! { <p class="reason">{reason}</p> })}
            {body}
            <p class="row">
                <Link href="/".to_owned() class="button primary">"Order again"</Link>
            </p>
            <p class="fine">"Order number "<code>{order.id().to_string()}</code></p>
        </section>
    }
    .into_any()
}
