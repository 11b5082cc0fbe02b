//! Time that runs out, in minutes and seconds.

use crate::browser::now_millis;
use kindling_domain::time::UnixMillis;
use leptos::prelude::*;
use std::time::Duration;

/// The whole seconds until a point in time, counted down; 0 afterwards.
pub fn seconds_until(until: UnixMillis) -> Signal<u64> {
    let left = move || until.since(UnixMillis(now_millis())).div_ceil(1000);
    let seconds = RwSignal::new(left());
    if let Ok(handle) =
        set_interval_with_handle(move || seconds.set(left()), Duration::from_secs(1))
    {
        on_cleanup(move || handle.clear());
    }
    seconds.into()
}

/// `14:07`, or `2 h 05 min` while there is plenty.
pub fn clock(seconds: u64) -> String {
    match seconds {
        0..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Shows it. The timer role keeps screen readers from reading every second.
#[component]
pub fn Countdown(seconds: Signal<u64>) -> impl IntoView {
    view! {
        <span class="countdown" class:short=move || seconds.get() < 300 role="timer">
            {move || clock(seconds.get())}
        </span>
    }
}
