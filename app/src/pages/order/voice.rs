//! The machine's voice: whether a machine's key is bound to the order, and the two ways to change that. The one-shot token is shown
//! once and kept nowhere.

use super::Order;
use super::act::Acting;
use super::sure::Sure;
use crate::announce::announcer;
use crate::api::{self, Act};
use crate::browser::{System, focus, now_millis};
use crate::components::command::Command;
use crate::components::countdown::{Countdown, seconds_until};
use crate::components::field_error::FieldError;
use crate::figures::local_time;
use crate::ssh_commands::Target;
use crate::words::node_voice as words;
use kindling_domain::wire::{PairingResponse, PairingView};
use leptos::prelude::*;
use leptos::task::spawn_local;

const TOKEN_TITLE: &str = "pair-token-title";
const STANDING: &str = "pair-standing";

/// The panel; nothing where the machine is make-believe and has no voice.
pub fn voice(order: Order, system: RwSignal<System>, target: Memo<Option<Target>>) -> AnyView {
    let pairing = Memo::new(move |_| order.feed.view.with(|view| view.as_ref()?.pairing));
    let is_there = Memo::new(move |_| pairing.with(Option::is_some));
    (move || {
        is_there
            .get()
            .then(|| panel(order, pairing, system, target))
    })
    .into_any()
}

fn panel(
    order: Order,
    pairing: Memo<Option<PairingView>>,
    system: RwSignal<System>,
    target: Memo<Option<Target>>,
) -> AnyView {
    let issued = RwSignal::new(None::<PairingResponse>);
    forget_when_done(pairing, issued);
    let is_paired = Memo::new(move |_| pairing.get().is_some_and(|pairing| pairing.paired));
    let stands = move || {
        let pairing = pairing.get()?;
        let standing = standing(&pairing);
        let open = pairing.token_expires_at.filter(|at| at.0.0 > now_millis());
        let earlier = match (open, issued.get()) {
            (Some(at), None) => Some(words::earlier_token(&local_time(at.0))),
            _ => None,
        };
        let earlier = earlier.map(|sentence| view! { " "<span>{sentence}</span> });
        Some(view! { <span>{standing}</span>{earlier} })
    };
    view! {
        <details class="card folded">
            <summary>{words::title()}</summary>
            <div class="stack">
                <p>{words::means()}</p>
                <p id=STANDING tabindex="-1"><strong>{stands}</strong></p>
                {move || match issued.get() {
                    Some(one) => token(&one, issued, system, target),
                    None => pair_again(order, issued),
                }}
                {move || is_paired.get().then(|| revoke(order))}
            </div>
        </details>
    }
    .into_any()
}

fn standing(pairing: &PairingView) -> String {
    let since = pairing.since.map(|at| local_time(at.0));
    match (pairing.paired, since) {
        (true, Some(since)) => words::paired_since(&since),
        (true, None) => words::paired().to_owned(),
        (false, Some(since)) => words::revoked_on(&since),
        (false, None) => words::not_paired().to_owned(),
    }
}

/// A token is of no use any more once it was used, was replaced or died.
fn forget_when_done(pairing: Memo<Option<PairingView>>, issued: RwSignal<Option<PairingResponse>>) {
    let announcer = announcer();
    // The view that knows the token may come after the answer that brings it.
    let known = StoredValue::new(false);
    Effect::new(move |before: Option<Option<PairingView>>| {
        let now = pairing.get();
        let token = issued.with(|issued| issued.as_ref().map(|issued| issued.expires_at));
        let open = now.and_then(|now| now.token_expires_at);
        match token {
            None => known.set_value(false),
            Some(_) if token == open => known.set_value(true),
            Some(_) if known.get_value() => {
                issued.set(None);
                request_animation_frame(|| focus(STANDING));
            }
            Some(_) => {}
        }
        if let (Some(Some(before)), Some(now)) = (before, now)
            && before.since != now.since
        {
            announcer.say(standing(&now));
        }
        now
    });
}

fn pair_again(order: Order, issued: RwSignal<Option<PairingResponse>>) -> AnyView {
    let announcer = announcer();
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<String>);
    let start = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        trouble.set(None);
        spawn_local(async move {
            let keys = order.keys();
            let answer = api::pair_again(&keys.order_id, &keys.access_token).await;
            // The person may have moved on meanwhile.
            if busy.try_set(false).is_some() {
                return;
            }
            match answer {
                Ok(answer) => {
                    issued.set(Some(answer));
                    announcer.say(words::token_here());
                    request_animation_frame(|| focus(TOKEN_TITLE));
                }
                Err(failure) => trouble.set(Some(failure.sentence())),
            }
            order.feed.refresh();
        });
    };
    view! {
        <div class="stack tight">
            <p class="muted">{words::pair_means()}</p>
            <div class="row">
                <button type="button" class="button" aria-disabled=move || busy.get().then_some("true") on:click=start>
                    {move || if busy.get() { words::making_token() } else { words::pair_again() }}
                </button>
            </div>
            <FieldError id="pair-error" trouble=trouble/>
        </div>
    }
    .into_any()
}

fn token(
    one: &PairingResponse,
    issued: RwSignal<Option<PairingResponse>>,
    system: RwSignal<System>,
    target: Memo<Option<Target>>,
) -> AnyView {
    let left = seconds_until(one.expires_at.0);
    let is_over = Memo::new(move |_| left.get() == 0);
    let command = move || {
        let text = target
            .get()?
            .dialogue(system.get(), "/opt/kindling/ops.sh pair");
        Some(view! { <Command text=text what=words::pair_command()/> })
    };
    view! {
        <div class="confirm">
            <h3 id=TOKEN_TITLE tabindex="-1">{words::token_title()}</h3>
            <ol class="how">
                <li><p>{words::run()}</p>{command}</li>
                <li>
                    <p>{words::paste()}</p>
                    // Opened because the person asked for it; it is shown this once, and on no paper.
                    <div class="unprinted"><Command text=one.token.expose().to_owned() what=words::the_token()/></div>
                </li>
            </ol>
            {move || match is_over.get() {
                true => view! {
                    <p>{words::run_out()}</p>
                    <p><button type="button" class="button" on:click=move |_| issued.set(None)>{words::another()}</button></p>
                }
                .into_any(),
                false => good_for(left),
            }}
        </div>
    }
    .into_any()
}

/// How long the token is good, with the clock where the language has it.
fn good_for(left: Signal<u64>) -> AnyView {
    const CLOCK: char = '\u{1}';
    let sentence = words::good_for(&CLOCK.to_string());
    let (before, after) = sentence.split_once(CLOCK).unwrap_or_default();
    let (before, after) = (before.to_owned(), after.to_owned());
    view! { <p>{before}<Countdown seconds=left/>{after}</p> }.into_any()
}

fn revoke(order: Order) -> AnyView {
    let act = Acting::new(order);
    let form = Sure {
        class: "stack tight",
        warning: words::revoke_means(),
        tick: words::revoke_tick(),
        button: words::revoke(),
        busy: words::revoking(),
        error_id: "revoke-error",
    };
    let start = move || act.start(Act::RevokePairing, Some(Box::new(|| focus(STANDING))));
    view! {
        <details>
            <summary>{words::revoke_title()}</summary>
            {form.form(act, start)}
        </details>
    }
    .into_any()
}
