//! The machine's early end: folded away, and behind a tick that says what is lost.

use super::Order;
use super::act::Acting;
use super::sure::Sure;
use crate::api::Act;
use crate::words::order as words;
use leptos::prelude::*;

/// Two steps, because it cannot be undone.
#[component]
pub fn EndNow(order: Order) -> impl IntoView {
    let act = Acting::new(order);
    let is_class = order.class().is_some();
    let sure = Sure {
        class: "stack",
        warning: if is_class {
            words::end_warning_class()
        } else {
            words::end_warning_node()
        },
        tick: words::end_tick(),
        button: if is_class {
            words::end_class()
        } else {
            words::end_node()
        },
        busy: if is_class {
            words::ending_class()
        } else {
            words::ending_node()
        },
        error_id: "end-now-error",
    };
    view! {
        <details class="card folded">
            <summary>{words::end_now()}</summary>
            {sure.form(act, move || act.start(Act::Destroy, None))}
        </details>
    }
    .into_any()
}
