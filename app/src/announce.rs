//! The one polite live region: what changed, said once.

use leptos::prelude::*;

/// Says things to screen readers; found by `use_context`.
#[derive(Clone, Copy, Default)]
pub struct Announcer(RwSignal<String>);

impl Announcer {
    /// Replaces what the region says; the same text again stays silent.
    pub fn say(self, text: impl Into<String>) {
        let text = text.into();
        if self.0.with_untracked(|old| *old != text) {
            self.0.set(text);
        }
    }
}

/// The announcer of the app.
pub fn announcer() -> Announcer {
    use_context().unwrap_or_default()
}

/// Where it is read from.
#[component]
pub fn LiveRegion() -> impl IntoView {
    let Announcer(text) = announcer();
    view! { <p class="visually-hidden" role="status" aria-live="polite">{text}</p> }
}
