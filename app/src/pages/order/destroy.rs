//! The machine's early end: folded away, and behind a tick that says what is lost.

use super::Order;
use super::act::Acting;
use crate::api::Act;
use crate::components::field_error::FieldError;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// Two steps, because it cannot be undone.
#[component]
pub fn EndNow(order: Order) -> impl IntoView {
    let is_sure = RwSignal::new(false);
    let act = Acting::new(order);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if is_sure.get_untracked() {
            act.start(Act::Destroy, None);
        }
    };
    view! {
        <details class="card folded">
            <summary>"End it now"</summary>
            <form class="stack" on:submit=submit>
                <p>
                    "The machine, its disk and everything on it are removed at once and for good: the node, its wallets, what is in them.
                    Nobody can bring them back."
                </p>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=is_sure
                        on:change:target=move |event| is_sure.set(event.target().checked())
                    />
                    <span>"I have taken what I need; there is no money back"</span>
                </label>
                <div class="row">
                    <button
                        type="submit"
                        class="button danger"
                        disabled=move || !is_sure.get()
                        aria-disabled=move || act.busy.get().then_some("true")
                    >
                        {move || if act.busy.get() { "Ending your machine…" } else { "Remove my machine" }}
                    </button>
                </div>
                <FieldError id="end-now-error" trouble=act.trouble/>
            </form>
        </details>
    }
    .into_any()
}
