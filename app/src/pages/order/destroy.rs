//! The machine's early end: folded away, and behind a tick that says what is lost.

use super::Order;
use super::act::Acting;
use super::sure::Sure;
use crate::api::Act;
use leptos::prelude::*;

/// Two steps, because it cannot be undone.
#[component]
pub fn EndNow(order: Order) -> impl IntoView {
    let act = Acting::new(order);
    let is_class = order.class().is_some();
    let words = Sure {
        class: "stack",
        warning: if is_class {
            "All nodes of the class and the machine they run on are removed at once and for good, and the cards open nothing any more. Nobody can bring them back."
        } else {
            "The machine, its disk and everything on it are removed at once and for good: the node, its wallets, what is in them. Nobody can bring them back."
        },
        tick: "I have taken what I need; there is no money back",
        button: if is_class {
            "Remove my class"
        } else {
            "Remove my machine"
        },
        busy: if is_class {
            "Ending your class…"
        } else {
            "Ending your machine…"
        },
        error_id: "end-now-error",
    };
    view! {
        <details class="card folded">
            <summary>"End it now"</summary>
            {words.form(act, move || act.start(Act::Destroy, None))}
        </details>
    }
    .into_any()
}
