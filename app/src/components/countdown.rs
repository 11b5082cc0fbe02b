//! Time that runs out, as exactly as the person needs to know it.

use crate::browser::now_millis;
use crate::figures::clock;
use kindling_domain::time::UnixMillis;
use leptos::prelude::*;
use std::time::Duration;

/// The customer's clock, read every second.
pub fn ticking() -> Signal<UnixMillis> {
    let read = || UnixMillis(now_millis());
    let now = RwSignal::new(read());
    if let Ok(handle) = set_interval_with_handle(move || now.set(read()), Duration::from_secs(1)) {
        on_cleanup(move || handle.clear());
    }
    now.into()
}

/// The whole seconds until a point in time, counted down; 0 afterwards.
pub fn seconds_until(until: UnixMillis) -> Signal<u64> {
    let now = ticking();
    Signal::derive(move || until.since(now.get()).div_ceil(1000))
}

/// Shows it. The timer role keeps screen readers from reading every second.
#[component]
pub fn Countdown(
    seconds: Signal<u64>,
    /// The sentence that the time stands in, where it does not stand alone.
    #[prop(optional)]
    within: Option<fn(&str) -> String>,
) -> impl IntoView {
    let shown = move || {
        let left = clock(seconds.get());
        within.map_or(left.clone(), |within| within(&left))
    };
    view! {
        <span class="countdown" class:short=move || seconds.get() < 300 role="timer">
            {shown}
        </span>
    }
}
