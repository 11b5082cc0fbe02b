//! "Paid, but nothing happens?": what to think of it, and a look-up that says what it found.

use super::Order;
use crate::announce::announcer;
use crate::browser::now_millis;
use crate::figures::{TIME_OF_DAY, local_parts};
use crate::words::checkout as words;
use js_sys::Promise;
use kindling_domain::time::UnixMillis;
use kindling_domain::wire::StateName;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

/// Being asked makes the server ask Lightning, which takes it a moment, and only the next answer has what came of it.
const MOMENT_MILLIS: i32 = 2000;

/// Folded away until somebody needs it.
#[component]
pub fn Help(order: Order) -> impl IntoView {
    let busy = RwSignal::new(false);
    let found = RwSignal::new(None::<String>);
    let announcer = announcer();
    let look = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        found.set(None);
        spawn_local(async move {
            let sentence = look_up(order).await;
            // A payment that was found has moved the order on, and this with it.
            if busy.try_set(false).is_none() {
                announcer.say(&*sentence);
                found.set(Some(sentence));
            }
        });
    };
    let is_first = order.feed.view.with_untracked(|view| {
        view.as_ref()
            .is_some_and(|view| view.state == StateName::AwaitingPayment)
    });
    let late = if is_first {
        words::help_late_order()
    } else {
        words::help_late_hours()
    };
    view! {
        <details class="help">
            <summary>{words::help()}</summary>
            <div class="stack tight">
                <p>{words::help_wait()}</p>
                <p>{words::help_look()}</p>
                <div class="row">
                    <button
                        type="button"
                        class="button small"
                        aria-disabled=move || busy.get().then_some("true")
                        on:click=look
                    >
                        {move || if busy.get() { words::looking() } else { words::look_up() }}
                    </button>
                </div>
                {move || found.get().map(|sentence| view! { <p class="found">{sentence}</p> })}
                <p>{late}</p>
            </div>
        </details>
    }
    .into_any()
}

/// What is to be said where the order is still the same afterwards.
async fn look_up(order: Order) -> String {
    let asked = UnixMillis(now_millis());
    if let Err(failure) = order.feed.look().await {
        return [words::not_looked(), " ", &failure.sentence()].concat();
    }
    moment().await;
    match order.feed.look().await {
        Ok(()) => words::not_seen(&local_parts(asked, TIME_OF_DAY)),
        Err(failure) => [words::not_looked(), " ", &failure.sentence()].concat(),
    }
}

async fn moment() {
    let promise = Promise::new(&mut |done, _| {
        // Fails for nothing that is called with a function and a number.
        let _ =
            window().set_timeout_with_callback_and_timeout_and_arguments_0(&done, MOMENT_MILLIS);
    });
    // A timer does not fail.
    let _ = JsFuture::from(promise).await;
}
