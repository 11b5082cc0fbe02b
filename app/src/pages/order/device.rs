//! The order and this device: keeping it here, its last known state where the server cannot be asked, and the notification when it is ready.

use super::{Opening, Order};
use crate::announce::announcer;
use crate::api::Failure;
use crate::browser::{focus, is_offline, now_millis};
use crate::components::heading::Heading;
use crate::components::notice::{Notice, Tone};
use crate::components::rich::Rich;
use crate::device::bell::{self, Bell, Trouble};
use crate::device::{self, Last};
use crate::figures::{local_time, sats};
use crate::frame::paying;
use crate::pages::my_orders::{Removal, named, stood};
use crate::shop::shop;
use crate::words::{device as words, push};
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::{OrderView, StateName};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The headings take the focus when the button below them gives way to another.
const KEEP_HEADING: &str = "on-this-device";
const RING_HEADING: &str = "tell-me";

fn now() -> UnixMillis {
    UnixMillis(now_millis())
}

/// While there is nothing to show yet: the last known state of a kept order once it is clear that the server does not answer.
#[component]
pub fn Meanwhile(order: Order) -> impl IntoView {
    let last = RwSignal::new(None::<Last>);
    let id = order.id();
    spawn_local(async move {
        // The person may have moved on meanwhile.
        let _ = last.try_set(device::last(id).await);
    });
    let is_cut_off = Memo::new(move |_| {
        let failure = order.feed.failure.read();
        matches!(&*failure, Some(Failure::Unreachable | Failure::Strange))
    });
    move || match last.get().filter(|_| is_cut_off.get()) {
        Some(last) => last_known(order, &last),
        None => view! { <Opening/> }.into_any(),
    }
}

fn last_known(order: Order, last: &Last) -> AnyView {
    let title = if is_offline() {
        words::offline()
    } else {
        words::unreachable()
    };
    let as_it_was = words::as_it_was(&local_time(last.at));
    let row = |name: &'static str, value: String| {
        view! { <div class="value"><dt>{name}</dt><dd>{value}</dd></div> }
    };
    view! {
        <section class="narrow">
            <Heading text=words::last_known()/>
            <Notice tone=Tone::Info title=title>
                <p>{as_it_was}</p>
            </Notice>
            <dl class="card facts">
                {row(words::state(), stood(last))}
                {row(words::product(), named(last.product))}
                {row(words::price(), sats(last.amount))}
                {last.ends_at.map(|at| row(words::end(), local_time(at)))}
                <div class="value"><dt>{words::number()}</dt><dd><code dir="ltr">{order.id().to_string()}</code></dd></div>
            </dl>
        </section>
    }
    .into_any()
}

/// What this device can do for the order, below its page. It also follows the order: its state is written while it is kept, and no new
/// version is offered while an invoice is open.
#[component]
pub fn OnDevice(order: Order) -> impl IntoView {
    let view = order.feed.view;
    let paying = paying().0;
    Effect::new(move || {
        paying.set(view.with(|view| view.as_ref().is_some_and(has_invoice)));
    });
    on_cleanup(move || paying.set(false));
    let id = order.id();
    let last = Memo::new(move |_| view.with(|view| Some(Last::seen(view.as_ref()?, now()))));
    Effect::new(move || {
        let Some(last) = last.get() else {
            return;
        };
        if !matches!(
            last.state,
            StateName::AwaitingPayment | StateName::Provisioning
        ) {
            spawn_local(bell::is_over(id));
        }
        spawn_local(device::note(id, last));
    });
    let is_building =
        Memo::new(move |_| view.with(|view| Some(view.as_ref()?.state == StateName::Provisioning)));
    let is_shown = Memo::new(
        move |_| match last.with(|last| Some(last.as_ref()?.state)) {
            None => false,
            // First the link is saved, in a place that outlives this device.
            Some(StateName::AwaitingPayment) => order.saved.get(),
            Some(_) => true,
        },
    );
    view! {
        {move || (is_building.get() == Some(true)).then(|| view! { <Ring order=order/> })}
        {move || is_shown.get().then(|| view! { <Keep order=order last=last/> })}
    }
}

/// For the machine, or for more of its time.
fn has_invoice(view: &OrderView) -> bool {
    let extension = view.extension.as_ref();
    view.invoice.is_some() || extension.is_some_and(|it| it.invoice.is_some())
}

#[component]
fn Keep(order: Order, last: Memo<Option<Last>>) -> impl IntoView {
    let kept = RwSignal::new(None::<bool>);
    let trouble = RwSignal::new(None::<&'static str>);
    let announcer = announcer();
    let id = order.id();
    spawn_local(async move {
        let is_kept = device::last(id).await.is_some();
        // The person may have moved on meanwhile; so below.
        let _ = kept.try_set(Some(is_kept));
    });
    let keep = move |_| {
        let Some(last) = last.get_untracked() else {
            return;
        };
        spawn_local(async move {
            let done = device::keep(&order.keys(), last).await.is_ok();
            let _ = trouble.try_set((!done).then(words::keep_trouble));
            if done {
                announcer.say(words::kept());
                let _ = kept.try_set(Some(true));
                focus(KEEP_HEADING);
            }
        });
    };
    let remove = Callback::new(move |()| {
        spawn_local(async move {
            let done = device::forget(id).await.is_ok();
            let _ = trouble.try_set((!done).then(words::remove_trouble));
            if done {
                announcer.say(words::removed());
                let _ = kept.try_set(Some(false));
                focus(KEEP_HEADING);
            }
        });
    });
    move || {
        let body = match kept.get()? {
            true => view! {
                <p><Rich text=words::kept_means() hrefs=&["/orders"]/></p>
                <Removal
                    label=words::remove_here()
                    name=words::remove_here().to_owned()
                    means=words::remove_means()
                    act=remove
                />
            }
            .into_any(),
            false => view! {
                <p><Rich text=words::keep_means() hrefs=&["/orders"]/></p>
                <button type="button" class="button" on:click=keep>{words::keep()}</button>
            }
            .into_any(),
        };
        Some(view! {
            <section class="card stack tight device-box" aria-labelledby=KEEP_HEADING>
                <h2 id=KEEP_HEADING tabindex="-1">{words::here()}</h2>
                {body}
                {move || trouble.get().map(|sentence| view! { <p class="field-error" role="alert">{sentence}</p> })}
            </section>
        })
    }
}

/// The notification. Nothing where the server sends none.
#[component]
fn Ring(order: Order) -> impl IntoView {
    let shop = shop();
    let key = Memo::new(move |_| shop.catalogue()?.push_key.clone());
    let bell = RwSignal::new(None::<Bell>);
    let trouble = RwSignal::new(None::<String>);
    let is_busy = RwSignal::new(false);
    let announcer = announcer();
    let id = order.id();
    spawn_local(async move {
        let found = bell::look(id).await;
        // The person may have moved on meanwhile; so below.
        let _ = bell.try_set(Some(found));
    });
    let settle = move |outcome: Result<Bell, Trouble>| {
        let _ = is_busy.try_set(false);
        match outcome {
            Ok(now) => {
                announcer.say(if now == Bell::On {
                    push::on()
                } else {
                    push::off()
                });
                let _ = bell.try_set(Some(now));
                focus(RING_HEADING);
            }
            Err(Trouble::Denied) => drop(bell.try_set(Some(Bell::Denied))),
            Err(Trouble::NoAddress) => drop(trouble.try_set(Some(push::trouble().to_owned()))),
            Err(Trouble::Server(failure)) => drop(trouble.try_set(Some(failure.sentence()))),
        }
    };
    let press = move |wanted: Bell| {
        let Some(key) = key.get_untracked() else {
            return;
        };
        if is_busy.get_untracked() {
            return;
        }
        is_busy.set(true);
        trouble.set(None);
        spawn_local(async move {
            let keys = order.keys();
            let outcome = match wanted {
                Bell::On => bell::turn_on(&keys, &key).await,
                _ => bell::turn_off(&keys).await,
            };
            settle(outcome.map(|()| wanted));
        });
    };
    let button = move |label: &'static str, wanted: Bell| {
        view! {
            <button
                type="button"
                class="button"
                aria-disabled=move || is_busy.get().then_some("true")
                on:click=move |_| press(wanted)
            >
                {label}
            </button>
        }
    };
    move || {
        key.with(Option::is_some).then_some(())?;
        let body = match bell.get()? {
            Bell::Unsupported => view! { <p>{push::unsupported()}</p> }.into_any(),
            Bell::HomeScreen => view! { <p>{push::home_screen()}</p> }.into_any(),
            Bell::Denied => view! { <p>{push::denied()}</p> }.into_any(),
            Bell::Off => {
                view! { <p>{push::means()}</p>{button(push::turn_on(), Bell::On)} }.into_any()
            }
            Bell::On => {
                view! { <p>{push::on()}</p>{button(push::turn_off(), Bell::Off)} }.into_any()
            }
        };
        Some(view! {
            <section class="card stack tight device-box" aria-labelledby=RING_HEADING>
                <h2 id=RING_HEADING tabindex="-1">{push::title()}</h2>
                {body}
                {move || trouble.get().map(|sentence| view! { <p class="field-error" role="alert">{sentence}</p> })}
            </section>
        })
    }
}
