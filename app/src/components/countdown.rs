//! Time that runs out, as exactly as the person needs to know it.

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

/// From here on days say more than hours do.
const DAYS_FROM: u64 = 48 * 3600;

/// `14:07`, `2 h 05 min` while there is plenty, and `6 days 4 h` while there is more than that.
pub fn clock(seconds: u64) -> String {
    match seconds {
        0..3600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        3600..DAYS_FROM => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3600),
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
