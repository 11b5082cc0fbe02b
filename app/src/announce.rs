//! The one polite live region: what changed, said once.
//!
//! A heading that takes the focus is read aloud by that; what it says is not said here as well.

use crate::components::changing;
use leptos::prelude::*;
use std::time::Duration;

/// Between emptying the region and filling it, so that the same words are a change again.
const GAP: Duration = Duration::from_millis(50);
/// How long the words stay: long enough to be picked up behind whatever is being read, and gone before anybody browses to them.
const STAY: Duration = Duration::from_secs(10);

/// Says things to screen readers; found by `use_context`.
#[derive(Clone, Copy)]
pub struct Announcer {
    text: RwSignal<String>,
    /// Counts what is said, so that what comes late for something older does nothing.
    turn: StoredValue<u32>,
}

impl Default for Announcer {
    fn default() -> Self {
        Self {
            text: RwSignal::new(String::new()),
            turn: StoredValue::new(0),
        }
    }
}

impl Announcer {
    /// Replaces what the region says. The same words again are said again.
    pub fn say(self, text: impl Into<String>) {
        let text = text.into();
        let turn = self.turn.get_value().wrapping_add(1);
        self.turn.set_value(turn);
        if self.text.with_untracked(|said| *said != text) {
            return self.fill(text, turn);
        }
        self.text.set(String::new());
        set_timeout(move || self.fill(text, turn), GAP);
    }

    fn fill(self, text: String, turn: u32) {
        if self.turn.get_value() != turn {
            return;
        }
        self.text.set(text);
        let clear = move || {
            if self.turn.get_value() == turn {
                self.text.set(String::new());
            }
        };
        set_timeout(clear, STAY);
    }
}

/// The announcer of the app.
pub fn announcer() -> Announcer {
    use_context().unwrap_or_default()
}

/// Where it is read from.
#[component]
pub fn LiveRegion() -> impl IntoView {
    let Announcer { text, .. } = announcer();
    view! { <p class="visually-hidden" role="status" aria-live="polite">{changing::text(move || text.get())}</p> }
}
