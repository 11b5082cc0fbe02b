//! Something that must not be on the screen before the person has looked over the shoulder.

use leptos::prelude::*;

/// A button that shows and hides what it holds; hidden things are not in the document at all.
#[component]
pub fn Reveal(
    /// What it is, for screen readers: "Show the seed words".
    what: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    view! {
        <div class="reveal">
            <button
                type="button"
                class="button small"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {move || if open.get() { "Hide" } else { "Show" }}
                <span class="visually-hidden">" "{what}</span>
            </button>
            {move || open.get().then(|| children())}
        </div>
    }
    .into_any()
}
