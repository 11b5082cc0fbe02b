//! When the machine ends: its row among the facts, and the warning while there is still time to act.

use super::Order;
use super::extend::HOURS_FIELD;
use crate::announce::announcer;
use crate::browser::focus;
use crate::components::countdown::{Countdown, seconds_until};
use crate::components::notice::{Notice, Tone};
use crate::figures::local_time;
use crate::words::order_time as words;
use kindling_domain::time::{UnixMillis, WireTime};
use leptos::prelude::*;

const DAY: u64 = 24 * 3600;

/// The end in local time, and how long that is from now.
#[component]
pub fn EndsRow(at: UnixMillis) -> impl IntoView {
    let seconds = seconds_until(at);
    let has_ended = Memo::new(move |_| seconds.get() == 0);
    view! {
        <div class="value">
            <dt>{words::ends()}</dt>
            <dd>
                <time datetime=WireTime(at).to_string()>{local_time(at)}</time>
                <span class="muted">
                    {move || if has_ended.get() {
                        words::ends_now().into_any()
                    } else {
                        view! { <Countdown seconds=seconds within=words::ends_in/> }.into_any()
                    }}
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
    let is_class = order.class().is_some();
    let (title, say): (_, fn(&str) -> String) = if is_class {
        (words::soon_class(), words::soon_say_class)
    } else {
        (words::soon_node(), words::soon_say_node)
    };
    let sentence = move |can_extend| match (can_extend, is_class) {
        (true, false) => words::soon_extend_node(&local_time(at)),
        (true, true) => words::soon_extend_class(&local_time(at)),
        (false, false) => words::soon_last_node(&local_time(at)),
        (false, true) => words::soon_last_class(&local_time(at)),
    };
    let announcer = announcer();
    Effect::new(move |before: Option<bool>| {
        let now = is_soon.get();
        // Where it is soon already when the page comes, the notice is read with the page.
        if now && before == Some(false) {
            announcer.say(say(&local_time(at)));
        }
        now
    });
    move || {
        is_soon.get().then(|| {
            view! {
                <Notice tone=Tone::Warning title=title>
                    <p>{move || sentence(per_hours.get().is_some())}</p>
                    {move || per_hours.get().map(|_| view! {
                        <button type="button" class="button small" on:click=move |_| focus(HOURS_FIELD)>{words::extend_it()}</button>
                    })}
                </Notice>
            }
        })
    }
}
