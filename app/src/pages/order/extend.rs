//! More time for the machine: how many hours, what they cost, and the invoice for them, checked against that price like the first one.

use super::Order;
use super::act::Acting;
use super::bill::Bill;
use crate::announce::announcer;
use crate::api::Act;
use crate::browser;
use crate::components::field_error::FieldError;
use crate::components::notice::{Notice, Tone};
use crate::figures::{hours_text, local_time, number, sats};
use crate::focus;
use crate::words::order_time as words;
use kindling_domain::money::Sats;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{ExtensionView, InvoiceView};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// The field's id, for those who point to it.
pub const HOURS_FIELD: &str = "extend-hours";
/// What is offered first to a class.
const CLASS_HOURS: u32 = 3;
const TITLE: &str = "extend-title";
const BILL_TITLE: &str = "extend-bill-title";

/// What hours cost and how many one may buy.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Terms {
    amount: Sats,
    per_hours: u32,
    max_hours: u32,
}

impl Terms {
    fn of(extension: &ExtensionView) -> Option<Self> {
        (extension.per_hours > 0 && extension.max_hours > 0).then_some(Self {
            amount: extension.amount_sats,
            per_hours: extension.per_hours,
            max_hours: extension.max_hours,
        })
    }

    /// In proportion, rounded up to a whole satoshi.
    fn price(self, hours: u32) -> Option<Sats> {
        let all = self.amount.sats().checked_mul(hours.into())?;
        Some(Sats::from_sats(all.div_ceil(self.per_hours.into())))
    }
}

/// The form and the invoice; nothing where no hours are sold.
#[component]
pub fn Extend(order: Order, ends_at: Memo<Option<UnixMillis>>) -> impl IntoView {
    let terms = Memo::new(move |_| {
        let view = order.feed.view.read();
        Terms::of(view.as_ref()?.extension.as_ref()?)
    });
    let is_sold = Memo::new(move |_| terms.with(Option::is_some));
    move || {
        is_sold
            .get()
            .then(|| view! { <Card order=order ends_at=ends_at terms=terms/> })
    }
}

#[component]
fn Card(
    order: Order,
    ends_at: Memo<Option<UnixMillis>>,
    terms: Memo<Option<Terms>>,
) -> impl IntoView {
    let bill = Memo::new(move |_| {
        let view = order.feed.view.read();
        let extension = view.as_ref()?.extension.as_ref()?;
        Some((extension.invoice.clone()?, extension.invoice_hours?))
    });
    // What the person has seen as the price of these hours when asking for the invoice.
    let agreed = StoredValue::new(None::<(u32, Sats)>);
    let price = move |hours| {
        agreed
            .get_value()
            .filter(|(agreed_hours, _)| *agreed_hours == hours)
            .map(|(_, price)| price)
            .or_else(|| terms.get_untracked()?.price(hours))
    };
    let paid = match order.class() {
        None => words::paid_node(),
        Some(_) => words::paid_class(),
    };
    let extended = more_time(paid, ends_at, agreed);
    view! {
        <section class="card stack" aria-labelledby=TITLE>
            <h2 id=TITLE tabindex="-1">{words::title()}</h2>
            {move || extended.get().map(|until| view! {
                <Notice tone=Tone::Info title=paid>
                    <p>{until}</p>
                </Notice>
            })}
            <Form order=order ends_at=ends_at terms=terms bill=bill agreed=agreed/>
            {move || bill.get().and_then(|(invoice, hours)| {
                let price = price(hours)?;
                focus::rescue(".invoice");
                // The invoice comes out of nowhere for those who do not see it: bring them there.
                if agreed.get_value().is_some() {
                    request_animation_frame(|| browser::focus(BILL_TITLE));
                }
                Some(view! {
                    <h3 id=BILL_TITLE tabindex="-1">{words::pay_for(&hours_text(hours))}</h3>
                    <Bill order=order invoice=invoice price=price class="invoice"/>
                })
            })}
        </section>
    }
    .into_any()
}

/// The new end once it has moved while this page is open.
fn more_time(
    paid: &'static str,
    ends_at: Memo<Option<UnixMillis>>,
    agreed: StoredValue<Option<(u32, Sats)>>,
) -> RwSignal<Option<String>> {
    let extended = RwSignal::new(None);
    let announcer = announcer();
    Effect::new(move |before: Option<Option<UnixMillis>>| {
        let now = ends_at.get();
        if let (Some(Some(before)), Some(now)) = (before, now)
            && now > before
        {
            let until = words::runs_until(&local_time(now));
            announcer.say([paid, ". ", &until].concat());
            extended.set(Some(until));
            // The invoice goes, and what had the focus with it.
            if agreed.get_value().is_some() {
                agreed.set_value(None);
                request_animation_frame(|| browser::focus(TITLE));
            }
        }
        now
    });
    extended
}

#[component]
fn Form(
    order: Order,
    ends_at: Memo<Option<UnixMillis>>,
    terms: Memo<Option<Terms>>,
    bill: Memo<Option<(InvoiceView, u32)>>,
    agreed: StoredValue<Option<(u32, Sats)>>,
) -> impl IntoView {
    let announcer = announcer();
    let act = Acting::new(order);
    let then_ends: fn(&str) -> String = match order.class() {
        None => words::then_ends_node,
        Some(_) => words::then_ends_class,
    };
    let max_hours = move || terms.get().map_or(1, |terms| terms.max_hours);
    let first = bill.get_untracked().map_or_else(
        || {
            // A lesson runs over by hours, however long it was bought for.
            let usual = order.class().map_or(u32::MAX, |_| CLASS_HOURS);
            let terms = terms.get_untracked();
            terms.map_or(1, |terms| terms.per_hours.min(terms.max_hours).min(usual))
        },
        |(_, hours)| hours,
    );
    let typed = RwSignal::new(first.to_string());
    let hours = Memo::new(move |_| {
        let hours: u32 = typed.with(|typed| typed.trim().parse().ok())?;
        (1..=max_hours()).contains(&hours).then_some(hours)
    });
    let price = move || terms.get()?.price(hours.get()?);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = untrack(|| hours.get().zip(price()));
        let Some((hours, price)) = wanted else {
            let sentence = words::not_hours(&number(untrack(max_hours).into()));
            act.trouble.set(Some(sentence));
            return browser::focus(HOURS_FIELD);
        };
        let done = move || {
            announcer.say(words::here_is_invoice(&hours_text(hours)));
            // It may be the one that is there already, which then does not come anew.
            browser::focus(BILL_TITLE);
        };
        // Before the answer, which the live connection may bring first.
        agreed.set_value(Some((hours, price)));
        act.start(Act::Extend(hours), Some(Box::new(done)));
    };
    // Not written back: what is no number yet reads as empty, and would be wiped while it is typed.
    let change = move |text: String| {
        typed.set(text);
        act.trouble.set(None);
    };
    let new_end = move || {
        let until = ends_at.get()?.plus_seconds(u64::from(hours.get()?) * 3600);
        Some(then_ends(&local_time(until)))
    };
    view! {
        <form class="stack" novalidate on:submit=submit>
            <div class="field">
                <label for=HOURS_FIELD>{words::hours_to_add()}</label>
                <input
                    type="number"
                    id=HOURS_FIELD
                    inputmode="numeric"
                    autocomplete="off"
                    min="1"
                    max=max_hours
                    step="1"
                    aria-describedby="extend-error extend-hint"
                    aria-invalid=move || act.trouble.with(Option::is_some).then_some("true")
                    value=first
                    on:input:target=move |event| change(event.target().value())
                />
                <FieldError id="extend-error" trouble=act.trouble/>
                <small id="extend-hint">{move || words::at_a_time(&number(max_hours().into()))}</small>
            </div>
            <output class="quote" for=HOURS_FIELD>
                <strong class="price">
                    {move || price().map_or_else(|| "…".to_owned(), sats)}
                </strong>
                <span class="muted">{move || hours.get().map(|hours| words::for_hours(&hours_text(hours)))}</span>
                <span class="muted">{new_end}</span>
            </output>
            <div class="row">
                <button type="submit" class="button primary" aria-disabled=move || act.busy.get().then_some("true")>
                    {move || if act.busy.get() { words::making_invoice() } else { words::get_invoice() }}
                </button>
            </div>
        </form>
    }
    .into_any()
}
