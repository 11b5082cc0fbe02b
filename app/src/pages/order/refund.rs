//! What is owed back or was paid back, and where it goes. The address can be given and changed until a payment is on its way.

use super::Order;
use super::act::Acting;
use crate::announce::announcer;
use crate::api::Act;
use crate::browser::focus;
use crate::components::address_field::AddressField;
use crate::components::notice::{Notice, Tone};
use crate::figures::sats;
use crate::words::{language, order_refund as words};
use kindling_domain::wire::{RefundState, RefundView};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

const TITLE: &str = "refund-title";

/// The refund of an order; nothing where there is none. `why` says what it is for where that is not plain.
#[component]
pub fn Refund(order: Order, #[prop(optional)] why: Option<&'static str>) -> impl IntoView {
    let refund = Memo::new(move |_| order.feed.view.with(|view| view.as_ref()?.refund.clone()));
    let is_there = Memo::new(move |_| refund.with(Option::is_some));
    move || {
        is_there
            .get()
            .then(|| view! { <Card order=order refund=refund why=why/> })
    }
}

#[component]
fn Card(
    order: Order,
    refund: Memo<Option<RefundView>>,
    why: Option<&'static str>,
) -> impl IntoView {
    // What is typed outlives everything that is drawn anew below.
    let typed = refund.with_untracked(|refund| refund.as_ref().and_then(mistyped));
    let typed = RwSignal::new(typed.unwrap_or_default());
    let act = Acting::new(order);
    follow(refund, typed);
    view! {
        <section class="card stack refund" aria-labelledby=TITLE>
            <h2 id=TITLE tabindex="-1">{words::title()}</h2>
            {move || refund.get().map(|refund| standing(&refund, why))}
            {move || {
                let form = move || view! { <Form refund=refund typed=typed act=act/> };
                let refund = refund.get().filter(|refund| refund.state == RefundState::Owed)?;
                Some(if refund.to.is_some() && refund.problem.is_none() {
                    view! {
                        <details>
                            <summary>{words::elsewhere()}</summary>
                            {form()}
                        </details>
                    }
                    .into_any()
                } else {
                    form().into_any()
                })
            }}
        </section>
    }
    .into_any()
}

/// An address that could not be paid is most likely to need one letter changed; an invoice is not.
fn mistyped(refund: &RefundView) -> Option<String> {
    refund.problem.as_ref()?;
    refund.to.clone().filter(|to| to.contains('@'))
}

fn standing(refund: &RefundView, why: Option<&'static str>) -> AnyView {
    let (class, mark) = match refund.state {
        RefundState::Owed => (
            "standing",
            view! { <span class="mark">"!"</span> }.into_any(),
        ),
        RefundState::Paying => (
            "standing paying",
            view! { <span class="pulse"></span> }.into_any(),
        ),
        RefundState::Paid => (
            "standing paid",
            view! { <span class="mark">"✓"</span> }.into_any(),
        ),
    };
    let what_now = match (refund.state, &refund.to, &refund.problem) {
        (RefundState::Owed, None, _) => Some(words::say_where()),
        (RefundState::Owed, Some(_), None) => Some(words::sent_soon()),
        (RefundState::Owed, Some(_), Some(_)) | (RefundState::Paid, ..) => None,
        (RefundState::Paying, ..) => Some(words::under_way()),
    };
    let partly = refund.state != RefundState::Paid && refund.paid_sats.sats() > 0;
    let partly = partly.then(|| words::partly(&sats(refund.paid_sats)));
    let goes = match refund.state {
        RefundState::Paid => words::sent_to(),
        _ => words::goes_to(),
    };
    let problem = problem(refund).filter(|_| refund.state == RefundState::Owed);
    view! {
        <p class=class>
            <span aria-hidden="true">{mark}</span>
            <strong>{sentence(refund)}</strong>
        </p>
        {why.map(|why| view! { <p>{why}</p> })}
        {partly.map(|partly| view! { <p>{partly}</p> })}
        {what_now.map(|what_now| view! { <p class="muted">{what_now}</p> })}
        {refund.to.as_deref().map(recognisable).map(|to| view! {
            <dl>
                <div class="value">
                    <dt>{goes}</dt>
                    <dd><code>{to}</code></dd>
                </div>
            </dl>
        })}
        {problem.map(|problem| view! {
            <Notice tone=Tone::Warning title=words::problem()>
                <p>{problem}</p>
            </Notice>
        })}
    }
    .into_any()
}

/// Invoices are long, and nobody reads them: enough to know which one it was.
fn recognisable(to: &str) -> String {
    match (to.get(..32), to.get(to.len().saturating_sub(8)..)) {
        (Some(head), Some(tail)) if to.len() > 64 => format!("{head}…{tail}"),
        _ => to.to_owned(),
    }
}

/// Where it stands, in one sentence.
fn sentence(refund: &RefundView) -> String {
    match refund.state {
        RefundState::Owed => words::owed(&sats(refund.owed_sats)),
        RefundState::Paying => words::paying(&sats(refund.owed_sats)),
        RefundState::Paid => words::paid(&sats(refund.paid_sats)),
    }
}

/// The same, to be said.
fn said(refund: &RefundView) -> String {
    match refund.state {
        RefundState::Owed => words::owed_say(&sats(refund.owed_sats)),
        RefundState::Paying => words::paying_say(&sats(refund.owed_sats)),
        RefundState::Paid => words::paid_say(&sats(refund.paid_sats)),
    }
}

/// Why it could not be paid. The server knows it exactly, but in English only.
fn problem(refund: &RefundView) -> Option<String> {
    let problem = refund.problem.as_ref()?;
    Some(match language().as_str() {
        "en" => problem.clone(),
        _ => words::problem_means().to_owned(),
    })
}

/// Tells screen readers each change that they have not asked for themselves, and offers an address that did not work for correction.
fn follow(refund: Memo<Option<RefundView>>, typed: RwSignal<String>) {
    let announcer = announcer();
    Effect::new(move |before: Option<Option<RefundView>>| {
        let now = refund.get();
        if let (Some(Some(before)), Some(now)) = (before, &now) {
            if now.state != before.state {
                announcer.say(said(now));
            } else if let Some(problem) = problem(now)
                && before.problem != now.problem
            {
                announcer.say(problem);
                if typed.with_untracked(String::is_empty) {
                    typed.set(mistyped(now).unwrap_or_default());
                }
            }
        }
        now
    });
}

#[component]
fn Form(refund: Memo<Option<RefundView>>, typed: RwSignal<String>, act: Acting) -> impl IntoView {
    let announcer = announcer();
    let owed = move || refund.with(|refund| refund.as_ref().map(|refund| sats(refund.owed_sats)));
    let hint = Signal::derive(move || words::hint(&owed().unwrap_or_default()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let to = typed.get_untracked().trim().to_owned();
        if to.is_empty() {
            return act.trouble.set(Some(words::empty().to_owned()));
        }
        let done = move || {
            typed.set(String::new());
            announcer.say(words::kept());
            // The form folds away, and what had the focus with it.
            focus(TITLE);
        };
        act.start(Act::Refund(to), Some(Box::new(done)));
    };
    view! {
        <form class="stack" novalidate on:submit=submit>
            <AddressField label=words::where_to() hint=hint value=typed trouble=act.trouble/>
            <div class="row">
                <button type="submit" class="button primary" aria-disabled=move || act.busy.get().then_some("true")>
                    {move || if act.busy.get() { words::checking() } else { words::use_address() }}
                </button>
            </div>
        </form>
    }
    .into_any()
}
