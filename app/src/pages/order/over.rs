//! The ends of an order, each with what the person can do now.

use super::Order;
use super::act::Acting;
use super::class;
use super::refund::Refund;
use crate::api::Act;

use crate::components::field_error::FieldError;
use crate::components::heading::Heading;
use crate::components::link::Link;
use crate::components::notice::{Notice, Tone};
use crate::components::value::Fact;
use crate::figures::{hours_text, sats};
use crate::pages::landing::class_link;
use kindling_domain::classroom::Classroom;
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
                <a href="/" class="button primary">"Order a machine"</a>
                <Link href="/orders".to_owned() class="button">"Try another link"</Link>
            </p>
        </section>
    }
    .into_any()
}

/// A machine that is being removed right now.
#[component]
pub fn Ending(order: Order) -> impl IntoView {
    let (heading, lead) = match order.class() {
        None => (
            "Your machine is being removed",
            "Everything on it goes with it, and so do its credentials. This takes a few minutes; you need not wait for it.",
        ),
        Some(_) => (
            "Your class is being removed",
            "All nodes go with their machine, and the cards open nothing any more. This takes a few minutes; you need not wait for it.",
        ),
    };
    view! {
        <section class="narrow">
            <Heading text=heading always=true/>
            <Reason order=order/>
            <p class="lead">{lead}</p>
            <p class="waiting"><span class="pulse" aria-hidden="true"></span>"Removing the machine, its disk and its keys…"</p>
            <Refund order=order/>
            <OrderNumber order=order/>
        </section>
    }
    .into_any()
}

/// Expired, failed, refunded or ended.
#[component]
pub fn Over(order: Order, state: StateName) -> impl IntoView {
    let class = order.class();
    let heading = match (state, class) {
        (StateName::Expired, _) => "The invoice has expired",
        (StateName::Refunded, _) => "Your payment was returned",
        (StateName::Failed, None) => "The machine could not be built",
        (StateName::Failed, Some(_)) => "The class could not be built",
        (_, None) => "This order has ended",
        (_, Some(_)) => "This class has ended",
    };
    let has_refund = Memo::new(move |_| {
        let view = order.feed.view.read();
        view.as_ref().is_some_and(|view| view.refund.is_some())
    });
    let body = move || {
        match (state, has_refund.get()) {
        (StateName::Expired, is_owed) => view! {
            <p class="lead">
                {if is_owed {
                    "It was not paid in time, so nothing was ordered."
                } else {
                    "It was not paid in time, so nothing was ordered and nothing is owed."
                }}
            </p>
            <p>"Did you pay at the last moment? Keep this page open or come back by your link: a late payment still counts."</p>
        }
        .into_any(),
        (StateName::Refunded, true) => view! { <p class="lead">"There is no machine, and nothing is owed any more."</p> }.into_any(),
        (StateName::Refunded, false) => view! {
            <p class="lead">{move || format!("{} were sent back to you. There is no machine.", paid(order))}</p>
        }
        .into_any(),
        (StateName::Failed, true) => view! { <p class="lead">"Everything that had been set up is removed, and your payment goes back to you."</p> }.into_any(),
        (StateName::Failed, false) => view! {
            <Notice tone=Tone::Warning title="A refund is owed to you">
                <p>{move || format!("You paid {}; it is owed back to you until it is returned. Keep your order link: it is your claim.", paid(order))}</p>
            </Notice>
            <p>"Everything that had been set up was removed."</p>
        }
        .into_any(),
        _ => view! { <p class="lead">{farewell(order)}</p> }.into_any(),
    }
    };
    // The one thing to do first is said by its colour: where there is something else to do, ordering again comes second.
    let again = move || match state {
        StateName::Expired => "button",
        _ if has_refund.get() => "button",
        _ => "button primary",
    };
    view! {
        <section class="narrow">
            <Heading text=heading always=true/>
            <Reason order=order/>
            {body}
            <Refund order=order/>
            {(state == StateName::Expired).then(|| view! { <Renew order=order/> })}
            {class.filter(|_| state == StateName::Ended).map(lesson)}
            {move || (state != StateName::Expired).then(|| view! {
                <p class="row"><a href=again_link(class) class=again()>{again_words(class)}</a></p>
            })}
            {class::kept_cards(order)}
            <OrderNumber order=order/>
        </section>
    }
    .into_any()
}

/// What it takes to give the same lesson again.
fn lesson(class: Classroom) -> AnyView {
    view! {
        <section class="card stack" aria-labelledby="lesson-title">
            <h2 id="lesson-title">"The same lesson again"</h2>
            <p>"The same choices with the same seed make the same network: who has how much, and who has channels with whom."</p>
            <dl>
                {class::network(class)}
                <Fact name="Time" value=hours_text(class.hours)/>
            </dl>
        </section>
    }
    .into_any()
}

/// Where another order begins: with the same choices, where it was a class.
fn again_link(class: Option<Classroom>) -> String {
    class.map_or_else(|| "/".to_owned(), class_link::build)
}

fn again_words(class: Option<Classroom>) -> &'static str {
    match class {
        None => "Order again",
        Some(_) => "Order the same class again",
    }
}

/// The same order with another invoice: the link that was saved stays good.
#[component]
fn Renew(order: Order) -> impl IntoView {
    let act = Acting::new(order);
    let renew = move |_| act.start(Act::Renew, None);
    view! {
        <div class="stack tight">
            <div class="row">
                <button
                    type="button"
                    class="button primary"
                    aria-disabled=move || act.busy.get().then_some("true")
                    aria-describedby="renew-error"
                    on:click=renew
                >
                    {move || if act.busy.get() { "Making the invoice…" } else { "Get a new invoice" }}
                </button>
                <a href=again_link(order.class()) class="button">{again_words(order.class())}</a>
            </div>
            <FieldError id="renew-error" trouble=act.trouble/>
            <p class="fine">"A new invoice is for this same order: your order link stays good."</p>
        </div>
    }
    .into_any()
}

/// Why it came to this, in the server's words.
#[component]
fn Reason(order: Order) -> impl IntoView {
    let reason = Memo::new(move |_| {
        order
            .feed
            .view
            .with(|view| view.as_ref()?.error_message.clone())
    });
    move || {
        reason
            .get()
            .map(|reason| view! { <p class="reason">{reason}</p> })
    }
}

#[component]
fn OrderNumber(order: Order) -> impl IntoView {
    view! { <p class="fine">"Order number "<code>{order.id().to_string()}</code></p> }
}

fn paid(order: Order) -> String {
    let view = order.feed.view.read();
    view.as_ref()
        .map(|view| sats(view.amount_sats))
        .unwrap_or_default()
}

/// What an ended order leaves, beside the server's reason.
fn farewell(order: Order) -> &'static str {
    let view = order.feed.view.read_untracked();
    let code = view.as_ref().and_then(|view| view.error_code.as_deref());
    if order.class().is_some() {
        return match code {
            Some("machine_lost") => {
                "Its nodes are gone with their machine, and the cards open nothing any more. What you saved stays yours."
            }
            _ => {
                "The nodes, their machine and its keys were removed, and what was stored for the class here with them. The cards open \
                 nothing any more. What you saved stays yours."
            }
        };
    }
    match code {
        Some("hours_over") => {
            "The machine, its disk and its keys were removed, and what was stored for it here with them."
        }
        Some("destroyed") => {
            "As you asked, the machine, its disk and its keys were removed, and what was stored for it here with them."
        }
        Some("machine_lost") => {
            "What was left of it was cleared away. Its wallet can be restored from the seed words, should you have saved them."
        }
        _ => "The machine is gone as planned, and what was stored for it here with it.",
    }
}
