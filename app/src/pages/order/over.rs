//! The ends of an order, each with what the person can do now.

use super::Order;
use super::act::Acting;
use super::class;
use super::refund::Refund;
use crate::announce::announcer;
use crate::api::Act;
use crate::components::field_error::FieldError;
use crate::components::heading::Heading;
use crate::components::link::Link;
use crate::components::notice::{Notice, Tone};
use crate::components::value::Fact;
use crate::figures::{hours_text, sats};
use crate::pages::landing::class_link;
use crate::words::{language, order as words_of_order, order_over as words};
use kindling_domain::classroom::Classroom;
use kindling_domain::wire::StateName;
use leptos::prelude::*;

/// An order that the server does not know, or not with this link.
#[component]
pub fn Unknown() -> impl IntoView {
    view! {
        <section class="narrow">
            <Heading text=words::unknown() always=true/>
            <p>{words::unknown_means()}</p>
            <p class="row">
                <a href="/" class="button primary">{words::order_machine()}</a>
                <Link href="/orders".to_owned() class="button">{words::other_link()}</Link>
            </p>
        </section>
    }
    .into_any()
}

/// A machine that is being removed right now.
#[component]
pub fn Ending(order: Order) -> impl IntoView {
    let (heading, lead) = match order.class() {
        None => (words::removing_node(), words::removing_lead_node()),
        Some(_) => (words::removing_class(), words::removing_lead_class()),
    };
    view! {
        <section class="narrow">
            <Heading text=heading always=true/>
            <Reason order=order/>
            <p class="lead">{lead}</p>
            <p class="waiting"><span class="pulse" aria-hidden="true"></span>{words::removing()}</p>
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
        (StateName::Expired, _) => words::expired(),
        (StateName::Refunded, _) => words::refunded(),
        (StateName::Failed, None) => words::failed_node(),
        (StateName::Failed, Some(_)) => words::failed_class(),
        (_, None) => words::ended_node(),
        (_, Some(_)) => words::ended_class(),
    };
    let has_refund = Memo::new(move |_| {
        let view = order.feed.view.read();
        view.as_ref().is_some_and(|view| view.refund.is_some())
    });
    let body = move || match (state, has_refund.get()) {
        (StateName::Expired, is_owed) => view! {
            <p class="lead">
                {if is_owed {
                    words::expired_owed()
                } else {
                    words::expired_clean()
                }}
            </p>
            <p>{words::expired_late()}</p>
        }
        .into_any(),
        (StateName::Refunded, true) => {
            view! { <p class="lead">{words::refunded_rest()}</p> }.into_any()
        }
        (StateName::Refunded, false) => view! {
            <p class="lead">{move || words::refunded_all(&paid(order))}</p>
        }
        .into_any(),
        (StateName::Failed, true) => {
            view! { <p class="lead">{words::failed_back()}</p> }.into_any()
        }
        (StateName::Failed, false) => view! {
            <Notice tone=Tone::Warning title=words::refund_owed()>
                <p>{move || words::refund_owed_means(&paid(order))}</p>
            </Notice>
            <p>{words::failed_removed()}</p>
        }
        .into_any(),
        _ => view! { <p class="lead">{farewell(order)}</p> }.into_any(),
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
            <h2 id="lesson-title">{words::lesson()}</h2>
            <p>{words::lesson_means()}</p>
            <dl>
                {class::network(class)}
                <Fact name=words::lesson_time() value=hours_text(class.hours)/>
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
        None => words::again(),
        Some(_) => words::again_class(),
    }
}

/// The same order with another invoice: the link that was saved stays good.
#[component]
fn Renew(order: Order) -> impl IntoView {
    let act = Acting::new(order);
    let announcer = announcer();
    let renew = move |_| {
        let done = move || announcer.say(words::renewed());
        act.start(Act::Renew, Some(Box::new(done)));
    };
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
                    {move || if act.busy.get() { words::renewing() } else { words::renew() }}
                </button>
                <a href=again_link(order.class()) class="button">{again_words(order.class())}</a>
            </div>
            <FieldError id="renew-error" trouble=act.trouble/>
            <p class="fine">{words::renew_means()}</p>
        </div>
    }
    .into_any()
}

/// Why it came to this. The server tells it in English, sometimes with more than a code says.
#[component]
fn Reason(order: Order) -> impl IntoView {
    let reason = Memo::new(move |_| {
        let view = order.feed.view.read();
        let view = view.as_ref()?;
        let told = || Some((view.error_message.clone()?, Some("en")));
        if language() == "en" {
            return told();
        }
        let known = because(view.state, view.error_code.as_deref()?);
        known.map(|known| (known.to_owned(), None)).or_else(told)
    });
    move || {
        reason
            .get()
            .map(|(reason, lang)| view! { <p class="reason"><bdi lang=lang>{reason}</bdi></p> })
    }
}

/// The causes that are known here; `None` where the server is newer than this page.
fn because(state: StateName, code: &str) -> Option<&'static str> {
    let has_run = matches!(state, StateName::Ready | StateName::Ended);
    Some(match code {
        "invoice_expired" => words::because_expired(),
        "hours_over" => words::because_hours(),
        "destroyed" => words::because_destroyed(),
        "machine_lost" if has_run => words::because_lost_running(),
        "machine_lost" => words::because_lost(),
        "no_capacity" => words::because_no_room(),
        "cloud_full" => words::because_cloud_full(),
        "cloud_refused" => words::because_cloud_refused(),
        "tailscale_refused" => words::because_tailscale(),
        "cloud_timeout" => words::because_timeout(),
        "machine_silent" => words::because_silent(),
        "paired_elsewhere" => words::because_paired(),
        "machine_failed" => words::because_failed(),
        _ => return None,
    })
}

#[component]
fn OrderNumber(order: Order) -> impl IntoView {
    view! { <p class="fine">{words_of_order::number()}" "<code>{order.id().to_string()}</code></p> }
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
    match (order.class(), code) {
        (Some(_), Some("machine_lost")) => words::left_class_lost(),
        (Some(_), _) => words::left_class(),
        (None, Some("hours_over")) => words::left_hours(),
        (None, Some("destroyed")) => words::left_destroyed(),
        (None, Some("machine_lost")) => words::left_lost(),
        (None, _) => words::left(),
    }
}
