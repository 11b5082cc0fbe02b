//! Time that runs out, as exactly as the person needs to know it.

use crate::browser::now_millis;
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
