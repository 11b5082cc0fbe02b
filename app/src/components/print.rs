//! The page on paper: without its secrets, unless the person ticks otherwise.

use crate::announce::announcer;
use crate::words::copy as words;
use leptos::prelude::*;

/// The tick, which whoever holds secrets has to follow, and the button.
#[component]
pub fn PrintChoice(with_secrets: RwSignal<bool>) -> impl IntoView {
    let announcer = announcer();
    let print = move |_| {
        if window().print().is_err() {
            announcer.say(words::print_failed());
        }
    };
    view! {
        <div class="print-choice stack tight">
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=with_secrets
                    on:change:target=move |event| with_secrets.set(event.target().checked())
                />
                <span>{words::print_with_secrets()}</span>
            </label>
            <div class="row">
                <button type="button" class="button" on:click=print>{words::print()}</button>
            </div>
            <p class="fine">{words::print_means()}</p>
        </div>
    }
    .into_any()
}
