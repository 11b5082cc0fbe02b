//! When the machine ends: its row among the facts, and the warning while there is still time to act.

use super::Order;
use super::extend::HOURS_FIELD;
use crate::announce::announcer;
use crate::browser::focus;
use crate::components::countdown::{Countdown, seconds_until};
use crate::components::notice::{Notice, Tone};
use crate::figures::local_time;
use kindling_domain::time::{UnixMillis, WireTime};
use leptos::prelude::*;

const DAY: u64 = 24 * 3600;

/// The end in local time, and how long that is from now.
#[component]
pub fn EndsRow(at: UnixMillis) -> impl IntoView {
    let seconds = seconds_until(at);
    view! {
        <div class="value">
            <dt>"Ends"</dt>
            <dd>
                <time datetime=WireTime(at).to_string()>{local_time(at)}</time>
                <span class="muted">
                    {move || if seconds.get() > 0 { "in " } else { "now" }}
                    {move || (seconds.get() > 0).then(|| view! { <Countdown seconds=seconds/> })}
                </span>
            </dd>
        </div>
    }
    .into_any()
}

/// Shown for the last day, or the last quarter of a shorter time.
#[component]
pub fn EndsSoon(order: Order, at: UnixMillis) -> impl IntoView {
    let seconds = seconds_until(at);
    let per_hours = Memo::new(move |_| {
        let view = order.feed.view.read();
        Some(view.as_ref()?.extension.as_ref()?.per_hours)
    });
    let is_soon = Memo::new(move |_| {
        let quarter = per_hours.get().map_or(DAY, |hours| u64::from(hours) * 900);
        seconds.get() <= DAY.min(quarter)
    });
    let thing = order.thing();
    let all = match order.class() {
        None => "This machine and everything on it",
        Some(_) => "This class with all its nodes",
    };
    let announcer = announcer();
    Effect::new(move |before: Option<bool>| {
        let now = is_soon.get();
        // Where it is soon already when the page comes, the notice is read with the page.
        if now && before == Some(false) {
            announcer.say(format!("Your {thing} is removed at {}.", local_time(at)));
        }
        now
    });
    move || {
        is_soon.get().then(|| {
            view! {
                <Notice tone=Tone::Warning title=format!("Your {thing} ends soon")>
                    <p>
                        {format!("{all} is removed at {}. ", local_time(at))}
                        {move || match per_hours.get() {
                            Some(_) => "Extend it or take what you need off it.",
                            None => "Take what you need off it.",
                        }}
                    </p>
                    {move || per_hours.get().map(|_| view! {
                        <button type="button" class="button small" on:click=move |_| focus(HOURS_FIELD)>"Extend it"</button>
                    })}
                </Notice>
            }
        })
    }
}
