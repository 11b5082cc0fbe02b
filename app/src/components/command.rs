//! Text for a terminal, with its copy button.

use crate::components::copy::CopyButton;
use kindling_domain::secret::Secret;
use leptos::prelude::*;

/// A command. `what` says what it is, for the copy button's name.
#[component]
pub fn Command(#[prop(into)] text: String, #[prop(into)] what: String) -> impl IntoView {
    let label = what.clone();
    view! {
        <div class="command">
            // Scrolls sideways, so it has to be reachable by keyboard.
            <pre tabindex="0" dir="ltr" role="region" aria-label=label><code>{text.clone()}</code></pre>
            <CopyButton text=Secret::new(text) what=what/>
        </div>
    }
    .into_any()
}
